"""What a breach is made of is kept apart: the signals are those of all checks, and what is kept stays small."""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from incident_ledger.dbt_runner import Dbt
from incident_ledger.ledger.events import Event, EventType, incident_id
from incident_ledger.ledger.writer import append
from incident_ledger.policy import Policy
from incident_ledger.quality.breaches import forget, keep
from incident_ledger.quality.checker import check_all
from incident_ledger.quality.result_types import BatchResult, RuleResult
from incident_ledger.quality.results import batch_rows, record
from incident_ledger.runner.signal_rows import signal_columns
from incident_ledger.warehouse import Warehouse
from quality.helpers import NOW, make_table, not_null, suite_of
from reused import Reused

CHAIN = (
    "stg_ledger__quality_breaches",
    "int_quality_checks_unioned",
    "int_quality_breaches_grouped",
    "int_signals__quality",
    "stg_ledger__signals",
    "int_signals__recorded",
    "fct_signals",
)
HOUR, DAY = timedelta(hours=1), date(2026, 3, 2)
Signals = Callable[..., list[dict[str, Any]]]


@pytest.fixture(scope="module")
def place(reused: Reused) -> tuple[Warehouse, Signals]:
    """A warehouse, and a function that gives the signals by their own SQL over one of the raw tables."""
    warehouse = reused.like_new()
    compiled = Dbt(warehouse.settings, warehouse.endpoint).compiled(CHAIN)

    def signals(table: str = "quality_breaches") -> list[dict[str, Any]]:
        names = {warehouse.raw("quality_breaches").replace(".", "`.`"): warehouse.raw(table)}
        parts = []
        for model in CHAIN:
            relation, sql = compiled[model]
            for name, stand_in in names.items():
                sql = sql.replace(name, stand_in)
            parts.append(f"{model} as ({sql})")
            names[relation] = model
        return warehouse.rows(f"with {', '.join(parts)} select {signal_columns()} from fct_signals order by component")

    return warehouse, signals


@pytest.fixture
def warehouse(place: tuple[Warehouse, Signals]) -> Warehouse:
    """The warehouse of this module, without checks."""
    for table in ("quality_results", "quality_batches", "quality_breaches", "usage_loads", "incident_events"):
        place[0].execute(f"delete from {place[0].raw(table)} where true")
    return place[0]


@pytest.fixture
def signals(place: tuple[Warehouse, Signals]) -> Signals:
    return place[1]


def count(warehouse: Warehouse) -> int:
    """How many batches are kept."""
    return int(warehouse.rows(f"select count(*) as n from {warehouse.raw('quality_breaches')}")[0]["n"])


def rule_of(error: str | None) -> RuleResult:
    return RuleResult(
        rule_id="r",
        type="t",
        column=None,
        dimension=None,
        owner=None,
        gx_severity="critical",
        is_table_rule=True,
        success=None if error else True,
        examined=None,
        failed=None,
        observed=None,
        severity_level="P1" if error else None,
        threshold=None,
        error=error,
    )


def batch_result(
    suite: str = "s.json",
    severity: str | None = None,
    *,
    table: str = "d.t",
    day: date | None = None,
    errors: int = 0,
    error: str | None = None,
    **more: Any,
) -> BatchResult:
    """A result: clean, bad by `severity`, with `errors` rules that could not be evaluated, or failed by `error`."""
    return BatchResult(
        table=table,
        suite=suite,
        owner=None,
        day=day,
        examined=None,
        rules=(*(rule_of("broken") for _ in range(errors)), rule_of(None)),
        severity_level=severity,
        worst_rule_id="r" if severity else None,
        check_severity_level="P1" if errors or error else None,
        title=f"{suite} {table} {day} {severity}",
        value=0.1 if severity else None,
        threshold=None,
        error=error,
        evidence={"suite": suite, "day": str(day)},
        **more,
    )


def drawn(chance: random.Random, at: datetime, *, second: bool) -> Iterator[BatchResult]:
    """A run's results for some of the tables and days; most are clean, and a suite may be no suite for a while."""
    for suite in (f"{number}.json" for number in range(16)):
        if chance.random() < 0.3:
            continue
        if chance.random() < 0.1:
            yield batch_result(suite, table=suite, errors=50 + second, error="no suite", is_table_known=False)
            continue
        batches = [(f"{suite}.{table}", day) for table in "tu" for day in (None, DAY)]
        for place, (table, day) in enumerate(chance.sample(batches, chance.randint(1, 3))):
            kind = chance.random()
            # Two checks of one batch at one time agree on how bad it is: which of two would be sent is not defined.
            severity = random.Random(f"{table} {day} {at}").choice(("P1", "P2")) if kind < 0.25 else None
            # And of a check's failures one is the greatest, so that it is sent.
            errors = 1 + 2 * place + second if 0.2 < kind < 0.35 else 0
            batch = batch_result(suite, severity, table=table, day=day, errors=errors)
            # An error that notifies nobody does not end the breach of its table either.
            yield replace(batch, check_severity_level=None) if chance.random() < 0.3 else batch


