"""What of an incident waits for a person, by what its clocks have recorded."""

from typing import Any

import pytest

from incident_ledger.ledger.events import PLANNER, Event
from incident_ledger.ledger.overdue import Overdue, overdue
from incident_ledger.ledger.reducer import replay
from incident_ledger.policy import RESPONSE_OVERDUE, WAR_ROOM_REQUIRED
from ledger.factories import RANKS, after, event


def clock(kind: str, minutes: float, **payload: Any) -> Event:
    found = event(kind, minutes, **payload)
    return Event(**{name: getattr(found, name) for name in found.__dataclass_fields__} | {"actor": PLANNER})


LATE = clock("escalated", 5, step_id=RESPONSE_OVERDUE, severity_level="P0")
ROOM = clock("escalated", 60, step_id=WAR_ROOM_REQUIRED, severity_level="P0")
STEP = clock("escalated", 5, step_id="initial_response", severity_level="P0")
UPDATES = [clock("update_due", minutes, number=1) for minutes in (30, 60)]


def waiting(*events: Event, **known: Any) -> list[Overdue]:
    state = replay([event("detected", severity="P0", **known), *events], RANKS)
    assert state is not None
    return overdue(state)


def test_nothing_waits_before_something_fell_due() -> None:
    assert waiting(STEP, event("note", 1)) == []


def test_what_fell_due_waits_in_its_order() -> None:
    assert waiting(LATE, STEP, *UPDATES, ROOM) == [
        Overdue("acknowledgement", after(5)), Overdue("update", after(30)), Overdue("war room", after(60)),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("done", "left"),
    [
        (event("acknowledged", 61), ["war room"]),  # a person's act is an update too
        (event("war_room_opened", 61, url="https://meet.example.com"), ["acknowledgement"]),
        (event("note", 61), ["acknowledgement", "war room"]),
        (event("note", 45), ["acknowledgement", "war room", "update"]),
        (clock("notified", 61), ["acknowledgement", "update", "war room"]),
        (event("resolved", 61), []),
        (event("retracted", 61), []),
        (event("merged", 61, into="INC-2"), []),
    ],
)
def test_what_was_done_waits_no_longer(done: Event, left: list[str]) -> None:
    assert [each.what for each in waiting(LATE, *UPDATES, ROOM, done)] == left


def test_what_was_reopened_was_answered() -> None:
    assert waiting(LATE, event("resolved", 10), event("reopened", 20)) == []
