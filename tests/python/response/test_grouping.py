"""What a dead pipeline explains: joined, visible, and over when all of it is."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from conftest import PROJECT_DIR
from incident_ledger.ledger.events import PLANNER, Event, EventType
from incident_ledger.ledger.reducer import replay
from incident_ledger.ledger.state import IncidentState
from incident_ledger.policy import Policy, load_files
from incident_ledger.policy.dependencies import Dependencies
from incident_ledger.response.planner import after, plan
from incident_ledger.response.signals import Signal
from ledger.factories import RANKS
from ledger.fold import states

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
POLICY: Policy = load_files(PROJECT_DIR / "seeds" / "policy")
PIPELINE, USAGE = "pipeline:run_daily_job", "usage:cursor"


def minute(number: float) -> datetime:
    return START + timedelta(minutes=number)


def signal(component: str, since: float, until: float | None = None, *, seen: float = 0, level: str = "P0") -> Signal:
    kind = component.partition(":")[0]
    rule = "complete_pipeline_failure" if kind == "pipeline" else "r"
    fields: dict[str, Any] = {"source": kind, "source_key": component, "rule_id": rule}
    observed = minute(seen if until is None else until)
    return Signal(
        **fields, component=component, severity_level=level, title=f"{component} fails", started_at=minute(since),
        ended_at=None if until is None else minute(until), observed_at=observed,
    )  # fmt: skip


SLOW = replace(signal(PIPELINE, 0, level="P2"), rule_id="performance_issues")


def played(*steps: tuple[float, list[Signal]]) -> list[Event]:
    """The events of a tick at each minute; a second tick of the same minute has nothing to add."""
    written: list[Event] = []
    for at, signals in steps:
        written += plan(states(written), signals, POLICY, minute(at))
        assert plan(states(written), signals, POLICY, minute(at)) == []
    return [each for each in written if each.event_type not in (EventType.ESCALATED, EventType.UPDATE_DUE)]


def by_component(events: list[Event]) -> dict[str, IncidentState]:
    return {each.components[0]: each for each in states(events)}


def test_what_depends_on_a_dead_pipeline_joins_its_incident() -> None:
    dead, missing = signal(PIPELINE, 0), signal(USAGE, 5, seen=5, level="P1")
    events = played((1, [dead]), (6, [dead, missing]))
    found = by_component(events)
    assert found[USAGE].merged_into == found[PIPELINE].incident_id
    (joined,) = [each for each in events if each.event_type is EventType.JOINED]
    assert (joined.incident_id, joined.actor, joined.occurred_at) == (found[PIPELINE].incident_id, PLANNER, minute(5))
    assert (joined.payload["source"], joined.payload["source_key"], joined.payload["rule_id"]) == ("usage", USAGE, "r")


def test_both_that_are_found_at_once_are_one_incident() -> None:
    table = "table:ai_usage_prod.fct_usage_daily"
    found = by_component(played((6, [signal(PIPELINE, 5), signal(USAGE, 0, level="P1"), signal(table, 3, level="P2")])))
    assert {each.merged_into for name, each in found.items() if name != PIPELINE} == {found[PIPELINE].incident_id}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        # Open before the pipeline failed.
        ([signal(USAGE, 0, level="P1")], [signal(PIPELINE, 2), signal(USAGE, 0, level="P1")]),
        # Worse than what would explain it.
        ([signal(PIPELINE, 0, level="P2")], [signal(PIPELINE, 0, level="P2"), signal(USAGE, 2, level="P1")]),
        # Of another pipeline.
        ([signal("pipeline:other", 0)], [signal("pipeline:other", 0), signal(USAGE, 2, level="P1")]),
        # The pipeline is well again.
        ([signal(PIPELINE, 0)], [signal(PIPELINE, 0, 1), signal(USAGE, 2, level="P1")]),
        # It is only slow.
        ([SLOW], [SLOW, signal(USAGE, 2, level="P2")]),
        # Nothing depends on usage.
        ([signal(USAGE, 0, level="P1")], [signal(USAGE, 0, level="P1"), signal("api:cursor", 2, level="P1")]),
    ],
)
def test_what_nothing_explains_stays_an_incident_of_its_own(first: list[Signal], second: list[Signal]) -> None:
    found = by_component(played((0.5, first), (3, second)))
    assert [each.merged_into for each in found.values()] == [None, None]


def test_the_incident_ends_when_all_that_joined_have_ended() -> None:
    dead, missing = signal(PIPELINE, 0), signal(USAGE, 5, seen=5, level="P1")
    both = ((1, [dead]), (6, [dead, missing]))
    back = signal(PIPELINE, 0, 10)
    still = played(*both, (11, [back, missing]))
    assert by_component(still)[PIPELINE].is_open
    filled = signal(USAGE, 5, 15, level="P1")
    ended = by_component(played(*both, (11, [back, missing]), (16, [back, filled])))[PIPELINE]
    assert ended.resolution_time == minute(15)


def test_what_joined_ends_nothing_by_ending_first() -> None:
    dead, missing = signal(PIPELINE, 0), signal(USAGE, 5, seen=5, level="P1")
    filled = signal(USAGE, 5, 8, level="P1")
    events = played((1, [dead]), (6, [dead, missing]), (9, [dead, filled]))
    assert by_component(events)[PIPELINE].is_open
    ended = by_component([*events, *played_from(events, 12, [signal(PIPELINE, 0, 11), filled])])[PIPELINE]
    assert ended.resolution_time == minute(11)


def played_from(events: list[Event], at: float, signals: list[Signal]) -> list[Event]:
    return plan(states(events), signals, POLICY, minute(at))


def test_what_joins_has_no_clock_until_it_is_split_off_and_none_of_before() -> None:
    """Nobody is to answer what another incident explains; after a split its clocks begin where they were stopped."""
    signals = [signal(PIPELINE, 0), signal(USAGE, 5, seen=5, level="P1")]
    written = [*plan([], signals[:1], POLICY, minute(1))]
    for at in (6, 60, 300):
        written += plan(states(written), signals, POLICY, minute(at))
        joined = by_component(written)[USAGE]
        mine = [each.event_type for each in written if each.incident_id == joined.incident_id]
        assert mine == [EventType.DETECTED, EventType.MERGED], at
        assert replay([each for each in written if each.incident_id == joined.incident_id], RANKS) == joined
    split = replace(written[-1], incident_id=joined.incident_id, event_type=EventType.SPLIT, occurred_at=minute(301))
    written.append(replace(split, actor="ann", source=joined.source, source_key=joined.source_key, payload={}))
    due = [
        each for each in plan(states(written), signals, POLICY, minute(303)) if each.incident_id == joined.incident_id
    ]
    assert {each.payload.get("step_id") for each in due} == {"initial_response", "response_overdue"}
    assert {each.occurred_at for each in due} == {minute(301)}


def test_the_planner_sees_a_merger_of_its_own_as_the_ledger_does() -> None:
    signals = [signal(PIPELINE, 0), signal(USAGE, 0, level="P1")]
    events = plan([], signals, POLICY, minute(1))
    assert after([], events) == sorted(states(events), key=lambda each: (each.detection_time, each.incident_id))


def of_one(source: str, since: float, until: float | None = None, *, level: str = "P2") -> Signal:
    """What a detector finds of one component."""
    return replace(signal("api:cursor", since, until, seen=since, level=level), source=source)


@pytest.mark.parametrize(("later", "is_joined"), [(0, True), (60, True), (60.1, False)])
def test_two_signals_of_one_component_within_an_hour_are_one_incident(later: float, is_joined: bool) -> None:
    first, second = of_one("first", 0), of_one("second", later)
    events = played((later + 1, [first, second]))
    found = {each.source: each for each in states(events)}
    assert found["first"].merged_into is None
    assert found["second"].merged_into == (found["first"].incident_id if is_joined else None)
    assert [each.payload["source"] for each in events if each.event_type is EventType.JOINED] == ["second"] * is_joined


def test_of_one_component_the_milder_joins_the_worse_and_a_worse_one_stays_its_own() -> None:
    at_once = {each.source: each for each in states(played((6, [of_one("b", 5, level="P1"), of_one("a", 0)])))}
    assert at_once["a"].merged_into == at_once["b"].incident_id
    later = {
        each.source: each
        for each in states(played((1, [of_one("a", 0)]), (6, [of_one("a", 0), of_one("b", 5, level="P1")])))
    }
    assert [each.merged_into for each in later.values()] == [None, None]


def test_what_is_of_one_component_ends_with_the_last_and_can_be_split() -> None:
    first, second = of_one("first", 0), of_one("second", 5)
    written = played((1, [first]), (6, [first, second]), (11, [of_one("first", 0, 10), second]))
    found = {each.source: each for each in states(written)}
    assert found["first"].is_open
    ended = [*written, *played_from(written, 16, [of_one("first", 0, 10), of_one("second", 5, 15)])]
    assert {each.source: each for each in states(ended)}["first"].resolution_time == minute(15)
    split = replace(
        written[-1],
        incident_id=found["second"].incident_id,
        event_type=EventType.SPLIT,
        occurred_at=minute(12),
        actor="ann",
        source="second",
        source_key="api:cursor",
        payload={},
    )
    parted = [*written, split]
    parted += played_from(parted, 13, [of_one("first", 0, 10), second])
    apart = {each.source: each for each in states(parted)}
    assert (apart["first"].is_open, apart["second"].is_open, apart["second"].merged_into) == (False, True, None)


def test_of_many_new_components_not_each_is_asked_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    explains = Dependencies.explains

    def counted(dependencies: Dependencies, *arguments: Any, **options: Any) -> bool:
        asked.append(arguments)
        return explains(dependencies, *arguments, **options)

    monkeypatch.setattr(Dependencies, "explains", counted)
    dead = signal(PIPELINE, 0)
    many = [signal(f"dbt:shop.model_{number}", 0, level="P2") for number in range(500)]
    events = plan([], [dead, *many], POLICY, minute(1))
    assert len([each for each in events if each.event_type is EventType.DETECTED]) == 1 + len(many)
    assert len(asked) <= 2 * len(many)
