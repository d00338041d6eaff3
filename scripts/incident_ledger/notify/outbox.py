"""The outbox: what is to be sent, what was sent, and what became of it.

A message is written here before it is sent. A row goes from `pending` to `sent`, `failed`, `uncertain` or `rerouted`:

- Before a send that cannot be undone the row is set to `uncertain`, and after it to what came out. A run that dies
  between the two leaves `uncertain`, which is the truth. So does a channel that takes a message and does not answer.
- An uncertain message is sent once more, with the same Message-ID, and never again by itself: at most one repeat.
- A failed one is tried again in later runs, after a growing wait, up to the policy's attempts; then it is set aside.
- One that is owed to a channel which the settings no longer name is `rerouted` to those that they name.
- The folder can be written twice without harm; it needs no such care.

Delivery holds the run's lease; even so, a row that another process changed meanwhile is left to that process.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from incident_ledger.notify.channels.registry import channel_names
from incident_ledger.notify.messages import COLUMNS, Message
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.rows import merge_rows, update_where
from incident_ledger.warehouse.tables import NOTIFICATIONS


def enqueue(warehouse: Warehouse, messages: Sequence[Message], now: datetime) -> int:
    """Write the messages for every channel; one that is there stays as it is. Returns how many rows are added.

    Whoever was notified of an incident before is notified of this as well, whatever its severity is now.
    """
    if not messages:
        return 0
    names = channel_names(warehouse.settings)
    notified = _notified(warehouse, {message.incident_id for message in messages})
    rows: list[dict[str, Any]] = []
    fresh = {"created_at": now, "status": "pending", "attempts": 0, "uncertain_attempts": 0}
    for message in messages:
        known = notified.setdefault(message.incident_id, {})
        audience = message.audience if known.keys() <= set(message.recipients) else f"{message.audience} (and before)"
        known.update(dict.fromkeys(message.recipients))
        everybody = (*message.recipients, *(email for email in known if email not in message.recipients))
        for name in names:
            rows.append(_values(replace(message, recipients=everybody, audience=audience), name) | fresh)
    return merge_rows(warehouse, NOTIFICATIONS, rows)


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


def _notified(warehouse: Warehouse, incidents: Iterable[str]) -> dict[str, dict[str, None]]:
    """Addresses that were notified of each incident before, in the order in which they were."""
    sql = f"""
        select incident_id, recipients, min(created_at) as first_created_at
        from {warehouse.raw("notifications")}
        where incident_id in unnest(@incidents)
        group by incident_id, recipients
        order by first_created_at, recipients
    """  # noqa: S608
    notified: dict[str, dict[str, None]] = {}
    for row in warehouse.rows(sql, {"incidents": sorted(incidents)}):
        notified.setdefault(row["incident_id"], {}).update(dict.fromkeys(addresses(row["recipients"])))
    return notified


def _values(message: Message, channel: str) -> dict[str, str]:
    values = asdict(message) | {"body_text": message.text, "body_html": message.html, "channel": channel}
    return {name: values[name] for name in COLUMNS} | {"recipients": ",".join(message.recipients)}


def addresses(recipients: str) -> list[str]:
    """The addresses of a row's `recipients`."""
    return [part for part in recipients.split(",") if part]
