"""From events in the ledger to messages, and back: what was sent becomes an event of the ledger."""

from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest

from incident_ledger.ledger.events import Event
from incident_ledger.ledger.state import read_state
from incident_ledger.ledger.writer import append
from incident_ledger.notify.delivery import deliver
from incident_ledger.notify.delivery_events import notified_events
from incident_ledger.notify.messages import first_message_id, header_id
from incident_ledger.notify.pending import due_events
from incident_ledger.notify.service import notify, outlook_reading
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.reading import read
from notify.helpers import ID, KEY, MINUTE, POLICY, START, TITLE, detected, enqueue, event

HOUR = 60 * MINUTE
BEGINNING = event("detected", severity="P2", title=TITLE, components=[KEY])


def mails(warehouse: Warehouse) -> list[Any]:
    files = sorted((warehouse.settings.local_path / "outbox").glob("*.eml"))
    found = [message_from_bytes(path.read_bytes(), policy=default) for path in files]
    return sorted(found, key=lambda mail: (mail["Date"].datetime, mail["Message-ID"]))


def record(warehouse: Warehouse, *events: Event) -> None:
    append(warehouse, events, max(each.occurred_at for each in events))


def subjects(warehouse: Warehouse) -> list[str]:
    return [str(mail["Subject"]) for mail in mails(warehouse)]


def events_of(warehouse: Warehouse) -> list[tuple[Any, ...]]:
    sql = f"select event_id, event_type, occurred_at from {warehouse.raw('incident_events')} order by event_id"
    return [tuple(row.values()) for row in warehouse.rows(sql)]


def test_an_incident_is_followed_from_its_beginning_to_its_end_in_one_thread(ledger: Warehouse) -> None:
    record(ledger, BEGINNING)
    notify(ledger, POLICY, START)
    record(ledger, event("severity_changed", at=START + MINUTE, severity="P1", **{"from": "P2"}))
    notify(ledger, POLICY, START + MINUTE)
    record(ledger, event("note", at=START + 2 * MINUTE, title="Another title"))
    record(
        ledger, event("root_cause_identified", at=START + 3 * MINUTE, category="vendor_api", text="The key was old.")
    )
    record(ledger, event("resolved", at=START + 23 * MINUTE, solution="A new key.", verification="All there."))
    notify(ledger, POLICY, START + 24 * MINUTE)
    assert subjects(ledger) == [
        f"[INCIDENT-P2] {TITLE}",
        f"[INCIDENT-P1] Now P1: {TITLE}",
        "[INCIDENT-P1] Resolved: Another title",
    ]
    sql = f"select severity_level from {ledger.raw('notifications')} order by created_at"
    assert [row["severity_level"] for row in ledger.rows(sql)] == ["P2", "P1", "P1"]  # each as it was sent
    first, *later = mails(ledger)
    assert first["Message-ID"] == header_id(first_message_id(ID))
    assert [mail["In-Reply-To"] for mail in later] == [first["Message-ID"]] * 2
    end = later[-1].get_body(("plain",)).get_content()
    assert "Total Duration: 23 minutes" in end
    assert "- Root Cause: vendor_api: The key was old." in end


def test_who_was_notified_before_is_notified_again_whatever_the_severity(ledger: Warehouse) -> None:
    record(ledger, BEGINNING)
    notify(ledger, POLICY, START)
    for minute, severity, before in ((1, "P0", "P2"), (2, "P3", "P0")):
        at = START + minute * MINUTE
        record(ledger, event("severity_changed", at=at, severity=severity, **{"from": before}))
        if severity == "P0":
            notify(ledger, POLICY, at)
    record(ledger, event("resolved", at=START + 23 * MINUTE))
    notify(ledger, POLICY, START + 23 * MINUTE)
    sql = f"select subject, recipients, audience from {ledger.raw('notifications')}"
    sent = {row["subject"].split()[0]: row for row in ledger.rows(sql) if "Now P3" not in row["subject"]}
    first, worst, end = (set(sent[f"[INCIDENT-{level}]"]["recipients"].split(",")) for level in ("P2", "P0", "P3"))
    assert first < worst
    assert end == worst


def test_an_end_is_sent_once_however_often_the_scheduler_calls(ledger: Warehouse) -> None:
    record(ledger, BEGINNING)
    notify(ledger, POLICY, START)
    record(ledger, event("resolved", at=START + 23 * MINUTE))
    for n in range(6):
        notify(ledger, POLICY, START + (23 + 15 * n) * MINUTE)
    before = events_of(ledger)
    assert notify(ledger, POLICY, START + (23 + 75) * MINUTE) == []
    assert events_of(ledger) == before
    assert len([subject for subject in subjects(ledger) if "Resolved" in subject]) == 1


