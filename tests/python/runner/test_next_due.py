"""When something becomes due by itself: what the clock alone does, minute by minute, beside what was foretold."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import PROJECT_DIR
from incident_ledger.ledger.events import Event, EventType, Status
from incident_ledger.ledger.state import IncidentState, in_order
from incident_ledger.notify.candidates import Candidates
from incident_ledger.policy import Policy, load_files
from incident_ledger.response.planner import after, plan
from incident_ledger.response.signals import Signal
from incident_ledger.runner.next_due import next_due

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MINUTES = 60
POLICY: Policy = load_files(PROJECT_DIR / "seeds" / "policy")
KEYS = st.sampled_from("ab")
LEVELS = st.sampled_from(["P0", "P1", "P2", "P3"])


def minutes(first: int, last: int) -> st.SearchStrategy[datetime]:
    return st.integers(first, last).map(lambda minute: NOW + minute * MINUTE)


SIGNALS = st.lists(
    st.builds(
        Signal,
        source=st.just("test"),
        source_key=KEYS,
        rule_id=st.just("r"),
        component=st.just("table:d.t"),
        severity_level=LEVELS,
        title=st.just("T"),
        started_at=minutes(-MINUTES, MINUTES),
        observed_at=minutes(-MINUTES, MINUTES),
        ended_at=st.none() | minutes(-MINUTES, MINUTES),
    ),
    max_size=3,
    unique_by=lambda signal: signal.source_key,
)


def incident(key: str, level: str = "P1", *, at: datetime = NOW, resolved_at: datetime | None = None) -> IncidentState:
    return IncidentState(
        incident_id=f"INC-{key}",
        source="test",
        source_key=key,
        title="T",
        severity_level=level,
        initial_severity_level=level,
        worst_detected_severity_level=level,
        status=Status.INVESTIGATING if resolved_at is None else Status.RESOLVED,
        is_open=resolved_at is None,
        detection_time=at,
        last_event_time=max(at, resolved_at or at),
        last_resolution_time=resolved_at,
    )


STATES = st.lists(
    st.builds(
        incident,
        KEYS,
        LEVELS,
        at=minutes(-2 * MINUTES, -MINUTES),
        resolved_at=st.none() | minutes(-MINUTES, 0),
    ),
    max_size=2,
    unique_by=lambda state: state.source_key,
)


def later() -> Iterable[datetime]:
    return (NOW + minute * MINUTE for minute in range(1, MINUTES + 2))


@given(STATES, SIGNALS)
@settings(max_examples=400, deadline=None)
def test_the_planner_finds_something_exactly_when_it_was_foretold(
    state: list[IncidentState], signals: list[Signal]
) -> None:
    state = after(state, plan(state, [], POLICY, NOW))  # what fell due is written
    if plan(state, signals, POLICY, NOW):
        return
    first = next((minute for minute in later() if plan(state, signals, POLICY, minute)), None)
    assert next_due(state, signals, POLICY, NOW) == first


def story(turns: list[tuple[int, EventType]]) -> list[Event]:
    """A detected incident and what followed, by the minutes before now."""
    return sorted(
        (
            Event(
                incident_id="INC-a",
                event_type=kind,
                occurred_at=NOW - before * MINUTE,
                actor="tester",
                source="test",
                source_key="a",
                severity_level="P1" if kind in {EventType.DETECTED, EventType.SEVERITY_CHANGED} else None,
            )
            for before, kind in {(61, EventType.DETECTED), *turns}
        ),
        key=in_order,
    )


TURNS = [EventType.RESOLVED, EventType.REOPENED, EventType.RETRACTED, EventType.SEVERITY_CHANGED]
STORIES = st.lists(st.tuples(st.integers(0, 60), st.sampled_from(TURNS)), max_size=6).map(story)


@given(STORIES, st.integers(1, 30), st.data())
@settings(max_examples=400, deadline=None)
def test_messages_change_exactly_when_it_was_foretold(events: list[Event], interval: int, data: st.DataObject) -> None:
    delays = [data.draw(st.none() | st.integers(0, 10)) for _ in events]
    notified = {
        event.event_id: min(NOW, event.occurred_at + delay * MINUTE)
        for event, delay in zip(events, delays, strict=True)
        if delay is not None
    }
    candidates = Candidates(events={"INC-a": events}, notified={"INC-a": notified}, interval=interval * MINUTE)
    first = next((minute for minute in later() if candidates.due(minute) != candidates.due(NOW)), None)
    assert candidates.next_change(NOW) == first


def test_an_end_of_what_flapped_is_foretold() -> None:
    events = story([(20, EventType.RESOLVED), (10, EventType.REOPENED), (2, EventType.RESOLVED)])
    notified = {events[0].event_id: NOW - 61 * MINUTE, events[1].event_id: NOW - 20 * MINUTE}
    notified[events[2].event_id] = NOW - 10 * MINUTE
    candidates = Candidates(events={"INC-a": events}, notified={"INC-a": notified}, interval=15 * MINUTE)
    assert candidates.due(NOW) == []
    assert candidates.next_change(NOW) == NOW + 5 * MINUTE


def test_the_sooner_of_a_message_and_a_signal_counts() -> None:
    signal = Signal(
        source="test",
        source_key="a",
        rule_id="r",
        component="table:d.t",
        severity_level="P1",
        title="T",
        started_at=NOW,
        observed_at=NOW + 5 * MINUTE,
    )
    assert next_due([], [signal], POLICY, NOW, messages_due=NOW + 3 * MINUTE) == NOW + 3 * MINUTE
    assert next_due([], [signal], POLICY, NOW, messages_due=NOW + 7 * MINUTE) == NOW + 5 * MINUTE
    assert next_due([], [], POLICY, NOW) is None


def test_an_event_of_the_future_may_be_due_at_any_look() -> None:
    ahead = replace(incident("a", at=NOW - MINUTE, resolved_at=NOW), last_event_time=NOW + MINUTE)
    assert next_due([ahead], [], POLICY, NOW) == NOW
    assert next_due([ahead], [], POLICY, NOW + MINUTE) is None


@pytest.mark.parametrize("table", ["notification_rules", "runtime_limits", "audiences"])
def test_a_row_of_the_policy_that_is_to_begin_is_foretold(table: str) -> None:
    row = POLICY.tables[table][0]
    begins = type(row)(row.table, row.where, {**row.values, "valid_from": NOW + 90 * MINUTE})
    policy = Policy({**POLICY.tables, table: (*POLICY.tables[table], begins)})
    assert next_due([], [], policy, NOW) == NOW + 90 * MINUTE
    assert next_due([], [], policy, NOW + 90 * MINUTE) is None
