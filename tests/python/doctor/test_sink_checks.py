"""What `doctor` says of the tables of sinks, and of the entries that they could not write."""

from datetime import UTC, datetime, timedelta

from incident_ledger.doctor.findings import Grade
from incident_ledger.doctor.sink_checks import check_sinks
from incident_ledger.importers.sinks import SINKS, ensure_sink
from incident_ledger.warehouse import Warehouse, connect

NOW = datetime(2026, 3, 9, 9, tzinfo=UTC)


def named(warehouse: Warehouse, **tables: str) -> Warehouse:
    return connect(warehouse.settings.model_copy(update=tables))


def test_a_sink_that_is_switched_off_has_no_finding(warehouse: Warehouse) -> None:
    assert list(check_sinks(warehouse, NOW)) == []


def test_a_table_that_is_not_there_is_named_with_its_setting(warehouse: Warehouse) -> None:
    place = named(warehouse, pipeline_logs="nowhere.jobs", audit_logs=f"{warehouse.settings.raw_dataset}.audit")
    findings = list(check_sinks(place, NOW))
    assert [(each.grade, each.text) for each in findings] == [
        (Grade.WARN, "INCIDENT_LEDGER_PIPELINE_LOGS names nowhere.jobs, which is not there"),
        (Grade.WARN, f"INCIDENT_LEDGER_AUDIT_LOGS names {warehouse.settings.raw_dataset}.audit, which is not there"),
    ]


def test_entries_that_a_sink_could_not_write_are_counted_for_seven_days(warehouse: Warehouse) -> None:
    """Of two days a table each, of which the older is past; and one table of all days, where one entry is past."""
    dataset = warehouse.settings.raw_dataset
    place = named(warehouse, pipeline_logs=f"{dataset}.pipeline_logs", audit_logs=f"{dataset}.audit_logs")
    for name in ("pipeline_logs", "audit_logs"):
        ensure_sink(place, SINKS[name])
    columns = "`timestamp` timestamp, schemaErrorDetail string, logEntry string"
    for table, times in {
        "export_errors_20260301": [NOW - timedelta(days=8)],
        "export_errors_20260308": [NOW - timedelta(days=1)],
        "export_errors": [NOW - timedelta(days=7, seconds=1), NOW - timedelta(days=7), NOW],
    }.items():
        warehouse.execute(f"create table {warehouse.raw(table)} ({columns})")
        for number, at in enumerate(times):
            warehouse.execute(
                f"insert into {warehouse.raw(table)} values "
                f"(timestamp '{at:%Y-%m-%d %H:%M:%S}+00', 'no such field: jsonPayload.x{number}', null)"
            )
    assert [each.text for each in check_sinks(place, NOW)] == [
        f"{dataset}.export_errors has 2 entries of 7 days that a sink could not write: no such field: jsonPayload.x2",
        f"{dataset}.export_errors_20260308 has 1 entry of 7 days that a sink could not write: "
        "no such field: jsonPayload.x0",
    ]
