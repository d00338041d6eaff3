"""Notifying people: what is due is composed, put into the outbox, sent, and each attempt becomes an event."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from incident_ledger.ledger.events import Event
from incident_ledger.ledger.state import read_events, read_state
from incident_ledger.ledger.writer import append
from incident_ledger.notify.channels.registry import channel_names
from incident_ledger.notify.delivery import Delivery, deliver, undelivered
from incident_ledger.notify.delivery_events import notified_events
from incident_ledger.notify.flapping import Due
from incident_ledger.notify.messages import Message, compose
from incident_ledger.notify.outbox import enqueue
from incident_ledger.notify.pending import read_candidates
from incident_ledger.policy import Policy
from incident_ledger.warehouse import Warehouse


def notify(
    warehouse: Warehouse, policy: Policy, now: datetime, *, confirm: Callable[[], None] = lambda: None
) -> list[Delivery]:
    """Send what is due at `now`; what happened to each message. `confirm` is asked before each send and may raise.

    Safe to repeat at any point: message ids are derived, and what was sent is not sent again.
    """
    enqueue(warehouse, due_messages(warehouse, policy, now), now)
    deliveries = deliver(warehouse, warehouse.settings, policy, now, confirm=confirm)
    append(warehouse, notified_events(warehouse, policy, now), now)
    return deliveries


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What there is to notify of at a time, and when there will be more though nothing happens."""

    is_idle: bool
    """Whether `notify` would send, reroute and write nothing."""
    undelivered: int
    """Messages that are owed to a channel, each once a channel."""
    next_due: datetime | None = None
    """Of what is idle: the first time at which it may not be, unless another event or message comes."""


def outlook(warehouse: Warehouse, policy: Policy, now: datetime) -> Outlook:
    """Whether anything is to be sent or written at `now`, and when that will be so by itself. Reads only."""
    names = channel_names(warehouse.settings)
    owed = undelivered(warehouse, policy, now)
    count = len({(each.message_id, each.channel) for each in owed})
    if any(each.is_due or each.channel not in names for each in owed):
        return Outlook(is_idle=False, undelivered=count)
    candidates = read_candidates(warehouse, policy, now)
    if _composed(warehouse, candidates.due(now), policy, now) or notified_events(warehouse, policy, now):
        return Outlook(is_idle=False, undelivered=count)
    times = [candidates.next_change(now), *(each.not_before for each in owed)]
    return Outlook(
        is_idle=True, undelivered=count, next_due=min((time for time in times if time is not None), default=None)
    )


def due_messages(warehouse: Warehouse, policy: Policy, now: datetime) -> list[Message]:
    """What the outbox does not hold yet, composed from the ledger's present state."""
    return _composed(warehouse, read_candidates(warehouse, policy, now).due(now), policy, now)


def _composed(warehouse: Warehouse, found: Sequence[Due], policy: Policy, now: datetime) -> list[Message]:
    if not found:
        return []
    ids = sorted({each.event.incident_id for each in found})
    state = {incident.incident_id: incident for incident in read_state(warehouse, incident_ids=ids)}
    history: dict[str, list[Event]] = {}
    for recorded in read_events(warehouse, incident_ids=ids):
        history.setdefault(recorded.event.incident_id, []).append(recorded.event)
    messages: list[Message] = []
    for each in found:
        incident_id = each.event.incident_id
        incident, known = state[incident_id], history[incident_id]
        messages += compose(each.event, incident, policy, now, history=known, flapping=each.flapping)
    return messages
