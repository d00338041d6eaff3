"""Days on which nothing happens give no incident."""

from datetime import date
from pathlib import Path

import pytest

from incident_ledger.policy import load
from incident_ledger.simulation import NormalDays, Stage, live
from incident_ledger.warehouse import Warehouse
from reused import Reused

# From a leap day and a month's end to the day on which the clocks change.
FIRST_DAY, DAYS = date(2028, 2, 28), 14
TABLES = ("pipeline_logs", "audit_logs", "key_inventory", "usage_records", "probe_results", "dbt_results")


@pytest.fixture
def warehouse(reused: Reused, tmp_path: Path) -> Warehouse:
    """A ledger that watches all sinks."""
    return reused.like_new(tmp_path, **reused.sinks())


def test_fourteen_normal_days_give_no_incident(warehouse: Warehouse) -> None:
    normal = NormalDays(Stage(warehouse, load(warehouse), FIRST_DAY, 1), DAYS)
    found = live(warehouse, normal)
    assert [(each.severity_level, each.rule_id, each.title, each.detection_time) for each in found] == []
    # What was looked at is there: each table grew, up to the last look.
    rows = {name: warehouse.rows(f"select count(*) as n from {warehouse.raw(name)}")[0]["n"] for name in TABLES}
    assert min(rows.values()) > 0, rows
    assert len(normal.looks()) == DAYS / 7 + 1
