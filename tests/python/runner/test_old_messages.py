"""What a tick reads of the outbox: the last days, and from further back what may still be owed."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from incident_ledger.ledger.events import Event, EventType, incident_id
from incident_ledger.ledger.state import read_state
from incident_ledger.ledger.writer import append
from incident_ledger.notify import delivery
from incident_ledger.notify.service import outlook_reading
from incident_ledger.policy import load
from incident_ledger.response.planner import plan
from incident_ledger.runner import resend
from incident_ledger.runner.job import Job
from incident_ledger.runner.lease import RESPOND, lease_reading, with_lease
from incident_ledger.runner.run_report import RunReport
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.reading import read
from incident_ledger.warehouse.rows import insert_rows
from incident_ledger.warehouse.tables import NOTIFICATIONS

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
BEGIN = NOW - 90 * DAY


def tick(place: Warehouse, at: datetime) -> RunReport:
    return Job(place, at, command="tick").tick(wait=0)


def subjects(report: RunReport) -> list[str]:
    """What was sent, without the severity and the title."""
    return [each.subject.split("] ")[1].partition(": ")[0] for each in report.delivered]


def event(kind: str, at: datetime, key: str = "k", **payload: Any) -> Event:
    return Event(
        incident_id=incident_id("test", key, BEGIN),
        event_type=EventType(kind),
        occurred_at=at,
        actor="tester",
        source="test",
        source_key=key,
        severity_level="P2" if kind == "detected" else None,
        payload=payload,
    )


def record(place: Warehouse, *events: Event) -> None:
    for each in events:
        append(place, [each], each.occurred_at)


def owed(place: Warehouse, of: Event, **values: Any) -> None:
    """Put a message into the outbox."""
    row = {"event_id": of.event_id, "incident_id": of.incident_id, "template": "incident", "audience": "all"}
    row |= {"channel": "folder", "recipients": "ann@example.com", "subject": "[P2] Owed: T", "body_text": "T"}
    row |= {"body_html": "<p>T</p>", "severity_level": "P2", "attempts": 0, "uncertain_attempts": 0}
    insert_rows(place, NOTIFICATIONS, [row | {"message_id": f"{of.event_id}", "status": "pending"} | values])


def test_what_was_written_before_the_longest_window_and_never_sent_is_sent(place: Warehouse) -> None:
    """Who wrote it died, and nobody ran for 90 days."""
    beginning = event("detected", BEGIN, title="T")
    record(place, beginning)
    tick(place, BEGIN - MINUTE)  # from here on it is known what is pending
    owed(place, beginning, created_at=BEGIN)
    assert subjects(tick(place, NOW)) == ["Owed"]
    assert subjects(tick(place, NOW + MINUTE)) == []


def test_while_nobody_knows_what_is_pending_everything_is_read(place: Warehouse) -> None:
    beginning = event("detected", BEGIN, title="T")
    record(place, beginning)
    owed(place, beginning, created_at=BEGIN)
    assert read(place, lease_reading(place, RESPOND)).pending_since is None
    assert subjects(tick(place, NOW)) == ["Owed"]


def test_a_message_that_failed_yesterday_of_an_incident_that_is_open_for_long_is_sent_again(
    place: Warehouse, sent: list[str]
) -> None:
    beginning = event("detected", BEGIN, title="T")
    record(place, beginning)
    assert len(tick(place, BEGIN).delivered) == 1
    for minutes in (0, 1):
        tick(place, NOW - 2 * DAY + minutes * MINUTE)
    owed(
        place, event("note", NOW - DAY), created_at=NOW - DAY, status="failed", attempts=1, last_attempt_at=NOW - DAY,
        not_before=NOW - DAY + MINUTE,
    )  # fmt: skip
    sent.clear()
    assert subjects(tick(place, NOW)) == ["Owed"]
    assert not any("created_at >= timestamp '2025-" in sql for sql in sent)


@pytest.mark.parametrize(
    ("kind", "subject", "next_day"), [("resolved", "Resolved", ["Review late"]), ("retracted", "Retracted", [])]
)
def test_what_follows_after_months_is_sent_once_and_its_beginning_not_again(
    place: Warehouse, kind: str, subject: str, next_day: list[str]
) -> None:
    record(place, event("detected", BEGIN, title="T"))
    assert len(tick(place, BEGIN).delivered) == 1
    for minutes in (-2, -1):
        assert tick(place, NOW + minutes * MINUTE).delivered == []
    record(place, event(kind, NOW, reason="Gone."))
    assert subjects(tick(place, NOW + MINUTE)) == [subject]
    assert subjects(tick(place, NOW + 2 * MINUTE)) == []
    assert subjects(tick(place, NOW + DAY)) == next_day
    assert subjects(tick(place, NOW + DAY + MINUTE)) == []


def test_what_followed_while_nobody_ran_for_months_is_sent(place: Warehouse) -> None:
    record(place, event("detected", BEGIN, title="T"))
    assert len(tick(place, BEGIN).delivered) == 1
    record(place, event("resolved", BEGIN + 20 * MINUTE))
    assert subjects(tick(place, NOW)) == ["Resolved"]
    assert subjects(tick(place, NOW + MINUTE)) == []


def test_an_event_of_the_future_is_sent_when_it_has_happened(place: Warehouse) -> None:
    record(place, event("detected", BEGIN, title="T"))
    tick(place, BEGIN)
    append(place, [event("resolved", NOW)], BEGIN + MINUTE)
    for at in (BEGIN + 2 * MINUTE, NOW - 40 * DAY, NOW - MINUTE):
        assert tick(place, at).delivered == []
    assert subjects(tick(place, NOW)) == ["Resolved"]


def test_an_old_message_that_is_put_back_is_owed_again_also_when_who_did_it_dies(
    place: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    beginning = event("detected", BEGIN, title="T")
    record(place, beginning)
    tick(place, BEGIN)
    place.execute(f"update {place.raw('notifications')} set status = 'failed', attempts = 5 where true")
    for minutes in (0, 1):
        assert tick(place, NOW + minutes * MINUTE).delivered == []

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(delivery, "send_side_by_side", die)
        with pytest.raises(KeyboardInterrupt):
            resend.resend(place, load(place), NOW + 2 * MINUTE)
    assert [each.event_id for each in tick(place, NOW + 3 * MINUTE).delivered] == [beginning.event_id]


def test_a_holder_that_writes_of_long_ago_and_dies_lets_the_next_one_read_from_then_on(place: Warehouse) -> None:
    tick(place, NOW)
    known = read(place, lease_reading(place, RESPOND)).pending_since
    assert known is not None
    assert NOW - 2 * DAY < known < NOW
    with with_lease(place, RESPOND, load(place), BEGIN, who="a replay"):
        assert read(place, lease_reading(place, RESPOND)).pending_since == BEGIN
    assert read(place, lease_reading(place, RESPOND)).pending_since == BEGIN


def test_what_is_recorded_and_sent_as_of_long_ago_is_not_lost(place: Warehouse) -> None:
    record(place, event("detected", BEGIN, title="T"))
    tick(place, BEGIN)
    for minutes in (0, 1):
        assert tick(place, NOW + minutes * MINUTE).delivered == []
    record(place, event("resolved", NOW - 40 * DAY))
    assert subjects(tick(place, NOW - 40 * DAY + MINUTE)) == ["Resolved"]
    assert subjects(tick(place, NOW + 2 * MINUTE)) == []


def statements(place: Warehouse, at: datetime, sent: list[str]) -> Sequence[str]:
    """What an idle tick sends, by the first words; not its heartbeat."""
    sent.clear()
    report = tick(place, at)
    assert report.is_idle
    return [sql.split()[0].lower() for sql in sent if "run_steps` (" not in sql]


def test_a_quiet_month_is_read_once(place: Warehouse, sent: list[str]) -> None:
    tick(place, BEGIN)
    assert len(statements(place, BEGIN + MINUTE, sent)) == 2
    assert len(statements(place, BEGIN + 30 * DAY, sent)) == 5  # once more, the lease, its release
    assert len(statements(place, BEGIN + 30 * DAY + MINUTE, sent)) == 2


STEPS = (MINUTE, 20 * MINUTE, 3 * timedelta(hours=1), DAY, 9 * DAY, 40 * DAY)
KINDS = ("resolved", "reopened", "severity_changed", "retracted", "note")


def expected(place: Warehouse, at: datetime) -> set[str]:
    """The messages to be sent at a time, by all that was ever written and recorded."""
    outlook = read(place, outlook_reading(place, load(place), at))
    return {each.message_id for each in outlook.messages(read_state(place))} | {
        each.message_id for each in outlook.owed if each.is_due
    }


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.soak) for seed in range(1, 10))])
def test_ticks_at_any_times_send_what_all_messages_and_events_together_ask_for(place: Warehouse, seed: int) -> None:
    choice = random.Random(seed)
    at, keys, sent_messages = BEGIN, ["0"], 0
    record(place, event("detected", at, "0", title="T"))
    for step in range(12):
        at += choice.choice(STEPS)
        kind = choice.choice(("detected", *KINDS))
        if kind == "detected":
            keys.append(f"{step}")
            record(place, replace(event(kind, at, keys[-1], title="T"), incident_id=incident_id("test", keys[-1], at)))
        else:
            known = choice.choice(read_state(place))
            acted = event(kind, at - choice.choice((0, 10)) * MINUTE, known.source_key, text=f"{step}")
            level = choice.choice(("P1", "P2")) if kind == "severity_changed" else None
            append(place, [replace(acted, incident_id=known.incident_id, severity_level=level)], at)
        append(place, plan(read_state(place), [], load(place), at), at)  # the clocks that fell due
        wanted = expected(place, at)
        delivered = {each.message_id for each in tick(place, at).delivered}
        assert delivered == wanted, (step, kind)
        sent_messages += len(delivered)
        if delivered and choice.random() < 0.3:  # the channel refused them
            place.execute(
                f"update {place.raw('notifications')} set status = 'failed', not_before = @later where attempts = 1"
                " and last_attempt_at = @at",
                {"later": at + MINUTE, "at": at},
            )
    assert sent_messages > 5
