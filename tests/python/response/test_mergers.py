"""What a merged incident's signal does to the incident that it was merged into."""

import pytest

from incident_ledger.ledger.events import Event, EventType, incident_id
from incident_ledger.response.planner import plan
from incident_ledger.response.signals import Signal
from ledger.fold import states
from simulated import MINUTE, POLICY, START

RISEN = START + 20 * MINUTE


def event(key: str, kind: str, minutes: float, severity: str | None = None, actor: str = "ann") -> Event:
    payload = {"title": key} if kind == "detected" else {"into": main_id()} if kind == "merged" else {}
    return Event(
        incident_id=incident_id("quality", key, START),
        event_type=EventType(kind),
        occurred_at=START + minutes * MINUTE,
        actor=actor,
        source="quality",
        source_key=key,
        severity_level=severity,
        payload=payload,
    )


def main_id() -> str:
    return incident_id("quality", "main", START)


def found(severity: str, observed: float = 20, key: str = "member") -> Signal:
    return Signal(
        source="quality",
        source_key=key,
        rule_id="r",
        component=key,
        severity_level=severity,
        title=f"{severity} breach",
        started_at=START,
        observed_at=START + observed * MINUTE,
    )


def life(main: str, *more: Event) -> list[Event]:
    """A P2 that is merged into an incident of this severity, ten minutes after both were detected."""
    begun = [event("main", "detected", 0, main, "incident-ledger")]
    begun += [event("member", "detected", 0, "P2", "incident-ledger"), event("member", "merged", 10)]
    return [*begun, *more]


def rises(events: list[Event], *signals: Signal, at: float = 20) -> list[tuple[str, str | None]]:
    """Of the changes of severity that a tick writes the incident and what it is then; a second tick writes none."""
    now = START + at * MINUTE
    planned = plan(states(events), signals, POLICY, now)
    assert plan(states([*events, *planned]), signals, POLICY, now) == []
    changed = [each for each in planned if each.event_type is EventType.SEVERITY_CHANGED]
    return [(each.source_key, each.severity_level) for each in changed]


def test_a_merged_incident_that_gets_worse_raises_the_one_that_it_was_merged_into() -> None:
    events = life("P2")
    assert rises(events, found("P2")) == []
    assert rises(events, found("P1")) == [("member", "P1"), ("main", "P1")]
    planned = plan(states(events), [found("P1")], POLICY, RISEN)
    (raised,) = [
        each for each in planned if each.incident_id == main_id() and each.event_type is EventType.SEVERITY_CHANGED
    ]
    member = incident_id("quality", "member", START)
    assert (raised.occurred_at, raised.payload["from"]) == (RISEN, "P2")
    assert raised.payload["reason"] == f"{member}, which was merged into it, is P1 (was P2)"


@pytest.mark.parametrize("main", ["P0", "P1"])
def test_what_is_as_bad_already_is_neither_raised_nor_lowered(main: str) -> None:
    assert rises(life(main), found("P1")) == [("member", "P1")]


def test_a_person_who_lowers_it_after_the_rise_is_not_overruled_by_the_same_signal() -> None:
    events = life("P2")
    events += plan(states(events), [found("P1")], POLICY, RISEN)
    events.append(event("main", "severity_changed", 30, "P3"))
    assert rises(events, found("P1", 40), at=40) == []
    assert rises(events, found("P0", 50), at=50) == [("member", "P0"), ("main", "P0")]


def test_two_members_that_get_worse_raise_it_to_the_worst() -> None:
    events = life("P2", event("other", "detected", 0, "P2", "incident-ledger"), event("other", "merged", 10))
    signals = [found("P0"), found("P1", key="other")]
    planned = plan(states(events), signals, POLICY, RISEN)
    (main,) = [each for each in states([*events, *planned]) if each.incident_id == main_id()]
    assert main.severity_level == "P0"
    assert rises(events, *signals) == [("member", "P0"), ("other", "P1"), ("main", "P0")]


def test_one_that_is_over_is_raised_when_it_is_reopened() -> None:
    events = life("P2", event("main", "resolved", 15))
    assert rises(events, found("P1")) == [("member", "P1")]
    events += plan(states(events), [found("P1")], POLICY, RISEN)
    events.append(event("main", "reopened", 60))
    assert rises(events, found("P1"), at=60) == [("main", "P1")]


def test_what_a_person_does_to_the_merged_one_or_what_was_before_the_merger_raises_nothing() -> None:
    before = event("member", "severity_changed", 5, "P1", "incident-ledger")
    assert rises(life("P2", before), found("P1")) == []
    by_person = event("member", "severity_changed", 12, "P1")
    assert rises(life("P2", by_person), found("P2")) == []


def test_what_was_split_off_again_rises_by_itself() -> None:
    events = life("P2", event("member", "split", 15))
    assert rises(events, found("P1")) == [("member", "P1")]


def test_a_retracted_incident_that_was_merged_raises_nothing() -> None:
    assert rises(life("P2", event("member", "retracted", 15)), found("P1")) == []
