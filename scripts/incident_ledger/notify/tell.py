"""Telling people: what is due is composed, put into the outbox, sent, and the sending is an event of its own."""

from collections.abc import Callable, Sequence
from datetime import datetime

from incident_ledger.ledger.events import Event, EventType
from incident_ledger.ledger.state import read_events, read_state
from incident_ledger.ledger.writer import append
from incident_ledger.notify.due import due_events
from incident_ledger.notify.messages import Message, compose
from incident_ledger.notify.outbox import Delivery, deliver, enqueue
from incident_ledger.policy import Policy
from incident_ledger.warehouse import Warehouse

ACTOR = "incident-ledger"


def tell(
    warehouse: Warehouse, policy: Policy, now: datetime, *, confirm: Callable[[], None] = lambda: None
) -> list[Delivery]:
    """Send what is due at `now`; what happened to each message. `confirm` is asked before each send and may raise.

    Safe to repeat at any point: message ids are derived, and what was sent is not sent again.
    """
    events = due_events(warehouse, policy, now)
    if events:
        state = {incident.incident_id: incident for incident in read_state(warehouse)}
        messages = [message for event in events for message in compose(event, state[event.incident_id], policy, now)]
        enqueue(warehouse, messages, now)
    deliveries = deliver(warehouse, warehouse.settings, policy, now, confirm=confirm)
    append(warehouse, _notified(deliveries, now), now)
    return deliveries


def due_messages(warehouse: Warehouse, policy: Policy, now: datetime) -> list[Message]:
    """What the outbox does not hold yet, composed from what the ledger says now."""
    events = due_events(warehouse, policy, now)
    ids = sorted({event.incident_id for event in events})
    state = {incident.incident_id: incident for incident in read_state(warehouse, incident_ids=ids)}
    history: dict[str, list[Event]] = {}
    for recorded in read_events(warehouse, incident_ids=ids):
        history.setdefault(recorded.event.incident_id, []).append(recorded.event)
    return [
        message
        for event in events
        for message in compose(event, state[event.incident_id], policy, now, history=history[event.incident_id])
    ]


def _notified(deliveries: Sequence[Delivery], now: datetime) -> list[Event]:
    return [
        Event(
            incident_id=delivery.incident_id,
            event_type=EventType.NOTIFIED,
            occurred_at=now,
            actor=ACTOR,
            source="notify",
            source_key=delivery.message_id,
            payload={
                "message_id": delivery.message_id,
                "template": delivery.template,
                "channel": delivery.channel,
                "outcome": delivery.status,
            },
        )
        for delivery in deliveries
    ]
