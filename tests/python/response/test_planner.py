"""From signals to events: each rule of the lifecycle by name, and what must hold for any history."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import PROJECT_DIR
from incident_ledger.ledger.events import Event, EventType
from incident_ledger.ledger.state import IncidentState
from incident_ledger.policy import Policy, load_files
from incident_ledger.response.planner import plan
from incident_ledger.response.rules.signal_rules import signal_events
from incident_ledger.response.signals import Signal
from ledger.fold import states

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
POLICY: Policy = load_files(PROJECT_DIR / "seeds" / "policy")
WINDOW = POLICY.reopening_window(START)


def signal(
    severity: str = "P2", *, since: datetime = START, observed: datetime | None = None, gone: datetime | None = None
) -> Signal:
    return Signal(
        source="quality",
        source_key="table:ai_usage_prod.fct_usage_daily",
        rule_id="cost_not_null",
        component="table:ai_usage_prod.fct_usage_daily",
        severity_level=severity,
        title=f"{severity} breach",
        started_at=since,
        observed_at=gone or observed or since,
        ended_at=gone,
    )


def types(events: Sequence[Event]) -> list[str]:
    return [event.event_type.value for event in events]


def opened(severity: str = "P2") -> list[IncidentState]:
    return states(signal_events([], [signal(severity)], POLICY, START))


def resolved(severity: str = "P2", at: datetime = START + HOUR) -> list[IncidentState]:
    events = signal_events([], [signal(severity)], POLICY, START)
    return states([*events, *signal_events(states(events), [signal(severity, gone=at)], POLICY, at)])


def test_a_breach_opens_one_incident_detected_when_its_check_found_it() -> None:
    (event,) = signal_events([], [signal("P1")], POLICY, START + timedelta(minutes=5))
    assert event.event_type is EventType.DETECTED
    assert event.severity_level == "P1"
    assert event.occurred_at == START
    assert event.incident_id.startswith("INC-20260302T090000Z-")


def test_the_same_breach_again_says_nothing_new() -> None:
    assert signal_events(opened(), [signal(observed=START + HOUR)], POLICY, START + HOUR) == []


@pytest.mark.parametrize("gone", [{"is_retracted": True}, {"merged_into": "INC-2"}])
def test_what_a_person_retracted_or_merged_is_not_opened_again_by_the_same_breach(gone: dict[str, Any]) -> None:
    state = [replace(opened()[0], is_open=False, **gone)]
    assert plan(state, [signal("P2", observed=START + HOUR)], POLICY, START + HOUR) == []
    later = START + 2 * HOUR
    assert types(plan(state, [signal(since=later)], POLICY, later))[:1] == ["detected"]


def test_worse_raises_the_severity_of_the_same_incident() -> None:
    state = opened("P2")
    (event,) = signal_events(state, [signal("P1", observed=START + HOUR)], POLICY, START + HOUR)
    assert event.event_type is EventType.SEVERITY_CHANGED
    assert (event.severity_level, event.payload["from"]) == ("P1", "P2")
    assert event.incident_id == state[0].incident_id


def test_milder_lowers_nothing() -> None:
    assert signal_events(opened("P1"), [signal("P2", observed=START + HOUR)], POLICY, START + HOUR) == []


def test_a_person_who_lowered_it_is_not_overruled_by_the_same_breach() -> None:
    lowered = [replace(opened("P1")[0], severity_level="P3")]
    assert signal_events(lowered, [signal("P1", observed=START + HOUR)], POLICY, START + HOUR) == []


def test_a_lowered_incident_is_raised_when_it_gets_worse_than_before() -> None:
    lowered = [replace(opened("P2")[0], severity_level="P3")]
    assert types(signal_events(lowered, [signal("P1", observed=START + HOUR)], POLICY, START + HOUR)) == [
        "severity_changed"
    ]


def test_a_person_who_raised_it_is_not_lowered() -> None:
    raised = [replace(opened("P2")[0], severity_level="P0")]
    assert signal_events(raised, [signal("P1", observed=START + HOUR)], POLICY, START + HOUR) == []


def test_a_clean_check_resolves_it_when_the_check_ran() -> None:
    (event,) = signal_events(opened(), [signal(gone=START + HOUR)], POLICY, START + 2 * HOUR)
    assert event.event_type is EventType.RESOLVED
    assert event.occurred_at == START + HOUR


def test_five_more_clean_runs_after_the_end_write_nothing() -> None:
    state = resolved()
    for minutes in range(15, 90, 15):
        now = START + HOUR + timedelta(minutes=minutes)
        assert signal_events(state, [signal(gone=START + HOUR)], POLICY, now) == []


def test_clean_without_an_incident_writes_nothing() -> None:
    assert signal_events([], [signal(gone=START)], POLICY, START) == []


@pytest.mark.parametrize("late", [timedelta(0), timedelta(microseconds=1)])
def test_the_same_breach_reopens_within_the_window_and_opens_a_new_one_after_it(late: timedelta) -> None:
    state = resolved(at=START + HOUR)
    again = START + HOUR + WINDOW + late
    events = signal_events(state, [signal(since=again)], POLICY, again)
    assert types(events) == (["detected"] if late else ["reopened"])
    assert (events[0].incident_id == state[0].incident_id) is (not late)


def test_a_worse_return_reopens_and_raises() -> None:
    events = signal_events(resolved("P2"), [signal("P1", since=START + 2 * HOUR)], POLICY, START + 2 * HOUR)
    assert types(events) == ["reopened", "severity_changed"]


def test_a_breach_not_looked_at_since_a_person_resolved_it_is_no_news() -> None:
    state = resolved(at=START + HOUR)
    assert signal_events(state, [signal(observed=START + HOUR)], POLICY, START + 2 * HOUR) == []


def test_a_breach_seen_again_after_a_person_resolved_it_reopens_when_it_was_seen() -> None:
    state = resolved(at=START + HOUR)
    (event,) = signal_events(state, [signal(observed=START + 2 * HOUR)], POLICY, START + 2 * HOUR)
    assert event.event_type is EventType.REOPENED
    assert event.occurred_at == START + 2 * HOUR


def test_what_was_observed_after_the_as_of_time_is_not_known_yet() -> None:
    assert signal_events([], [signal(since=START + HOUR)], POLICY, START) == []


def test_a_retracted_incident_does_not_stand_for_a_new_breach() -> None:
    retracted = [replace(opened()[0], is_open=False, is_retracted=True)]
    again = START + HOUR
    assert types(signal_events(retracted, [signal(since=again)], POLICY, again)) == ["detected"]


steps = st.lists(
    st.tuples(st.sampled_from(["P1", "P2", "P3", "clean"]), st.integers(min_value=1, max_value=40 * 60)), max_size=12
)


def history(checks: Sequence[tuple[str, int]]) -> list[tuple[Signal, datetime]]:
    """Checks of one table in time order, as `fct_signals` would give each."""
    signals: list[tuple[Signal, datetime]] = []
    now, since, before = START, START, "clean"
    for verdict, minutes in checks:
        now += timedelta(minutes=minutes)
        if verdict == "clean":
            signals.append((signal(gone=now), now))
        else:
            since = since if before != "clean" else now
            signals.append((signal(verdict, since=since, observed=now), now))
        before = verdict
    return signals


@given(steps)
def test_planning_twice_at_the_same_time_writes_nothing_the_second_time(checks: list[tuple[str, int]]) -> None:
    events: list[Event] = []
    for each, now in history(checks):
        events += signal_events(states(events), [each], POLICY, now)
        assert signal_events(states(events), [each], POLICY, now) == []


@given(steps)
def test_an_incident_is_open_exactly_while_the_last_check_was_bad(checks: list[tuple[str, int]]) -> None:
    events: list[Event] = []
    for each, now in history(checks):
        events += signal_events(states(events), [each], POLICY, now)
        still_open = [incident for incident in states(events) if incident.is_open]
        assert len(still_open) == (0 if each.ended_at else 1)


@given(st.permutations(range(6)), st.integers())
def test_the_order_of_signals_and_state_does_not_matter(order: list[int], seed: int) -> None:
    signals = [
        replace(signal("P1"), source_key=f"table:d.t{number}", component=f"table:d.t{number}") for number in order
    ]
    state = states(signal_events([], signals[:3], POLICY, START))
    expected = signal_events(state, sorted(signals, key=lambda each: each.source_key), POLICY, START)
    shuffled = list(state)
    random.Random(seed).shuffle(shuffled)
    assert signal_events(shuffled, signals, POLICY, START) == expected


def test_a_resolution_says_that_the_check_found_nothing_wrong_and_what_it_was_before() -> None:
    state = states(signal_events([], [signal("P1")], POLICY, START))
    (event,) = signal_events(state, [signal("P1", gone=START + HOUR)], POLICY, START + HOUR)
    assert event.payload["verification"] == "Checked again at 2026-03-02 10:00 UTC and found well. Before: P1 breach"