def test_the_signals_are_those_of_all_checks_whatever_came_when(warehouse: Warehouse, signals: Signals) -> None:
    """Runs in time, late, replayed for an earlier time, and twice for one time, over weeks."""
    chance = random.Random("breaches")
    times = [NOW]
    for number in range(16):
        at = max(times) + chance.choice((HOUR, 20 * HOUR, 50 * HOUR))
        if chance.random() < 0.4:
            at = chance.choice(times) + chance.choice((timedelta(), timedelta(), HOUR / 2))
        record(warehouse, list(drawn(chance, at, second=at in times)), f"run-{number}", at)
        times.append(at)
        if number % 3 == 0:
            assert signals() == signals("quality_batches"), f"after run {number} at {at}"
    for table in ("quality_batches", "quality_breaches"):
        warehouse.execute(f"insert into {warehouse.raw(table)} select * from {warehouse.raw(table)}")
    assert len(signals()) > 30
    assert signals() == signals("quality_batches")


def test_clean_checks_leave_nothing_and_a_breach_its_beginning_and_its_end(
    warehouse: Warehouse, signals: Signals
) -> None:
    kept = []
    for hour, severity in enumerate((None, None, "P1", "P2", None, None)):
        batches = [batch_result(day=DAY), batch_result(day=None), batch_result("other.json", severity, day=DAY)]
        record(warehouse, batches, f"run-{hour}", NOW + hour * HOUR)
        kept.append(count(warehouse))
    assert kept == [0, 0, 1, 2, 3, 3]
    (signal,) = signals()
    assert (signal["started_at"], signal["ended_at"]) == (NOW + 2 * HOUR, NOW + 4 * HOUR)


def test_what_is_forgotten_changes_no_signal_that_goes_on_or_ended_lately(
    warehouse: Warehouse, signals: Signals
) -> None:
    """Runs as before, and a weekly end of what is past. Of long breaches few checks are kept."""
    chance = random.Random("forgotten")
    at, deleted = NOW, 0
    for number in range(24):
        at += chance.choice((HOUR, 20 * HOUR, 50 * HOUR))
        record(warehouse, list(drawn(chance, at, second=False)), f"run-{number}", at)
        if number % 4 == 3:
            before = at - timedelta(days=2)
            deleted += forget(warehouse, before)
            assert forget(warehouse, before) == 0, "what is left is needed"
            needed = [each for each in signals("quality_batches") if not each["ended_at"] or each["ended_at"] >= before]
            kept = [each for each in signals() if not each["ended_at"] or each["ended_at"] >= before]
            assert kept == needed, f"after run {number} at {at}"
    assert deleted > 30
    assert len(kept) > 20


def test_a_suite_that_is_bad_for_months_keeps_the_beginning_and_the_last_weeks(
    warehouse: Warehouse, signals: Signals
) -> None:
    for week in range(16):
        at = NOW + timedelta(weeks=week)
        broken = batch_result("broken.json", errors=1, day=DAY)
        record(warehouse, [batch_result(severity="P1", day=DAY), broken], f"run-{week}", at)
        if week % 4 == 3:
            forget(warehouse, at - timedelta(days=10))
    assert count(warehouse) <= 2 * (2 + 4)
    assert [(each["component"], each["started_at"], each["ended_at"]) for each in signals()] == [
        ("check:d.t", NOW, None),
        ("table:d.t", NOW, None),
    ]
    record(warehouse, [batch_result(day=DAY)], "clean", at + HOUR)
    assert {each["component"]: each["ended_at"] for each in signals()} == {"check:d.t": None, "table:d.t": at + HOUR}


def test_what_an_open_incident_is_of_is_not_forgotten(warehouse: Warehouse, signals: Signals) -> None:
    for hour, severity in enumerate(("P1", None)):
        record(warehouse, [batch_result(severity=severity, day=DAY)], f"run-{hour}", NOW + hour * HOUR)
    (signal,) = signals()
    detected = Event(
        incident_id=incident_id("quality", signal["source_key"], NOW),
        event_type=EventType.DETECTED,
        occurred_at=NOW,
        actor="test",
        source="quality",
        source_key=signal["source_key"],
        severity_level="P1",
        payload={"title": "t", "components": []},
    )
    append(warehouse, [detected], NOW)
    later = NOW + timedelta(weeks=6)
    assert forget(warehouse, later) == 0
    ended = replace(detected, event_type=EventType.RESOLVED, occurred_at=NOW + HOUR, severity_level=None, payload={})
    append(warehouse, [ended], NOW + HOUR)
    assert forget(warehouse, later) == 2
    assert signals() == []


