"""What a silence holds back, and what becomes of it at its end."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from conftest import PROJECT_DIR
from incident_ledger.ledger.events import Event
from incident_ledger.ledger.state import IncidentState
from incident_ledger.policy import Policy, load_files
from incident_ledger.response.planner import plan
from incident_ledger.response.rules.signal_rules import signal_events
from incident_ledger.response.signals import Signal
from incident_ledger.response.silences import Scope, Silence
from incident_ledger.runner.next_due import next_due
from ledger.fold import states

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
POLICY: Policy = load_files(PROJECT_DIR / "seeds" / "policy")


def minute(number: float) -> datetime:
    return START + timedelta(minutes=number)


def signal(since: float = 0, seen: float | None = None, **more: Any) -> Signal:
    fields: dict[str, Any] = {
        "source": "probe", "source_key": "target:a", "rule_id": "api_errors", "component": "api:anthropic",
        "severity_level": "P2", "title": "T", "started_at": minute(since),
        "observed_at": minute(since if seen is None else seen), "evidence": {"owner": "ann"},
    }  # fmt: skip
    return Signal(**{**fields, **more})


def silence(first: float, last: float, scope: str = "component", value: str = "api:anthropic") -> Silence:
    return Silence(
        silence_id="s",
        scope=Scope(scope),
        value=value,
        starts_at=minute(first),
        ends_at=minute(last),
        reason="R",
        actor="bob",
    )


def played(steps: dict[float, Signal], silences: Sequence[Silence]) -> list[str]:
    """The events of a tick at each minute, with the signal that it sees; as `minute type`."""
    written: list[Event] = []
    for number, each in steps.items():
        written += signal_events(states(written), [each], POLICY, minute(number), silences)
    return [f"{(each.occurred_at - START).total_seconds() / 60:g} {each.event_type.value}" for each in written]


@pytest.mark.parametrize(
    ("scope", "value", "is_held"),
    [
        ("component", "api:anthropic", True),
        ("component", "api:*", True),
        ("component", "api:anthrop", False),
        ("component", "api:cursor", False),
        ("rule", "api_errors", True),
        ("rule", "api_slow", False),
        ("owner", "ann", True),
        ("owner", "an", False),
    ],
)
def test_a_silence_holds_back_what_it_is_about_alone(scope: str, value: str, *, is_held: bool) -> None:
    events = signal_events([], [signal()], POLICY, minute(5), [silence(0, 60, scope, value)])
    assert (events == []) is is_held


def test_what_has_no_owner_is_in_no_silence_of_one() -> None:
    assert signal_events([], [signal(evidence={})], POLICY, minute(5), [silence(0, 60, "owner", "*")])


def test_what_still_holds_at_the_end_is_opened_then_and_its_clocks_begin_then() -> None:
    silences = [silence(-10, 60)]
    assert played({59: signal(seen=59)}, silences) == []
    (event,) = signal_events([], [signal(seen=59)], POLICY, minute(60), silences)
    assert event.occurred_at == minute(60)
    assert event.payload["start_time"] == "2026-03-02T09:00:00.000000Z"


def test_what_was_over_before_the_end_is_never_opened() -> None:
    assert played({30: signal(seen=30), 50: signal(ended_at=minute(45), seen=45), 61: signal(ended_at=minute(45))}, [
        silence(-10, 60)
    ]) == []  # fmt: skip


def test_a_silence_that_begins_a_moment_after_the_trouble_holds_it_back_too() -> None:
    """Nobody ticked between the signal and the silence: it opens at the end of the silence, not before it."""
    assert played({1: signal(since=0), 60: signal(seen=59)}, [silence(0.5, 60)]) == ["60 detected"]


def test_one_silence_after_the_other_is_one() -> None:
    silences = [silence(-10, 30), silence(30, 90, "rule", "api_errors")]
    assert played({29: signal(), 30: signal(seen=30), 89: signal(seen=89), 90: signal(seen=89)}, silences) == [
        "90 detected"
    ]


def test_an_open_incident_stays_and_its_end_is_written_during_the_silence() -> None:
    """It ends while it is silenced and is bad again 15 minutes after the silence: the ledger has both."""
    steps = {
        0: signal(),
        30: signal(ended_at=minute(30), seen=30),
        60: signal(ended_at=minute(30), seen=30),
        75: signal(since=75),
    }
    assert played(steps, [silence(5, 60)]) == ["0 detected", "30 resolved", "75 reopened"]


def test_what_gets_worse_during_a_silence_is_raised_after_it() -> None:
    steps = {0: signal(), 30: signal(seen=30, severity_level="P0"), 60: signal(seen=59, severity_level="P0")}
    assert played(steps, [silence(5, 60)]) == ["0 detected", "59 severity_changed"]


def test_what_comes_again_during_a_silence_is_reopened_at_its_end() -> None:
    steps = {
        0: signal(),
        2: signal(ended_at=minute(2), seen=2),
        30: signal(since=20, seen=30),
        60: signal(since=20, seen=59),
    }
    assert played(steps, [silence(5, 60)]) == ["0 detected", "2 resolved", "60 reopened"]


def test_what_a_person_retracted_is_not_opened_by_the_end_of_a_later_silence() -> None:
    state: list[IncidentState] = states(signal_events([], [signal()], POLICY, minute(0)))
    gone = [replace(state[0], is_open=False, is_retracted=True)]
    assert plan(gone, [signal(seen=90)], POLICY, minute(90), [silence(30, 60)]) == []


def test_an_absence_to_come_is_held_back_from_its_beginning_on() -> None:
    missing = signal(since=120, observed_at=minute(0))
    silences = [silence(110, 180)]
    assert played({121: missing, 179: missing, 180: missing}, silences) == ["180 detected"]


def test_the_next_tick_is_due_at_the_end_of_a_silence_that_holds_something_back() -> None:
    silences = [silence(-10, 60)]
    assert next_due([], [signal()], POLICY, minute(1), silences=silences) == minute(60)
    assert next_due([], [], POLICY, minute(1), silences=silences) is None
