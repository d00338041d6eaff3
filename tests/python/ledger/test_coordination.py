"""What a person may record of the work on an incident, and what is refused."""

from collections.abc import Callable
from typing import Any

import pytest

from incident_ledger.errors import UserError
from incident_ledger.ledger import coordination
from incident_ledger.ledger.commands import CommandContext
from incident_ledger.ledger.events import Event, EventType
from incident_ledger.ledger.state import IncidentState
from ledger.factories import after, resolved, state

ROOM = "https://meet.example.com/room"


def context(minutes: float, now: float = 1000) -> CommandContext:
    return CommandContext(actor="alice", at=after(minutes), now=after(now))


ACTS: list[Callable[[IncidentState, CommandContext], Event]] = [
    lambda incident, by: coordination.assign(incident, by, "bob"),
    lambda incident, by: coordination.expect_end(incident, by, after(2000)),
    lambda incident, by: coordination.assess_impact(incident, by, users="all"),
    lambda incident, by: coordination.take_action(incident, by, "rolling back"),
    lambda incident, by: coordination.open_war_room(incident, by, ROOM),
]


@pytest.mark.parametrize("act", ACTS)
@pytest.mark.parametrize("gone", [{"is_retracted": True, "is_open": False}, {"merged_into": "INC-2", "is_open": False}])
def test_what_is_retracted_or_merged_takes_notes_only(
    act: Callable[[IncidentState, CommandContext], Event], gone: dict[str, Any]
) -> None:
    with pytest.raises(UserError, match="only notes can be added"):
        act(state(**gone), context(1))


@pytest.mark.parametrize("act", ACTS)
def test_nothing_happens_before_the_detection(act: Callable[[IncidentState, CommandContext], Event]) -> None:
    with pytest.raises(UserError, match=r"before INC-.* was detected"):
        act(state(), context(-1))


@pytest.mark.parametrize("act", ACTS)
def test_the_same_act_at_the_same_time_is_the_same_event(act: Callable[[IncidentState, CommandContext], Event]) -> None:
    assert act(state(), context(1)).event_id == act(state(), context(1)).event_id
    assert act(state(), context(1)).event_id != act(state(), context(2)).event_id


@pytest.mark.parametrize(("act", "ends"), list(zip(ACTS, (False, True, False, False, True), strict=True)))
def test_after_the_resolution_nobody_expects_its_end_or_opens_a_war_room(
    act: Callable[[IncidentState, CommandContext], Event], ends: bool
) -> None:
    act(resolved(30), context(29))  # recorded later, of a time at which it was open
    if not ends:
        act(resolved(30), context(31))
        return
    with pytest.raises(UserError, match=r"was resolved at 2026-03-02T09:30:00Z.*incident reopen"):
        act(resolved(30), context(30))


def test_a_commander_is_named_in_one_line_and_once() -> None:
    event = coordination.assign(state(), context(1), "  Bob\n Smith ")
    assert (event.event_type, event.payload) == (EventType.COMMANDER_ASSIGNED, {"name": "Bob Smith"})
    with pytest.raises(UserError, match=r"Bob Smith commands INC-.* already"):
        coordination.assign(state(incident_commander="bob smith"), context(1), "Bob Smith")
    with pytest.raises(UserError, match="Name the commander"):
        coordination.assign(state(), context(1), " \n")


@pytest.mark.parametrize(("minutes", "is_taken"), [(9, False), (10, False), (11, True)])
def test_an_expected_end_lies_ahead(minutes: int, is_taken: bool) -> None:
    if is_taken:
        event = coordination.expect_end(state(), context(10), after(minutes), "two hosts left")
        assert event.payload == {"estimated_resolution_time": "2026-03-02T09:11:00.000000Z", "text": "two hosts left"}
        return
    with pytest.raises(UserError, match="is past"):
        coordination.expect_end(state(), context(10), after(minutes))


def test_an_impact_is_what_was_given_and_no_more() -> None:
    event = coordination.assess_impact(
        state(), context(1), money="$5", data="a day is missing", services=["b", "a", "b"]
    )
    assert event.event_type is EventType.IMPACT_ASSESSED
    assert event.payload == {"financial_impact": "$5", "data_impact": "a day is missing", "services": ["b", "a"]}


@pytest.mark.parametrize("given", [{}, {"users": " "}, {"users": "all", "money": ""}, {"services": ["a", " "]}])
def test_an_impact_without_words_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"at least one|needs words"):
        coordination.assess_impact(state(), context(1), **given)


def test_an_action_goes_on_until_it_is_done() -> None:
    assert coordination.take_action(state(), context(1), "rolling back").payload == {"text": "rolling back"}
    done = coordination.take_action(state(), context(2), "rolling back", is_done=True)
    assert done.payload == {"text": "rolling back", "phase": "done"}
    with pytest.raises(UserError, match="needs a text"):
        coordination.take_action(state(), context(1), " ")


@pytest.mark.parametrize(
    "url",
    ["", "meet.example.com/room", "ftp://meet.example.com", "https://", "https://a b", "https://a\n.b", "javascript:x"],
)
def test_a_war_room_is_an_address_of_the_web(url: str) -> None:
    with pytest.raises(UserError, match="not an address of http or https"):
        coordination.open_war_room(state(), context(1), url)


def test_one_war_room_is_opened_once() -> None:
    assert coordination.open_war_room(state(), context(1), ROOM).payload == {"url": ROOM}
    with pytest.raises(UserError, match="has this war room already"):
        coordination.open_war_room(state(war_room_url=ROOM), context(1), ROOM)