def test_a_corrected_beginning_is_not_sent_again(ledger: Warehouse) -> None:
    record(ledger, BEGINNING)
    notify(ledger, POLICY, START)
    corrected = event("detected", severity="P2", title="Other words", supersedes=BEGINNING.event_id)
    append(ledger, [corrected], START + MINUTE)
    outlook = read(ledger, outlook_reading(ledger, POLICY, START + MINUTE))
    assert outlook.messages(read_state(ledger)) == []
    assert notify(ledger, POLICY, START + MINUTE) == []
    assert len(subjects(ledger)) == 1


def test_what_was_sent_is_an_event_of_the_incident(ledger: Warehouse) -> None:
    record(ledger, BEGINNING)
    notify(ledger, POLICY, START)
    sql = f"select payload, occurred_at from {ledger.raw('incident_events')} where event_type = 'notified'"
    row = ledger.rows(sql)[0]
    assert row["occurred_at"] == START
    assert '"outcome":"sent"' in str(row["payload"]).replace(" ", "").replace("'", '"')


def test_a_corrected_end_is_not_sent_again(ledger: Warehouse) -> None:
    record(ledger, BEGINNING)
    end = event("resolved", at=START + 23 * MINUTE)
    record(ledger, end)
    notify(ledger, POLICY, START + 24 * MINUTE)
    record(ledger, event("resolved", at=START + 22 * MINUTE, supersedes=end.event_id))
    assert notify(ledger, POLICY, START + 25 * MINUTE) == []
    assert len(subjects(ledger)) == 2


def test_an_archive_of_ended_incidents_alarms_nobody(ledger: Warehouse) -> None:
    """Detected two days ago and ended an hour ago: no beginning, and no end without its beginning."""
    record(ledger, BEGINNING, event("resolved", at=START + 47 * HOUR))
    assert notify(ledger, POLICY, START + 48 * HOUR) == []


def test_an_incident_that_is_still_open_is_sent_however_old_it_is_with_what_followed(ledger: Warehouse) -> None:
    """All in one run: who is notified of the rise alone does not wait for the next one."""
    raised = event("severity_changed", at=START + HOUR, severity="P1", **{"from": "P2"})
    record(ledger, BEGINNING, raised)
    late = START + 18 * 24 * HOUR
    assert [each.subject[:21] for each in notify(ledger, POLICY, late)] == [
        "[INCIDENT-P2] 21.85 %",
        "[INCIDENT-P1] Now P1:",
    ]
    assert notify(ledger, POLICY, late) == []


def test_whoever_was_notified_of_an_incident_is_notified_of_its_retraction(ledger: Warehouse) -> None:
    record(ledger, BEGINNING)
    notify(ledger, POLICY, START)
    record(ledger, event("retracted", at=START + HOUR, reason="It vanished from the page."))
    notify(ledger, POLICY, START + HOUR)
    assert subjects(ledger)[-1] == f"[INCIDENT-P2] Retracted: {TITLE}"


def test_whoever_was_notified_of_a_retraction_is_notified_when_it_is_taken_back_and_of_no_other_note(
    ledger: Warehouse,
) -> None:
    retracted = event("retracted", at=START + HOUR, reason="It vanished from the page.")
    for number, each in enumerate([BEGINNING, retracted]):
        record(ledger, each)
        notify(ledger, POLICY, START + number * HOUR)
    back = event("note", at=START + 2 * HOUR, text="The page lists it again.", supersedes=retracted.event_id)
    record(ledger, back, event("note", at=START + 2 * HOUR, text="Another."))
    notify(ledger, POLICY, START + 2 * HOUR)
    assert subjects(ledger)[-1] == f"[INCIDENT-P2] Reinstated: {TITLE}"
    record(ledger, event("resolved", at=START + 3 * HOUR))
    notify(ledger, POLICY, START + 3 * HOUR)
    assert [subject.removeprefix("[INCIDENT-P2] ").split(":")[0] for subject in subjects(ledger)[1:]] == [
        "Retracted", "Reinstated", "Resolved",
    ]  # fmt: skip
    assert notify(ledger, POLICY, START + 4 * HOUR) == []


