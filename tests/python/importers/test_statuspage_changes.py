"""What a status page shows, and what it changes later."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from importers.pages import T0, at, import_all, in_turn, incident, poll, resolved, update
from incident_ledger.ledger.events import Event, EventType
from ledger.fold import fold


def state_of(events: list[Event]) -> dict[str, Any]:
    (state,) = fold(events).values()
    return state


def types(events: list[Event]) -> list[str]:
    return [event.event_type.value for event in events]


def minutes(state: dict[str, Any], name: str) -> float | None:
    return None if state[name] is None else (state[name] - T0) / timedelta(minutes=1)


def test_times_come_from_where_the_design_says() -> None:
    updates = [update("u1", "investigating", 2), update("u2", "identified", 5), update("u3", "monitoring", 9)]
    record = incident(
        updates=[*updates, update("u4", "resolved", 20)], status="resolved", resolved_at=at(20.5), started_at=at(-4)
    )
    state = state_of(import_all(record))
    names = ("detection_time", "acknowledged_time", "identified_time", "contained_time", "resolution_time")
    assert [minutes(state, name) for name in names] == [0, 2, 5, 9, 20.5]
    assert state["start_time"] == datetime.fromisoformat(at(-4))


def test_start_after_the_creation_is_unknown() -> None:
    assert state_of(import_all(incident(started_at=at(1))))["start_time"] is None


@pytest.mark.parametrize(("impact", "severity"), [("critical", "P0"), ("major", "P1"), ("minor", "P2"), ("none", "P3")])
def test_impact_is_severity(impact: str, severity: str) -> None:
    assert state_of(import_all(incident(impact=impact)))["severity_level"] == severity


def test_an_update_that_says_resolved_resolves_nothing() -> None:
    record = incident(updates=[update("u1", "resolved", 5), update("u2", "monitoring", 6)], status="monitoring")
    assert state_of(import_all(record))["is_open"]


def test_incident_posted_already_resolved_took_no_time() -> None:
    record = incident(updates=[update("u1", "resolved", 0)], status="resolved", resolved_at=at(0))
    state = state_of(import_all(record))
    assert (state["status"], minutes(state, "resolution_time"), minutes(state, "acknowledged_time")) == (
        "resolved",
        0,
        0,
    )


def test_updates_out_of_order_are_put_in_order() -> None:
    updates = [update("u3", "monitoring", 9), update("u1", "investigating", 1), update("u2", "identified", 4)]
    state = state_of(import_all(incident(updates=updates)))
    assert (minutes(state, "acknowledged_time"), state["status"]) == (1, "resolving")


def test_reversed_times_are_kept() -> None:
    """A resolution five minutes before the creation is a finding, not a reject."""
    state = state_of(import_all(resolved(minutes=-5)))
    assert (state["is_open"], minutes(state, "resolution_time")) == (False, -5)


def test_postmortem_is_resolved() -> None:
    updates = [update("u1", "resolved", 10), update("u2", "postmortem", 500)]
    state = state_of(import_all(incident(updates=updates, status="postmortem", resolved_at=at(10))))
    assert (state["status"], minutes(state, "resolution_time")) == ("resolved", 10)


def test_components_are_named_by_page_and_name() -> None:
    state = state_of(import_all(incident(components=[{"name": "API"}, {"name": " Web "}, {"name": "API"}])))
    assert state["components"] == ("statuspage:page1/API", "statuspage:page1/Web")


def test_impact_none_is_an_incident_from_begin_to_end() -> None:
    first = incident(impact="none", updates=[update("u1", "investigating", 0)])
    later = resolved(minutes=23, impact="none")
    events = in_turn(poll(1, first), poll(24, later))
    state = state_of(events)
    assert (state["severity_level"], minutes(state, "resolution_time"), state["is_open"]) == ("P3", 23, False)


def test_maintenance_is_no_incident() -> None:
    planned = incident(
        "mmm", [update("m1", "scheduled", 0)], impact="maintenance", status="scheduled", resolved_at=at(52 * 60)
    )
    running = planned | {"status": "in_progress", "updated_at": at(10)}
    done = planned | {"status": "completed", "updated_at": at(52 * 60)}
    real = resolved("aaa", 30, impact="major")
    events = in_turn(poll(5, planned), poll(40, running, real), poll(52 * 60 + 1, done, real))
    assert [state["severity_level"] for state in fold(events).values()] == ["P1"]


@pytest.mark.parametrize("status", ["scheduled", "in_progress", "verifying", "completed"])
def test_maintenance_is_known_by_its_status_too(status: str) -> None:
    assert import_all(incident(status=status, impact="none")) == []


def test_incident_that_turns_out_to_be_maintenance_is_retracted_and_comes_back_as_an_incident() -> None:
    views = [incident(), incident(impact="maintenance", updated_at=at(5)), incident(updated_at=at(9))]
    assert state_of(in_turn(*views[:2]))["is_retracted"]
    assert not state_of(in_turn(*views))["is_retracted"]


def test_impact_that_changes_is_severity_changed_at_the_records_time() -> None:
    events = in_turn(
        incident(), incident(impact="critical", updated_at=at(7)), incident(impact="major", updated_at=at(9))
    )
    changed = [event for event in events if event.event_type is EventType.SEVERITY_CHANGED]
    assert [(event.severity_level, event.payload["from"]) for event in changed] == [("P0", "P2"), ("P1", "P0")]
    assert [event.occurred_at for event in changed] == [T0 + timedelta(minutes=7), T0 + timedelta(minutes=9)]
    assert state_of(events)["initial_severity_level"] == "P2"


def by_alice(kind: EventType, after: float, incident_id: str, severity: str | None = None) -> Event:
    return Event(
        incident_id=incident_id, event_type=kind, occurred_at=T0 + timedelta(minutes=after), actor="alice",
        source="statuspage", source_key="aaa", severity_level=severity,
    )  # fmt: skip


def test_severity_that_a_person_set_is_not_touched_by_the_same_page_again_nor_lowered_by_another() -> None:
    events = import_all(incident(impact="major"))
    events.append(by_alice(EventType.SEVERITY_CHANGED, 3, events[0].incident_id, "P0"))
    assert import_all(incident(impact="major", updated_at=at(5)), known=events) == []
    lowered = import_all(incident(impact="minor", updated_at=at(6)), known=events)
    assert types(lowered) == ["note"]
    assert state_of(events + lowered)["severity_level"] == "P0"
    assert import_all(incident(impact="minor", updated_at=at(7)), known=events + lowered) == []


def test_page_that_gets_worse_overrules_a_person_who_lowered() -> None:
    events = import_all(incident(impact="minor"))
    events.append(by_alice(EventType.SEVERITY_CHANGED, 3, events[0].incident_id, "P3"))
    assert (
        state_of(events + import_all(incident(impact="major", updated_at=at(6)), known=events))["severity_level"]
        == "P1"
    )


def test_resolution_by_a_person_is_not_undone_by_a_page_that_is_late() -> None:
    events = import_all(incident())
    events.append(by_alice(EventType.RESOLVED, 3, events[0].incident_id))
    assert import_all(incident(updated_at=at(5)), known=events) == []


def test_what_happens_here_does_not_make_the_page_look_old() -> None:
    """Notifications and escalations of the ledger are later than the page's next change."""
    events = import_all(incident())
    events.append(by_alice(EventType.NOTIFIED, 600, events[0].incident_id))
    assert not state_of(events + import_all(resolved(minutes=30), known=events))["is_open"]


