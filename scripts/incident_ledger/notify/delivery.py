"""Delivery: what the outbox owes is sent, and what became of it is written back. `outbox` has the rules of its rows."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from incident_ledger.notify.channels.attempts import Waits, attempt, kept
from incident_ledger.notify.channels.base import Channel, Envelope, Outcome, Result
from incident_ledger.notify.channels.registry import channels
from incident_ledger.notify.messages import first_message_id
from incident_ledger.notify.outbox import addresses
from incident_ledger.notify.reroute import reroute
from incident_ledger.policy import Policy
from incident_ledger.settings import Settings
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.reading import Reading, read, rows_of
from incident_ledger.warehouse.rows import update_rows, update_where
from incident_ledger.warehouse.tables import NOTIFICATIONS

SENDS_WHEN_UNCERTAIN = 2  # the first and one repeat
_FAILURES_IN_A_ROW = 2  # then a channel is left alone until the next delivery


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """What became of one message on one channel in this delivery."""

    message_id: str
    event_id: str
    incident_id: str
    template: str
    channel: str
    recipients: tuple[str, ...]
    subject: str
    status: Outcome
    attempts: int
    error: str | None

    @property
    def is_failed(self) -> bool:
        """Whether the channel refused it; uncertain is not failed."""
        return self.status is Outcome.FAILED


@dataclass(frozen=True, kw_only=True)
class _Row:
    """A row that may be sent now."""

    envelope: Envelope
    event_id: str
    channel: str
    status: str
    attempts: int
    uncertain_attempts: int

    @property
    def key(self) -> tuple[str, str]:
        return self.envelope.message_id, self.channel


def deliver(
    warehouse: Warehouse,
    settings: Settings,
    policy: Policy,
    now: datetime,
    *,
    confirm: Callable[[], None] = lambda: None,
) -> list[Delivery]:
    """Send what is due and record what became of it. `confirm` is called before each send and may stop it by raising.

    A channel that fails twice in a row, or once at the deadline, is left alone until the next delivery, so that a dead
    server costs no run more than a moment; so is one that has taken as long as one message may, with what is left.
    What was not tried keeps its attempts. What is owed to a channel that is no longer set goes to those that are.
    """
    seconds = float(policy.limit("delivery_timeout_seconds", now))
    ways = {way.name: way for way in channels(settings, seconds)}
    attempts = int(policy.limit("delivery_attempts", now))
    owed = undelivered(warehouse, policy, now)
    if any(each.channel not in ways for each in owed):
        reroute(warehouse, list(ways), attempts=attempts, sends_when_uncertain=SENDS_WHEN_UNCERTAIN)
        owed = undelivered(warehouse, policy, now)
    rows = _rows(warehouse, [each for each in owed if each.channel in ways and each.is_due])
    waits = Waits(
        first=float(policy.limit("delivery_retry_seconds", now)),
        longest=float(policy.limit("delivery_longest_wait_seconds", now)),
    )
    this_round = _Round(warehouse=warehouse, now=now, seconds=seconds, waits=waits, confirm=confirm)
    deliveries: list[Delivery] = []
    for name, way in ways.items():
        rows_of_channel = [row for row in rows if row.channel == name]
        send = this_round.send_idempotent if way.is_idempotent else this_round.send_carefully
        deliveries += send(way, rows_of_channel)
    return deliveries


@dataclass(frozen=True, kw_only=True)
class Undelivered:
    """A message that is owed to a channel. `is_due` says that its wait is over."""

    message_id: str
    channel: str
    created_at: datetime
    is_due: bool
    not_before: datetime | None = None


def undelivered(warehouse: Warehouse, policy: Policy, now: datetime) -> list[Undelivered]:
    """What is owed to any channel, by keys and status alone: bodies are read for what is sent."""
    return read(warehouse, undelivered_reading(warehouse, policy, now))


def undelivered_reading(warehouse: Warehouse, policy: Policy, now: datetime) -> Reading[list[Undelivered]]:
    """`undelivered`, to be read with others."""
    sql = f"""
        select message_id, channel, created_at, not_before, not_before is null or not_before <= @now as is_due
        from {warehouse.raw("notifications")}
        where
            status = 'pending'
            or (status = 'failed' and attempts < @attempts)
            or (status = 'uncertain' and uncertain_attempts < @sends)
    """  # noqa: S608
    attempts = int(policy.limit("delivery_attempts", now))
    params = {"now": now, "attempts": attempts, "sends": SENDS_WHEN_UNCERTAIN}
    rows = yield from rows_of(sql, params)
    return [Undelivered(**row) for row in rows]


def _rows(warehouse: Warehouse, due: Sequence[Undelivered]) -> list[_Row]:
    """Rows to send now, oldest first; with their bodies, from the days that hold them."""
    if not due:
        return []
    sql = f"""
        select * from {warehouse.raw("notifications")}
        where
            created_at between @first and @last
            and message_id in unnest(@messages)
            and status in ('pending', 'failed', 'uncertain')
    """  # noqa: S608
    params = {
        "first": min(each.created_at for each in due),
        "last": max(each.created_at for each in due),
        "messages": sorted({each.message_id for each in due}),
    }
    keys = {(each.message_id, each.channel) for each in due}
    # Two MERGEs at once may have inserted a message twice; it is sent once, and its rows change together.
    rows = {row.key: row for row in map(_row, warehouse.rows(sql, params)) if row.key in keys}
    return sorted(rows.values(), key=_turn)


def _turn(row: _Row) -> tuple[datetime, str, bool, bool, str]:
    """Oldest first; of one time and incident the beginning first and the end last."""
    envelope = row.envelope
    is_first = envelope.message_id == first_message_id(envelope.incident_id)
    return (
        envelope.created_at,
        envelope.incident_id,
        not is_first,
        envelope.template == "resolution",
        envelope.message_id,
    )


def _row(values: dict[str, Any]) -> _Row:
    envelope = Envelope(
        message_id=values["message_id"],
        incident_id=values["incident_id"],
        template=values["template"],
        recipients=tuple(addresses(values["recipients"])),
        subject=values["subject"],
        text=values["body_text"],
        html=values["body_html"],
        created_at=values["created_at"].astimezone(UTC),
    )
    return _Row(
        envelope=envelope,
        event_id=values["event_id"],
        channel=values["channel"],
        status=values["status"],
        attempts=values["attempts"],
        uncertain_attempts=values["uncertain_attempts"] or 0,
    )


@dataclass(frozen=True, kw_only=True)
class _Round:
    """One delivery: what its sends share."""

    warehouse: Warehouse
    now: datetime
    seconds: float  # for one message; a channel that has taken as long with all of them gets the others next time
    waits: Waits
    confirm: Callable[[], None]

    def send_idempotent(self, way: Channel, rows: list[_Row]) -> list[Delivery]:
        """Send all, then record all by one statement: what is sent again after a crash is the same."""
        if not rows:
            return []
        self.confirm()
        results = [(replace(row, attempts=row.attempts + 1), attempt(way, row.envelope, self.seconds)) for row in rows]
        self.record(results)
        return [_delivery(row, result) for row, result in results]

    def send_carefully(self, way: Channel, rows: list[_Row]) -> list[Delivery]:
        """One at a time: claim, send, record."""
        deliveries: list[Delivery] = []
        failures = 0
        spent = 0.0  # with the channel alone, not with the warehouse
        for row in rows:
            if failures >= _FAILURES_IN_A_ROW or spent > self.seconds:
                break
            self.confirm()
            if not _claim(self.warehouse, row, self.now):
                continue
            begun = time.monotonic()
            result = attempt(way, row.envelope, self.seconds)
            spent += time.monotonic() - begun
            more = 1 if result.outcome is Outcome.UNCERTAIN else 0
            tried = replace(row, attempts=row.attempts + 1, uncertain_attempts=row.uncertain_attempts + more)
            self.record([(tried, result)])
            deliveries.append(_delivery(tried, result))
            if result.is_late:
                break
            failures = 0 if result.outcome is Outcome.SENT else failures + 1
        return deliveries

    def record(self, results: Sequence[tuple[_Row, Result]]) -> None:
        """Write the outcomes."""
        _record(self.warehouse, results, self.now, self.waits)


def _claim(warehouse: Warehouse, row: _Row, now: datetime) -> bool:
    """Record beforehand that a send is under way; False when the row is no longer as it was read."""
    values = {
        "status": "'uncertain'",
        "attempts": "attempts + 1",
        "uncertain_attempts": "uncertain_attempts + 1",
        "last_attempt_at": "@now",
        "last_error": "'a send began and its end was not recorded'",
    }
    where = """
        message_id = @message_id
        and channel = @channel
        and created_at = @created_at
        and status = @status
        and attempts = @attempts
    """
    params = {
        "now": now,
        "message_id": row.envelope.message_id,
        "channel": row.channel,
        "created_at": row.envelope.created_at,
        "status": row.status,
        "attempts": row.attempts,
    }
    return update_where(warehouse, NOTIFICATIONS, values, where, params) > 0


def _record(warehouse: Warehouse, results: Sequence[tuple[_Row, Result]], now: datetime, waits: Waits) -> None:
    """Write the outcomes by one statement."""
    outcomes = [
        {
            "message_id": row.envelope.message_id,
            "channel": row.channel,
            "status": result.outcome.value,
            "attempts": row.attempts,
            "uncertain_attempts": row.uncertain_attempts,
            "last_attempt_at": now,
            "sent_at": now if result.outcome is Outcome.SENT else None,
            "last_error": kept(result.error),
            "not_before": None if result.outcome is Outcome.SENT else now + waits.after(row.attempts, result),
        }
        for row, result in results
    ]
    times = [row.envelope.created_at for row, _ in results]
    params = {"first": min(times), "last": max(times)}
    update_rows(warehouse, NOTIFICATIONS, outcomes, on="target.created_at between @first and @last", params=params)


def _delivery(row: _Row, result: Result) -> Delivery:
    return Delivery(
        message_id=row.envelope.message_id,
        event_id=row.event_id,
        incident_id=row.envelope.incident_id,
        template=row.envelope.template,
        channel=row.channel,
        recipients=row.envelope.recipients,
        subject=row.envelope.subject,
        status=result.outcome,
        attempts=row.attempts,
        error=result.error,
    )
