"""The outbox: what is to be sent, what was sent, and what became of it.

A message is written here before it is sent. A row goes from `pending` to `sent`, `failed`, `uncertain` or `rerouted`,
or is `digested`, from the beginning or at the end of quiet hours: another message stands for it.

- Before a send that cannot be undone the row is claimed: it is set to `uncertain`, and after the send to what came out.
  A run that dies between the two leaves `uncertain`, which is the truth. So does a channel that takes a message and
  does not answer. What was claimed and not tried (its channel failed before its turn) gets back what it had.
- An uncertain message is sent once more, with the same Message-ID, and never again by itself: at most one repeat.
- A failed one is tried again in later runs, after a growing wait, up to the policy's attempts; then it is set aside.
- One that quiet hours hold is `pending` until their end (`not_before`), or until something else of its incident goes.
- One that is owed to a channel which the settings no longer name is `rerouted` to those that they name.
- The folder can be written twice without harm; it needs no claim.

Delivery holds the run's lease; even so, a row that another process changed meanwhile is left to that process: a claim
and an outcome change a row only as it was read, or as this delivery (`claim_id`) left it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from incident_ledger.ledger.events import detected_at
from incident_ledger.notify.channels.registry import channel_names
from incident_ledger.notify.digest import DIGESTED
from incident_ledger.notify.followers import ACKNOWLEDGEMENT
from incident_ledger.notify.messages import COLUMNS, Message
from incident_ledger.policy import Policy
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.rows import bound_rows, literal, update_where
from incident_ledger.warehouse.tables import NOTIFICATIONS, names

_ASKED_FOR = "progress"  # the template of what a person asks to be sent
_PROGRESS = (
    *("status", "attempts", "uncertain_attempts", "last_attempt_at", "sent_at", "last_error", "not_before"),
    "claim_id",
)


def new_rows(
    messages: Sequence[Message],
    channels: Sequence[str],
    notified: Mapping[str, Iterable[str]],
    policy: Policy,
    now: datetime,
    *,
    followers: Collection[str] = (),
) -> list[dict[str, Any]]:
    """The rows of messages that the outbox does not hold yet, one a channel that takes it by the policy's routes. Pure.

    `notified` has, of each incident, the addresses that were notified of it before, in that order: they are notified of
    this as well, whatever its severity is now. `followers` are the channels that take acknowledgements.
    """
    addressed = {incident_id: dict.fromkeys(emails) for incident_id, emails in notified.items()}
    rows: list[dict[str, Any]] = []
    for message in messages:
        known = addressed.setdefault(message.incident_id, {})
        audience = message.audience if known.keys() <= set(message.recipients) else f"{message.audience} (and before)"
        if message.is_directed:
            audience, known = message.audience, {}
        known.update(dict.fromkeys(message.recipients))
        everybody = (*message.recipients, *(email for email in known if email not in message.recipients))
        values = asdict(message) | {"body_text": message.text, "body_html": message.html, "audience": audience}
        row = {name: values.get(name) for name in COLUMNS} | {"recipients": ",".join(everybody)}
        fresh = {"created_at": now, "status": "pending", "attempts": 0, "uncertain_attempts": 0}
        fresh["not_before"] = _opening(message, policy, now)
        rows += [row | {"channel": channel} | fresh for channel in _takers(message, channels, followers, policy, now)]
    urgent = {row["incident_id"] for row in rows if row["not_before"] is None}
    return [row | {"not_before": None} if row["incident_id"] in urgent else row for row in rows]


def _opening(message: Message, policy: Policy, now: datetime) -> datetime | None:
    """When quiet hours let it go; None for at once, as what a person asks to be sent."""
    if message.template == _ASKED_FOR:
        return None
    return policy.quiet_until(message.severity_levels or (message.severity_level,), now)


def is_held(row: Mapping[str, Any]) -> bool:
    """Whether a new row waits for the end of quiet hours."""
    return row.get("not_before") is not None


def _takers(
    message: Message, channels: Sequence[str], followers: Collection[str], policy: Policy, now: datetime
) -> Sequence[str]:
    """The channels that take a message; all where none does, so that nothing is lost but an acknowledgement."""
    if message.template == ACKNOWLEDGEMENT:
        return takers(message, [name for name in channels if name in followers], policy, now)
    return takers(message, channels, policy, now) or channels


def takers(message: Message, channels: Iterable[str], policy: Policy, now: datetime) -> list[str]:
    """Of these channels those that take a message by the policy's routes."""
    levels = message.severity_levels or (message.severity_level,)
    return [
        name
        for name in channels
        if policy.takes(name, levels, message.template, message.owner, message.contact_ids, now)
    ]


def earliest(row: Mapping[str, Any]) -> datetime:
    """The earliest time at which the message of a row can have been written: when its incident was detected."""
    created_at: datetime = row["created_at"]
    return min(created_at, detected_at(row["incident_id"]))


def write(warehouse: Warehouse, rows: Sequence[Mapping[str, Any]], *, since: datetime) -> int:
    """Insert rows and note progress (claims and outcomes), by one MERGE; how many rows were changed.

    A row with a body is inserted, unless it is there. One without is progress of a row that is there: its `attempts`
    are those after the attempt, and it is written where the row has one attempt fewer, or this delivery's `claim_id`,
    and is not sent; what is digested afterwards was never tried. No row of these keys was created before `since`, so
    that older days are not read.
    """
    if not rows:
        return 0
    columns = names(NOTIFICATIONS)
    blank: dict[str, Any] = dict.fromkeys(columns)
    progress = ", ".join(f"{name} = source.{name}" for name in _PROGRESS)
    progress += ", thread_id = coalesce(source.thread_id, target.thread_id)"
    with bound_rows(warehouse, NOTIFICATIONS, [blank | dict(row) for row in rows]) as (query, params):
        sql = f"""
            merge {warehouse.raw(NOTIFICATIONS.name)} as target
            using (
                {query}
            ) as source
            on
                target.message_id = source.message_id
                and target.channel = source.channel
                and target.created_at >= {literal(since)}
            when matched
                and source.body_text is null
                and target.status in ('pending', 'failed', 'uncertain')
                and (
                    target.attempts = source.attempts - 1
                    or target.claim_id = source.claim_id
                    or (source.status = '{DIGESTED}' and target.status = 'pending' and target.attempts = 0)
                )
                then update set {progress}
            when not matched and source.body_text is not null then insert ({", ".join(columns)})
                values ({", ".join(f"source.{name}" for name in columns)})
        """  # noqa: S608 - names of our own table; values are bound
        return warehouse.execute(sql, params)


def requeue(warehouse: Warehouse, *, message_id: str | None = None, channel: str | None = None) -> int:
    """Let failed, uncertain and rerouted messages be sent again, with all attempts; returns how many.

    Of channels that are no longer set only what none of those that are has been given: it will go there.
    """
    values = {"status": "'pending'", "attempts": "0", "uncertain_attempts": "0", "not_before": "null"}
    where = f"""
        status in ('failed', 'uncertain', 'rerouted')
        and (@message_id is null or message_id = @message_id)
        and (@channel is null or channel = @channel)
        and (
            channel in unnest(@channels)
            or message_id not in (
                select message_id from {warehouse.raw(NOTIFICATIONS.name)} where channel in unnest(@channels)
            )
        )
    """  # noqa: S608
    params = {"message_id": message_id, "channel": channel, "channels": channel_names(warehouse.settings)}
    return update_where(warehouse, NOTIFICATIONS, values, where, params)


def addresses(recipients: str) -> list[str]:
    """The addresses of a row's `recipients`."""
    return [part for part in recipients.split(",") if part]
