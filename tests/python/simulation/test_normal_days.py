"""Days on which nothing happens give no incident."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from conftest import fresh_settings
from incident_ledger.importers.sinks import SINKS
from incident_ledger.ledger.setup import ensure_ledger
from incident_ledger.policy import load
from incident_ledger.simulation import NormalDays, Stage, live
from incident_ledger.warehouse import Warehouse, connect

# From a leap day and a month's end to the day on which the clocks change.
FIRST_DAY, DAYS = date(2028, 2, 28), 14
TABLES = ("pipeline_logs", "audit_logs", "key_inventory", "usage_records", "probe_results", "dbt_results")


@pytest.fixture
def warehouse(endpoint: str, tmp_path: Path) -> Iterator[Warehouse]:
    """A ledger that watches all sinks."""
    settings = fresh_settings(endpoint, tmp_path)
    warehouse = connect(
        settings.model_copy(update={name: f"{settings.raw_dataset}.{name}" for name in SINKS}),
    )
    ensure_ledger(warehouse)
    yield warehouse
    warehouse.close()


def test_fourteen_normal_days_give_no_incident(warehouse: Warehouse) -> None:
    normal = NormalDays(Stage(warehouse, load(warehouse), FIRST_DAY, 1), DAYS)
    found = live(warehouse, normal)
    assert [(each.severity_level, each.rule_id, each.title, each.detection_time) for each in found] == []
    # What was looked at is there: each table grew, up to the last look.
    rows = {name: warehouse.rows(f"select count(*) as n from {warehouse.raw(name)}")[0]["n"] for name in TABLES}
    assert min(rows.values()) > 0, rows
    assert len(normal.looks()) == DAYS / 7 + 1
