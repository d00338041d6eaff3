"""Date-sharded sinks: the tables of days give the rows that one table gives, each is read when it is new, and named."""

import json
import os
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engines.recorder import expected_to_be_refused
from incident_ledger.dbt_runner import Dbt
from incident_ledger.errors import UserError
from incident_ledger.importers.sinks import load_sink
from incident_ledger.runner.build import Builds
from incident_ledger.settings import load_settings
from incident_ledger.warehouse import Warehouse, connect
from incident_ledger.warehouse.catalog import names_in
from incident_ledger.warehouse.modified import last_modified
from incident_ledger.warehouse.shards import shards_among
from reused import Reused

FIRST = datetime(2026, 3, 2, 14, tzinfo=UTC)
DAY = timedelta(days=1)
MODELS = ("stg_cloud_logging__pipeline_logs", "fct_pipeline_runs")
ROWS = (
    "select pipeline, run_day, run_id, outcome, duration_seconds, message from {} order by ended_at, pipeline, run_id"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sharded")


@pytest.fixture(scope="module")
def logs(reused: Reused, folder: Path) -> Iterator[Warehouse]:
    warehouse = reused.like_new(folder, **reused.sinks(pipeline_logs="stdout_*"))
    # A table whose name begins alike, and what is no day, are no shards.
    for name in ("stdout_copy", "stdout_20269999", "stdout_20260301_old"):
        warehouse.execute(f"create table {warehouse.raw(name)} (x int64)")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DBT_TARGET_PATH", str(folder / "target"))
        yield warehouse


def ended(at: datetime, **more: Any) -> dict[str, Any]:
    payload = {"operation": "job", "status": "success", "run_id": f"{at:%d%H%M}", **more}
    return {
        "insertId": at.isoformat(),
        "logName": "projects/p/logs/run",
        "timestamp": at.isoformat(),
        "receiveTimestamp": at.isoformat(),
        "jsonPayload": payload,
    }


def load(warehouse: Warehouse, folder: Path, entries: Sequence[dict[str, Any]]) -> int:
    path = folder / "entries.json"
    path.write_text(json.dumps(entries))
    return load_sink(warehouse, "pipeline_logs", [path], loaded_at=FIRST + 9 * DAY).new


class LogsAlone(Dbt):
    """The project without what reads no log: a first build of that takes minutes."""

    def members(self, selector: str) -> set[str]:
        return {each for each in super().members(selector) if each.endswith(MODELS)}


def run(warehouse: Warehouse, at: datetime) -> set[str]:
    """What a run builds of logs before the checks: the names."""
    builds = Builds(warehouse, LogsAlone(warehouse.settings, warehouse.endpoint), at, is_full=False)
    results, _, _ = builds.build("feeds", is_open=False)
    assert "\n".join(each.message for each in results if not each.is_success) == ""
    return builds.names


def runs(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in warehouse.rows(ROWS.format(warehouse.mart("fct_pipeline_runs")))]


def raw_tables(warehouse: Warehouse) -> list[str]:
    return names_in(warehouse, warehouse.settings.project, warehouse.settings.raw_dataset)


def test_each_new_shard_is_read_by_the_next_run_with_its_own_columns(logs: Warehouse, folder: Path) -> None:
    assert load(logs, folder, [ended(FIRST, duration_seconds=60.0), ended(FIRST - DAY), ended(FIRST)]) == 2
    assert load(logs, folder, [ended(FIRST)]) == 0
    assert list(shards_among(raw_tables(logs), "stdout_*")) == [date(2026, 3, 1), date(2026, 3, 2)]
    assert "stg_cloud_logging__pipeline_logs" in run(logs, FIRST + timedelta(minutes=5))
    assert [(row[2], row[4]) for row in runs(logs)] == [("011400", None), ("021400", 60.0)]
    # Nothing new: the view is as it was.
    assert "stg_cloud_logging__pipeline_logs" not in run(logs, FIRST + timedelta(minutes=10))
    # The table of a day has the columns of its first entry at first: yesterday loses nothing.
    next_day = logs.raw("stdout_20260303")
    columns = "insertId string, logName string, `timestamp` timestamp, receiveTimestamp timestamp"
    logs.execute(f"create table {next_day} ({columns}, jsonPayload struct<operation string, status string>)")
    at = FIRST + DAY
    logs.execute(
        f"insert into {next_day} values ('a', 'l', timestamp '{at:%F %T}+00', timestamp '{at:%F %T}+00', "
        "struct('job' as operation, 'failed' as status))"
    )
    assert "stg_cloud_logging__pipeline_logs" in run(logs, at + timedelta(minutes=5))
    assert [(row[2], row[3], row[4]) for row in runs(logs)] == [
        ("011400", "succeeded", None),
        ("021400", "succeeded", 60.0),
        (None, "failed", None),
    ]


def test_a_shard_that_gets_another_column_is_read_with_it(logs: Warehouse) -> None:
    relation = (f"{logs.settings.project}.{logs.settings.raw_dataset}", "stdout_*")
    before = last_modified(logs, [relation])
    assert last_modified(logs, [relation]) == before
    logs.execute(f"create or replace table {logs.raw('stdout_20260303')} (insertId string, severity string)")
    assert last_modified(logs, [relation]) != before
    assert last_modified(logs, [(logs.settings.raw_dataset, "nothing_*")]) == {
        (logs.settings.raw_dataset, "nothing_*"): None
    }


def reading(logs: Warehouse, table: str) -> Warehouse:
    """The same ledger whose sink writes elsewhere."""
    return connect(logs.settings.model_copy(update={"pipeline_logs": f"{logs.settings.raw_dataset}.{table}"}))


def test_shards_give_the_rows_of_one_table(logs: Warehouse, folder: Path) -> None:
    one = reading(logs, "stdout")
    entries = [ended(FIRST + DAY * days + timedelta(hours=9, minutes=days), message="m") for days in range(3, 6)]
    # Late, of a day that was read before; and twice, on both sides of midnight.
    entries += [ended(FIRST + timedelta(hours=1)), ended(FIRST.replace(hour=0)), ended(FIRST.replace(hour=0))]
    everything = [ended(FIRST, duration_seconds=60.0), ended(FIRST - DAY), *entries]
    load(one, folder, everything)
    logs.execute(f"drop table {logs.raw('stdout_20260303')}")
    load(logs, folder, everything)
    at = FIRST + 6 * DAY
    of_one, of_shards = (rebuilt(warehouse, at) for warehouse in (one, logs))
    assert of_shards == of_one
    assert len(of_shards) == 7


def rebuilt(warehouse: Warehouse, at: datetime) -> list[tuple[Any, ...]]:
    """The rows of all that the sink wrote."""
    Dbt(warehouse.settings, warehouse.endpoint).build(["+fct_pipeline_runs"], as_of=at, full_refresh=True)
    return runs(warehouse)


def test_only_the_shards_of_the_days_that_are_replaced_are_read(logs: Warehouse) -> None:
    """By constants that stand beside the name of each: BigQuery reads no table whose filter is false by itself."""
    at = FIRST + 6 * DAY
    Dbt(logs.settings, logs.endpoint).invoke(["compile", "--select", "fct_pipeline_runs"], as_of=at)
    (path,) = Path(os.environ["DBT_TARGET_PATH"]).glob("compiled/**/fct_pipeline_runs.sql")
    # Three days before the newest, which is the 7th.
    assert "coalesce(shard_day, date '2026-03-04') >= date '2026-03-04'" in path.read_text()
    view = logs.find(logs.settings.staging_dataset, "stg_cloud_logging__pipeline_logs")
    assert view is not None
    days = [f"{each:%Y-%m-%d}" for each in (FIRST + number * DAY for number in (-1, 0, 3, 4, 5))]
    assert re.findall(r"(\d{4}-\d\d-\d\d)' as date\) as shard_day", view.view_query or "", re.IGNORECASE) == days


def test_no_shard_at_all_is_an_error_that_names_it(logs: Warehouse) -> None:
    empty = reading(logs, "nothing_*")
    results = Dbt(empty.settings, empty.endpoint).build(["stg_cloud_logging__pipeline_logs"], as_of=FIRST)
    assert "nothing_*" in "".join(each.message for each in results)
    assert not all(each.is_success for each in results)


def test_the_age_of_shards_is_asked_of_the_last_week(logs: Warehouse) -> None:
    with expected_to_be_refused():  # Google's analyzer has no catalogue of wildcard tables
        results = Dbt(logs.settings, logs.endpoint).invoke(["source", "freshness"], as_of=FIRST)
    assert [each.status for each in results if each.name == "cloud_logging"] == ["warn"]  # stale by now


@pytest.mark.parametrize("value", ["logs.stdout*", "logs.*", "logs.stdout_*_*", "logs.stdout_**", "stdout_*"])
def test_a_name_of_shards_ends_in_its_wildcard(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("INCIDENT_LEDGER_PIPELINE_LOGS", value)
    with pytest.raises(UserError, match="INCIDENT_LEDGER_PIPELINE_LOGS"):
        load_settings()


def test_an_inventory_has_one_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INCIDENT_LEDGER_PIPELINE_LOGS", "p-1.logs.stdout_*")
    assert load_settings().pipeline_logs == "p-1.logs.stdout_*"
    monkeypatch.setenv("INCIDENT_LEDGER_KEY_INVENTORY", "assets.keys_*")
    with pytest.raises(UserError, match="INCIDENT_LEDGER_KEY_INVENTORY"):
        load_settings()
