"""Notifying people: what is due is composed, put into the outbox, sent, and each attempt becomes an event."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from incident_ledger.ledger.events import CLOCKS_BEHIND, Event
from incident_ledger.ledger.state import IncidentState, state_reading
from incident_ledger.ledger.writer import append
from incident_ledger.notify.candidates import Candidates
from incident_ledger.notify.channels.registry import alert_names, channel_names, follower_names
from incident_ledger.notify.composing import calling, compose_due
from incident_ledger.notify.delivery import Delivery, deliver
from incident_ledger.notify.delivery_events import attempted_since_reading, notified_event, notified_events_reading
from incident_ledger.notify.digest import with_digests
from incident_ledger.notify.flapping import Due
from incident_ledger.notify.followers import ACKNOWLEDGEMENT, is_acknowledgement
from incident_ledger.notify.messages import Message, contacts_of, scope
from incident_ledger.notify.night import morning
from incident_ledger.notify.outbox import is_held, new_rows
from incident_ledger.notify.pending import candidates_reading, with_written
from incident_ledger.notify.rendering import Templates
from incident_ledger.notify.undelivered import Undelivered, released, undelivered_reading
from incident_ledger.notify.window import Window
from incident_ledger.policy import Policy
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.reading import Reading, both, read


def notify(
    warehouse: Warehouse,
    policy: Policy,
    now: datetime,
    *,
    found: "Found | None" = None,
    confirm: Callable[[], None] = lambda: None,
) -> list[Delivery]:
    """Send what is due at `now`; what happened to each message. `confirm` is asked before each batch and may raise.

    `found` is what there is to notify of, where it is at hand and still true. Safe to repeat at any point: message ids
    are derived, and what was sent is not sent again. Each attempt becomes an event once the outbox has its outcome: who
    dies before that leaves it to the next run, which finds in the outbox what the ledger lacks.
    """
    outlook, state = found or read(warehouse, both(outlook_reading(warehouse, policy, now), state_reading(warehouse)))
    rows = outlook.rows(state)
    urgent = {row["incident_id"] for row in rows if not is_held(row)}
    alerts = alert_names(warehouse.settings)
    waited = morning(
        warehouse,
        outlook.owed,
        policy,
        now,
        outlook.templates,
        channels=outlook.channels,
        urgent=urgent,
        alerts=alerts,
    )
    digests = with_digests(rows, policy, now, outlook.templates, alerts=alerts)
    deliveries = deliver(
        warehouse,
        warehouse.settings,
        policy,
        now,
        new_rows=[*digests, *waited.digests],
        owed=released(outlook.owed, urgent),
        digested=waited.members,
        since=outlook.since,
        confirm=confirm,
        on_recorded=lambda recorded: _append(warehouse, [_event(each, now) for each in recorded], now),
    )
    attempted = {(each.message_id, each.channel) for each in deliveries}
    left = [each for each in outlook.unrecorded if (each.source_key, each.payload["channel"]) not in attempted]
    _append(warehouse, left, now)
    return deliveries


def _append(warehouse: Warehouse, events: Sequence[Event], now: datetime) -> None:
    if events:
        append(warehouse, events, now)


def _event(delivery: Delivery, now: datetime) -> Event:
    return notified_event(
        incident_id=delivery.incident_id,
        message_id=delivery.message_id,
        template=delivery.template,
        channel=delivery.channel,
        outcome=delivery.status.value,
        attempted_at=now,
    )


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """What there is to notify of at `now`, and when there will be more though nothing happens.

    `since`: messages that were written before were not read, and are not owed; None when all were.
    """

    policy: Policy
    now: datetime
    channels: Sequence[str]
    followers: Sequence[str]  # those of them that take acknowledgements
    templates: Templates
    owed: Sequence[Undelivered]
    candidates: Candidates
    unrecorded: Sequence[Event]
    attempted_since: datetime | None = None
    since: datetime | None = None

    def with_written(self, events: Sequence[Event], state: Iterable[IncidentState]) -> "Outlook | None":
        """The outlook once these events of the planner are in the ledger; None where it must be read again."""
        incidents = {incident.incident_id: incident for incident in state}
        candidates = with_written(self.candidates, events, incidents, self.policy, self.now)
        return replace(self, candidates=candidates) if candidates else None

    def is_idle(self, state: Iterable[IncidentState]) -> bool:
        """Whether `notify` would send, reroute and write nothing. `state` is that of all incidents."""
        if self.unrecorded or any(each.is_due or each.channel not in self.channels for each in self.owed):
            return False
        incidents = {incident.incident_id: incident for incident in state}
        return not calling(self._due(incidents), incidents, self.policy, self.now)

    def messages(self, state: Iterable[IncidentState]) -> list[Message]:
        """What the outbox does not hold yet."""
        incidents = {incident.incident_id: incident for incident in state}
        candidates = self.candidates
        due = self._due(incidents)
        return compose_due(due, incidents, self.policy, self.now, candidates.history, templates=self.templates)

    def rows(self, state: Iterable[IncidentState]) -> list[dict[str, Any]]:
        """The rows of these messages, one a channel that takes it."""
        addresses = self.candidates.addresses
        return new_rows(self.messages(state), self.channels, addresses, self.policy, self.now, followers=self.followers)

    def _due(self, incidents: Mapping[str, IncidentState]) -> list[Due]:
        """What asks for a message; an acknowledgement where a channel takes it."""
        return [
            each
            for each in self.candidates.due(self.now)
            if not is_acknowledgement(each.event) or self._is_followed(each.event, incidents)
        ]

    def _is_followed(self, event: Event, incidents: Mapping[str, IncidentState]) -> bool:
        history = self.candidates.history.get(event.incident_id, ())
        levels, owner = scope(event, incidents[event.incident_id], self.policy, history)
        audience = contacts_of(levels, self.policy, self.now)
        return any(
            self.policy.takes(name, levels, ACKNOWLEDGEMENT, owner, audience, self.now) for name in self.followers
        )

    @property
    def undelivered(self) -> int:
        """Messages that are owed to a channel, each once a channel."""
        return len(self.owed)

    @property
    def next_due(self) -> datetime | None:
        """Of what is idle: the first time at which it may not be, unless another event or message comes."""
        times = [self.candidates.next_change(self.now), *(each.not_before for each in self.owed)]
        return min((time for time in times if time is not None), default=None)

    def pending_since(self, clock: datetime) -> datetime:
        """From when on the next look must read, once `notify` has done what there is to do.

        No older message is owed, or was attempted in the notification window; no event that was recorded before lacks
        a message, or waits for one: for as long as two intervals between messages at most. `clock` is that of others
        who write events.
        """
        waiting = self.candidates.waiting_since(self.now)
        considered = min(self.now, clock) - 2 * self.candidates.interval
        events_since = min(considered, waiting or considered) - CLOCKS_BEHIND
        times = [events_since, self.attempted_since or events_since, *(each.created_at for each in self.owed)]
        return min(times)


Found = tuple[Outlook, Sequence[IncidentState]]
"""What there is to notify of, with the state of all incidents."""


def outlook_reading(
    warehouse: Warehouse, policy: Policy, now: datetime, *, window: Window | None = None
) -> Reading[Outlook]:
    """What `notify` would find at `now`; with a window as far as it is read (see `candidates_reading`)."""
    since = window.since if window else None
    (owed, attempted_since), (candidates, unrecorded) = yield from both(
        both(
            undelivered_reading(warehouse, policy, now, since=since),
            attempted_since_reading(warehouse, policy, now, since=since),
        ),
        both(
            candidates_reading(warehouse, policy, now, window=window),
            notified_events_reading(warehouse, policy, now, since=since),
        ),
    )
    return Outlook(
        policy=policy,
        now=now,
        channels=channel_names(warehouse.settings),
        followers=follower_names(warehouse.settings),
        templates=Templates.of(warehouse.settings),
        owed=owed,
        candidates=candidates,
        unrecorded=unrecorded,
        attempted_since=attempted_since,
        since=since,
    )