class Died(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("place", ["service.deliver", "outbox.write", "delivery.send_side_by_side", "service.append"])
def test_a_run_that_dies_anywhere_and_runs_again_leaves_what_an_undisturbed_one_does(
    ledger: Warehouse, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def die(*_: object, **__: object) -> None:
        raise Died

    record(ledger, BEGINNING)
    with monkeypatch.context() as patch:
        patch.setattr(f"incident_ledger.notify.{place}", die)
        with pytest.raises(Died):
            notify(ledger, POLICY, START)
    notify(ledger, POLICY, START)
    after = events_of(ledger)
    assert subjects(ledger) == [f"[INCIDENT-P2] {TITLE}"]
    assert [kind for _, kind, _ in after].count("notified") == 1
    notify(ledger, POLICY, START)
    assert events_of(ledger) == after


def test_every_attempt_that_the_ledger_lacks_is_one_event(warehouse: Warehouse) -> None:
    enqueue(warehouse, [detected("P1")], START)
    assert notified_events(warehouse, POLICY, START) == []
    deliver(warehouse, warehouse.settings, POLICY, START)
    events = notified_events(warehouse, POLICY, START + MINUTE)
    assert [(each.occurred_at, each.payload["outcome"]) for each in events] == [(START, "sent")]
    append(warehouse, events, START + MINUTE)
    assert notified_events(warehouse, POLICY, START + HOUR) == []


def test_a_severity_that_another_has_followed_already_is_not_sent(ledger: Warehouse) -> None:
    """Recorded afterwards: P1 for a while at 09:10, of an incident that is P0 since 09:20."""
    record(ledger, BEGINNING)
    notify(ledger, POLICY, START)
    record(ledger, event("severity_changed", at=START + 20 * MINUTE, severity="P0", **{"from": "P2"}))
    notify(ledger, POLICY, START + 20 * MINUTE)
    record(ledger, event("severity_changed", at=START + 10 * MINUTE, severity="P1", **{"from": "P2"}))
    assert notify(ledger, POLICY, START + 30 * MINUTE) == []
    assert [subject[:20] for subject in subjects(ledger) if "Now" in subject] == ["[INCIDENT-P0] Now P0"]


def test_a_severity_of_then_is_sent_then_whatever_is_recorded_for_later(ledger: Warehouse) -> None:
    record(ledger, BEGINNING)
    for minute, severity, before in ((10, "P1", "P2"), (20, "P0", "P1")):
        at = START + minute * MINUTE
        record(ledger, event("severity_changed", at=at, severity=severity, **{"from": before}))
    notify(ledger, POLICY, START + 15 * MINUTE)
    assert [subject[:21] for subject in subjects(ledger) if "Now" in subject] == ["[INCIDENT-P1] Now P1:"]


def body(mail: Any) -> str:
    return str(mail.get_body(("plain",)).get_content()).replace("\r\n", "\n")


def test_a_check_that_flaps_sends_once_in_an_interval_and_its_end_when_it_lasts(ledger: Warehouse) -> None:
    turns = {0: BEGINNING, 5: event("resolved", at=START + 5 * MINUTE), 10: event("reopened", at=START + 10 * MINUTE)}
    turns |= {14: event("resolved", at=START + 14 * MINUTE)}
    for minute in (0, 5, 10, 14, 15, 16, 30, 31):
        if minute in turns:
            record(ledger, turns[minute])
        notify(ledger, POLICY, START + minute * MINUTE)
    assert subjects(ledger) == [
        f"[INCIDENT-P2] {TITLE}",
        f"[INCIDENT-P2] Flapping: {TITLE}",
        f"[INCIDENT-P2] Resolved: {TITLE}",
    ]
    _, flapping, end = mails(ledger)
    assert [mail["Date"].datetime for mail in (flapping, end)] == [START + 15 * MINUTE, START + 30 * MINUTE]
    assert "Status: Resolved, flapping\n" in body(flapping)
    words = " ".join(body(flapping).split())
    assert "resolved and reopened once from 2026-03-02 09:05:00 UTC to 09:14 UTC" in words
    assert "Total Duration: 9 minutes\n" in body(end)  # 0 to 5 and 10 to 14


def test_what_is_planned_is_due_as_if_it_stood_in_the_ledger_and_no_sooner(ledger: Warehouse) -> None:
    """As a dry run asks: a new incident, the end of a known one, and one that is too soon."""
    record(ledger, BEGINNING)
    notify(ledger, POLICY, START)
    other = event("detected", at=START + 5 * MINUTE, severity="P1", key="table:other", title="x", components=["c"])
    for minute, wanted in ((5, [other]), (20, [other, event("resolved", at=START + 20 * MINUTE)])):
        planned = [event("resolved", at=START + minute * MINUTE), other]
        found = due_events(ledger, POLICY, START + minute * MINUTE, planned)
        assert [each.event for each in found] == wanted
    assert due_events(ledger, POLICY, START + HOUR) == []


@pytest.mark.parametrize("severity", ["P0", "P2"])
def test_what_is_sent_after_the_end_promises_no_more(ledger: Warehouse, severity: str) -> None:
    record(
        ledger,
        event("detected", severity=severity, title=TITLE, components=[KEY]),
        event("resolved", at=START + 10 * MINUTE),
    )
    notify(ledger, POLICY, START + HOUR)
    text = next(body(mail) for mail in mails(ledger) if mail["Subject"] == f"[INCIDENT-{severity}] {TITLE}")
    assert "resolved 2026-03-02 09:10:00 UTC\n" in text
    assert ("Next Update: none unless it is reopened" in text) is (severity == "P0")
    assert ("No update will follow unless it is reopened." in text) is (severity == "P2")
