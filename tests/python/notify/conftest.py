"""The ledger of all tests with a folder of its own for what is sent."""

from pathlib import Path

import pytest

from incident_ledger.warehouse import Warehouse
from reused import Reused


@pytest.fixture
def ledger(reused: Reused, tmp_path: Path) -> Warehouse:
    """A ledger in which nothing happened, and nothing was sent."""
    return reused.like_new(tmp_path)


@pytest.fixture
def warehouse(ledger: Warehouse) -> Warehouse:
    """The tables that messages are in."""
    return ledger
