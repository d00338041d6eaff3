"""Which days a run checks, what it writes, and what signals come of it."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from conftest import PROJECT_DIR
from engines.recorder import expected_to_be_refused
from incident_ledger.dbt_runner import Dbt
from incident_ledger.policy import Policy
from incident_ledger.quality.checker import check_all, note_changes
from incident_ledger.quality.suites import Suite
from incident_ledger.settings import Settings
from incident_ledger.warehouse import Warehouse
from quality.helpers import NOW, make_table, not_null, rule, statements, suite_from, suite_of

CHANGES = {
    "table": "raw.usage_loads",
    "day_column": "day",
    "changed_at_column": "loaded_at",
    "partition_column": "recorded_at",
    "equals": {"source": "s"},
}
HOUR = timedelta(hours=1)


def daily(warehouse: Warehouse, bad_days: str = "") -> str:
    """Ten records a day for ten days to 10 March; in `bad_days` half of them broken."""
    broken = f"day in ({bad_days}) and mod(i, 2) = 0" if bad_days else "false"
    return make_table(
        warehouse,
        "facts",
        f"select day, if({broken}, null, i) as amount "
        "from unnest(generate_date_array('2026-03-01', '2026-03-10')) as day "
        "cross join unnest(generate_array(1, 10)) as i",
    )


def load(warehouse: Warehouse, day: str, at: datetime, source: str = "s", recorded_at: datetime | None = None) -> None:
    """Note that a load touched a day."""
    warehouse.execute(
        f"insert into {warehouse.raw('usage_loads')} (load_id, source, day, records, loaded_at, recorded_at) "
        "values (generate_uuid(), @source, cast(@day as date), 1, @at, @recorded_at)",
        {"source": source, "day": day, "at": at, "recorded_at": recorded_at or at},
    )


def run(warehouse: Warehouse, policy: Policy, suite: Suite, now: datetime) -> list[date | None]:
    """The days that a run checks."""
    batches = check_all(warehouse, policy, run_id=f"run-{now:%d%H%M}", now=now, suites=[suite])
    return [batch.day for batch in batches]


def test_only_days_that_a_load_touched_since_the_last_check_are_checked(warehouse: Warehouse, policy: Policy) -> None:
    suite = suite_of(not_null("amount"), table=daily(warehouse), day_column="day", changes=CHANGES)
    load(warehouse, "2026-03-02", NOW - 2 * HOUR)
    load(warehouse, "2026-03-03", NOW - HOUR)
    load(warehouse, "2026-03-04", NOW - HOUR, source="another")
    assert run(warehouse, policy, suite, NOW) == [date(2026, 3, 2), date(2026, 3, 3)]
    load(warehouse, "2026-03-03", NOW + HOUR / 2)
    assert run(warehouse, policy, suite, NOW + HOUR) == [date(2026, 3, 3)]


def test_a_load_that_began_before_a_run_and_is_seen_after_its_build_is_checked_by_the_next(
    warehouse: Warehouse, policy: Policy
) -> None:
    """Its times are those before the run, and before other loads that the run saw: no clock shows that it is new."""
    suite = suite_of(not_null("amount"), table=daily(warehouse), day_column="day", changes=CHANGES)
    load(warehouse, "2026-03-02", NOW - HOUR / 4)
    assert run(warehouse, policy, suite, NOW) == [date(2026, 3, 2)]
    load(warehouse, "2026-03-02", NOW - HOUR / 2)
    load(warehouse, "2026-03-03", NOW - HOUR / 2)
    assert run(warehouse, policy, suite, NOW + HOUR) == [date(2026, 3, 2), date(2026, 3, 3)]
    assert run(warehouse, policy, suite, NOW + 2 * HOUR) == []


def test_what_becomes_visible_while_a_run_builds_is_checked_by_it_and_by_the_next(
    warehouse: Warehouse, policy: Policy
) -> None:
    """It may be built or not: what a run knew is what it read before."""
    suite = suite_of(not_null("amount"), table=daily(warehouse), day_column="day", changes=CHANGES)
    load(warehouse, "2026-03-02", NOW - HOUR)
    noted = note_changes(warehouse, NOW, {suite.file: suite.meta})
    load(warehouse, "2026-03-02", NOW - HOUR)
    load(warehouse, "2026-03-03", NOW - HOUR)
    first = check_all(warehouse, policy, run_id="1", now=NOW, suites=[suite], noted=noted)
    assert [batch.day for batch in first] == [date(2026, 3, 2)]
    assert run(warehouse, policy, suite, NOW + HOUR) == [date(2026, 3, 2), date(2026, 3, 3)]
    assert run(warehouse, policy, suite, NOW + 2 * HOUR) == []


def test_what_was_checked_without_being_built_is_checked_again(warehouse: Warehouse, policy: Policy) -> None:
    """After a build that failed, or by hand."""
    suite = suite_of(not_null("amount"), table=daily(warehouse), day_column="day", changes=CHANGES)
    load(warehouse, "2026-03-02", NOW - HOUR)
    check_all(warehouse, policy, run_id="1", now=NOW, suites=[suite], is_built=False)
    assert run(warehouse, policy, suite, NOW + HOUR) == [date(2026, 3, 2)]
    assert run(warehouse, policy, suite, NOW + 2 * HOUR) == []


@pytest.mark.parametrize("clock", [-400, 400])
def test_a_clock_that_is_wrong_by_days_hides_no_load(warehouse: Warehouse, policy: Policy, clock: int) -> None:
    """The runs' time is one, that of the records another; only those of the warehouse are compared."""
    suite = suite_of(not_null("amount"), table=daily(warehouse), day_column="day", changes=CHANGES)
    ahead = NOW + timedelta(days=clock) if clock > 0 else NOW
    load(warehouse, "2026-03-02", NOW - HOUR, recorded_at=NOW - timedelta(days=clock))
    assert run(warehouse, policy, suite, ahead) == [date(2026, 3, 2)]
    load(warehouse, "2026-03-03", NOW - HOUR, recorded_at=NOW - timedelta(days=clock))
    assert run(warehouse, policy, suite, ahead + HOUR) == [date(2026, 3, 3)]


