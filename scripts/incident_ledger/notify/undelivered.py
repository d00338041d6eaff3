"""What the outbox owes: read by keys and progress alone, and by their days with bodies once they are to be sent."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from incident_ledger.notify.channels.base import Envelope
from incident_ledger.notify.outbox import addresses
from incident_ledger.notify.window import written_since
from incident_ledger.policy import Policy
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.reading import Reading, read, rows_of
from incident_ledger.warehouse.tables import NOTIFICATIONS

SENDS_WHEN_UNCERTAIN = 2  # the first and one repeat

Key = tuple[str, str]
"""A message's id and its channel."""


@dataclass(frozen=True, kw_only=True)
class Undelivered:
    """A message that is owed to a channel, and how far it came. `is_due` says that its wait is over."""

    message_id: str
    channel: str
    incident_id: str
    template: str
    severity_level: str | None  # as the message has it; None in rows of older versions
    created_at: datetime
    status: str
    attempts: int
    uncertain_attempts: int
    last_attempt_at: datetime | None = None
    last_error: str | None = None
    not_before: datetime | None = None
    is_due: bool = True
    copies: int = 1  # rows: two MERGEs at once may have inserted it twice; it is sent once, and they change together

    @property
    def is_held(self) -> bool:
        """Whether it waits for the end of quiet hours: it was never tried."""
        return self.status == "pending" and self.attempts == 0 and not self.is_due

    @property
    def has_waited(self) -> bool:
        """Whether the end of quiet hours came, and it was never tried."""
        return self.status == "pending" and self.attempts == 0 and self.not_before is not None and self.is_due

    @property
    def key(self) -> Key:
        """Of its row in the outbox."""
        return self.message_id, self.channel


@dataclass(frozen=True, kw_only=True)
class Content:
    """What is sent of a message, and the event that it is about."""

    event_id: str
    envelope: Envelope


def undelivered(
    warehouse: Warehouse, policy: Policy, now: datetime, *, since: datetime | None = None
) -> list[Undelivered]:
    """What is owed to any channel, without bodies; of the messages that were written at `since` or later."""
    return read(warehouse, undelivered_reading(warehouse, policy, now, since=since))


def undelivered_reading(
    warehouse: Warehouse, policy: Policy, now: datetime, *, since: datetime | None = None
) -> Reading[list[Undelivered]]:
    """`undelivered`, to be read with others."""
    sql = f"""
        select
            message_id, channel, incident_id, template, severity_level, created_at, status, attempts,
            coalesce(uncertain_attempts, 0) as uncertain_attempts, last_attempt_at, last_error, not_before,
            not_before is null or not_before <= @now as is_due
        from {warehouse.raw(NOTIFICATIONS.name)}
        where
            {written_since(since)}
            and (
                status = 'pending'
                or (status = 'failed' and attempts < @attempts)
                or (status = 'uncertain' and uncertain_attempts < @sends)
            )
    """  # noqa: S608
    attempts = int(policy.limit("delivery_attempts", now))
    params = {"now": now, "attempts": attempts, "sends": SENDS_WHEN_UNCERTAIN}
    found: dict[Key, Undelivered] = {}
    for row in (yield from rows_of(sql, params)):
        each = Undelivered(**row)
        known = found.get(each.key)
        found[each.key] = replace(known, copies=known.copies + 1) if known else each
    return list(found.values())


def released(owed: Iterable[Undelivered], incident_ids: Collection[str]) -> list[Undelivered]:
    """What is owed; of these incidents without a wait for the end of quiet hours."""
    return [replace(each, is_due=True) if each.is_held and each.incident_id in incident_ids else each for each in owed]


def of_row(row: Mapping[str, Any]) -> Undelivered:
    """A row that is not in the outbox yet."""
    columns = ("message_id", "channel", "incident_id", "template", "severity_level", "created_at", "status")
    return Undelivered(**{name: row[name] for name in columns}, attempts=0, uncertain_attempts=0)


def read_contents(warehouse: Warehouse, rows: Sequence[Undelivered]) -> dict[Key, Content]:
    """What is to be sent of these, from the days that hold them."""
    days = sorted({f"date '{each.created_at.astimezone(UTC):%Y-%m-%d}'" for each in rows})
    if not days:
        return {}
    sql = f"""
        select
            message_id, channel, event_id, incident_id, template, severity_level, recipients, subject, body_text,
            body_html, created_at
        from {warehouse.raw(NOTIFICATIONS.name)}
        where date(created_at) in ({", ".join(days)}) and message_id in unnest(@messages)
    """  # noqa: S608 - days are our own
    found = warehouse.rows(sql, {"messages": sorted({each.message_id for each in rows})})
    keys = {each.key for each in rows}
    return {key: content for key, content in contents(found).items() if key in keys}


def contents(rows: Iterable[Mapping[str, Any]]) -> dict[Key, Content]:
    """What is to be sent of whole rows."""
    return {(row["message_id"], row["channel"]): _content(row) for row in rows}


def _content(row: Mapping[str, Any]) -> Content:
    envelope = Envelope(
        message_id=row["message_id"],
        incident_id=row["incident_id"],
        template=row["template"],
        severity_level=row["severity_level"] or "",
        recipients=tuple(addresses(row["recipients"])),
        subject=row["subject"],
        text=row["body_text"],
        html=row["body_html"],
        created_at=row["created_at"].astimezone(UTC),
    )
    return Content(event_id=row["event_id"], envelope=envelope)
