"""Notifying people: what is due is composed, put into the outbox, sent, and each attempt becomes an event."""

from collections.abc import Callable
from datetime import datetime

from incident_ledger.ledger.events import Event
from incident_ledger.ledger.state import read_events, read_state
from incident_ledger.ledger.writer import append
from incident_ledger.notify.channels.registry import channel_names
from incident_ledger.notify.delivery import Delivery, deliver, undelivered
from incident_ledger.notify.delivery_events import notified_events
from incident_ledger.notify.messages import Message, compose
from incident_ledger.notify.outbox import enqueue
from incident_ledger.notify.pending import due_events
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


def is_idle(warehouse: Warehouse, policy: Policy, now: datetime) -> bool:
    """Whether `notify` would send, reroute and write nothing. Reads only."""
    names = channel_names(warehouse.settings)
    if any(each.is_due or each.channel not in names for each in undelivered(warehouse, policy, now)):
        return False
    return not due_messages(warehouse, policy, now) and not notified_events(warehouse, policy, now)


def due_messages(warehouse: Warehouse, policy: Policy, now: datetime) -> list[Message]:
    """What the outbox does not hold yet, composed from the ledger's present state."""
    found = due_events(warehouse, policy, now)
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