def test_a_correction_of_an_old_day_is_distinguished_from_what_was_known_of_it(
    warehouse: Warehouse, policy: Policy
) -> None:
    """Older than what is looked at first, it is counted whole by a second statement; a quiet run sends one."""
    suite = suite_of(not_null("amount"), table=daily(warehouse), day_column="day", changes=CHANGES)
    for day in ("2026-03-01", "2026-03-02"):
        load(warehouse, day, datetime(2026, 3, 2, 12, tzinfo=UTC))
    load(warehouse, "2026-03-09", NOW - HOUR)
    assert len(run(warehouse, policy, suite, NOW)) == 3
    load(warehouse, "2026-03-01", NOW)
    with statements() as sent:
        assert run(warehouse, policy, suite, NOW + HOUR) == [date(2026, 3, 1)]
    on_loads = [sql for sql, _ in sent if "usage_loads" in sql]
    assert len(on_loads) == 2
    assert "`recorded_at` >= timestamp '2026-03-08 00:00:00.000000+00'" in on_loads[0]
    assert "`recorded_at` >= timestamp '2026-03-01 00:00:00.000000+00' and `day` in (date '2026-03-01')" in on_loads[1]


def test_all_suites_read_changes_in_one_statement_and_one_that_cannot_harms_no_other(
    warehouse: Warehouse, policy: Policy
) -> None:
    good = suite_of(not_null("amount"), table=daily(warehouse), day_column="day", changes=CHANGES)
    other = replace(
        good, file="other.json", meta={**good.meta, "changes": CHANGES | {"equals": {"source": ["x", "y"]}}}
    )
    load(warehouse, "2026-03-02", NOW - HOUR)
    load(warehouse, "2026-03-04", NOW - HOUR, source="y")
    with statements() as sent:
        found = check_all(warehouse, policy, run_id="1", now=NOW, suites=[good, other], is_recorded=False)
    assert [batch.day for batch in found] == [date(2026, 3, 2), date(2026, 3, 4)]
    assert sum("usage_loads" in sql for sql, _ in sent) == 1
    lost = replace(good, file="lost.json", meta={**good.meta, "changes": CHANGES | {"table": "raw.nowhere"}})
    with expected_to_be_refused():
        found = check_all(warehouse, policy, run_id="1", now=NOW, suites=[lost, good], is_recorded=False)
    assert [(batch.day, batch.check_severity_level) for batch in found] == [(None, "P1"), (date(2026, 3, 2), None)]


def test_a_table_that_records_its_own_changes_is_checked_where_they_differ(
    warehouse: Warehouse, policy: Policy
) -> None:
    """By the records and the newest change of each of the last days, not by a clock; a day that is gone too."""
    make_table(
        warehouse,
        "own",
        "select day, 1 as amount, timestamp '2026-03-10 08:00:00+00' as changed_at "
        "from unnest(generate_date_array('2026-03-01', '2026-03-10')) as day",
    )
    suite = suite_of(not_null("amount"), table="own", day_column="day", changed_at_column="changed_at")
    assert len(run(warehouse, policy, suite, NOW)) == 3
    assert run(warehouse, policy, suite, NOW + HOUR) == []
    late = "values (date '2026-03-09', null, timestamp '2026-03-09 01:00:00+00')"
    warehouse.execute(f"insert into {warehouse.mart('own')} (day, amount, changed_at) {late}")
    assert run(warehouse, policy, suite, NOW + 2 * HOUR) == [date(2026, 3, 9)]
    warehouse.execute(f"delete from {warehouse.mart('own')} where day >= '2026-03-09'")
    assert run(warehouse, policy, suite, NOW + 3 * HOUR) == [date(2026, 3, 9), date(2026, 3, 10)]
    assert run(warehouse, policy, suite, NOW + 4 * HOUR) == []