def test_changed_title_is_a_note_with_it() -> None:
    events = in_turn(incident(), incident(name="Renamed", updated_at=at(5)))
    assert types(events) == ["detected", "note"]
    assert state_of(events)["title"] == "Renamed"
    back = in_turn(incident(), incident(name="Renamed", updated_at=at(5)), incident(updated_at=at(6)))
    assert state_of(back)["title"] == "Slow answers"


@pytest.mark.parametrize("is_dated", [True, False], ids=["updated_at moves", "updated_at stays"])
def test_five_edits_of_a_text_are_notes_of_one_incident(is_dated: bool) -> None:
    polls = []
    for number in range(5):
        record = incident(updates=[update("u1", "investigating", 1), update("u2", "identified", 4, f"text {number}")])
        polls.append(poll(10 + number, record | ({"updated_at": at(5 + number)} if is_dated else {})))
    events = in_turn(*polls)
    assert types(events) == ["detected", "acknowledged", "status_changed", "status_changed", *["note"] * 4]
    assert len(fold(events)) == 1
    for again in polls:
        assert import_all(again, known=events) == []


def test_new_component_is_added_and_the_first_stays_first() -> None:
    more = [{"name": "Web"}, {"name": "API"}]
    events = in_turn(incident(), incident(components=more, updated_at=at(5)))
    assert state_of(events)["components"] == ("statuspage:page1/API", "statuspage:page1/Web")


