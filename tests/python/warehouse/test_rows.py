"""Rows that are written come back as they were, and a key is written once."""

from datetime import UTC, date, datetime

import pytest

from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.rows import encode_row, insert_rows, merge_rows, update_rows
from incident_ledger.warehouse.tables import ALL, QUALITY_BREACHES, RUN_STEPS, USAGE_LOADS, RawTable, names

T0 = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)
LOAD = {
    "load_id": "a", "source": "it's \"\\n\" 🚨", "day": date(2026, 3, 1), "records": 2**53, "loaded_at": T0,
    "is_complete": None, "file": "", "recorded_at": T0,
}  # fmt: skip


@pytest.mark.parametrize("table", ALL, ids=lambda table: table.name)
def test_key_of_a_table_is_never_null(table: RawTable) -> None:
    required = {name for name, _, mode in table.columns if mode == "REQUIRED"}
    assert set(table.key) <= required


def test_null_is_left_out_of_an_encoded_row() -> None:
    assert encode_row(USAGE_LOADS, LOAD, ("day", "is_complete", "loaded_at")) == (
        '{"day":"2026-03-01","loaded_at":"2026-03-01T12:30:15.123456Z"}'
    )


@pytest.mark.parametrize("max_bytes", [9_000_000, 10], ids=["as a parameter", "by a load job"])
def test_rows_come_back_as_they_were_and_are_inserted_once(warehouse: Warehouse, max_bytes: int) -> None:
    rows = [LOAD, LOAD | {"load_id": "b", "is_complete": False}, LOAD]
    assert merge_rows(warehouse, USAGE_LOADS, rows, max_bytes=max_bytes) == 2
    assert merge_rows(warehouse, USAGE_LOADS, rows, max_bytes=max_bytes) == 0
    written = warehouse.rows(f"select * from {warehouse.raw('usage_loads')} order by load_id")
    assert written == rows[:2]


def test_update_changes_the_rows_of_its_keys_that_meet_the_condition(warehouse: Warehouse) -> None:
    merge_rows(warehouse, USAGE_LOADS, [LOAD, LOAD | {"load_id": "b", "records": 1}])
    changes = [{"load_id": key, "is_complete": True} for key in ("a", "b", "c")]
    assert update_rows(warehouse, USAGE_LOADS, changes, on="target.records > @least", params={"least": 1}) == 1
    written = warehouse.rows(f"select load_id, is_complete from {warehouse.raw('usage_loads')} order by load_id")
    assert [row["is_complete"] for row in written] == [True, None]


def test_json_and_decimal_fractions_keep_their_values(warehouse: Warehouse) -> None:
    step = {
        "run_id": "r", "command": "run", "as_of": T0, "step": "x", "position": 1, "started_at": T0,
        "finished_at": T0, "outcome": "ok", "detail": {"b": [0.1, None, "\\u0000"], "a": {}}, "holder": None,
    }  # fmt: skip
    assert insert_rows(warehouse, RUN_STEPS, [step]) == 1
    assert warehouse.rows(f"select detail from {warehouse.raw('run_steps')}") == [{"detail": step["detail"]}]
    breach = dict.fromkeys(names(QUALITY_BREACHES)) | {
        "batch_id": "a", "checked_at": T0, "table_name": "t", "component": "c", "suite": "s",
        "rules_total": 1, "rules_errored": 0, "value": 0.1,
    }  # fmt: skip
    assert merge_rows(warehouse, QUALITY_BREACHES, [breach]) == 1
    assert warehouse.rows(f"select * from {warehouse.raw('quality_breaches')}") == [breach]


def test_nothing_to_write_is_nothing_sent(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warehouse, "execute", lambda *_: pytest.fail("a statement was sent"))
    assert merge_rows(warehouse, USAGE_LOADS, []) == 0
    assert update_rows(warehouse, USAGE_LOADS, []) == 0
    assert insert_rows(warehouse, USAGE_LOADS, []) == 0
