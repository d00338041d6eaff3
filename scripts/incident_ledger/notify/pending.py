"""Which events still need a message: what the policy gives a template for and the outbox does not hold yet."""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from incident_ledger.ledger.events import CLOCK_EVENTS, PROGRESS_EVENTS, Event, EventType, detected_at
from incident_ledger.ledger.state import in_order
from incident_ledger.notify.clocks import clock_of, main_event
from incident_ledger.notify.flapping import TURNS, Due, due, next_change
from incident_ledger.notify.outbox import addresses
from incident_ledger.notify.window import Window, written_since
from incident_ledger.policy import Policy
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.reading import Reading, read, rows_of
from incident_ledger.warehouse.rows import literal

# As `is_progress` of an event, where the policy has a message for its type; and what of the types asks for a message.
_IS_PROGRESS = (
    "(event_type in unnest(@types) and event_type in unnest(@progress) and json_value(payload, '$.supersedes') is null"
    " and coalesce(json_value(payload, '$.notify'), '') = 'true')"
)
_HAS_MESSAGE = f"((event_type in unnest(@types) and event_type not in unnest(@progress)) or {_IS_PROGRESS})"


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """Of each incident with an event that has no message: what a message takes.

    `events` are those that may ask for one, `history` all that are not superseded. `notified` has when the message of
    an event was written, `addresses` who was notified, in that order. `clocks` are the events of clocks that no message
    came of: those recorded since the last message of their incident, which would have named them. `progress` are
    those that a person asked to be sent, to whoever was notified of the beginning, and were not.
    """

    events: Mapping[str, Sequence[Event]]
    notified: Mapping[str, Mapping[str, datetime]]
    interval: timedelta
    history: Mapping[str, Sequence[Event]] = field(default_factory=dict)
    addresses: Mapping[str, Sequence[str]] = field(default_factory=dict)
    clocks: Mapping[str, Sequence[Event]] = field(default_factory=dict)
    progress: Mapping[str, Sequence[Event]] = field(default_factory=dict)

    def due(self, now: datetime) -> list[Due]:
        """The events to notify of at `now`, oldest first."""
        found = [
            each
            for incident_id, events in self.events.items()
            for each in due(events, self.notified.get(incident_id, {}), self.interval, now)
        ]
        begun = {*self.addresses, *(each.event.incident_id for each in found)}
        found += [Due(event=event) for name, events in self.progress.items() if name in begun for event in events]
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
    types = {row["event_type"] for row in policy.rows("notification_rules", now)}
    interval = timedelta(minutes=policy.limit("message_interval_minutes", now))
    rows = yield from rows_of(*_query(warehouse, policy, now, types, planned, window=window))
    asking: dict[str, list[Event]] = defaultdict(list)
    history: dict[str, list[Event]] = defaultdict(list)
    messages: dict[str, list[tuple[datetime, str, str]]] = defaultdict(list)
    clocks: dict[str, list[Event]] = defaultdict(list)
    progress: dict[str, list[Event]] = defaultdict(list)
    apart_ids: set[str] = set()
    for row in rows:
        event = _event(row)
        history[event.incident_id].append(event)
        if event.event_type in CLOCK_EVENTS:
            apart_ids.add(event.event_id)
            if row["is_due_clock"]:
                clocks[event.incident_id].append(event)
        elif row["is_progress"]:
            apart_ids.add(event.event_id)
            if not row["is_notified"]:
                progress[event.incident_id].append(event)
        elif row["may_ask"]:
            asking[event.incident_id].append(event)
        for each in row["notified"] or ():
            written = (each["notified_at"].astimezone(UTC), each["recipients"], each["event_id"])
            messages[event.incident_id].append(written)
    for event in planned:
        # The planner asks for no message of progress.
        if event.event_type in types and event.event_type not in PROGRESS_EVENTS and event.occurred_at <= now:
            if event.event_type not in CLOCK_EVENTS:
                asking[event.incident_id].append(event)
            elif clock_of(event) in _notified_clocks(policy, now) and event.occurred_at >= now - _window(policy, now):
                clocks[event.incident_id].append(event)
    return Candidates(
        events={incident_id: sorted(events, key=in_order) for incident_id, events in asking.items()},
        history={incident_id: sorted(events, key=in_order) for incident_id, events in history.items()},
        notified={incident_id: _first_times(found, apart_ids) for incident_id, found in messages.items()},
        addresses={incident_id: _addresses(found) for incident_id, found in messages.items()},
        interval=interval,
        clocks={incident_id: sorted(events, key=in_order) for incident_id, events in clocks.items()},
        progress={incident_id: sorted(events, key=in_order) for incident_id, events in progress.items()},
    )


def _notified_clocks(policy: Policy, now: datetime) -> set[str]:
    """The clocks that notify somebody."""
    return {row["step_id"] for row in policy.rows("escalation_contacts", now)}


def _window(policy: Policy, now: datetime) -> timedelta:
    return timedelta(hours=float(policy.limit("notification_window_hours", now)))


def _first_times(messages: Sequence[tuple[datetime, str, str]], apart_ids: Collection[str]) -> dict[str, datetime]:
    """Of each event when its first message was written; one of a clock or of progress alone delays no other."""
    first = {event_id: written_at for written_at, _, event_id in sorted(messages, reverse=True)}
    return {event_id: written_at for event_id, written_at in first.items() if event_id not in apart_ids}


def _addresses(messages: Sequence[tuple[datetime, str, str]]) -> list[str]:
    return list(dict.fromkeys(email for _, recipients, _ in sorted(messages) for email in addresses(recipients)))


