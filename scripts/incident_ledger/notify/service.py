"""Notifying people: what is due is composed, put into the outbox, sent, and each attempt becomes an event."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from incident_ledger.ledger.events import Event
from incident_ledger.ledger.state import IncidentState, events_reading, state_reading
from incident_ledger.ledger.writer import append
from incident_ledger.notify.channels.registry import channel_names
from incident_ledger.notify.delivery import Delivery, Undelivered, deliver, undelivered_reading
from incident_ledger.notify.delivery_events import notified_events, notified_events_reading
from incident_ledger.notify.flapping import Due
from incident_ledger.notify.messages import Message, compose, template_for
from incident_ledger.notify.outbox import enqueue
from incident_ledger.notify.pending import Candidates, candidates_reading
from incident_ledger.policy import Policy
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.reading import Reading, both, read


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
    """What there is to notify of at `now`, and when there will be more though nothing happens."""

    policy: Policy
    now: datetime
    channels: Sequence[str]
    owed: Sequence[Undelivered]
    candidates: Candidates
    unrecorded: Sequence[Event]

    def is_idle(self, state: Iterable[IncidentState]) -> bool:
        """Whether `notify` would send, reroute and write nothing. `state` is that of all incidents."""
        if self.unrecorded or any(each.is_due or each.channel not in self.channels for each in self.owed):
            return False
        incidents = {incident.incident_id: incident for incident in state}
        due = [each.event for each in self.candidates.due(self.now)]
        return not any(template_for(event, incidents[event.incident_id], self.policy, self.now) for event in due)

    @property
    def undelivered(self) -> int:
        """Messages that are owed to a channel, each once a channel."""
        return len({(each.message_id, each.channel) for each in self.owed})

    @property
    def next_due(self) -> datetime | None:
        """Of what is idle: the first time at which it may not be, unless another event or message comes."""
        times = [self.candidates.next_change(self.now), *(each.not_before for each in self.owed)]
        return min((time for time in times if time is not None), default=None)


def outlook_reading(warehouse: Warehouse, policy: Policy, now: datetime) -> Reading[Outlook]:
    """What `notify` would find at `now`."""
    owed, (candidates, unrecorded) = yield from both(
        undelivered_reading(warehouse, policy, now),
        both(candidates_reading(warehouse, policy, now), notified_events_reading(warehouse, policy, now)),
    )
    return Outlook(
        policy=policy,
        now=now,
        channels=channel_names(warehouse.settings),
        owed=owed,
        candidates=candidates,
        unrecorded=unrecorded,
    )


def due_messages(warehouse: Warehouse, policy: Policy, now: datetime) -> list[Message]:
    """What the outbox does not hold yet, composed from the ledger's present state."""
    return read(warehouse, _due_messages(warehouse, policy, now))


def _due_messages(warehouse: Warehouse, policy: Policy, now: datetime) -> Reading[list[Message]]:
    candidates = yield from candidates_reading(warehouse, policy, now)
    return (yield from _composed(warehouse, candidates.due(now), policy, now))


def _composed(warehouse: Warehouse, found: Sequence[Due], policy: Policy, now: datetime) -> Reading[list[Message]]:
    if not found:
        return []
    ids = sorted({each.event.incident_id for each in found})
    incidents, events = yield from both(
        state_reading(warehouse, incident_ids=ids), events_reading(warehouse, incident_ids=ids)
    )
    state = {incident.incident_id: incident for incident in incidents}
    history: dict[str, list[Event]] = {}
    for recorded in events:
        history.setdefault(recorded.event.incident_id, []).append(recorded.event)
    messages: list[Message] = []
    for each in found:
        incident_id = each.event.incident_id
        incident, known = state[incident_id], history[incident_id]
        messages += compose(each.event, incident, policy, now, history=known, flapping=each.flapping)
    return messages
