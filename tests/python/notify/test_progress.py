"""What a person asks to be sent goes to whoever was notified of the beginning, once, and with nothing empty."""

import re
from datetime import timedelta
from typing import Any

import pytest

from incident_ledger.ledger.events import PLANNER, PROGRESS_EVENTS, Event, EventType, is_progress
from incident_ledger.notify.messages import Message, compose
from incident_ledger.notify.service import notify
from incident_ledger.warehouse import Warehouse
from notify.helpers import ID, KEY, MINUTE, POLICY, START, TITLE, event, incident
from notify.test_service import mails, record, subjects
from notify.test_templates import HOSTILE, Words, in_order

FIELDS = (
    *("Incident:", "Severity:", "Status:", "IMPACT:", "Affected Services:", "User Impact:", "Financial Impact:"),
    *("CURRENT ACTIONS:", "Likely cause:", "ETA:", "Incident Commander:", "War Room:"),
)
BEGINNING = event("detected", severity="P2", title=TITLE, components=[KEY])
PAYLOADS: dict[EventType, dict[str, Any]] = {
    EventType.STATUS_CHANGED: {"status": "identified"},
    EventType.NOTE: {"text": "seen"},
    EventType.ACTION_TAKEN: {"text": "rolling back"},
    EventType.IMPACT_ASSESSED: {"user_impact": "cannot log in"},
    EventType.ROOT_CAUSE_IDENTIFIED: {"category": "deploy"},
    EventType.ETA_SET: {"estimated_resolution_time": "2026-03-02T10:00:00.000000Z"},
    EventType.COMMANDER_ASSIGNED: {"name": "bob"},
    EventType.WAR_ROOM_OPENED: {"url": "https://meet.example.com"},
}


def progress(kind: EventType = EventType.NOTE, minutes: float = 5, **more: Any) -> Event:
    return event(kind.value, at=START + minutes * MINUTE, **(PAYLOADS[kind] | {"notify": True} | more))


def message(newest: Event, **known: Any) -> Message:
    (found,) = compose(newest, incident("P2", **known), POLICY, START + timedelta(minutes=6))
    return found


@pytest.mark.parametrize("kind", PROGRESS_EVENTS)
@pytest.mark.parametrize("severity", ["P0", "P1", "P2", "P3"])
def test_each_kind_is_sent_where_a_person_asks_for_it(kind: EventType, severity: str) -> None:
    (found,) = compose(progress(kind), incident(severity), POLICY, START)
    assert (found.template, found.is_directed) == ("progress", False)
    assert found.subject == f"[INCIDENT-{severity}] Update: {TITLE}"
    assert found.recipients == tuple(each.email_primary for each in POLICY.recipients(severity, START))
    unasked = event(kind.value, **PAYLOADS[kind])
    assert compose(unasked, incident(severity), POLICY, START) == []
    assert not is_progress(unasked)


def test_the_message_has_every_field_as_text_and_as_html() -> None:
    found = message(progress())
    assert found.text.startswith("Note 2026-03-02 09:05:00 UTC by tester: seen\n")
    assert in_order(found.text, FIELDS)
    words = Words(found.html)
    assert all(label.removesuffix(":") in words.text for label in FIELDS if not label.isupper())
    assert words.open == []
    for line in found.text.splitlines():
        assert line in ("IMPACT:", "CURRENT ACTIONS:", "WHAT IS KNOWN:") or not line.endswith(":"), line
    assert not re.search(r"\b(None|null|nan|undefined)\b", found.text + words.text)


def test_texts_of_people_are_no_markup() -> None:
    found = message(progress(text=HOSTILE), title=HOSTILE, user_impact=HOSTILE)
    assert "b" not in Words(found.html).tags
    assert "C:\\new\\table {{ 7*7 }} {% raw %} -- @event" in found.text


def test_a_note_that_takes_back_what_was_sent_is_no_progress() -> None:
    taken_back = progress(supersedes="e1")
    assert not is_progress(taken_back)
    assert message(taken_back).subject == f"[INCIDENT-P2] Reinstated: {TITLE}"


def run(warehouse: Warehouse, minutes: float) -> int:
    return len(notify(warehouse, POLICY, START + minutes * MINUTE))


def test_progress_is_sent_once_to_whoever_was_notified_of_the_beginning(ledger: Warehouse) -> None:
    record(ledger, BEGINNING)
    assert run(ledger, 1) == 1
    record(ledger, progress(), event("note", at=START + 5 * MINUTE, text="for us alone"))
    assert [run(ledger, minutes) for minutes in (6, 7)] == [1, 0]
    record(ledger, progress(EventType.ETA_SET, 8), progress(EventType.ACTION_TAKEN, 8))
    assert [run(ledger, minutes) for minutes in (9, 10)] == [2, 0]
    first, *others = mails(ledger)
    assert {str(mail["To"]) for mail in others} == {str(first["To"])}
    assert {str(mail["References"]) for mail in others} == {str(first["Message-ID"])}
    assert subjects(ledger)[1:] == [f"[INCIDENT-P2] Update: {TITLE}"] * 3


def test_progress_of_what_nobody_was_notified_of_goes_with_its_beginning(ledger: Warehouse) -> None:
    record(ledger, BEGINNING, progress(minutes=1))
    assert [run(ledger, minutes) for minutes in (2, 3)] == [2, 0]
    assert sorted(subjects(ledger)) == [f"[INCIDENT-P2] {TITLE}", f"[INCIDENT-P2] Update: {TITLE}"]


def test_progress_of_an_archive_is_sent_to_nobody(ledger: Warehouse) -> None:
    record(ledger, BEGINNING, event("resolved", at=START + MINUTE), progress(EventType.ROOT_CAUSE_IDENTIFIED, 2))
    assert run(ledger, 60 * 24 * 30) == 0


def test_progress_delays_no_end_and_follows_it(ledger: Warehouse) -> None:
    record(ledger, BEGINNING)
    assert run(ledger, 1) == 1
    record(ledger, progress(minutes=120))
    assert run(ledger, 120) == 1
    record(ledger, event("resolved", at=START + 121 * MINUTE))
    assert run(ledger, 121) == 1  # an interval after the beginning, and a minute after the progress
    record(ledger, progress(EventType.ROOT_CAUSE_IDENTIFIED, 200))
    assert [run(ledger, minutes) for minutes in (200, 201)] == [1, 0]


def test_what_the_planner_writes_is_no_progress(ledger: Warehouse) -> None:
    record(ledger, BEGINNING)
    assert run(ledger, 1) == 1
    by_role = {name: getattr(progress(), name) for name in Event.__dataclass_fields__}
    by_role |= {"event_type": EventType.COMMANDER_ASSIGNED, "actor": PLANNER, "payload": {"name": "Engineering Lead"}}
    record(ledger, Event(**by_role))
    assert run(ledger, 9) == 0
    assert BEGINNING.incident_id == ID