def _query(
    warehouse: Warehouse,
    policy: Policy,
    now: datetime,
    types: Iterable[str],
    planned: Sequence[Event],
    *,
    window: Window | None,
) -> tuple[str, dict[str, Any]]:
    """The events of the incidents that have an event without its message, or a planned one.

    Those that may ask for a message (of those types, and notes that take back an event that has a message) are marked;
    the first of an incident has its messages, with the time when each was written first.
    """
    sql = f"""
        with

        notified as (
            select incident_id, event_id, recipients, min(created_at) as notified_at
            from {warehouse.raw("notifications")}
            where {written_since(window.since if window else None)}
            group by incident_id, event_id, recipients
        ),

        messages as (
            select
                incident_id,
                max(notified_at) as last_notified_at,
                array_agg(
                    struct(event_id as event_id, recipients as recipients, notified_at as notified_at)
                ) as notified
            from notified
            group by incident_id
        ),

        events as (
            select
                event_id, incident_id, event_type, occurred_at, recorded_at, actor, source, source_key, severity_level,
                payload, event_order,
                -- A clock asks for a message where it has contacts; what is older than the window alarms nobody.
                event_type in unnest(@clock_types)
                and occurred_at >= @since
                and occurred_at <= @now
                and (
                    event_type = 'update_due' or coalesce(json_value(payload, '$.step_id'), '') in unnest(@clocks)
                ) as is_clock,
                event_id in (select notified.event_id from notified) as is_notified,
                {_IS_PROGRESS} and occurred_at <= @now as is_progress,
                occurred_at <= @now
                and (
                    {_HAS_MESSAGE}
                    -- what takes back an event that has a message
                    or (
                        event_type = 'note'
                        and coalesce(json_value(payload, '$.supersedes'), '') in (
                            select notified.event_id from notified
                        )
                    )
                ) as may_ask
            from {warehouse.name(warehouse.settings.staging_dataset, "int_incident_events_sequenced")}
        ),

        latest as (
            select
                incident_id,
                max(if(event_type in unnest(@turns) and is_notified, event_order, 0)) as notified_turn,
                max(if(event_type = 'severity_changed', event_order, 0)) as severity
            from events
            where may_ask
            group by incident_id
        ),

        pending as (
            select distinct events.incident_id
            from events
            inner join latest on events.incident_id = latest.incident_id
            left join messages on events.incident_id = messages.incident_id
            where
                events.may_ask
                and not events.is_notified
                and case
                    when events.is_progress then true
                    when events.event_type in unnest(@clock_types) then
                        events.is_clock
                        and events.recorded_at > coalesce(messages.last_notified_at, timestamp_seconds(0))
                    when events.event_type = 'detected' then
                        events.incident_id not in (select notified.incident_id from notified)
                    when events.event_type = 'severity_changed' then events.event_order = latest.severity
                    when events.event_type = 'note' then true
                    else
                        events.event_order > latest.notified_turn
                        and coalesce(json_value(events.payload, '$.supersedes'), '') not in (
                            select notified.event_id from notified
                        )
                end
        ),

        {_late(warehouse, window)}

        select
            events.event_id, events.incident_id, events.event_type, events.occurred_at, events.actor, events.source,
            events.source_key, events.severity_level, events.payload, events.may_ask, events.is_progress,
            events.is_notified,
            if(events.event_order = 1, messages.notified, null) as notified,
            events.is_clock
            and not events.is_notified
            and events.recorded_at > coalesce(messages.last_notified_at, timestamp_seconds(0)) as is_due_clock
        from events
        inner join {warehouse.mart("incident_state")} as incidents on events.incident_id = incidents.incident_id
        left join messages on events.incident_id = messages.incident_id
        where
            events.incident_id in (select late.incident_id from late)
            or (
                events.incident_id >= @lowest_id
                and (
                    events.incident_id in unnest(@planned)
                    or events.incident_id in (select pending.incident_id from pending)
                )
                and (
                    events.incident_id in (select notified.incident_id from notified)
                    or (
                        (incidents.is_open or incidents.detection_time >= @since)
                        and not incidents.is_retracted
                        and incidents.merged_into is null
                    )
                )
            )
    """  # noqa: S608 - only quoted table names are not parameters
    params = {
        "types": sorted(types),
        "turns": [kind.value for kind in TURNS],
        "planned": sorted({event.incident_id for event in planned}),
        "since": now - _window(policy, now),
        "clock_types": [kind.value for kind in CLOCK_EVENTS],
        "clocks": sorted(_notified_clocks(policy, now)),
        "progress": [kind.value for kind in PROGRESS_EVENTS],
        "now": now,
        "lowest_id": window.lowest_id if window else "",
    }
    return sql, params


def _late(warehouse: Warehouse, window: Window | None) -> str:
    """A CTE with the incidents from before the window that have an event which nobody has considered yet."""
    if window is None:
        return "late as (select incident_id from events where false)"
    return f"""
        recent as (
            select event_id
            from {warehouse.raw("incident_events")}
            where recorded_at >= {literal(window.since)} and recorded_at >= {window.considered_until}
        ),

        late as (
            select distinct incident_id
            from events
            where
                incident_id < @lowest_id
                and not is_notified
                and occurred_at <= @now
                and (event_type not in unnest(@clock_types) or is_clock)
                and (
                    {_HAS_MESSAGE}
                    or (event_type = 'note' and json_value(payload, '$.supersedes') is not null)
                )
                and (
                    occurred_at >= {window.considered_until}
                    or event_id in (select recent.event_id from recent)
                )
        )
    """  # noqa: S608 - names and times of our own


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
