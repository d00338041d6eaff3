"""What follows an incident, through a simulated clock: tasks and reviews, what is due soon, and what is late."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incident_ledger.ledger.events import EventType
from incident_ledger.ledger.review_commands import completed_tasks
from incident_ledger.response.planner import next_clock_due, plan
from incident_ledger.response.rules.review_rules import review_deadline, review_phases
from simulated import MINUTE, POLICY, START, Ledger, name

HOUR = 60
RESOLVED = 30
IMMEDIATE = [task.task_id for task in POLICY.tasks() if task.phase == "immediate"]
REVIEW = [task.task_id for task in POLICY.tasks() if task.phase == "review"]
# Monday 2 March 2026, 09:30 UTC is before the meeting at 10:00 in Los Angeles (18:00 UTC) of the same day.
MEETING = datetime(2026, 3, 2, 18, tzinfo=UTC)


def resolved(severity: str, *, source: str = "test", start: datetime = START) -> Ledger:
    """An incident that was resolved after half an hour, after one tick."""
    ledger = Ledger(severity, source=source, start=start).add("acknowledged", 1).add("resolved", RESOLVED)
    ledger.tick(RESOLVED)
    return ledger


def hours(ledger: Ledger) -> dict[str, float]:
    """Of each thing that fell due after the end, how many hours after the resolution."""
    return {step: (minute - RESOLVED) / HOUR for step, minute in ledger.due().items() if minute >= RESOLVED}


@pytest.mark.parametrize("severity", ["P0", "P1"])
def test_tasks_are_due_within_24_hours_and_the_review_within_72(severity: str) -> None:
    ledger = resolved(severity)
    ledger.tick(RESOLVED + 100 * HOUR)
    assert hours(ledger) == {
        "review_scheduled": 0,
        "immediate_due": 20,
        "immediate_late": 24,
        "review_due": 68,
        "review_late": 72,
    }


@pytest.mark.parametrize("severity", ["P0", "P1"])
def test_all_of_the_playbooks_tasks_are_to_be_done(severity: str) -> None:
    immediate, review = review_phases(resolved(severity).state(), POLICY)
    assert (immediate.title, review.title) == (
        "Immediate Actions (Within 24 Hours)",
        "Post-Incident Review (Within 72 Hours)",
    )
    assert [len(phase.tasks) for phase in (immediate, review)] == [6, 9]


def test_a_p2_is_reviewed_in_the_weekly_cycle() -> None:
    ledger = resolved("P2")
    ledger.tick(RESOLVED + 100 * HOUR)
    at = (MEETING - START) / MINUTE
    assert ledger.due() == {"review_scheduled": RESOLVED, "weekly_due": at - 4 * HOUR, "weekly_late": at}


@pytest.mark.parametrize(
    ("day", "meeting"),
    [
        (datetime(2026, 3, 2, 17, 30, tzinfo=UTC), datetime(2026, 3, 9, 17, tzinfo=UTC)),  # at the meeting: the next
        (datetime(2026, 3, 3, 9, tzinfo=UTC), datetime(2026, 3, 9, 17, tzinfo=UTC)),  # summer time began on the 8th
        (datetime(2026, 10, 27, 9, tzinfo=UTC), datetime(2026, 11, 2, 18, tzinfo=UTC)),  # it ended on the 1st
        (datetime(2028, 2, 29, 9, tzinfo=UTC), datetime(2028, 3, 6, 18, tzinfo=UTC)),
    ],
)
def test_the_weekly_review_is_at_its_hour_of_the_calendars_zone(day: datetime, meeting: datetime) -> None:
    assert review_deadline(resolved("P2", start=day).state(), POLICY) == meeting


def test_a_meeting_sooner_than_its_reminder_is_told_of_at_the_end() -> None:
    ledger = resolved("P2", start=MEETING - timedelta(minutes=90))
    assert ledger.due() == {"review_scheduled": RESOLVED, "weekly_due": RESOLVED}


def test_nothing_follows_a_p3() -> None:
    ledger = resolved("P3")
    ledger.tick(RESOLVED + 1000 * HOUR)
    assert ledger.due() == {}
    assert next_clock_due([ledger.state()], POLICY, START + 40 * MINUTE) is None


def test_what_is_done_is_not_asked_for() -> None:
    ledger = resolved("P1")
    for number, task in enumerate(IMMEDIATE):
        ledger.add("task_completed", RESOLVED + 60 + number, task_id=task)
    ledger.tick(RESOLVED + 100 * HOUR)
    assert "immediate_due" not in ledger.due()
    assert hours(ledger)["review_due"] == 68


def test_one_task_that_is_not_done_is_late() -> None:
    ledger = resolved("P1")
    for task in IMMEDIATE[1:]:
        ledger.add("task_completed", RESOLVED + 60, task_id=task)
    ledger.tick(RESOLVED + 30 * HOUR)
    assert hours(ledger)["immediate_late"] == 24


def test_after_the_review_nothing_is_asked_for() -> None:
    ledger = resolved("P0").add("review_completed", RESOLVED + HOUR)
    ledger.tick(RESOLVED + 100 * HOUR)
    assert hours(ledger) == {"review_scheduled": 0}
    assert next_clock_due([ledger.state()], POLICY, START + 5 * HOUR * MINUTE) is None


def test_a_task_that_was_done_while_it_was_open_is_done() -> None:
    ledger = Ledger("P1").add("task_completed", 10, task_id="impact_financial").add("resolved", RESOLVED)
    assert list(completed_tasks(ledger.state())) == ["impact_financial"]


def test_what_is_reopened_is_not_asked_for_and_begins_anew_at_its_next_end() -> None:
    ledger = resolved("P1").add("task_completed", 40, task_id=IMMEDIATE[0])
    ledger.add("reopened", RESOLVED + 10 * HOUR).add("note", RESOLVED + 10 * HOUR + 1, text="Looking.")
    assert not [each for each in ledger.tick(RESOLVED + 26 * HOUR) if each.event_type is EventType.REVIEW_DUE]
    ledger.add("resolved", RESOLVED + 26 * HOUR)
    assert completed_tasks(ledger.state()) == {}
    events = ledger.tick(RESOLVED + 60 * HOUR)
    assert [(name(each), (each.occurred_at - START) / MINUTE - RESOLVED) for each in events if name(each)] == [
        ("review_scheduled", 26 * HOUR),
        ("immediate_due", 46 * HOUR),
        ("immediate_late", 50 * HOUR),
    ]


def test_a_review_before_a_reopening_is_none_of_the_next_end() -> None:
    ledger = resolved("P1").add("review_completed", 50).add("reopened", 60).add("resolved", 70)
    assert "review_late" in {name(each) for each in ledger.tick(70 + 80 * HOUR)}


def test_a_lower_severity_after_the_end_asks_for_less() -> None:
    ledger = resolved("P1").add("severity_changed", 40, severity="P3")
    ledger.tick(RESOLVED + 100 * HOUR)
    assert hours(ledger) == {"review_scheduled": 0}


def test_a_worse_severity_after_the_end_asks_for_its_own_review_from_then_on() -> None:
    ledger = resolved("P2").add("severity_changed", 70 * HOUR, severity="P0")
    events = ledger.tick(RESOLVED + 80 * HOUR)
    assert {name(each): (each.occurred_at - START) / MINUTE / HOUR for each in events} == {
        "review_scheduled": 70,
        "immediate_due": 70,
        "immediate_late": 70,
        "review_due": 70,
        "review_late": 72.5,
    }


@pytest.mark.parametrize(("kind", "payload"), [("retracted", {}), ("merged", {"into": "INC-1"})])
def test_what_counts_for_nothing_is_not_reviewed(kind: str, payload: dict[str, Any]) -> None:
    ledger = resolved("P0").add(kind, 40, **payload)
    ledger.tick(RESOLVED + 100 * HOUR)
    assert hours(ledger) == {"review_scheduled": 0}


def test_a_vendors_incident_is_reviewed_only_where_a_person_acted_on_it() -> None:
    vendors = Ledger("P0", source="statuspage").add("resolved", 30, actor="statuspage")
    assert vendors.tick(100 * HOUR) == []
    acted = Ledger("P0", source="statuspage").add("acknowledged", 5).add("resolved", 30, actor="statuspage")
    assert "review_late" in {name(each) for each in acted.tick(100 * HOUR)}


def test_what_ended_long_ago_is_history() -> None:
    """A new version, or a new policy, asks nobody about the incidents of years."""
    ledger = Ledger("P0").add("acknowledged", 1).add("resolved", RESOLVED)
    limit = float(POLICY.limit("deadline_window_hours", START))
    assert plan([ledger.state()], [], POLICY, START + timedelta(minutes=RESOLVED, hours=72 + limit, seconds=1)) == []


def test_a_review_that_people_scheduled_keeps_its_deadline() -> None:
    ledger = resolved("P1").add("review_scheduled", 50, scheduled_for="2026-03-20T10:00:00Z")
    ledger.tick(RESOLVED + 100 * HOUR)
    assert hours(ledger)["review_late"] == 72


DONE = st.lists(
    st.tuples(st.integers(RESOLVED, 120 * HOUR), st.sampled_from([*IMMEDIATE, *REVIEW])), max_size=20, unique=True
)


@given(st.sampled_from(["P0", "P1", "P2", "P3"]), DONE, st.lists(st.integers(RESOLVED, 130 * HOUR), max_size=8))
@settings(max_examples=150, deadline=None)
def test_nothing_is_asked_for_twice_or_early_or_after_it_was_done(
    severity: str, done: list[tuple[int, str]], ticks: list[int]
) -> None:
    ledger = resolved(severity)
    steps = sorted([*((minute, task) for minute, task in done), *((minute, "") for minute in ticks)])
    for minute, task in steps:
        if task:
            ledger.add("task_completed", minute, task_id=task)
            continue
        due_at = next_clock_due([ledger.state()], POLICY, START + minute * MINUTE)
        written = ledger.tick(minute)
        assert all(each.occurred_at <= START + minute * MINUTE for each in written)
        left = {name(each).split("_")[0] for each in written if each.event_type is EventType.REVIEW_DUE}
        finished = completed_tasks(ledger.state())
        assert "immediate" not in left or not finished.keys() >= set(IMMEDIATE)
        assert "review" not in left or not finished.keys() >= set(REVIEW)
        assert ledger.tick(minute) == []
        if due_at is not None:
            assert due_at > START + minute * MINUTE
    names = [name(event) for event in ledger.clocks()]
    assert len(names) == len(set(names))