def test_a_check_for_an_earlier_time_finds_what_ended_it_though_that_is_forgotten(
    warehouse: Warehouse, signals: Signals
) -> None:
    for hour, severity in ((0, "P1"), (2, None)):
        record(warehouse, [batch_result(severity=severity, day=DAY)], f"run-{hour}", NOW + hour * HOUR)
    forget(warehouse, NOW + timedelta(weeks=6))
    assert count(warehouse) == 0
    record(warehouse, [batch_result(severity="P2", day=DAY)], "replayed", NOW + HOUR)
    assert [(each["severity_level"], each["ended_at"]) for each in signals()] == [("P2", NOW + 2 * HOUR)]


# What a run that is killed at the worst time leaves: breaches, and no batches.


def facts(warehouse: Warehouse, *, broken: bool) -> str:
    """One day of ten records, all or none of them broken."""
    value = "null" if broken else "i"
    return make_table(
        warehouse,
        "facts",
        f"select date '{DAY}' as day, cast({value} as int64) as amount from unnest(generate_array(1, 10)) as i",
    )


def check(warehouse: Warehouse, policy: Policy, at: datetime, *, killed: bool = False) -> int:
    """A run of the suite; how many days it checked."""
    table = {"table": "raw.usage_loads", "day_column": "day", "changed_at_column": "loaded_at"}
    suite = suite_of(not_null("amount"), table="facts", day_column="day", changes=table)
    found = check_all(warehouse, policy, run_id=f"run-{at}", now=at, suites=[suite])
    if killed:
        for name in ("quality_batches", "quality_results"):
            warehouse.execute(f"delete from {warehouse.raw(name)} where checked_at = @at", {"at": at})
    return len(found)


def loaded(warehouse: Warehouse, at: datetime) -> None:
    """Note that a load touched the day."""
    warehouse.execute(
        f"insert into {warehouse.raw('usage_loads')} (load_id, source, day, records, loaded_at, recorded_at) "
        f"values ('l', 's', date '{DAY}', 10, @at, @at)",
        {"at": at},
    )


def test_what_a_killed_run_kept_is_what_the_same_run_says_when_repeated(
    warehouse: Warehouse, signals: Signals, policy: Policy
) -> None:
    facts(warehouse, broken=True)
    loaded(warehouse, NOW - HOUR)
    check(warehouse, policy, NOW, killed=True)
    assert [signal["ended_at"] for signal in signals()] == [None]
    facts(warehouse, broken=False)
    assert check(warehouse, policy, NOW) == 1
    assert signals() == []


def test_a_breach_that_a_killed_run_kept_ends_with_the_next_check(
    warehouse: Warehouse, signals: Signals, policy: Policy
) -> None:
    """Though no load touches the day again, as far as the next run can see."""
    facts(warehouse, broken=True)
    loaded(warehouse, NOW - HOUR)
    check(warehouse, policy, NOW, killed=True)
    warehouse.execute(f"delete from {warehouse.raw('usage_loads')} where true")
    facts(warehouse, broken=False)
    assert check(warehouse, policy, NOW + 100 * HOUR) == 1
    assert [signal["ended_at"] for signal in signals()] == [NOW + 100 * HOUR]
    assert check(warehouse, policy, NOW + 101 * HOUR) == 0


def test_an_end_that_a_killed_run_kept_is_checked_again_and_recorded(
    warehouse: Warehouse, signals: Signals, policy: Policy
) -> None:
    facts(warehouse, broken=True)
    loaded(warehouse, NOW - HOUR)
    check(warehouse, policy, NOW)
    facts(warehouse, broken=False)
    check(warehouse, policy, NOW + HOUR, killed=True)
    assert check(warehouse, policy, NOW + 100 * HOUR) == 1
    assert [signal["ended_at"] for signal in signals()] == [NOW + HOUR]
    assert check(warehouse, policy, NOW + 101 * HOUR) == 0


def test_what_two_checks_at_once_did_not_see_of_each_other_is_seen_by_the_next(
    warehouse: Warehouse, signals: Signals
) -> None:
    """The clean check was made later, and looked for breaches before the bad one was there."""
    record(warehouse, [batch_result()], "second", NOW + HOUR)
    batches = warehouse.rows(f"select * from {warehouse.raw('quality_batches')}")
    assert len(batches) == 1
    keep(warehouse, batch_rows([batch_result(severity="P1")], "first", NOW), NOW + timedelta(days=9))
    assert [signal["ended_at"] for signal in signals()] == [None]
    record(warehouse, [batch_result("other.json", table="d.u")], "third", NOW + 2 * HOUR)
    assert [signal["ended_at"] for signal in signals()] == [NOW + HOUR]
