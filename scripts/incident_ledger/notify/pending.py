"""Which events still need a message: what the policy gives a template for and the outbox does not hold yet."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from incident_ledger.ledger.events import Event, EventType
from incident_ledger.ledger.state import in_order
from incident_ledger.notify.flapping import TURNS, Due, due, next_change
from incident_ledger.policy import Policy
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.reading import Reading, read, rows_of


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """Of each incident with an event that has no message: those that may ask for one, and which messages there are."""

    events: Mapping[str, Sequence[Event]]
    notified: Mapping[str, Mapping[str, datetime]]
    interval: timedelta

    def due(self, now: datetime) -> list[Due]:
        """The events to notify of at `now`, oldest first."""
        found = [
            each
            for incident_id, events in self.events.items()
            for each in due(events, self.notified.get(incident_id, {}), self.interval, now)
        ]
        return sorted(found, key=lambda each: (each.event.occurred_at, each.event.event_id))

    def next_change(self, now: datetime) -> datetime | None:
        """The first time after `now` at which `due` gives something else though nothing happens; None for never."""
        times = [
            next_change(events, self.notified.get(incident_id, {}), self.interval, now)
            for incident_id, events in self.events.items()
        ]
        return min((time for time in times if time is not None), default=None)


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
    warehouse: Warehouse, policy: Policy, now: datetime, planned: Sequence[Event] = ()
) -> Reading[Candidates]:
    """`read_candidates`, to be read with others."""
    types = {row["event_type"] for row in policy.rows("notification_rules", now)}
    interval = timedelta(minutes=policy.limit("message_interval_minutes", now))
    stories: dict[str, list[Event]] = defaultdict(list)
    found_there, notified = yield from _events(warehouse, policy, now, types, planned)
    for event in (*found_there, *(each for each in planned if each.event_type in types)):
        if event.occurred_at <= now:
            stories[event.incident_id].append(event)
    return Candidates(
        events={incident_id: sorted(events, key=in_order) for incident_id, events in stories.items()},
        notified=notified,
        interval=interval,
    )


def _events(
    warehouse: Warehouse, policy: Policy, now: datetime, types: Iterable[str], planned: Sequence[Event]
) -> Reading[tuple[list[Event], dict[str, dict[str, datetime]]]]:
    """Events of those types, and notes that take back an event that has a message.

    Of the incidents that have an event without its message, or a planned one; and of each of them the events of its
    messages, with the time when each was written first.
    """
    sql = f"""
        with

        notified as (
            select incident_id, event_id, min(created_at) as notified_at
            from {warehouse.raw("notifications")}
            group by incident_id, event_id
        ),

        messages as (
            select incident_id, array_agg(struct(event_id as event_id, notified_at as notified_at)) as notified
            from notified
            group by incident_id
        ),

        events as (
            select
                effective.event_id, effective.incident_id, effective.event_type, effective.occurred_at,
                effective.actor, effective.source, effective.source_key, effective.severity_level, effective.payload,
                effective.event_order, notified.event_id is not null as is_notified
            from {warehouse.name(warehouse.settings.staging_dataset, "int_incident_events_sequenced")} as effective
            left join notified
                on effective.incident_id = notified.incident_id and effective.event_id = notified.event_id
            where
                effective.occurred_at <= @now
                and (
                    effective.event_type in unnest(@types)
                    -- what takes back an event that has a message
                    or (
                        effective.event_type = 'note'
                        and json_value(effective.payload, '$.supersedes') in (select notified.event_id from notified)
                    )
                )
        ),

        latest as (
            select
                incident_id,
                max(if(event_type in unnest(@turns) and is_notified, event_order, 0)) as notified_turn,
                max(if(event_type = 'severity_changed', event_order, 0)) as severity
            from events
            group by incident_id
        ),

        pending as (
            select distinct events.incident_id
            from events
            inner join latest on events.incident_id = latest.incident_id
            where
                not events.is_notified
                and case events.event_type
                    when 'detected' then events.incident_id not in (select notified.incident_id from notified)
                    when 'severity_changed' then events.event_order = latest.severity
                    when 'note' then true
                    else
                        events.event_order > latest.notified_turn
                        and coalesce(json_value(events.payload, '$.supersedes'), '') not in (
                            select notified.event_id from notified
                        )
                end
        )

        select events.*, messages.notified
        from events
        inner join {warehouse.mart("incident_state")} as incidents on events.incident_id = incidents.incident_id
        left join messages on events.incident_id = messages.incident_id
        where
            (
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
    """  # noqa: S608 - only quoted table names are not parameters
    window = timedelta(hours=float(policy.limit("notification_window_hours", now)))
    params = {
        "types": sorted(types),
        "turns": [kind.value for kind in TURNS],
        "planned": sorted({event.incident_id for event in planned}),
        "since": now - window,
        "now": now,
    }
    rows = yield from rows_of(sql, params)
    notified = {
        row["incident_id"]: {each["event_id"]: each["notified_at"].astimezone(UTC) for each in row["notified"] or ()}
        for row in rows
    }
    return [_event(row) for row in rows], notified


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
