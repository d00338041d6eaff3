"""What `doctor` says of the tables of sinks, and of the entries that they could not write."""

from datetime import UTC, date, datetime, timedelta

from incident_ledger.doctor.findings import Grade
from incident_ledger.doctor.sink_checks import check_arrivals, check_sinks
from incident_ledger.importers.sinks import SINKS, ensure_sink
from incident_ledger.warehouse import Warehouse, connect
from incident_ledger.warehouse.rows import merge_rows
from incident_ledger.warehouse.tables import SIGNALS

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
        ensure_sink(place, SINKS[name], NOW.date())
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


def test_a_day_without_a_shard_is_named_and_today_is_not(warehouse: Warehouse) -> None:
    dataset = warehouse.settings.raw_dataset
    place = named(warehouse, pipeline_logs=f"{dataset}.stdout_*", audit_logs=f"{dataset}.nothing_*")
    for day in (date(2026, 3, 3), date(2026, 3, 5), date(2026, 3, 7), date(2026, 3, 8)):
        ensure_sink(place, SINKS["pipeline_logs"], day)
    assert [each.text for each in check_sinks(place, NOW)] == [
        # Before the first there was no sink.
        f"{dataset}.stdout_* has no table of 2026-03-04, 2026-03-06: nobody watched what it would have",
        f"INCIDENT_LEDGER_AUDIT_LOGS names {dataset}.nothing_*, and no such table is there",
    ]
    ensure_sink(place, SINKS["pipeline_logs"], date(2026, 3, 4))
    ensure_sink(place, SINKS["pipeline_logs"], date(2026, 3, 6))
    assert not [each for each in check_sinks(place, NOW) if "stdout" in each.text]


def test_a_log_whose_usual_silence_nobody_knows_is_not_watched(ledger: Warehouse) -> None:
    assert list(check_arrivals(ledger, NOW)) == []
    place = named(ledger, pipeline_logs="logs.stdout_*", audit_logs="logs.audit", key_inventory="assets.keys")
    first, second = check_arrivals(place, NOW)
    assert {first.grade, second.grade} == {Grade.WARN}
    assert first.text == "nobody watches whether entries of pipeline_logs stop: what silence is usual is not known"
    signal = {
        "source": "log_arrivals", "rule_id": "logs_missing", "severity_level": "P1", "title": "no entry",
        "observed_at": NOW - timedelta(hours=2), "evidence": {},
    }  # fmt: skip
    begins = {"log:pipeline_logs": NOW + timedelta(minutes=1), "log:audit_logs": NOW}
    rows = [{**signal, "source_key": key, "component": key, "started_at": at} for key, at in begins.items()]
    merge_rows(ledger, SIGNALS, rows)
    assert [(each.grade, each.text) for each in check_arrivals(place, NOW)] == [
        (Grade.OK, "pipeline_logs is watched: an incident opens at 2026-03-09 09:01 UTC unless an entry comes"),
        (Grade.WARN, "audit_logs is watched, and its entries are missing since 2026-03-09 09:00 UTC"),
    ]
