"""Records that a load refused and entries that a sink could not write: a P2 that ends a day after the last of them."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from incident_ledger.dbt_runner import Dbt
from incident_ledger.importers.sinks import load_sink
from incident_ledger.ledger.state import IncidentState, read_state
from incident_ledger.policy import load
from incident_ledger.runner.build import Builds
from incident_ledger.runner.job import Job
from incident_ledger.runner.rejected_rows import take_in_rejected
from incident_ledger.warehouse import Warehouse
from reused import Reused

# A Monday, in the hours in which nothing waits for the morning.
NOW = datetime(2026, 3, 2, 17, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(scope="module")
def logs(reused: Reused, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    folder = tmp_path_factory.mktemp("rejected")
    return reused.like_new(folder, **reused.sinks(pipeline_logs="pipeline_logs", audit_logs="audit_*"))


def looked(warehouse: Warehouse, at: datetime) -> list[IncidentState]:
    """The incidents after a run has looked for what was refused, and a tick."""
    builds = Builds(warehouse, Dbt(warehouse.settings, warehouse.endpoint), at, is_full=False)
    take_in_rejected(warehouse, builds, load(warehouse), at)
    return ticked(warehouse, at)


def ticked(warehouse: Warehouse, at: datetime) -> list[IncidentState]:
    Job(warehouse, at, command="tick").tick(wait=0)
    return read_state(warehouse)


def refuse(warehouse: Warehouse, folder: Path, at: datetime, *lines: str) -> None:
    good = {
        "insertId": at.isoformat(), "logName": "l", "timestamp": at.isoformat(), "receiveTimestamp": at.isoformat(),
    }  # fmt: skip
    path = folder / f"{at:%d%H}.jsonl"
    path.write_text("\n".join([json.dumps(good), *lines]))
    load_sink(warehouse, "pipeline_logs", [path], loaded_at=at)


def test_records_that_are_refused_are_a_p2_until_a_day_without_one(logs: Warehouse, tmp_path: Path) -> None:
    assert looked(logs, NOW - HOUR) == []
    refuse(logs, tmp_path, NOW, "{cut", "[1]")
    (incident,) = looked(logs, NOW + HOUR)
    assert (incident.severity_level, incident.rule_id) == ("P2", "rows_rejected")
    assert incident.components == ("import:pipeline_logs",)
    assert incident.title.startswith("pipeline_logs: 2 records were refused: ")
    assert incident.detection_time == NOW
    # Another within the day: the same trouble goes on.
    refuse(logs, tmp_path, NOW + 20 * HOUR, "{}")
    (incident,) = looked(logs, NOW + 21 * HOUR)
    assert incident.is_open
    # The end comes by itself, by a tick alone.
    (incident,) = ticked(logs, NOW + 44 * HOUR - timedelta(seconds=1))
    assert incident.is_open
    (incident,) = ticked(logs, NOW + 44 * HOUR)
    assert incident.resolution_time == NOW + 44 * HOUR


def test_where_nothing_was_refused_since_the_last_run_nothing_is_asked(logs: Warehouse) -> None:
    builds = Builds(logs, Dbt(logs.settings, logs.endpoint), NOW + 2 * DAY, is_full=False)
    assert take_in_rejected(logs, builds, load(logs), NOW + 2 * DAY) == 0


def test_what_was_taken_in_after_all_ends_it_at_once(logs: Warehouse, tmp_path: Path) -> None:
    at = NOW + 5 * DAY
    refuse(logs, tmp_path, at, "[2]")
    assert [each.is_open for each in looked(logs, at + HOUR)].count(True) == 1
    logs.execute(
        f"update {logs.raw('import_rejects')} set replayed_at = timestamp '{at + 2 * HOUR:%F %T}+00' "
        f"where rejected_at = timestamp '{at:%F %T}+00'"
    )
    (incident,) = [each for each in looked(logs, at + 3 * HOUR) if each.detection_time >= at]
    assert incident.resolution_time == at + 2 * HOUR


def test_entries_that_a_sink_could_not_write_are_found_in_its_error_tables(logs: Warehouse) -> None:
    at = NOW + 10 * DAY
    columns = "`timestamp` timestamp, schemaErrorDetail string, logEntry string"
    dataset = logs.settings.raw_dataset
    for table, entries in {
        "export_errors_20260301": [NOW - DAY],
        "export_errors_20260312": [at - HOUR, at - 2 * HOUR],
        "export_errors": [at - 3 * HOUR, at + HOUR],
        "export_errors_copy": [at - 4 * HOUR],
    }.items():
        logs.execute(f"create table {logs.raw(table)} ({columns})")
        for each in entries:
            logs.execute(
                f"insert into {logs.raw(table)} values (timestamp '{each:%F %T}+00', 'no such field: x', null)"
            )
    (incident,) = [each for each in looked(logs, at) if each.is_open]
    assert incident.components == (f"sink:{dataset}",)
    assert incident.title == f"{dataset}: 3 records were refused: no such field: x"
    assert incident.detection_time == at - 3 * HOUR
    assert incident.evidence["query"] == f"select * from {dataset}.export_errors_20260312"
    # What has a time to come is refused then.
    (incident,) = [each for each in looked(logs, at + HOUR) if each.is_open]
    assert incident.is_open
    (incident,) = [each for each in looked(logs, at + 25 * HOUR) if each.incident_id == incident.incident_id]
    assert incident.resolution_time == at + 25 * HOUR
