"""`fct_response_sla` beside the planner's rules, over random lives of incidents: the same clocks at the same times."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from conftest import PROJECT_DIR
from incident_ledger.ledger.clock_history import parse_entries
from incident_ledger.ledger.events import Event, EventType, incident_id
from incident_ledger.ledger.state import IncidentState, read_state
from incident_ledger.policy import ESCALATION, RESPONSE_OVERDUE, WAR_ROOM_ACTIVATION, WAR_ROOM_REQUIRED, load_files
from incident_ledger.response.rules.clock_rules import clock_events
from incident_ledger.response.rules.review_rules import review_phases
from marts.ledger import Ledger, utc
from reused import Reused

START = utc("2026-03-02 09:00")
AS_OF = START + timedelta(hours=12)
EXAMPLES = 200
POLICY = load_files(PROJECT_DIR / "seeds" / "policy")
MINUTE = timedelta(minutes=1)
KINDS = (
    *("severity_changed", "status_changed", "resolved", "reopened", "reopened", "resolved") * 2,
    *("acknowledged", "note", "war_room_opened"),
    *("merged", "split", "split"),
)
# Minutes at which clocks end are among them, so that something happens at the very time.
MINUTES = st.one_of(st.sampled_from([0, 5, 15, 20, 30, 60, 120, 240]), st.integers(-5, 400))


@dataclass(frozen=True)
class Step:
    """One event of a life, so many minutes after the detection."""

    kind: str
    minute: int
    actor: str = "ann"
    severity_level: str | None = None
    payload: dict[str, Any] = field(default_factory=dict)


STATUSES = st.sampled_from(
    [
        {"status": "resolving", "contained": True},
        {"status": "resolving"},
        {"status": "investigating"},
        {"status": "identified"},
    ]
)
LEVELS = st.sampled_from(["P0", "P1", "P2", "P3"])


def steps(kind: str) -> st.SearchStrategy[Step]:
    return st.builds(
        Step,
        kind=st.just(kind),
        minute=MINUTES,
        actor=st.just("ann")
        if kind == "split"
        else st.sampled_from(["ann", "incident-ledger"])
        if kind == "merged"
        else st.sampled_from(["ann", "ann", "statuspage"]),
        severity_level=LEVELS if kind == "severity_changed" else st.none(),
        payload=STATUSES if kind == "status_changed" else st.just({"into": "INC-Z"} if kind == "merged" else {}),
    )


LIVES = st.tuples(
    LEVELS,
    st.sampled_from(["quality", "statuspage", "cli"]),
    st.lists(st.sampled_from(KINDS).flatmap(steps), max_size=10),
)


def events_of(key: str, severity: str, source: str, life: Sequence[Step]) -> list[Event]:
    first = Step("detected", 0, "statuspage" if source == "statuspage" else "monitor", severity, {"title": key})
    return [
        Event(
            incident_id=incident_id(source, key, START),
            event_type=EventType(step.kind),
            occurred_at=START + step.minute * MINUTE,
            actor=step.actor,
            source=source,
            source_key=key,
            severity_level=step.severity_level,
            payload=step.payload,
        )
        for step in (first, *life)
    ]


# That of the decision log.
EXAMPLE = (
    Step("acknowledged", 12),
    Step("escalated", 15, "incident-ledger", payload={"step_id": "management_notification", "severity_level": "P1"}),
    Step("note", 40),
    Step("status_changed", 60, payload={"status": "resolving", "contained": True}),
    Step("resolved", 80),
)


IN_TIME = (
    Step("acknowledged", 1),
    Step("war_room_opened", 2),
    Step("note", 10),
    Step("note", 20),
    Step("resolved", 25),
)


@pytest.fixture(scope="module")
def ledger(reused: Reused, tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """Random lives, and the mart over them."""
    ledger = Ledger(reused.like_new(tmp_path_factory.mktemp("sla")))

    @settings(max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, phases=[Phase.generate])
    @given(LIVES)
    def collect(life: tuple[str, str, list[Step]]) -> None:
        ledger.events += events_of(f"k{len(ledger.events)}", *life)

    ledger.events += events_of("example", "P1", "quality", EXAMPLE)
    # What chance may not make: Hypothesis draws from the constants of whatever modules are loaded.
    ledger.events += events_of("in time", "P0", "quality", IN_TIME)
    ledger.events += events_of("ignored", "P0", "quality", ())
    ledger.write(START + 15 * MINUTE)
    collect()
    ledger.write(AS_OF)
    incidents = ("incident_state", "incident_deadlines", "operational_metrics", "fct_response_sla", "int_build_time")
    folders = ("staging/ledger", "intermediate/incidents", "intermediate/response")
    ledger.build(AS_OF, *(f"path:models/{folder}" for folder in folders), *incidents)
    return ledger


@pytest.fixture(scope="module")
def clocks(ledger: Ledger) -> dict[str, list[dict[str, Any]]]:
    """The rows of each incident."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in ledger.rows("fct_response_sla"):
        found.setdefault(row["incident_id"], []).append(row)
    return found


@pytest.fixture(scope="module")
def states(ledger: Ledger) -> list[IncidentState]:
    found = [state for state in read_state(ledger.warehouse) if state.has_sla and state.merged_into is None]
    return [state for state in found if state.source_key != "example"]


def planned(state: IncidentState) -> list[Event]:
    """What the planner would have written of the incident's whole life, had it run all the time."""
    return clock_events(replace(state, is_open=True), POLICY, AS_OF)


def fell_due(state: IncidentState) -> dict[tuple[str, str], datetime]:
    """Each escalation by its step and severity."""
    return {
        (str(event.payload.get("step_id")), str(event.payload.get("severity_level"))): event.occurred_at
        for event in planned(state)
        if event.event_type is EventType.ESCALATED
    }


