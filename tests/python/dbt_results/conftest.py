"""The policy as the project ships it."""

import pytest

from conftest import PROJECT_DIR
from incident_ledger.policy import Policy, load_files


@pytest.fixture(scope="session")
def policy() -> Policy:
    """From the seed files."""
    return load_files(PROJECT_DIR / "seeds" / "policy")
