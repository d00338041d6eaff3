"""Which events still need a message: what the policy gives a template for and the outbox does not hold yet."""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from incident_ledger.ledger.events import CLOCK_EVENTS, Event, EventType
from incident_ledger.ledger.state import IncidentState, in_order
from incident_ledger.notify.candidate_query import candidates_statement
from incident_ledger.notify.candidates import Candidates
from incident_ledger.notify.channels.registry import follower_names
from incident_ledger.notify.clocks import clock_of
from incident_ledger.notify.flapping import Due
from incident_ledger.notify.followers import APART
from incident_ledger.notify.outbox import addresses
from incident_ledger.notify.window import Window
from incident_ledger.policy import Policy
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.reading import Reading, read, rows_of


def due_events(warehouse: Warehouse, policy: Policy, now: datetime, planned: Sequence[Event] = ()) -> list[Due]:
    """What asks for a message and has none, oldest first; `planned` as if it stood in the ledger already.

    A beginning is sent while the incident is open or within the policy's `notification_window_hours`, so that an
    archive of old incidents that is imported today alarms nobody, and no end is sent without its beginning. Whoever
    is notified of a beginning is notified of what followed, however late, in the same run, or when the policy's
    `message_interval_minutes` allow it (`turns`), and when a retraction that was sent is taken back; what a source
    merely corrects is not sent again, nor a severity that another has followed already.
    """
    return read_candidates(warehouse, policy, now, planned).due(now)


def read_candidates(warehouse: Warehouse, policy: Policy, now: datetime, planned: Sequence[Event] = ()) -> Candidates:
    """What `due_events` decides on: events that happened by `now`."""
    return read(warehouse, candidates_reading(warehouse, policy, now, planned))


def candidates_reading(
    warehouse: Warehouse, policy: Policy, now: datetime, planned: Sequence[Event] = (), *, window: Window | None = None
) -> Reading[Candidates]:
    """`read_candidates`, to be read with others.

    With a window the messages before it are not read. Of an incident that was detected before it there may be some: it
    is among the candidates only with an event that nobody has considered yet, and then this is to be read again, from
    its detection on (`detected_since`).
    """
    types = _types(warehouse, policy, now)
    sorting = _Sorting()
    rows = yield from rows_of(*candidates_statement(warehouse, policy, now, types, planned, window=window))
    for row in rows:
        sorting.add(row)
    for event in planned:
        if event.event_type in types and event.occurred_at <= now:
            sorting.add_planned(event, policy, now)
    return sorting.candidates(timedelta(minutes=policy.limit("message_interval_minutes", now)))


def with_written(
    found: Candidates, written: Sequence[Event], incidents: Mapping[str, IncidentState], policy: Policy, now: datetime
) -> Candidates | None:
    """The candidates once these events of the planner are in the ledger; None where too little was read.

    That is where one asks for a message of an incident of which nothing was read, or began before the window.
    `incidents` are as they are with the events.
    """
    types = {row["event_type"] for row in policy.rows("notification_rules", now)}
    since, sorting = now - policy.notification_window(now), _Sorting.of(found)
    begun = {event.incident_id for event in written if event.event_type is EventType.DETECTED}
    for event in written:
        is_read = event.incident_id in found.history or event.incident_id in begun
        if is_read:
            sorting.history[event.incident_id].append(event)
        if event.event_type in types and event.occurred_at <= now:
            if not sorting.add_planned(event, policy, now):
                continue
            if not is_read or incidents[event.incident_id].detection_time < since:
                return None
    for incident_id in {event.incident_id for event in written} - found.addresses.keys():
        incident = incidents[incident_id]
        if incident.is_retracted or incident.merged_into is not None:
            sorting.forget(incident_id)
    return replace(
        found,
        events=_ordered(sorting.asking),
        history=_ordered(sorting.history),
        clocks=_ordered(sorting.clocks),
        apart=_ordered(sorting.apart),
    )


def _types(warehouse: Warehouse, policy: Policy, now: datetime) -> set[str]:
    """The types of events that have a message; an acknowledgement where a channel follows its incident."""
    types = {row["event_type"] for row in policy.rows("notification_rules", now)}
    return types if follower_names(warehouse.settings) else types - {EventType.ACKNOWLEDGED}


