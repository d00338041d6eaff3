"""Delivery: what the outbox owes is sent in batches, and what became of it is written back.

One statement writes what became of a batch and claims the next one; the first also writes the messages that are new.
`outbox` has the rules of the rows, `batches` the order, `sending` what a channel that fails costs.
"""

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from incident_ledger.encoding import canonical
from incident_ledger.notify import outbox
from incident_ledger.notify.batches import batches
from incident_ledger.notify.channels.attempts import Waits, kept
from incident_ledger.notify.channels.base import Envelope, Outcome, Result, ThreadedChannel
from incident_ledger.notify.channels.registry import channels
from incident_ledger.notify.digest import DIGESTED
from incident_ledger.notify.reroute import reroute
from incident_ledger.notify.sending import Lane, send_side_by_side
from incident_ledger.notify.threads import read_threads
from incident_ledger.notify.undelivered import (
    SENDS_WHEN_UNCERTAIN,
    Content,
    Key,
    Undelivered,
    contents,
    of_row,
    read_contents,
    undelivered,
)
from incident_ledger.policy import Policy
from incident_ledger.settings import Settings
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.rows import literal
from incident_ledger.warehouse.tables import NOTIFICATIONS

_DIGESTED = {"status": DIGESTED, "attempts": 0, "uncertain_attempts": 0}
_BATCHES_READ = 10  # bodies are read for so many batches at once: what a dead channel is owed is not


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

    @property
    def is_clean(self) -> bool:
        """Whether it was sent at the first attempt, to everybody: no finding comes of it, and none goes."""
        return self.status is Outcome.SENT and self.attempts == 1 and self.error is None


def deliver(
    warehouse: Warehouse,
    settings: Settings,
    policy: Policy,
    now: datetime,
    *,
    new_rows: Sequence[Mapping[str, Any]] = (),
    owed: Sequence[Undelivered] | None = None,
    digested: Sequence[Undelivered] = (),
    since: datetime | None = None,
    confirm: Callable[[], None] = lambda: None,
    on_recorded: Callable[[list[Delivery]], None] = lambda _: None,
) -> list[Delivery]:
    """Write `new_rows`, send what is due, the worst severity first, and record what became of it.

    `owed` is what the outbox owes where that is at hand; all of it was written at `since` or later. `digested` of it is
    sent no more, since digests among `new_rows` stand for it: both are written at once. `confirm` is called before each
    batch and may stop it by raising; `on_recorded` gets the deliveries of a batch once they are in the outbox. What is
    owed to a channel that is no longer set goes to those that are.
    """
    seconds = float(policy.limit("delivery_timeout_seconds", now))
    lanes = {way.name: Lane(way=way, seconds=seconds) for way in channels(settings, seconds)}
    if owed is None:
        owed = undelivered(warehouse, policy, now, since=since)
    if any(each.channel not in lanes for each in owed):
        attempts = int(policy.limit("delivery_attempts", now))
        reroute(warehouse, list(lanes), attempts=attempts, sends_when_uncertain=SENDS_WHEN_UNCERTAIN, since=since)
        owed = undelivered(warehouse, policy, now, since=since)
    absorbed = {each.key for each in digested}
    rows = [each for each in owed if each.channel in lanes and each.is_due and each.key not in absorbed]
    waits = Waits(
        first=float(policy.limit("delivery_retry_seconds", now)),
        longest=float(policy.limit("delivery_longest_wait_seconds", now)),
    )
    batched = batches(
        [*rows, *(of_row(row) for row in new_rows if row["status"] != DIGESTED and not outbox.is_held(row))],
        {severity.severity_level: severity.severity_rank for severity in policy.severities},
        int(policy.limit("delivery_batch_messages", now)),
    )
    rows = [row for batch in batched for row in batch if isinstance(lanes[row.channel].way, ThreadedChannel)]
    for name, threads in read_threads(warehouse, rows).items():
        lanes[name].way.threads.update(threads)  # type: ignore[attr-defined]
    book = _Book(
        warehouse=warehouse, now=now, waits=waits, on_recorded=on_recorded, new_rows=new_rows, digested=digested
    )
    return _Round(lanes=lanes, book=book, contents=contents(new_rows), confirm=confirm).send(batched)


