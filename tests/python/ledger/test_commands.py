"""What a person may say of an incident, and what is refused."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from incident_ledger.errors import UserError
from incident_ledger.ledger import commands
from incident_ledger.ledger.commands import CommandContext
from incident_ledger.ledger.events import Event, EventType, Status
from incident_ledger.ledger.reducer import replay
from incident_ledger.ledger.state import IncidentState
from ledger.factories import RANKS, T0, after, event, resolved, state

SEVERITIES = ("P0", "P1", "P2", "P3")


def context(minutes: float, now: float = 1000, actor: str = "alice") -> CommandContext:
    return CommandContext(actor=actor, at=after(minutes), now=after(now))


def opened(by: CommandContext | None = None, **more: Any) -> Event:
    usual = {"title": "Down", "severity_level": "P2", "components": ["api:x"], "known_severities": SEVERITIES}
    return commands.open_incident(by or context(0), **(usual | more))


def test_opening_is_one_detection_with_a_derived_id() -> None:
    event = commands.open_incident(
        context(0), title="Down", severity_level="P2", components=["api:x", "api:x"], known_severities=SEVERITIES,
        start=after(-5),
    )  # fmt: skip
    assert (event.event_type, event.severity_level, event.source, event.source_key) == (
        EventType.DETECTED, "P2", "cli", "down-api:x",
    )  # fmt: skip
    assert event.incident_id.startswith("INC-20260302T090000Z-")
    assert event.payload == {"title": "Down", "components": ["api:x"], "start_time": "2026-03-02T08:55:00.000000Z"}


@pytest.mark.parametrize(
    "wrong",
    [{"title": " "}, {"severity_level": "P4"}, {"severity_level": "p1"}, {"components": [""]}, {"start": after(1)}],
)
def test_nonsense_is_not_opened(wrong: dict[str, Any]) -> None:
    with pytest.raises(UserError):
        opened(**wrong)


@pytest.mark.parametrize("title", ["🚨", "É" * 500, "a/b\n c"])
def test_any_title_has_a_key(title: str) -> None:
    key = commands.source_key(title, [])
    assert 0 < len(key) <= 80
    assert "\n" not in key


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("API down", " api  DOWN", True),
        ("x" * 100 + " a", "x" * 100 + " b", False),
        ("x" * 100 + " A", "x" * 100 + "  a", True),
        ("API down", "API down?", False),
        ("C++ fails", "C# fails", False),
        ("🚨", "🔥", False),
        ("???", "!!!", False),
    ],
)
def test_what_differs_in_words_has_another_key(one: str, other: str, is_same: bool) -> None:
    assert (commands.source_key(one, ["api:x"]) == commands.source_key(other, ["api:x"])) == is_same
    assert commands.source_key(one, ["api:x"]) != commands.source_key(one, ["api:y"])


def test_openings_of_one_second_are_one_event_of_that_second() -> None:
    events = []
    for actor, microseconds in (("alice", 1), ("bob", 999_999)):
        context = CommandContext(actor=actor, at=T0 + timedelta(microseconds=microseconds), now=after(9))
        events.append(opened(context, components=[], start=context.at))
    assert events[0].event_id == events[1].event_id
    assert events[0].occurred_at == T0


def test_time_in_the_future_and_nobody_are_refused() -> None:
    with pytest.raises(UserError, match="in the future"):
        context(1001)
    with pytest.raises(UserError, match="--actor"):
        context(0, actor=" ")


@pytest.mark.parametrize(
    "act",
    [
        commands.acknowledge,
        commands.resolve,
        lambda incident, context: commands.set_status(incident, context, "identified"),
        lambda incident, context: commands.set_severity(incident, context, "P1", SEVERITIES),
        lambda incident, context: commands.name_cause(incident, context, "deploy"),
        lambda incident, context: commands.note(incident, context, "x"),
    ],
)
def test_nothing_happens_before_the_detection(act: Callable[[IncidentState, CommandContext], Event]) -> None:
    with pytest.raises(UserError, match=r"before INC-.* was detected"):
        act(state(), context(-1))


def test_the_state_at_a_past_time_is_what_its_events_up_to_then_come_to() -> None:
    history = [
        event("detected", severity="P1"),
        event("note", 1, severity="P0", status="resolving"),
        event("root_cause_identified", 2, category="deploy"),
        event("resolved", 10),
        event("reopened", 20, status="resolving"),
        event("severity_changed", 30, severity="P3"),
    ]
    now = state(severity_level="P3", initial_severity_level="P1")
    past = [commands.state_at(now, history, after(minute)) for minute in (-1, 1, 5, 15, 25, 35)]
    assert [(each.severity_level, each.status) for each in past] == [
        *[("P1", Status.INVESTIGATING)] * 2,
        ("P1", Status.IDENTIFIED),
        ("P1", Status.RESOLVED),
        ("P1", Status.RESOLVING),
        ("P3", Status.RESOLVING),
    ]


def test_acknowledgement_is_taken_once_or_earlier() -> None:
    known = state(acknowledged_time=after(5), our_acknowledged_time=after(5))
    with pytest.raises(UserError, match="acknowledged already, at 2026-03-02T09:05:00Z"):
        commands.acknowledge(known, context(6))
    assert commands.acknowledge(known, context(3)).occurred_at == after(3)


def test_a_person_acknowledges_what_the_vendors_page_has_acknowledged() -> None:
    of_vendor = state(detected_by="vendor", has_sla=False, acknowledged_time=after(0))
    assert commands.acknowledge(of_vendor, context(6)).occurred_at == after(6)


@pytest.mark.parametrize("program", ["incident-ledger", " statuspage"])
def test_no_person_acts_under_the_name_of_a_program(program: str) -> None:
    with pytest.raises(UserError, match="is the name of a program here"):
        context(1, actor=program)


def test_acknowledgement_of_what_is_over_must_say_when_it_was() -> None:
    with pytest.raises(UserError, match="--at T"):
        commands.acknowledge(resolved(30), context(31))
    assert commands.acknowledge(resolved(30), context(10)).event_type is EventType.ACKNOWLEDGED


def test_resolved_is_not_resolved_again_and_open_is_not_reopened() -> None:
    with pytest.raises(UserError, match="is resolved already at 2026-03-02T09:30:00Z"):
        commands.resolve(resolved(30), context(40))
    with pytest.raises(UserError, match="not resolved"):
        commands.reopen(state(), context(40))
    assert commands.reopen(resolved(30), context(40)).event_type is EventType.REOPENED
    with pytest.raises(UserError, match="was resolved after that"):
        commands.reopen(resolved(30), context(20))


def test_resolution_is_not_put_before_the_reopening() -> None:
    with pytest.raises(UserError, match="was reopened after that"):
        commands.resolve(state(last_reopened_time=after(50)), context(40))


def test_status_is_one_of_four_and_new() -> None:
    with pytest.raises(UserError, match="investigating, identified, resolving, resolved"):
        commands.set_status(state(), context(1), "monitoring")
    with pytest.raises(UserError, match="investigating already"):
        commands.set_status(state(), context(1), "investigating")
    with pytest.raises(UserError, match="incident reopen"):
        commands.set_status(resolved(30), context(40), "identified")
    assert commands.set_status(state(), context(1), "resolved").event_type is EventType.RESOLVED
    assert commands.set_status(state(), context(1), "resolving").payload == {"status": "resolving"}


def test_containment_is_a_word_of_its_own_and_not_every_status_resolving() -> None:
    assert commands.contain(state(), context(1)).payload == {"status": "resolving", "contained": True}
    contained = state(status=Status.RESOLVING, contained_time=after(5))
    with pytest.raises(UserError, match="was contained already, at 2026-03-02T09:05:00Z"):
        commands.contain(contained, context(10))
    assert commands.contain(contained, context(3)).occurred_at == after(3)  # earlier than was known
    again = state(status=Status.RESOLVING, contained_time=after(5), last_reopened_time=after(20))
    assert commands.contain(again, context(30)).occurred_at == after(30)
    with pytest.raises(UserError, match="Only what is open"):
        commands.contain(resolved(30), context(40))


def test_severity_goes_up_and_down_and_says_from_where() -> None:
    for severity in ("P0", "P1", "P3"):
        event = commands.set_severity(state(), context(1), severity, SEVERITIES, "why")
        assert (event.severity_level, event.payload) == (severity, {"from": "P2", "reason": "why"})
    for severity in ("P2", "P9", ""):
        with pytest.raises(UserError):
            commands.set_severity(state(), context(1), severity, SEVERITIES)


def test_cause_may_be_named_after_the_end_and_needs_a_word() -> None:
    assert commands.name_cause(resolved(30), context(500), "deploy", "v7").payload == {
        "category": "deploy",
        "text": "v7",
    }
    with pytest.raises(UserError):
        commands.name_cause(state(), context(1), " ")


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("Human  error", "'human error' is no root cause. Did you mean human_error? There are deploy, human_error."),
        ("deplyo", "'deplyo' is no root cause. Did you mean deploy? There are deploy, human_error."),
        ("gremlins", "'gremlins' is no root cause. There are deploy, human_error."),
    ],
)
def test_a_cause_that_is_not_on_the_list_is_refused_with_the_list_and_the_nearest_word(word: str, message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        commands.name_cause(state(), context(1), word, known_categories=("deploy", "human_error"))
    known = commands.name_cause(state(), context(1), " Deploy ", known_categories=("deploy", "human_error"))
    assert known.payload["category"] == "deploy"


@pytest.mark.parametrize("gone", [{"is_retracted": True, "is_open": False}, {"merged_into": "INC-2", "is_open": False}])
def test_what_is_retracted_or_merged_takes_notes_only(gone: dict[str, object]) -> None:
    assert commands.note(state(**gone), context(1), "x").event_type is EventType.NOTE
    for act in (commands.acknowledge, commands.resolve, commands.reopen):
        with pytest.raises(UserError, match=r"retracted|merged"):
            act(state(**gone), context(1))


def test_same_words_at_the_same_time_are_the_same_event() -> None:
    assert commands.note(state(), context(1), "x").event_id == commands.note(state(), context(1), "x").event_id
    assert commands.note(state(), context(1), "x").occurred_at - T0 == after(1) - T0


def test_two_who_write_at_once_without_knowing_of_each_other_lose_nothing_and_the_order_does_not_matter() -> None:
    """Each sees the incident as it was before the other wrote."""
    beginning = opened()
    seen = replay([beginning], RANKS)
    assert seen is not None
    ann, bob = context(5, actor="ann"), context(6, actor="bob")
    pairs = [
        (commands.acknowledge(seen, ann), commands.acknowledge(seen, bob)),
        (
            commands.resolve(seen, ann, "rolled back"),
            commands.set_severity(seen, bob, "P1", known_severities=SEVERITIES),
        ),
        (commands.resolve(seen, ann), commands.resolve(seen, bob)),
        (commands.set_status(seen, ann, "identified"), commands.set_status(seen, bob, "resolving")),
        (
            commands.name_cause(seen, ann, "deploy", known_categories=["deploy", "data"]),
            commands.note(seen, bob, "seen"),
        ),
    ]
    for one, other in pairs:
        both = [replay([beginning, *order], RANKS) for order in ((one, other), (other, one))]
        assert both[0] == both[1]
        assert one.event_id != other.event_id
    assert (first := replay([beginning, *pairs[0]], RANKS)) is not None
    assert first.acknowledged_time == after(5)
    assert (second := replay([beginning, *pairs[1]], RANKS)) is not None
    assert (second.is_open, second.resolution_time, second.severity_level) == (False, after(5), "P1")
    assert (third := replay([beginning, *pairs[3]], RANKS)) is not None
    assert (third.status, third.identified_time) == (Status.RESOLVING, after(5))
