"""The statement that reads the events which may ask for a message, with the messages of their incidents."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from incident_ledger.ledger.events import CLOCK_EVENTS, MACHINES, Event
from incident_ledger.ledger.state import current_view
from incident_ledger.notify.flapping import TURNS
from incident_ledger.notify.followers import APART
from incident_ledger.notify.window import Window, written_since
from incident_ledger.policy import Policy
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.rows import literal

# As `is_apart` of an event, where the policy has a message for its type; and what of the types asks for a message.
_IS_APART = (
    "(event_type in unnest(@types) and event_type in unnest(@apart) and json_value(payload, '$.supersedes') is null"
    " and if(event_type = 'acknowledged', actor not in unnest(@machines),"
    " coalesce(json_value(payload, '$.notify'), '') = 'true'))"
)
_HAS_MESSAGE = f"((event_type in unnest(@types) and event_type not in unnest(@apart)) or {_IS_APART})"

# Of each incident the last turn that was sent, and the incidents with an event that lacks its message.
_PENDING = """
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
                    when events.is_apart then true
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
        )
"""


def candidates_statement(
    warehouse: Warehouse,
    policy: Policy,
    now: datetime,
    types: Collection[str],
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

        {_messages(warehouse, window)},

        {_events(warehouse)},

        {_PENDING},

        {_late(warehouse, window)}

        {_final(warehouse)}
    """
    params = {
        "types": sorted(types),
        "turns": [kind.value for kind in TURNS],
        "planned": sorted({event.incident_id for event in planned}),
        "since": now - policy.notification_window(now),
        "clock_types": [kind.value for kind in CLOCK_EVENTS],
        "clocks": sorted(policy.notified_clocks(now)),
        "apart": [kind.value for kind in APART],
        "machines": sorted(MACHINES),
        "now": now,
        "lowest_id": window.lowest_id if window else "",
    }
    return sql, params


def _messages(warehouse: Warehouse, window: Window | None) -> str:
    """CTEs: who was notified of which event, and when first; and the same, a row an incident."""
    return f"""
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
        )
    """  # noqa: S608 - names and times of our own


def _events(warehouse: Warehouse) -> str:
    """A CTE: the events that are not superseded, and what each may ask for."""
    return f"""
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
                {_IS_APART} and occurred_at <= @now as is_apart,
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
        )
    """  # noqa: S608 - names of our own


def _final(warehouse: Warehouse) -> str:
    """The events of the incidents that are to be considered."""
    return f"""
        select
            events.event_id, events.incident_id, events.event_type, events.occurred_at, events.actor, events.source,
            events.source_key, events.severity_level, events.payload, events.may_ask, events.is_apart,
            events.is_notified,
            if(events.event_order = 1, messages.notified, null) as notified,
            events.is_clock
            and not events.is_notified
            and events.recorded_at > coalesce(messages.last_notified_at, timestamp_seconds(0)) as is_due_clock
        from events
        inner join {current_view(warehouse)} as incidents on events.incident_id = incidents.incident_id
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
    """  # noqa: S608 - names of our own


def _late(warehouse: Warehouse, window: Window | None) -> str:
    """A CTE with the incidents from before the window that have an event which nobody has considered yet."""
    if window is None:
        return "late as (select incident_id from events where false)"
    return f"""
        recent as (
            select event_id
            from {warehouse.raw("incident_events")}
            where
                recorded_at >= {literal(window.since)}
                and recorded_at >= {window.considered_until}
                and first_recorded_at is null  -- a copy is no news
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
