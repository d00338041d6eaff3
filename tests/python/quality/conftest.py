"""What the quality tests share."""

import pytest

from conftest import PROJECT_DIR, fresh_settings
from incident_ledger.policy import Policy, load_files
from incident_ledger.warehouse import Warehouse, connect


@pytest.fixture(scope="session")
def policy() -> Policy:
    """The playbook's own policy."""
    return load_files(PROJECT_DIR / "seeds" / "policy")


@pytest.fixture(scope="module")
def bare(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """A warehouse for trials that write no results: one dataset for the module."""
    warehouse = connect(fresh_settings(endpoint, tmp_path_factory.mktemp("bare")))
    warehouse.client.create_dataset(warehouse.settings.dataset, timeout=60)
    return warehouse
