"""What the quality tests share."""

import pytest

from conftest import PROJECT_DIR
from incident_ledger.policy import Policy, load_files


@pytest.fixture(scope="session")
def policy() -> Policy:
    """The playbook's own policy."""
    return load_files(PROJECT_DIR / "seeds" / "policy")
