"""Events that may ask for a message, and which of them do at a time. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from incident_ledger.ledger.events import Event, detected_at
from incident_ledger.notify.clocks import main_event
from incident_ledger.notify.flapping import Due, due, next_change


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """Of each incident with an event that has no message: what a message takes.

    `events` are those that may ask for one, `history` all that are not superseded. `notified` has when the message of
    an event was written, `addresses` who was notified, in that order. `clocks` are the events of clocks that no message
    came of: those recorded since the last message of their incident, which would have named them. `apart` are
    acknowledgements and what a person asked to be sent, to whoever was notified of the beginning, and were not.
    """

    events: Mapping[str, Sequence[Event]]
    notified: Mapping[str, Mapping[str, datetime]]
    interval: timedelta
    history: Mapping[str, Sequence[Event]] = field(default_factory=dict)
    addresses: Mapping[str, Sequence[str]] = field(default_factory=dict)
    clocks: Mapping[str, Sequence[Event]] = field(default_factory=dict)
    apart: Mapping[str, Sequence[Event]] = field(default_factory=dict)

    def due(self, now: datetime) -> list[Due]:
        """The events to notify of at `now`, oldest first."""
        found = [
            each
            for incident_id, events in self.events.items()
            for each in due(events, self.notified.get(incident_id, {}), self.interval, now)
        ]
        begun = {*self.addresses, *(each.event.incident_id for each in found)}
        found += [Due(event=event) for name, events in self.apart.items() if name in begun for event in events]
        found += [Due(event=main_event(clocks), clocks=tuple(clocks)) for clocks in self.clocks.values()]
        return sorted(found, key=lambda each: (each.event.occurred_at, each.event.event_id))

    def next_change(self, now: datetime) -> datetime | None:
        """The first time after `now` at which `due` gives something else though nothing happens; None for never."""
        return min(self._changes(now).values(), default=None)

    def waiting_since(self, now: datetime) -> datetime | None:
        """When the first event happened of those without a message whose incident has a `next_change`."""
        times = [
            event.occurred_at
            for incident_id in self._changes(now)
            for event in self.events[incident_id]
            if event.event_id not in self.notified.get(incident_id, {})
        ]
        return min(times, default=None)

    @property
    def detected_since(self) -> datetime | None:
        """When the first of their incidents was detected: no message of them is older."""
        return min(map(detected_at, self.history), default=None)

    def _changes(self, now: datetime) -> dict[str, datetime]:
        times = {
            incident_id: next_change(events, self.notified.get(incident_id, {}), self.interval, now)
            for incident_id, events in self.events.items()
        }
        return {incident_id: time for incident_id, time in times.items() if time is not None}