def test_the_lives_go_every_way(states: list[IncidentState], clocks: dict[str, list[dict[str, Any]]]) -> None:
    rows = [row for several in clocks.values() for row in several]
    assert {state.is_open for state in states} == {True, False}
    assert {state.detected_by for state in states} == {"check", "person", "vendor"}
    assert max(state.reopen_count for state in states) > 1
    for clock in ("response", "escalation", "war_room", "updates"):
        assert {row["is_met"] for row in rows if row["clock"] == clock} >= {True, False}, clock
    assert clocks.keys() == {state.incident_id for state in states} | {incident_id("quality", "example", START)}


def test_steps_of_the_matrix_fall_due_as_the_planner_has_it(
    states: list[IncidentState], clocks: dict[str, list[dict[str, Any]]]
) -> None:
    steps = {step.step_id for step in POLICY.escalation_matrix(START)}
    opened_before = 0
    for state in states:
        expected = {key: at for key, at in fell_due(state).items() if key[0] in steps}
        rows = [row for row in clocks[state.incident_id] if row["clock"] in steps and row["due_at"] <= AS_OF]
        for row in rows:
            # A war room that was open by then is activated: kept, and nobody is asked.
            if row["clock"] == WAR_ROOM_ACTIVATION and row["met_at"] and row["met_at"] <= row["due_at"]:
                opened_before += 1
                expected[row["clock"], row["severity_level"]] = row["due_at"]
                assert row["is_met"], state
        assert {(row["clock"], row["severity_level"]): row["due_at"] for row in rows} == expected, state
    assert opened_before


def test_escalations_and_war_rooms_that_were_not_kept_are_those_of_the_planner(
    states: list[IncidentState], clocks: dict[str, list[dict[str, Any]]]
) -> None:
    for state in states:
        expected = {key: at for key, at in fell_due(state).items() if key[0] in (ESCALATION, WAR_ROOM_REQUIRED)}
        rows = [row for row in clocks[state.incident_id] if row["due_at"] and row["due_at"] <= AS_OF]
        missed = {
            (ESCALATION, row["severity_level"]): row["due_at"]
            for row in rows
            if row["clock"] == "escalation" and (row["is_met"] is not True or row["severity_level"] == "P0")
        } | {
            (WAR_ROOM_REQUIRED, row["severity_level"]): row["due_at"]
            for row in rows
            if row["clock"] == "war_room" and row["is_met"] is not True
        }
        assert missed == expected, state


def test_a_response_that_was_not_kept_is_overdue_and_the_verdict_is_that_of_operational_metrics(
    ledger: Ledger, states: list[IncidentState], clocks: dict[str, list[dict[str, Any]]]
) -> None:
    metrics = {row["incident_id"]: row for row in ledger.rows("operational_metrics")}
    for state in states:
        (row,) = [row for row in clocks[state.incident_id] if row["clock"] == "response"]
        known = metrics[state.incident_id]
        assert (row["is_met"], row["due_at"], row["severity_level"]) == (
            known["is_response_met"],
            known["response_deadline"],
            known["response_severity_level"],
        )
        if not any(each["clock"] == "updates" for each in clocks[state.incident_id]):
            continue  # it was never open while its clocks ran: nobody was asked
        overdue = {key[1]: at for key, at in fell_due(state).items() if key[0] == RESPONSE_OVERDUE}
        assert bool(overdue) == (row["is_met"] is False), state


def test_missed_updates_are_the_requests_of_the_planner(
    states: list[IncidentState], clocks: dict[str, list[dict[str, Any]]]
) -> None:
    for state in states:
        requests = [event.occurred_at for event in planned(state) if event.event_type is EventType.UPDATE_DUE]
        rows = [row for row in clocks[state.incident_id] if row["clock"] == "updates"]
        if not rows:  # it was never open while its clocks ran
            assert requests == [], state
            continue
        (row,) = rows
        assert row["updates_due"] - row["updates_kept"] == len(requests), state
        if requests:
            assert (row["is_met"], row["due_at"]) == (False, min(requests)), state
        by_people = [entry for entry in parse_entries(state.clock_history) if entry.is_by_person]
        assert row["updates_kept"] <= len(by_people), state


def test_what_is_to_be_done_after_the_end_is_due_as_the_planner_has_it(
    states: list[IncidentState], clocks: dict[str, list[dict[str, Any]]]
) -> None:
    names = {"immediate": "immediate_tasks", "review": "review"}
    for state in states:
        phases = [phase for phase in review_phases(state, POLICY) if phase.name in names]
        rows = [row for row in clocks[state.incident_id] if row["clock"] in names.values()]
        assert {row["clock"]: row["due_at"] for row in rows} == {names[each.name]: each.due_at for each in phases}, (
            state
        )
    assert any(row["clock"] == "review" for rows in clocks.values() for row in rows)


def test_the_example_of_the_decision_log(clocks: dict[str, list[dict[str, Any]]]) -> None:
    rows = {row["clock"]: row for row in clocks[incident_id("quality", "example", START)]}
    kept = {clock: (row["is_met"], row["minutes_late"]) for clock, row in rows.items()}
    assert kept == {
        "response": (True, None),
        "initial_response": (False, 75.0),  # nobody recorded these two
        "technical_investigation": (False, 65.0),
        "management_notification": (True, None),
        "escalation": (False, 30.0),
        "updates": (True, None),
        "immediate_tasks": (None, None),
        "review": (None, None),
    }
    assert (rows["updates"]["updates_kept"], rows["updates"]["updates_due"]) == (3, 3)
    assert rows["management_notification"]["kept_until"] == START + 30 * MINUTE
