"""What people get of clocks: one message for all that fell due of an incident, to those whom the policy names."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from incident_ledger.errors import LeaseHeldError, OutsideError
from incident_ledger.ledger.events import Event, EventType
from incident_ledger.ledger.state import read_events, read_state
from incident_ledger.ledger.writer import append
from incident_ledger.runner import job
from incident_ledger.runner.job import Job
from incident_ledger.warehouse import Warehouse
from openings import open_incident

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ON_CALL, LEAD, SECOND = "engineering-oncall@samba.tv", "engineering-lead@samba.tv", "alt-eng@samba.tv"


def tick(place: Warehouse, minutes: float) -> list[dict[str, Any]]:
    """The messages of a tick."""
    at = NOW + minutes * MINUTE
    Job(place, at, command="tick").tick(wait=0)
    return place.rows(
        f"select template, recipients, subject, body_text from {place.raw('notifications')} where created_at = @at",
        {"at": at},
    )


def record(place: Warehouse, kind: EventType, minutes: float, severity: str | None = None, **payload: Any) -> None:
    """What a person does to the one incident."""
    (incident,) = read_state(place)
    event = Event(
        incident_id=incident.incident_id,
        event_type=kind,
        occurred_at=NOW + minutes * MINUTE,
        actor="ann",
        source=incident.source,
        source_key=incident.source_key,
        severity_level=severity,
        payload=payload,
    )
    append(place, [event], event.occurred_at)


def written(place: Warehouse, kind: EventType) -> list[Event]:
    (incident,) = read_state(place)
    events = [each.event for each in read_events(place, incident_ids=[incident.incident_id])]
    return [event for event in events if event.event_type is kind]


def test_what_falls_due_at_detection_is_in_the_first_message(place: Warehouse) -> None:
    open_incident(place, "k", NOW, severity="P0")
    (message,) = tick(place, 0)
    assert message["template"] == "critical"
    assert "Incident Commander: Engineering Lead\n" in message["body_text"]
    assert tick(place, 1) == []


def test_what_falls_due_at_one_time_is_one_message_to_those_whom_the_policy_names(place: Warehouse) -> None:
    open_incident(place, "k", NOW, severity="P1")
    assert len(tick(place, 0)) == 1
    assert tick(place, 5) == []  # the technical investigation begins: an event, and no message
    (message,) = tick(place, 15)
    assert message["template"] == "escalation"
    assert message["recipients"].split(",") == [LEAD, ON_CALL, SECOND]
    assert message["subject"] == "[INCIDENT-P1] Escalated: k"
    assert "09:15:00 UTC: Management notification (P0/P1)\n" in message["body_text"]
    assert "09:15:00 UTC: Nobody acknowledged it within the response time of P1 (15 minutes)\n" in message["body_text"]
    assert "No address is known of: Management." in message["body_text"]
    assert tick(place, 16) == []


def test_the_secondary_address_is_for_what_nobody_acknowledged(place: Warehouse) -> None:
    open_incident(place, "k", NOW, severity="P1")
    record(place, EventType.ACKNOWLEDGED, 2)
    tick(place, 3)
    (message,) = tick(place, 15)
    assert message["recipients"] == LEAD


def test_an_update_is_asked_of_the_commander_with_what_was_written_last(place: Warehouse) -> None:
    open_incident(place, "k", NOW)
    record(place, EventType.ACKNOWLEDGED, 1)
    record(place, EventType.NOTE, 5, text="A deploy broke it.")
    tick(place, 6)
    (message,) = tick(place, 35)
    assert (message["template"], message["recipients"]) == ("update", ON_CALL)
    assert "Last update: A deploy broke it. (2026-03-02 09:05:00 UTC, ann)\n" in message["body_text"]
    record(place, EventType.COMMANDER_ASSIGNED, 36, name="ada@example.org")
    assert tick(place, 60) == []
    (message,) = tick(place, 66)
    assert message["recipients"] == "ada@example.org"


def test_after_an_outage_one_message_names_all_that_was_missed(place: Warehouse) -> None:
    open_incident(place, "k", NOW, severity="P0")
    (message,) = tick(place, 200)
    steps = [event.payload["step_id"] for event in written(place, EventType.ESCALATED)]
    assert {"executive_notification", "external_communication", "war_room_required"} < set(steps)
    assert len(written(place, EventType.UPDATE_DUE)) == 6
    assert message["template"] == "critical"
    assert "Fell due: 2026-03-02 10:00:00 UTC: Executive notification (P0)" in message["body_text"]
    assert tick(place, 201) == []


def test_after_the_end_its_tasks_are_asked_for_before_they_are_due_and_when_they_are_late(place: Warehouse) -> None:
    open_incident(place, "k", NOW, severity="P1")
    record(place, EventType.ACKNOWLEDGED, 1)
    record(place, EventType.RESOLVED, 10, text="Rolled back.")
    (text,) = [each["body_text"] for each in tick(place, 11) if each["template"] == "resolution"]
    assert "Post-incident review scheduled for a date not yet known (due by 2026-03-05 09:10:00 UTC)\n" in text
    assert len(written(place, EventType.REVIEW_SCHEDULED)) == 1
    record(place, EventType.TASK_COMPLETED, 60, task_id="timeline_record")
    assert tick(place, 10 + 20 * 60 - 1) == []
    (soon,) = tick(place, 10 + 20 * 60)
    assert (soon["template"], soon["recipients"], soon["subject"]) == ("review", ON_CALL, "[INCIDENT-P1] Review due: k")
    assert "Immediate Actions (Within 24 Hours): due at 2026-03-03 09:10 UTC\n" in soon["body_text"]
    assert "timeline_actions" in soon["body_text"]
    assert "timeline_record" not in soon["body_text"]
    assert "incident-ledger incident task done INC-20260302T090000Z-" in soon["body_text"]
    (late,) = tick(place, 10 + 24 * 60)
    assert late["recipients"].split(",") == [LEAD, ON_CALL]
    assert late["subject"] == "[INCIDENT-P1] Review late: k"
    record(place, EventType.REVIEW_COMPLETED, 25 * 60)
    assert tick(place, 100 * 60) == []


def test_reviews_that_fell_due_in_an_outage_are_one_message_and_none_of_what_was_reopened(place: Warehouse) -> None:
    open_incident(place, "k", NOW, severity="P1")
    record(place, EventType.ACKNOWLEDGED, 1)
    record(place, EventType.RESOLVED, 10)
    tick(place, 11)
    (message,) = tick(place, 10 + 73 * 60)
    assert message["subject"] == "[INCIDENT-P1] Review late: k"
    assert (
        message["body_text"].count("Post-Incident Review (Within 72 Hours)") == 2
    )  # what is older than a day is silent
    record(place, EventType.REOPENED, 10 + 74 * 60)
    (reopened,) = tick(place, 11 + 74 * 60)
    assert reopened["template"] == "critical"
    assert "Review" not in reopened["subject"]


def test_an_outage_between_two_messages_gives_one(place: Warehouse) -> None:
    open_incident(place, "k", NOW, severity="P1")
    assert len(tick(place, 0)) == 1
    (message,) = tick(place, 200)
    assert "- Since 2026-03-02 09:30:00 UTC 5 more updates were due\n" in message["body_text"]
    assert tick(place, 201) == []


def test_a_war_room_that_is_activated_has_a_message_of_its_own(place: Warehouse) -> None:
    open_incident(place, "k", NOW, severity="P0")
    record(place, EventType.ACKNOWLEDGED, 1)
    record(place, EventType.ACTION_TAKEN, 16, text="rolling back")
    assert [each["template"] for each in tick(place, 17)] == ["critical"]
    (message,) = tick(place, 30)
    assert (message["template"], message["subject"]) == ("war_room", "[INCIDENT-P0] Escalated: k")
    (incident,) = read_state(place)
    for line in (
        "- 2026-03-02 09:30:00 UTC: War room activation (P0)",
        "War Room: not yet known; to be opened by Engineering Lead (required after 60 minutes)",
        f"To open it: incident-ledger incident war-room {incident.incident_id} URL",
        "- rolling back",
    ):
        assert f"{line}\n" in message["body_text"], line


def test_a_reinstated_incident_is_one_message_that_names_what_fell_due_while_it_was_retracted(place: Warehouse) -> None:
    open_incident(place, "k", NOW)
    tick(place, 0)
    record(place, EventType.RETRACTED, 10, reason="a test")
    assert [each["template"] for each in tick(place, 10)] == ["resolution"]
    assert tick(place, 70) == []
    (retracted,) = written(place, EventType.RETRACTED)
    record(place, EventType.NOTE, 80, text="none", supersedes=retracted.event_id)
    (message,) = tick(place, 80)
    assert message["subject"] == "[INCIDENT-P2] Reinstated: k"
    words = " ".join(message["body_text"].split())
    assert "- Fell due: 2026-03-02 10:00:00 UTC: Nobody acknowledged it within the response time of P2" in words
    assert "- Fell due: Since 2026-03-02 09:30:00 UTC 1 more update was due" in words
    assert tick(place, 81) == []


def test_what_ended_meanwhile_is_not_escalated(place: Warehouse) -> None:
    open_incident(place, "k", NOW, severity="P1")
    tick(place, 0)
    record(place, EventType.RESOLVED, 100)
    assert [message["template"] for message in tick(place, 200)] == ["resolution"]


def test_a_rise_is_one_message_with_the_steps_that_fall_due_by_it(place: Warehouse) -> None:
    open_incident(place, "k", NOW)
    tick(place, 0)
    record(place, EventType.SEVERITY_CHANGED, 29, severity="P0", **{"from": "P2"})
    (message,) = tick(place, 29)
    assert message["subject"] == "[INCIDENT-P0] Now P0: k"
    assert "Fell due: 2026-03-02 09:29:00 UTC: Management notification (P0/P1)" in message["body_text"]


def test_a_tick_killed_between_events_and_messages_leaves_the_message_to_the_next(
    place: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_incident(place, "k", NOW, severity="P1")
    tick(place, 0)

    def die(*_: object, **__: object) -> None:
        raise OutsideError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(job, "notify", die)
        with pytest.raises(OutsideError):
            tick(place, 15)
    assert len(written(place, EventType.ESCALATED)) == 4
    (message,) = tick(place, 16)
    assert message["template"] == "escalation"
    assert len(written(place, EventType.ESCALATED)) == 4
    assert tick(place, 17) == []


def test_eight_ticks_at_once_write_each_event_once(place: Warehouse) -> None:
    open_incident(place, "k", NOW, severity="P0")

    def try_tick(number: int) -> None:
        try:
            Job(place, NOW + (130 + number / 10) * MINUTE, command="tick").tick(wait=60)
        except LeaseHeldError:
            return

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(try_tick, range(8)))
    sql = f"""
        select event_type, occurred_at, count(*) as copies from {place.raw("incident_events")}
        where event_type in ('escalated', 'update_due', 'commander_assigned')
        group by event_type, occurred_at, to_json_string(payload)
    """
    rows = place.rows(sql)
    assert {row["copies"] for row in rows} == {1}
    assert sum(row["event_type"] == "escalated" for row in rows) == 9
    assert len(place.rows(f"select distinct message_id from {place.raw('notifications')}")) == 1


def test_the_first_tick_after_an_upgrade_sends_nothing_of_what_has_been_open_for_months(place: Warehouse) -> None:
    for number in range(12):
        at = NOW - timedelta(days=60 + number)
        open_incident(place, f"k{number}", at, severity="P1")
        place.execute(
            f"insert into {place.raw('notifications')} (message_id, event_id, incident_id, template, channel, "
            "recipients, created_at, status, attempts) select event_id, event_id, incident_id, 'critical', 'folder', "
            f"'a@example.org', occurred_at, 'sent', 1 from {place.raw('incident_events')} where source_key = @key",
            {"key": f"k{number}"},
        )
    assert tick(place, 0) == []
    assert tick(place, 1) == []
    assert {state.event_count for state in read_state(place)} == {1 + 6 + 8}


def test_the_first_tick_after_an_upgrade_sends_one_message_of_what_has_been_open_for_hours(place: Warehouse) -> None:
    open_incident(place, "k", NOW - timedelta(hours=20), severity="P1")
    place.execute(
        f"insert into {place.raw('notifications')} (message_id, event_id, incident_id, template, channel, "
        "recipients, created_at, status, attempts) select event_id, event_id, incident_id, 'critical', 'folder', "
        f"'a@example.org', occurred_at, 'sent', 1 from {place.raw('incident_events')} where true"
    )
    assert [message["template"] for message in tick(place, 0)] == ["escalation"]
    assert tick(place, 1) == []
