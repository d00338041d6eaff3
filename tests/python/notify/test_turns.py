"""An incident that flaps fills no mailbox, and nobody is left believing what is not."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from incident_ledger.ledger.events import Event, EventType
from incident_ledger.ledger.state import in_order
from incident_ledger.notify.flapping import Due, due
from notify.helpers import MINUTE, START, event

INTERVAL = 15 * MINUTE
BEGINNING = event("detected", severity="P2")


def flaps(*minutes: int) -> list[Event]:
    """Resolved and reopened, in turn, at these minutes."""
    kinds = ("resolved", "reopened")
    return [event(kinds[place % 2], at=START + minute * MINUTE) for place, minute in enumerate(minutes)]


class Reader:
    """Whoever is notified at each run, and of what."""

    def __init__(self, events: Sequence[Event]) -> None:
        self.events = sorted(events, key=in_order)
        self.notified: dict[str, datetime] = {}
        self.messages: list[tuple[float, Due]] = []

    def run(self, now: datetime) -> list[Due]:
        found = due([each for each in self.events if each.occurred_at <= now], self.notified, INTERVAL, now)
        for each in found:
            self.notified[each.event.event_id] = now
            self.messages.append(((now - START) / MINUTE, each))
        return found

    def each_minute(self, last: int, every: int = 1) -> list[tuple[float, str, int]]:
        for minute in range(0, last + 1, every):
            self.run(START + minute * MINUTE)
        return [
            (at, each.event.event_type.value, each.flapping.times if each.flapping else 0) for at, each in self.messages
        ]


def test_a_check_that_flaps_every_five_minutes_is_sent_once_in_an_interval_with_its_count() -> None:
    reader = Reader([BEGINNING, *flaps(5, 10, 15, 20, 25)])
    assert reader.each_minute(60, every=5) == [
        (0, "detected", 0),
        (15, "reopened", 1),  # resolved at this minute, and not yet believed
        (30, "reopened", 1),
        (45, "resolved", 0),
    ]


def test_flapping_for_an_hour_is_four_messages_more_and_every_return_is_counted_once() -> None:
    reader = Reader([BEGINNING, *flaps(*range(5, 65, 5))])
    found = reader.each_minute(120, every=5)
    assert [at for at, _, _ in found] == [0, 15, 30, 45, 60]
    assert sum(times for _, _, times in found) == 6
    assert found[-1] == (60, "reopened", 2)


def test_an_end_that_is_long_after_the_beginning_is_sent_at_once() -> None:
    assert Reader([BEGINNING, *flaps(23)]).each_minute(40) == [(0, "detected", 0), (23, "resolved", 0)]


def test_a_quick_end_waits_for_the_interval_and_is_not_lost() -> None:
    assert Reader([BEGINNING, *flaps(3)]).each_minute(40) == [(0, "detected", 0), (15, "resolved", 0)]


def test_a_return_after_an_end_that_was_sent_is_sent_at_once_and_then_its_turns_wait() -> None:
    reader = Reader([BEGINNING, *flaps(20, 22, 24, 26, 28)])
    assert reader.each_minute(60) == [
        (0, "detected", 0),
        (20, "resolved", 0),
        (22, "reopened", 0),
        (37, "reopened", 1),
        (52, "resolved", 0),
    ]


def test_a_return_between_two_runs_after_an_end_that_was_sent_is_sent_at_once_however_often_it_turned() -> None:
    reader = Reader([BEGINNING, *flaps(20, 22, 23, 24)])
    assert reader.each_minute(60, every=10) == [(0, "detected", 0), (20, "resolved", 0), (30, "reopened", 2)]


def test_a_rise_is_sent_at_once_and_delays_no_turn() -> None:
    raised = event("severity_changed", at=START + 7 * MINUTE, severity="P1", **{"from": "P2"})
    reader = Reader([BEGINNING, raised, *flaps(8)])
    found = reader.each_minute(30)
    assert found == [(0, "detected", 0), (7, "severity_changed", 0), (15, "resolved", 0)]


def test_a_retraction_is_sent_at_once_and_nothing_of_before_after_it() -> None:
    retracted = event("retracted", at=START + 6 * MINUTE, reason="none")
    found = Reader([BEGINNING, *flaps(3), retracted]).each_minute(60)
    assert [(at, kind) for at, kind, _ in found] == [(0, "detected"), (6, "retracted")]


def test_what_flapped_while_nobody_ran_is_one_message() -> None:
    reader = Reader([BEGINNING, *flaps(5, 10, 15, 20, 25)])
    found = reader.run(START + timedelta(hours=7))
    assert [(each.event.event_type.value, each.flapping and each.flapping.times) for each in found] == [
        ("detected", None),
        ("resolved", 2),
    ]
    assert found[1].flapping and found[1].flapping.since == START + 5 * MINUTE
    assert reader.run(START + timedelta(hours=8)) == []


def test_a_correction_of_an_end_that_was_not_sent_is_sent() -> None:
    first, back, end = flaps(20, 21, 22)
    corrected = event("resolved", at=START + 23 * MINUTE, supersedes=end.event_id)
    found = Reader([BEGINNING, first, back, corrected]).each_minute(60)
    assert [kind for _, kind, _ in found] == ["detected", "resolved", "reopened", "resolved"]


minutes = st.integers(min_value=0, max_value=200)
stories = st.tuples(
    st.lists(minutes, unique=True, max_size=14),  # turns
    st.lists(minutes, unique=True, max_size=3),  # rises
    st.lists(minutes, max_size=40),  # runs
)


@settings(max_examples=150)
@given(stories)
def test_whatever_happens_and_whenever_it_runs_nobody_is_misled_or_flooded(
    story: tuple[list[int], list[int], list[int]],
) -> None:
    turns, rises, runs = (sorted(part) for part in story)
    levels = ["P1", "P0", "P0"]
    raised = [
        event("severity_changed", at=START + minute * MINUTE + timedelta(seconds=1), severity=level, rise=place)
        for place, (minute, level) in enumerate(zip(rises, levels, strict=False))
    ]
    events = [BEGINNING, *flaps(*(minute + 1 for minute in turns)), *raised]
    reader = Reader(events)
    spoke: datetime | None = None
    believes_open = False
    for now in [START + minute * MINUTE for minute in (*runs, 250, 270, 290)]:
        was_open = believes_open
        found = reader.run(now)
        assert reader.run(now) == []  # the same run again
        past = [each for each in reader.events if each.occurred_at <= now]
        for each in found:
            kind = each.event.event_type
            if kind is EventType.SEVERITY_CHANGED:
                continue
            if kind is not EventType.DETECTED:
                is_return = kind is EventType.REOPENED and not was_open
                assert spoke is None or spoke == now or now - spoke >= INTERVAL or is_return
            believes_open = kind is not EventType.RESOLVED
            spoke = now
        is_open = [each for each in past if each.event_type is not EventType.SEVERITY_CHANGED][-1].event_type in (
            EventType.DETECTED,
            EventType.REOPENED,
        )
        assert believes_open or not is_open  # never an all-clear for what is broken
        risen = [each for each in past if each.event_type is EventType.SEVERITY_CHANGED]
        assert not risen or risen[-1].event_id in reader.notified
    assert believes_open == (len(turns) % 2 == 0)  # the end is sent
    returns = [each for each in events if each.event_type is EventType.REOPENED]
    plain = sum(1 for _, each in reader.messages if each.event.event_type is EventType.REOPENED and not each.flapping)
    assert plain + sum(each.flapping.times for _, each in reader.messages if each.flapping) == len(returns)