@dataclass(kw_only=True)
class _Book:
    """What is to be written of one delivery, and what was."""

    warehouse: Warehouse
    now: datetime
    waits: Waits
    on_recorded: Callable[[list[Delivery]], None]
    new_rows: Sequence[Mapping[str, Any]]
    digested: Sequence[Undelivered] = ()
    results: list[tuple[Undelivered, Content, Result | None]] = field(default_factory=list)
    deliveries: list[Delivery] = field(default_factory=list)
    claim_id: str = field(default_factory=lambda: str(uuid.uuid4()))

    def turn(self, claims: Sequence[Undelivered] = ()) -> set[Key]:
        """Write what became of the last batch, new messages, and the claims of the next batch, by one statement.

        Returns the claims that were got: all, unless another process changed or inserted one of the rows meanwhile.
        """
        results, new = self.results, {(row["message_id"], row["channel"]): dict(row) for row in self.new_rows}
        self.results, self.new_rows = [], []
        known = [row for row in claims if row.key not in new]
        for row in claims:
            if row.key in new:
                new[row.key] |= self._claim(row)
        progress = [_row_of(row) | self._outcome(row, result) for row, _, result in results]
        progress += [_row_of(row) | self._claim(row) for row in known]
        progress += [_row_of(row) | _DIGESTED for row in self.digested]
        changing = [*(row for row, _, _ in results), *known, *self.digested]
        self.digested = ()
        since = min([*(row.created_at for row in changing), *map(outbox.earliest, new.values())], default=self.now)
        changed = outbox.write(self.warehouse, [*new.values(), *progress], since=since)
        finished = [_delivery(row, content, result) for row, content, result in results if result is not None]
        if finished:
            self.deliveries += finished
            self.on_recorded(finished)
        claimed = {row.key for row in claims}
        is_whole = changed == len(new) + sum(row.copies for row in changing)
        return claimed if is_whole or not claimed else claimed & self._claimed(since)

    def _claimed(self, since: datetime) -> set[Key]:
        sql = f"""
            select message_id, channel from {self.warehouse.raw(NOTIFICATIONS.name)}
            where created_at >= {literal(since)} and claim_id = @claim_id and status = 'uncertain'
        """  # noqa: S608
        rows = self.warehouse.rows(sql, {"claim_id": self.claim_id})
        return {(row["message_id"], row["channel"]) for row in rows}

    def _claim(self, row: Undelivered) -> dict[str, Any]:
        return {
            "status": Outcome.UNCERTAIN.value,
            "attempts": row.attempts + 1,
            "uncertain_attempts": row.uncertain_attempts + 1,
            "last_attempt_at": self.now,
            "last_error": "a send began and its end was not recorded",
            "claim_id": self.claim_id,
        }

    def _outcome(self, row: Undelivered, result: Result | None) -> dict[str, Any]:
        """`row` is as it is after the attempt; without a result as it was before."""
        if result is None:
            names = ("status", "attempts", "uncertain_attempts", "last_attempt_at", "last_error", "not_before")
            return {name: getattr(row, name) for name in names} | {"claim_id": self.claim_id}
        is_sent = result.outcome is Outcome.SENT
        return {
            "status": result.outcome.value,
            "attempts": row.attempts,
            "uncertain_attempts": row.uncertain_attempts,
            "last_attempt_at": self.now,
            "sent_at": self.now if is_sent else None,
            "last_error": kept(result.error),
            "not_before": None if is_sent else self.now + self.waits.after(row.attempts, result),
            "claim_id": self.claim_id,
            "thread_id": canonical(result.thread) if result.thread else None,
        }


@dataclass(kw_only=True)
class _Round:
    """One delivery: its channels and what is sent."""

    lanes: Mapping[str, Lane]
    book: _Book
    contents: dict[Key, Content]
    confirm: Callable[[], None]

    def send(self, batched: Sequence[Sequence[Undelivered]]) -> list[Delivery]:
        """Claim, send, record, a batch after the other."""
        try:
            for batch in self._sendable(batched):
                self.confirm()
                needs_claim = [row for row in batch if not self.lanes[row.channel].way.is_idempotent]
                claimed = self.book.turn(needs_claim)
                self._send([row for row in batch if row.key in claimed or self.lanes[row.channel].way.is_idempotent])
            if self.book.new_rows:  # all of them are held
                self.confirm()
                self.book.turn()
        finally:
            if self.book.results:  # recorded whatever came between: what was sent is known
                self.book.turn()
        return self.book.deliveries

    def _sendable(self, batched: Sequence[Sequence[Undelivered]]) -> Iterator[list[Undelivered]]:
        """Of each batch what has its body and goes to a channel that is not left alone; asked when its turn comes."""
        for place in range(len(batched)):
            if any(row.key not in self.contents for row in self._open(batched[place])):
                ahead = [row for batch in batched[place : place + _BATCHES_READ] for row in self._open(batch)]
                missing = [row for row in ahead if row.key not in self.contents]
                self.contents |= read_contents(self.book.warehouse, missing)
            batch = [row for row in self._open(batched[place]) if row.key in self.contents]
            if batch:
                yield batch

    def _open(self, batch: Sequence[Undelivered]) -> list[Undelivered]:
        return [row for row in batch if self.lanes[row.channel].is_open]

    def _send(self, batch: Sequence[Undelivered]) -> None:
        rows: dict[str, list[Undelivered]] = {}
        for row in batch:
            rows.setdefault(row.channel, []).append(row)
        envelopes: dict[str, list[Envelope]] = {
            name: [self.contents[row.key].envelope for row in of_channel] for name, of_channel in rows.items()
        }
        results = send_side_by_side(self.lanes, envelopes)
        for name, of_channel in rows.items():
            for row, result in zip(of_channel, results[name], strict=True):
                self.book.results.append((_after(row, result), self.contents.pop(row.key), result))


def _row_of(row: Undelivered) -> dict[str, Any]:
    return {"message_id": row.message_id, "channel": row.channel}


def _after(row: Undelivered, result: Result | None) -> Undelivered:
    """The row after an attempt."""
    if result is None:
        return row
    more = 1 if result.outcome is Outcome.UNCERTAIN else 0
    return replace(row, attempts=row.attempts + 1, uncertain_attempts=row.uncertain_attempts + more)


def _delivery(row: Undelivered, content: Content, result: Result) -> Delivery:
    return Delivery(
        message_id=row.message_id,
        event_id=content.event_id,
        incident_id=row.incident_id,
        template=row.template,
        channel=row.channel,
        recipients=content.envelope.recipients,
        subject=content.envelope.subject,
        status=result.outcome,
        attempts=row.attempts,
        error=result.error,
    )
