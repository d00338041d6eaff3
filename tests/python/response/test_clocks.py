"""The clocks of the response through a simulated clock: each row of the playbook's tables, and any lifecycle."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incident_ledger.ledger.events import Event, EventType
from incident_ledger.ledger.reducer import apply
from incident_ledger.response.planner import next_clock_due, plan
from ledger.fold import states
from simulated import CONTAINED, MINUTE, POLICY, START, Ledger, name


def open_for(severity: str, minutes: float) -> Ledger:
    """An incident that nobody did anything about, after one tick."""
    ledger = Ledger(severity)
    ledger.tick(minutes)
    return ledger


# Quick Reference: response time and escalation


@pytest.mark.parametrize(("severity", "minutes"), [("P0", 5), ("P1", 15), ("P2", 60)])
def test_the_response_is_overdue_after_the_response_time_of_the_severity(severity: str, minutes: int) -> None:
    assert "response_overdue" not in open_for(severity, minutes - 0.001).due()
    assert open_for(severity, minutes).due()["response_overdue"] == minutes


def test_the_response_to_a_p3_is_overdue_after_the_close_of_the_next_business_day() -> None:
    """Monday 09:00 UTC; the office of Los Angeles closes on Tuesday at 17:00, eight hours before UTC."""
    until = (datetime(2026, 3, 4, 1, tzinfo=UTC) - START) / MINUTE
    assert "response_overdue" not in open_for("P3", until - 1).due()
    assert open_for("P3", until).due()["response_overdue"] == until


def test_the_response_to_a_p3_before_a_holiday_on_a_friday_is_due_after_the_weekend() -> None:
    """Thursday 2 July 2026; Independence Day is observed on Friday, so that Monday is the next business day."""
    ledger = Ledger("P3", start=datetime(2026, 7, 2, 20, tzinfo=UTC))
    ledger.tick(10_000)
    (overdue,) = [each for each in ledger.clocks() if name(each) == "response_overdue"]
    assert overdue.occurred_at == datetime(2026, 7, 7, 0, tzinfo=UTC)


def test_the_response_to_a_p3_before_29_february_is_due_on_that_day() -> None:
    """Monday 28 February 2028 is followed by a Tuesday that only leap years have."""
    ledger = Ledger("P3", start=datetime(2028, 2, 28, 20, tzinfo=UTC))
    ledger.tick(10_000)
    (overdue,) = [each for each in ledger.clocks() if name(each) == "response_overdue"]
    assert overdue.occurred_at == datetime(2028, 3, 1, 1, tzinfo=UTC)  # 17:00 of the 29th in Los Angeles


def test_clocks_run_through_29_february() -> None:
    ledger = Ledger("P1", start=datetime(2028, 2, 28, 23, 50, tzinfo=UTC))
    ledger.tick(120)
    (step,) = [each for each in ledger.clocks() if name(each) == "management_notification"]
    assert step.occurred_at == datetime(2028, 2, 29, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(("severity", "minutes"), [("P0", 0), ("P1", 30), ("P2", 240)])
def test_an_incident_is_escalated_after_the_escalation_time_of_its_severity(severity: str, minutes: int) -> None:
    assert open_for(severity, minutes).due()["escalation"] == minutes
    if minutes:
        assert "escalation" not in open_for(severity, minutes - 0.001).due()


def test_a_p3_is_escalated_as_needed_by_people_alone() -> None:
    assert "escalation" not in open_for("P3", 100_000).due()


def test_a_p1_that_was_contained_is_not_escalated() -> None:
    ledger = Ledger("P1").add("status_changed", 29, **CONTAINED)
    ledger.tick(60)
    assert "escalation" not in ledger.due()


def test_a_p1_that_somebody_works_on_and_did_not_contain_is_escalated() -> None:
    ledger = Ledger("P1").add("acknowledged", 3).add("status_changed", 10, status="resolving")
    ledger.tick(60)
    assert ledger.due()["escalation"] == 30
    assert "response_overdue" not in ledger.due()


def test_a_p1_whose_containment_is_taken_back_is_escalated_then() -> None:
    ledger = Ledger("P1").add("status_changed", 20, **CONTAINED).add("status_changed", 50, status="investigating")
    ledger.tick(60)
    assert ledger.due()["escalation"] == 50


def test_a_p1_that_was_contained_and_is_reopened_is_escalated_at_its_reopening() -> None:
    ledger = Ledger("P1").add("status_changed", 20, **CONTAINED).add("resolved", 40).add("reopened", 100)
    ledger.tick(110)
    assert ledger.due()["escalation"] == 100


def test_a_p2_that_was_contained_is_escalated_until_it_is_resolved() -> None:
    ledger = Ledger("P2").add("status_changed", 20, **CONTAINED)
    ledger.tick(240)
    assert ledger.due()["escalation"] == 240


# The escalation matrix


MATRIX = {
    "initial_response": (0, "P0 P1 P2 P3"),
    "technical_investigation": (5, "P0 P1 P2 P3"),
    "management_notification": (15, "P0 P1"),
    "war_room_activation": (30, "P0"),
    "executive_notification": (60, "P0"),
    "external_communication": (120, "P0 P1 P2 P3"),
}


@pytest.mark.parametrize("severity", ["P0", "P1", "P2", "P3"])
@pytest.mark.parametrize("step", MATRIX)
def test_a_step_of_the_escalation_matrix_falls_due_at_its_time_for_its_severities(step: str, severity: str) -> None:
    minutes, levels = MATRIX[step]
    assert open_for(severity, 1000).due().get(step) == (minutes if severity in levels.split() else None)
    assert step not in open_for(severity, minutes - 0.001).due()


def test_the_matrix_measures_the_time_that_the_incident_was_open() -> None:
    ledger = Ledger("P1").add("resolved", 10).add("reopened", 100)
    ledger.tick(104)
    assert "management_notification" not in ledger.due()
    ledger.tick(500)
    assert ledger.due()["management_notification"] == 105
    assert ledger.due()["external_communication"] == 210


# P0


def test_a_p0_gets_the_engineering_lead_as_commander_at_once() -> None:
    ledger = open_for("P0", 0)
    assert ledger.due()["commander_assigned"] == 0
    assert ledger.state().incident_commander == "Engineering Lead"


@pytest.mark.parametrize("severity", ["P1", "P2", "P3"])
def test_only_a_p0_gets_a_commander_by_itself(severity: str) -> None:
    assert open_for(severity, 1000).state().incident_commander is None


def test_a_commander_whom_a_person_assigned_stays() -> None:
    ledger = Ledger("P1").add("commander_assigned", 3, name="Ann").add("severity_changed", 5, severity="P0")
    ledger.tick(10)
    assert "Engineering Lead" not in [each.payload.get("name") for each in ledger.clocks()]


def test_a_p0_needs_a_war_room_after_an_hour() -> None:
    assert "war_room_required" not in open_for("P0", 59.999).due()
    assert open_for("P0", 60).due()["war_room_required"] == 60
    assert "war_room_required" not in open_for("P1", 600).due()


def test_a_war_room_that_a_person_opened_is_not_asked_for() -> None:
    ledger = Ledger("P0").add("war_room_opened", 59, url="https://example.org/room")
    ledger.tick(100)
    assert "war_room_required" not in ledger.due()


@pytest.mark.parametrize(("opened", "is_asked"), [(10, False), (30, False), (31, True)])
def test_the_step_of_a_war_room_that_a_person_opened_before_it_is_not_asked_for(opened: int, is_asked: bool) -> None:
    ledger = Ledger("P0").add("war_room_opened", opened, url="https://example.org/room")
    ledger.tick(100)
    assert ("war_room_activation" in ledger.due()) is is_asked
    assert "executive_notification" in ledger.due()


# Updates


def test_an_update_is_due_every_30_minutes_while_nobody_gives_one() -> None:
    assert open_for("P1", 100).updates() == [30, 60, 90]


def test_an_update_of_a_person_restarts_its_clock() -> None:
    ledger = Ledger("P1").add("note", 20, text="Looking.").add("status_changed", 70, status="identified")
    ledger.tick(110)
    assert ledger.updates() == [50, 100]


def test_a_note_at_the_time_of_an_update_is_that_update() -> None:
    ledger = Ledger("P1").add("note", 30, text="Looking.")
    ledger.tick(59)
    assert ledger.updates() == []


def test_what_programs_write_is_no_update() -> None:
    ledger = Ledger("P2").add("severity_changed", 20, severity="P1", actor="incident-ledger")
    ledger.tick(40)
    assert ledger.updates() == [30]


def test_an_incident_open_for_a_month_is_asked_about_as_often_as_the_policy_says_until_somebody_writes() -> None:
    ledger, limit = Ledger("P2"), int(POLICY.limit("update_requests", START))
    ledger.tick(30 * 24 * 60)
    assert ledger.updates() == [30 * number for number in range(1, limit + 1)]
    ledger.add("note", 30 * 24 * 60 + 1, text="Still open.")
    ledger.tick(30 * 24 * 60 + 40)
    assert ledger.updates()[limit:] == [30 * 24 * 60 + 31]


def test_a_year_of_200_p0_writes_a_bounded_number_of_events() -> None:
    opened = []
    for number in range(200):
        ledger = Ledger("P0", start=START + number * timedelta(days=1.8))
        opened += states(ledger.events)
    events = plan(opened, [], POLICY, START + timedelta(days=365))
    assert len(events) == 200 * (6 + 4 + int(POLICY.limit("update_requests", START)))


# What has no clock


@pytest.mark.parametrize(("kind", "payload"), [("resolved", {}), ("retracted", {}), ("merged", {"into": "INC-other"})])
def test_what_ended_was_retracted_or_merged_has_no_clock(kind: str, payload: dict[str, Any]) -> None:
    ledger = Ledger("P0").add(kind, 2, **payload)
    assert [name(event) for event in ledger.tick(1000)] == ["review_scheduled"] * (kind == "resolved")
    following = next_clock_due([ledger.state()], POLICY, START)
    assert (following is None) == (kind != "resolved")  # what follows a resolution has tests of its own


def test_the_clocks_of_what_is_split_off_go_on_where_the_merger_stopped_them() -> None:
    """P1, merged after 10 minutes for 190: what fell due after 15, 30 and 120 open minutes is due 190 minutes later."""
    ledger = Ledger("P1").add("acknowledged", 4).add("merged", 10, into="INC-other")
    ledger.tick(200)
    assert ledger.due() == {}
    ledger.add("split", 200, **{"from": "INC-other"})
    assert [name(event) for event in ledger.tick(200)] == ["initial_response", "technical_investigation"]
    ledger.tick(400)
    assert ledger.due() == {
        "initial_response": 0, "technical_investigation": 5, "management_notification": 205, "escalation": 220,
        "external_communication": 310,
    }  # fmt: skip
    assert ledger.updates() == [230, 260, 290, 320, 350, 380]


def test_a_response_that_fell_due_while_it_was_merged_is_due_at_the_split() -> None:
    ledger = Ledger("P1").add("merged", 10, into="INC-other").add("split", 200, **{"from": "INC-other"})
    ledger.tick(200)
    assert ledger.due()["response_overdue"] == 200


def test_what_was_contained_before_it_was_merged_is_contained_after_the_split() -> None:
    ledger = Ledger("P1").add("status_changed", 5, **CONTAINED).add("merged", 10, into="INC-other")
    ledger.add("split", 200, **{"from": "INC-other"}).tick(400)
    assert "escalation" not in ledger.due()


def test_a_vendors_incident_has_no_clock_until_a_person_acts() -> None:
    ledger = Ledger("P1", source="statuspage").add("acknowledged", 1, actor="statuspage").add("note", 5, text="Seen.")
    assert ledger.tick(100) == []
    ledger.add("acknowledged", 110)
    ledger.tick(110)
    assert set(ledger.due().values()) == {110}  # nothing before a person acted
    assert "management_notification" in ledger.due()
    ledger.tick(140)
    assert ledger.updates() == [140]


def test_a_vendors_incident_that_its_page_monitors_is_contained() -> None:
    ledger = Ledger("P1", source="statuspage").add("acknowledged", 5)
    ledger.add("status_changed", 20, actor="statuspage", status="resolving")
    ledger.tick(100)
    assert "escalation" not in ledger.due()


# A change of severity


def test_a_rise_starts_the_clocks_of_the_worse_severity() -> None:
    ledger = Ledger("P2").add("severity_changed", 50, severity="P0")
    ledger.tick(200)
    due = ledger.due()
    assert {name: due[name] for name in ("escalation", "management_notification", "war_room_activation")} == {
        "escalation": 50, "management_notification": 50, "war_room_activation": 50,
    }  # fmt: skip
    assert (due["response_overdue"], due["executive_notification"], due["commander_assigned"]) == (55, 60, 50)


def test_a_lowering_ends_the_clocks_of_the_worse_severity() -> None:
    ledger = Ledger("P1").add("acknowledged", 2).add("severity_changed", 10, severity="P3")
    ledger.tick(1000)
    assert set(ledger.due()) == {"initial_response", "technical_investigation", "external_communication"}


def test_a_worse_severity_escalates_again_and_a_milder_one_does_not() -> None:
    ledger = Ledger("P1").add("severity_changed", 40, severity="P0").add("severity_changed", 50, severity="P2")
    ledger.tick(1000)
    escalations = [each for each in ledger.clocks() if name(each) == "escalation"]
    assert [each.payload["severity_level"] for each in escalations] == ["P1", "P0"]


# Any lifecycle

ACTS = st.one_of(
    st.tuples(st.just("severity_changed"), st.sampled_from(["P0", "P1", "P2", "P3"]), st.just({})),
    st.tuples(
        st.sampled_from(["acknowledged", "note", "resolved", "reopened", "war_room_opened", "action_taken"]),
        st.none(),
        st.just({"text": "x"}),
    ),
    st.tuples(st.just("commander_assigned"), st.none(), st.just({"name": "Ann"})),
    st.tuples(st.just("merged"), st.none(), st.just({"into": "INC-other"})),
    st.tuples(st.just("split"), st.none(), st.just({"from": "INC-other"})),
    st.tuples(
        st.just("status_changed"),
        st.none(),
        st.sampled_from([{"status": "investigating"}, {"status": "resolving"}, CONTAINED]),
    ),
)
STEPS = st.tuples(st.integers(0, 300), st.sampled_from(["ann", "statuspage"]), ACTS)
# No status page assigns a commander or merges here.
OF_PEOPLE = ("commander_assigned", "merged", "split")
LIVES = st.lists(STEPS.filter(lambda step: step[1] == "ann" or step[2][0] not in OF_PEOPLE), max_size=8)
LENGTH = 320


def lived(severity: str, source: str, life: Iterable[Any], ticks: Iterable[int]) -> Ledger:
    """The life with ticks at these minutes; who acts at the minute of a tick acts before it."""
    ledger = Ledger(severity, source=source)
    steps = sorted(life, key=lambda step: step[0])
    for minute in sorted(ticks):
        while steps and steps[0][0] <= minute:
            at, actor, (kind, level, payload) = steps.pop(0)
            ledger.add(kind, at, severity=level, actor=actor, **payload)
        ledger.tick(minute)
    return ledger


def while_open(ledger: Ledger) -> list[Event]:
    """What fell due while it was open. By when it is to be reviewed follows from what it is by the time of a tick."""
    return [each for each in ledger.clocks() if each.event_type is not EventType.REVIEW_SCHEDULED]


SOURCES = st.sampled_from(["test", "statuspage"])
SEVERITIES = st.sampled_from(["P0", "P1", "P2", "P3"])


@given(SEVERITIES, SOURCES, LIVES, st.sets(st.integers(0, LENGTH), max_size=6))
@settings(max_examples=40, deadline=None)
def test_ticks_each_minute_and_ticks_after_hours_write_the_same(
    severity: str, source: str, life: list[Any], ticks: set[int]
) -> None:
    each_minute = lived(severity, source, life, range(LENGTH + 1))
    rarely = lived(severity, source, life, {*ticks, LENGTH})
    if each_minute.state().is_open and each_minute.state().has_sla:
        assert while_open(each_minute) == while_open(rarely)
    else:  # nothing falls due that did not before it ended
        assert {each.event_id for each in while_open(rarely)} <= {each.event_id for each in while_open(each_minute)}


@given(SEVERITIES, SOURCES, LIVES)
@settings(max_examples=40, deadline=None)
def test_no_clock_falls_due_twice_or_early(severity: str, source: str, life: list[Any]) -> None:
    ledger = Ledger(severity, source=source)
    for minute in range(LENGTH + 1):
        for at, actor, (kind, level, payload) in life:
            if at == minute:
                ledger.add(kind, at, severity=level, actor=actor, **payload)
        written = ledger.tick(minute)
        # Each is written at its time, and not before: a tick each minute misses nothing.
        assert {(event.occurred_at - START) / MINUTE for event in written} <= {minute}
    clocks = [each for each in ledger.clocks() if name(each) not in ("update_due", "review_scheduled")]
    steps = [(name(each), each.payload.get("severity_level")) for each in clocks]
    assert len(set(steps)) == len(steps)
    matrix = [step for step, _ in steps if step in MATRIX]
    assert len(set(matrix)) == len(matrix)
    for step, minute in ledger.due().items():
        assert step not in MATRIX or minute >= MATRIX[step][0]


@given(SEVERITIES, SOURCES, LIVES)
@settings(max_examples=150, deadline=None)
def test_the_next_clock_is_foretold(severity: str, source: str, life: list[Any]) -> None:
    ledger = lived(severity, source, life, [LENGTH])
    now = START + LENGTH * MINUTE
    due_at = next_clock_due([ledger.state()], POLICY, now)
    if due_at is None:
        assert plan([ledger.state()], [], POLICY, now + timedelta(days=30)) == []
    else:
        assert plan([ledger.state()], [], POLICY, due_at - timedelta(microseconds=1)) == []
        assert {each.occurred_at for each in plan([ledger.state()], [], POLICY, due_at)} == {due_at}


@given(SEVERITIES, LIVES)
@settings(max_examples=150, deadline=None)
def test_the_state_after_what_was_planned_is_its_replay(severity: str, life: list[Any]) -> None:
    ledger = lived(severity, "test", life, [])
    for at, actor, (kind, level, payload) in sorted(life, key=lambda step: step[0]):
        ledger.add(kind, at, severity=level, actor=actor, **payload)
    known, before = ledger.state(), ledger.state()
    for event in ledger.tick(LENGTH):
        known = apply(known, event)
    if before.incident_commander is not None:  # whoever was assigned last stays, whenever the planner assigned its own
        known = replace(known, incident_commander=ledger.state().incident_commander)
    assert known == ledger.state()


def test_a_clock_set_back_an_hour_writes_nothing_twice_and_nothing_early() -> None:
    ledger = open_for("P1", 100)
    before = list(ledger.clocks())
    assert [ledger.tick(minute) for minute in range(40, 100)] == [[]] * 60
    ledger.add("note", 45, text="By a clock that is behind.")
    assert [each for minute in range(45, 101) for each in ledger.tick(minute)] == []
    assert ledger.clocks() == before


def test_an_acknowledgement_that_is_recorded_late_takes_no_step_back_and_repeats_none() -> None:
    ledger = open_for("P1", 40)
    ledger.add("acknowledged", 5)
    assert ledger.tick(41) == []
    assert ledger.due()["response_overdue"] == 15


def test_what_was_missed_is_written_in_order() -> None:
    events = open_for("P0", 500).clocks()
    written: Sequence[Event] = plan(states(Ledger("P0").events), [], POLICY, START + 500 * MINUTE)
    assert list(written) == events