def test_update_that_was_moved_in_time_supersedes_the_earlier_one() -> None:
    events = in_turn(
        incident(updates=[update("u1", "investigating", 1), update("u2", "monitoring", 30)], status="monitoring"),
        incident(
            updates=[update("u1", "investigating", 1), update("u2", "monitoring", 12)],
            status="monitoring", updated_at=at(31),
        ),
    )  # fmt: skip
    assert minutes(state_of(events), "contained_time") == 12


def test_earlier_update_that_was_added_later_is_the_acknowledgement() -> None:
    late, early = update("u2", "identified", 10), update("u1", "investigating", 3)
    events = in_turn(incident(updates=[late]), incident(updates=[early, late], updated_at=at(11)))
    assert minutes(state_of(events), "acknowledged_time") == 3


def test_changed_resolved_at_supersedes_the_resolution() -> None:
    events = in_turn(resolved(minutes=30), resolved(minutes=30, resolved_at=at(25), updated_at=at(40)))
    state = state_of(events)
    assert (minutes(state, "resolution_time"), state["reopen_count"]) == (25, 0)
    third = resolved(minutes=30, resolved_at=at(28), updated_at=at(50))
    assert minutes(state_of(events + import_all(third, known=events)), "resolution_time") == 28


def test_resolution_that_is_gone_while_the_status_is_open_is_a_reopening() -> None:
    reopened = incident(
        updates=[
            update("aaa-u1", "investigating", 1), update("aaa-u2", "resolved", 30), update("aaa-u3", "identified", 40),
        ],
        status="identified",
    )  # fmt: skip
    events = in_turn(resolved(minutes=30), reopened)
    state = state_of(events)
    assert (state["is_open"], state["status"], state["reopen_count"]) == (True, "identified", 1)
    assert state["reopened_gap_microseconds"] == 600_000_000
    again = incident(
        updates=[*reversed(reopened["incident_updates"]), update("aaa-u4", "resolved", 60)],
        status="resolved", resolved_at=at(60),
    )  # fmt: skip
    ended = state_of(events + import_all(again, known=events))
    assert (ended["is_open"], minutes(ended, "resolution_time"), ended["reopen_count"]) == (False, 60, 1)


def test_reopening_without_an_update_is_at_the_records_time() -> None:
    events = in_turn(
        resolved(minutes=30), resolved(minutes=30, resolved_at=None, status="monitoring", updated_at=at(45))
    )
    state = state_of(events)
    assert (state["status"], state["reopened_gap_microseconds"]) == ("resolving", 15 * 60_000_000)


def test_reopening_that_is_taken_back_leaves_the_first_resolution() -> None:
    views = [
        resolved(minutes=30),
        resolved(minutes=30, resolved_at=None, status="monitoring", updated_at=at(45)),
        resolved(minutes=30, updated_at=at(50)),
    ]
    events = in_turn(*views)
    state = state_of(events)
    assert (state["is_open"], minutes(state, "resolution_time"), state["reopen_count"]) == (False, 30, 0)
    for view in views:
        assert import_all(view, known=events) == []


def test_other_created_at_moves_the_detection_and_keeps_the_incident() -> None:
    events = in_turn(incident(), incident(created_at=at(-10), started_at=at(-12), updated_at=at(5)))
    state = state_of(events)
    assert minutes(state, "detection_time") == -10
    assert state["start_time"] == datetime.fromisoformat(at(-12))


def test_older_view_changes_nothing() -> None:
    events = import_all(resolved(minutes=30, impact="critical", name="Final"))
    assert import_all(incident(updated_at=at(5)), known=events) == []


def test_older_view_changes_nothing_when_only_its_scalars_differ() -> None:
    """The newer view was seen first, and no event of it is later than the older view."""
    events = import_all(incident(name="Final", impact="critical", updated_at=at(20)))
    assert import_all(incident(updated_at=at(10)), known=events) == []
    backdated = import_all(resolved(minutes=2, updated_at=at(20)))
    assert (
        import_all(incident(updates=[update("aaa-u1", "investigating", 1)], updated_at=at(10)), known=backdated) == []
    )


@pytest.mark.parametrize("change", [{"name": "Other"}, {"impact": "major"}, {"started_at": at(-5)}])
def test_of_two_views_of_one_time_the_later_counts_and_reading_both_again_adds_nothing(change: dict[str, Any]) -> None:
    views = [incident(), incident(**change)]
    events = in_turn(*views)
    assert len(events) == 2
    for view in [*views, *views]:
        assert import_all(view, known=events) == []