def test_a_day_that_was_bad_is_checked_until_it_is_clean(warehouse: Warehouse, policy: Policy) -> None:
    suite = suite_of(not_null("amount"), table=daily(warehouse, "date '2026-03-02'"), day_column="day", changes=CHANGES)
    load(warehouse, "2026-03-02", NOW - HOUR)
    load(warehouse, "2026-03-03", NOW - HOUR)
    assert len(run(warehouse, policy, suite, NOW)) == 2
    assert run(warehouse, policy, suite, NOW + HOUR) == [date(2026, 3, 2)]
    daily(warehouse)
    assert run(warehouse, policy, suite, NOW + 2 * HOUR) == [date(2026, 3, 2)]
    assert run(warehouse, policy, suite, NOW + 3 * HOUR) == []


def test_a_source_that_was_never_loaded_is_not_late_and_one_that_was_is(warehouse: Warehouse, policy: Policy) -> None:
    """Freshness and volume are checked over the last days as one batch, and only once there was something."""
    table = make_table(
        warehouse, "facts", "select date '2026-03-01' as day, timestamp '2026-03-01 10:00:00+00' as seen_at limit 0"
    )
    late = rule(
        "expect_column_max_to_be_between",
        "late",
        "warning",
        column="seen_at",
        min_value={"$PARAMETER": "as_of - 36 hours"},
    )
    some = rule("expect_table_row_count_to_be_between", "some", "warning", min_value=1)
    for one in (late, some):
        one["meta"]["scope"] = "window"
    suite = suite_of(late, some, table=table, day_column="day", changes=CHANGES, lookback_days=7)
    assert check_all(warehouse, policy, run_id="0", now=NOW, suites=[suite]) == []

    warehouse.execute(
        f"insert into {warehouse.mart(table)} values (date '2026-03-09', timestamp '2026-03-09 15:25:00+00')"
    )
    load(warehouse, "2026-03-09", NOW - HOUR)
    (fresh,) = check_all(warehouse, policy, run_id="1", now=NOW, suites=[suite])
    assert (fresh.day, fresh.severity_level) == (None, None)
    (stale,) = check_all(warehouse, policy, run_id="2", now=NOW + timedelta(days=1), suites=[suite])
    assert (stale.severity_level, stale.worst_rule_id) == ("P2", "late")
    (empty,) = check_all(warehouse, policy, run_id="3", now=NOW + timedelta(days=20), suites=[suite])
    assert (empty.severity_level, empty.worst_rule_id) == ("P2", "some")


def test_a_quiet_run_reads_no_partition_of_the_table(warehouse: Warehouse, policy: Policy) -> None:
    suite = suite_of(not_null("amount"), table=daily(warehouse), day_column="day", changes=CHANGES)
    load(warehouse, "2026-03-02", NOW - HOUR)
    run(warehouse, policy, suite, NOW)
    with statements() as sent:
        run(warehouse, policy, suite, NOW + HOUR)
    on_table = [sql for sql, _ in sent if ".facts`" in sql]
    assert all("`day` between date '2026-03-08' and date '2026-03-10'" in sql for sql in on_table)


def test_a_run_repeated_for_the_same_time_writes_nothing_new(warehouse: Warehouse, policy: Policy) -> None:
    """And a check by another suite, recorded by hand, does not hide a change from the daily one."""
    suite = suite_of(not_null("amount"), table=daily(warehouse), day_column="day", changes=CHANGES)
    load(warehouse, "2026-03-02", NOW - HOUR)
    other = replace(suite, file="other.json")
    check_all(warehouse, policy, run_id="by-hand", now=NOW - HOUR / 2, suites=[other])
    assert run(warehouse, policy, suite, NOW) == [date(2026, 3, 2)]
    counted = f"select count(*) as n from {warehouse.raw('quality_batches')}"
    before = warehouse.rows(counted)
    assert run(warehouse, policy, suite, NOW) == [date(2026, 3, 2)]
    assert warehouse.rows(counted) == before


