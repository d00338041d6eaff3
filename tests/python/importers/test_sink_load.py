"""`load sink`: exported entries of Cloud Logging in a table as its sinks make them, each once."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from conftest import fresh_settings
from incident_ledger.cli.load import SINK_NAMES
from incident_ledger.errors import UserError
from incident_ledger.importers.sinks import SINKS, load_sink
from incident_ledger.importers.sinks.log_entries import read_entries
from incident_ledger.properties import read_properties
from incident_ledger.warehouse import Warehouse, connect

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)
SINK = SINKS["pipeline_logs"]


def entry(insert_id: str, *, minutes: float = 0, **more: Any) -> dict[str, Any]:
    """An entry of a run that succeeded so many minutes after `NOW`."""
    at = (NOW + timedelta(minutes=minutes)).isoformat()
    base = {"insertId": insert_id, "logName": "projects/p/logs/run", "timestamp": at, "severity": "INFO"}
    return {**base, "jsonPayload": {"operation": "run_daily_job", "status": "success"}, **more}


def written(folder: Path, *lines: Mapping[str, Any] | str) -> list[Path]:
    path = folder / "entries.jsonl"
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines))
    return [path]


@pytest.fixture
def logs(endpoint: str, tmp_path: Path) -> Warehouse:
    settings = fresh_settings(endpoint, tmp_path)
    return connect(settings.model_copy(update={"pipeline_logs": f"{settings.raw_dataset}.pipeline_logs"}))


def test_an_entry_is_a_row_once_however_often_it_comes(logs: Warehouse, tmp_path: Path) -> None:
    files = written(tmp_path, entry("a"), entry("b", minutes=-1), entry("a"))
    first = load_sink(logs, "pipeline_logs", files, loaded_at=NOW)
    # The second time by a load job, since the request may have one byte.
    again = load_sink(
        logs, "pipeline_logs", [*files, *written(tmp_path / "..", entry("c"))], loaded_at=NOW, max_bytes=1
    )
    assert (first.entries, first.new, first.doubled) == (3, 2, 1)
    assert (again.new, again.doubled) == (1, 1)
    rows = logs.rows(
        f"select insertId, `timestamp` as logged_at, jsonPayload.operation from {logs.raw('pipeline_logs')}"
    )
    assert sorted((row["insertId"], row["logged_at"], row["operation"]) for row in rows) == [
        ("a", NOW, "run_daily_job"),
        ("b", NOW - timedelta(minutes=1), "run_daily_job"),
        ("c", NOW, "run_daily_job"),
    ]


def test_a_bad_entry_is_rejected_with_its_line_and_reason_and_the_others_are_loaded(
    logs: Warehouse, tmp_path: Path
) -> None:
    files = written(
        tmp_path,
        entry("a"),
        "{cut",
        entry("b", timestamp="yesterday"),
        entry("", minutes=1),
        entry("c", jsonPayload="text"),
        entry("d", jsonPayload={"operation": ["x"]}),
        entry("e", jsonPayload={"duration_seconds": "NaN"}),
        "[1]",
    )
    report = load_sink(logs, "pipeline_logs", files, loaded_at=NOW)
    assert report.new == 1
    found = [(reject.line, reject.field, reject.error.partition(":")[0]) for reject in report.rejects]
    assert found == [
        (2, None, "malformed JSON"),
        (3, "timestamp", "is not a time; write it as 2026-03-02T09"),
        (4, "insertId", "is missing"),
        (5, "jsonPayload", "is not a JSON object"),
        (6, "jsonPayload.operation", "is an object or a list"),
        (7, "jsonPayload.duration_seconds", "is not a number"),
        (8, None, "is not a JSON object"),
    ]
    kept = logs.rows(f"select count(*) as n from {logs.raw('import_rejects')} where source = 'pipeline_logs'")
    assert kept[0]["n"] == len(found)


@pytest.mark.parametrize(("minutes", "received", "future"), [(5, 0, 0), (5.001, 0, 1), (-60, -66, 1), (-60, -65, 0)])
def test_a_time_over_five_minutes_ahead_of_its_receipt_is_of_the_future(
    tmp_path: Path, minutes: float, received: float, future: int
) -> None:
    at = (NOW + timedelta(minutes=received)).isoformat()
    files = written(tmp_path, entry("a", minutes=minutes, receiveTimestamp=at))
    assert read_entries(SINK, files, NOW).future == future


def test_real_entries_of_several_logs_are_read(shared_data: Path) -> None:
    found = read_entries(SINK, [shared_data / "cloud_logging" / "logentry.samples.jsonl"], NOW)
    assert (len(found.rows), found.rejects, found.future) == (4, [], 0)


def test_real_audit_entries_are_rows_of_the_sink_in_its_own_words(
    endpoint: str, shared_data: Path, tmp_path: Path
) -> None:
    settings = fresh_settings(endpoint, tmp_path)
    audit = connect(settings.model_copy(update={"audit_logs": f"{settings.raw_dataset}.audit_logs"}))
    samples = shared_data / "cloud_logging" / "logentry.samples.jsonl"
    assert load_sink(audit, "audit_logs", [samples], loaded_at=NOW).new == 4
    columns = "protopayload_auditlog.methodName, protopayload_auditlog.status.code, protopayload_auditlog.requestJson"
    rows = audit.rows(f"select {columns} from {audit.raw('audit_logs')} where insertId = 'yonau3dc2zi'")
    (row,) = rows
    assert (row["methodName"], row["code"]) == ("beta.compute.instances.aggregatedList", 7)
    assert json.loads(row["requestJson"]) == {"@type": "type.googleapis.com/compute.instances.aggregatedList"}


def test_an_inventory_is_of_when_it_is_loaded_unless_it_has_a_time(endpoint: str, tmp_path: Path) -> None:
    settings = fresh_settings(endpoint, tmp_path)
    assets = connect(settings.model_copy(update={"key_inventory": f"{settings.raw_dataset}.key_inventory"}))
    key = {"assetType": "apikeys.googleapis.com/Key", "resource": {"data": {"createTime": "2026-01-01T00:00:00Z"}}}
    listed = [
        {**key, "name": "//x/listed"},
        {**key, "name": "//x/exported", "readTime": "2026-03-01T03:00:00Z", "updateTime": "2026-02-01T00:00:00.5Z"},
        {**key, "name": "//x/future", "readTime": (NOW + timedelta(minutes=6)).isoformat()},
        {**key, "readTime": "2026-03-01T03:00:00Z"},
        {**key, "name": "//x/retyped", "resource": "text"},
    ]
    report = load_sink(assets, "key_inventory", written(tmp_path, *listed), loaded_at=NOW)
    assert (report.new, report.future) == (3, 1)
    assert [(each.line, each.field) for each in report.rejects] == [(4, "name"), (5, "resource")]
    # Exported again it is the same; listed again it is another snapshot.
    again = load_sink(assets, "key_inventory", written(tmp_path, *listed), loaded_at=NOW + timedelta(days=1))
    assert again.new == 1
    rows = assets.rows(
        f"select name, asset_type, resource.data, readTime from {assets.raw('key_inventory')} order by name, readTime"
    )
    assert [(row["name"], row["readTime"]) for row in rows] == [
        ("//x/exported", datetime(2026, 3, 1, 3, tzinfo=UTC)),
        ("//x/future", NOW + timedelta(minutes=6)),
        ("//x/listed", NOW),
        ("//x/listed", NOW + timedelta(days=1)),
    ]
    assert {row["asset_type"] for row in rows} == {"apikeys.googleapis.com/Key"}
    assert json.loads(rows[0]["data"]) == {"createTime": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize("text", ["", "{}", "[1", "nothing"])
def test_a_file_without_an_entry_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UserError, match=r"entries\.jsonl"):
        read_entries(SINK, written(tmp_path, text), NOW)


def test_a_sink_without_a_table_says_which_setting_names_it(warehouse: Warehouse, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="INCIDENT_LEDGER_PIPELINE_LOGS is not set: nobody watches this sink"):
        load_sink(warehouse, "pipeline_logs", written(tmp_path, entry("a")), loaded_at=NOW)


def declared_type(kind: Any) -> str:
    if isinstance(kind, str):
        return kind.lower()
    return f"struct<{', '.join(f'{name} {declared_type(each)}' for name, each in kind.items())}>"


def test_the_columns_are_those_of_the_source_of_dbt() -> None:
    from pydantic import BaseModel

    class Column(BaseModel):
        name: str
        data_type: str

    class Table(BaseModel):
        name: str
        columns: list[Column]

    class Source(BaseModel):
        tables: list[Table]

    class Sources(BaseModel):
        sources: list[Source]

    files = ("models/staging/cloud_logging/_sources.yml", "models/staging/assets/_sources.yml")
    sources = [source for file in files for source in read_properties(file, Sources).sources]
    tables = [table for source in sources for table in source.tables]
    declared = {table.name: {column.name: column.data_type for column in table.columns} for table in tables}
    assert declared == {
        name: {column: declared_type(kind) for column, kind in sink.columns.items()} for name, sink in SINKS.items()
    }
    assert ", ".join(SINKS) == SINK_NAMES
