"""One set of datasets for all tests of notifications; each test begins with empty tables and a folder of its own."""

from pathlib import Path

import pytest

from conftest import fresh_settings
from incident_ledger.warehouse import Warehouse, connect
from incident_ledger.warehouse.tables import ensure_tables


@pytest.fixture(scope="session")
def shared_tables(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The runner's tables, made once."""
    warehouse = connect(fresh_settings(endpoint, tmp_path_factory.mktemp("notify")))
    ensure_tables(warehouse)
    return warehouse


@pytest.fixture
def warehouse(shared_tables: Warehouse, tmp_path: Path) -> Warehouse:
    return emptied(shared_tables, tmp_path)


def emptied(warehouse: Warehouse, folder: Path) -> Warehouse:
    """The same tables without rows, and another local folder."""
    for table in ("incident_events", "notifications"):
        warehouse.execute(f"delete from {warehouse.raw(table)} where true")
    settings = warehouse.settings.model_copy(update={"local_dir": folder / "local"})
    return Warehouse(warehouse.client, settings, warehouse.endpoint)