def test_a_check_that_could_not_run_hides_no_change_and_is_reported_as_over(
    warehouse: Warehouse, policy: Policy
) -> None:
    suite = suite_of(not_null("amount"), table=daily(warehouse), day_column="day", changes=CHANGES)
    load(warehouse, "2026-03-02", NOW - HOUR)
    run(warehouse, policy, suite, NOW)
    load(warehouse, "2026-03-03", NOW + HOUR / 2)
    warehouse.execute(f"drop table {warehouse.mart('facts')}")
    (lost,) = check_all(warehouse, policy, run_id="lost", now=NOW + HOUR, suites=[suite])
    assert (lost.day, lost.check_severity_level) == (None, "P1")
    daily(warehouse)
    found = check_all(warehouse, policy, run_id="found", now=NOW + 2 * HOUR, suites=[suite])
    assert [(batch.day, batch.check_severity_level) for batch in found] == [(date(2026, 3, 3), None), (None, None)]
    assert run(warehouse, policy, suite, NOW + 3 * HOUR) == []


def test_the_same_run_writes_its_results_once(warehouse: Warehouse, policy: Policy) -> None:
    suite = suite_of(not_null("amount"), not_null("day"), table=daily(warehouse))
    for _ in range(2):
        check_all(warehouse, policy, run_id="same", now=NOW, suites=[suite])
    counts = {
        table: warehouse.rows(f"select count(*) as n from {warehouse.raw(table)}")[0]["n"]
        for table in ("quality_results", "quality_batches")
    }
    assert counts == {"quality_results": 2, "quality_batches": 1}


def test_results_hold_what_was_found_to_the_letter(warehouse: Warehouse, policy: Policy) -> None:
    odd = not_null("amount", 'it\'s "odd" \\ 😀\nline', row_condition=None)
    suite = suite_of(odd, table=daily(warehouse, "date '2026-03-02'"), owner="O'Brien")
    check_all(warehouse, policy, run_id="r", now=NOW, suites=[suite])
    (row,) = warehouse.rows(f"select * from {warehouse.raw('quality_results')}")
    assert row["rule_id"] == odd["meta"]["rule_id"]
    assert (row["owner"], row["examined"], row["failed"], row["failed_record_rate"]) == ("O'Brien", 100, 5, 0.05)
    assert (row["severity_level"], row["checked_at"], row["success"]) == ("P2", NOW, False)


@pytest.fixture
def signals(warehouse: Warehouse, settings: Settings) -> Any:
    """A function that reads the signals, from views that dbt built."""
    assert settings.project_dir == PROJECT_DIR
    results = Dbt(settings, warehouse.endpoint).build(["severities", "+fct_signals"])
    assert [node.message for node in results if node.is_error and "fct_signals" in node.unique_id] == []
    columns = "source_key, severity_level, started_at, observed_at, ended_at, title"
    return lambda: {
        row.pop("source_key"): row for row in warehouse.rows(f"select {columns} from {warehouse.mart('fct_signals')}")
    }


def test_signals_follow_the_checks_of_tables_and_of_suites(warehouse: Warehouse, policy: Policy, signals: Any) -> None:
    """Clean, bad, bad, clean; and beside it a file that was not a suite and is fixed."""
    table = daily(warehouse)
    key, hours = f"table:{warehouse.settings.dataset}.{table}", [NOW + n * HOUR for n in range(5)]
    good = suite_of(not_null("amount"), table=table)

    def at(hour: int, suite: Suite = good) -> dict[str, Any]:
        check_all(warehouse, policy, run_id=str(hour), now=hours[hour], suites=[suite])
        found: dict[str, Any] = signals()
        return found

    assert at(0) == {}
    daily(warehouse, "date '2026-03-02', date '2026-03-03'")
    assert at(1)[key]["severity_level"] == "P2"
    bad = at(2)[key]
    assert (bad["started_at"], bad["observed_at"], bad["ended_at"]) == (hours[1], hours[2], None)
    assert "10 % (10 of 100 records)" in bad["title"]

    # What could not be checked says nothing of the table, and is a signal of its own.
    broken = at(3, suite_from(b"{"))
    assert broken[key] == bad
    assert broken["check:trial.json"]["severity_level"] == "P1"

    daily(warehouse)
    clean = at(4)
    assert clean[key]["ended_at"] == hours[4]
    assert clean["check:trial.json"]["ended_at"] == hours[4]


def test_times_before_the_as_of_time_are_what_a_run_knows(warehouse: Warehouse, policy: Policy) -> None:
    """A run that is replayed for an earlier time does not see the checks of later ones."""
    suite = suite_of(not_null("amount"), table=daily(warehouse), day_column="day", changes=CHANGES)
    load(warehouse, "2026-03-02", datetime(2026, 3, 5, tzinfo=UTC))
    run(warehouse, policy, suite, NOW)
    assert run(warehouse, policy, suite, datetime(2026, 3, 6, tzinfo=UTC)) == [date(2026, 3, 2)]