@dataclass
class _Sorting:
    """The rows of the statement, by incident and by what they ask for."""

    asking: dict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))
    history: dict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))
    clocks: dict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))
    apart: dict[str, list[Event]] = field(default_factory=lambda: defaultdict(list))
    messages: dict[str, list[tuple[datetime, str, str]]] = field(default_factory=lambda: defaultdict(list))
    apart_ids: set[str] = field(default_factory=set)  # of clocks too

    @classmethod
    def of(cls, found: Candidates) -> "_Sorting":
        """What candidates were made of, but for their messages."""
        sorting = cls()
        for mine, theirs in (
            (sorting.asking, found.events),
            (sorting.history, found.history),
            (sorting.clocks, found.clocks),
            (sorting.apart, found.apart),
        ):
            mine.update((incident_id, list(events)) for incident_id, events in theirs.items())
        return sorting

    def forget(self, incident_id: str) -> None:
        """Take an incident out."""
        for each in (self.asking, self.history, self.clocks, self.apart):
            each.pop(incident_id, None)

    def add(self, row: Mapping[str, Any]) -> None:
        """A row of `candidates_statement`."""
        event = _event(row)
        self.history[event.incident_id].append(event)
        if event.event_type in CLOCK_EVENTS:
            self.apart_ids.add(event.event_id)
            if row["is_due_clock"]:
                self.clocks[event.incident_id].append(event)
        elif row["is_apart"]:
            self.apart_ids.add(event.event_id)
            if not row["is_notified"]:
                self.apart[event.incident_id].append(event)
        elif row["may_ask"]:
            self.asking[event.incident_id].append(event)
        for each in row["notified"] or ():
            written = (each["notified_at"].astimezone(UTC), each["recipients"], each["event_id"])
            self.messages[event.incident_id].append(written)

    def add_planned(self, event: Event, policy: Policy, now: datetime) -> bool:
        """Whether an event of the planner asks for a message; it acknowledges nothing and asks for none of progress."""
        if event.event_type in APART:
            return False
        if event.event_type not in CLOCK_EVENTS:
            self.asking[event.incident_id].append(event)
            return True
        is_late = event.occurred_at < now - policy.notification_window(now)
        if is_late or clock_of(event) not in policy.notified_clocks(now):
            return False
        self.clocks[event.incident_id].append(event)
        return True

    def candidates(self, interval: timedelta) -> Candidates:
        """All of them, in order."""
        return Candidates(
            events=_ordered(self.asking),
            history=_ordered(self.history),
            notified={name: _first_times(found, self.apart_ids) for name, found in self.messages.items()},
            addresses={name: _addresses(found) for name, found in self.messages.items()},
            interval=interval,
            clocks=_ordered(self.clocks),
            apart=_ordered(self.apart),
        )


def _ordered(events: Mapping[str, Sequence[Event]]) -> dict[str, list[Event]]:
    return {incident_id: sorted(found, key=in_order) for incident_id, found in events.items()}


def _first_times(messages: Sequence[tuple[datetime, str, str]], apart_ids: Collection[str]) -> dict[str, datetime]:
    """Of each event when its first message was written; one of a clock or of progress alone delays no other."""
    first = {event_id: written_at for written_at, _, event_id in sorted(messages, reverse=True)}
    return {event_id: written_at for event_id, written_at in first.items() if event_id not in apart_ids}


def _addresses(messages: Sequence[tuple[datetime, str, str]]) -> list[str]:
    return list(dict.fromkeys(email for _, recipients, _ in sorted(messages) for email in addresses(recipients)))


def _event(row: Mapping[str, Any]) -> Event:
    payload = row["payload"]
    return Event(
        incident_id=row["incident_id"],
        event_type=EventType(row["event_type"]),
        occurred_at=row["occurred_at"].astimezone(UTC),
        actor=row["actor"],
        source=row["source"],
        source_key=row["source_key"],
        severity_level=row["severity_level"],
        payload=json.loads(payload) if isinstance(payload, str) else payload or {},
    )
