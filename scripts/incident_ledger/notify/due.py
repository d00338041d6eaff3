"""Which events still have to be told: what the policy gives a template for and the outbox does not hold yet."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from incident_ledger.ledger.events import Event, EventType
from incident_ledger.policy import Policy
from incident_ledger.warehouse import Warehouse


def due_events(warehouse: Warehouse, policy: Policy, now: datetime) -> list[Event]:
    """Events that ask for a message and have none, oldest first.

    A beginning is told while the incident is open or within the policy's `notification_window_hours`, so that an
    archive of old incidents that is imported today alarms nobody, and no end is told without its beginning. Whoever
    is told of a beginning is told of what followed, however late, in the same run; what a source merely corrects is
    not told again, nor a severity that another has followed already.
    """
    sql = f"""
        with

        told as (
            select distinct event_id, incident_id, template = 'resolution' as is_end
            from {warehouse.raw("notifications")}
        ),

        severities as (
            select incident_id, max(event_order) as latest
            from {warehouse.name(warehouse.settings.staging_dataset, "int_incident_events_effective")}
            where event_type = 'severity_changed' and occurred_at <= @now
            group by incident_id
        )

        select
            events.event_id, events.incident_id, events.event_type, events.occurred_at, events.actor,
            events.source, events.source_key, events.severity_level, events.payload
        from {warehouse.name(warehouse.settings.staging_dataset, "int_incident_events_effective")} as events
        inner join {warehouse.mart("incident_state")} as incidents on events.incident_id = incidents.incident_id
        left join severities on events.incident_id = severities.incident_id
        where
            events.event_type in unnest(@types)
            and events.event_id not in (select told.event_id from told)
            and (events.event_type != 'severity_changed' or events.event_order = severities.latest)
            and (events.event_type != 'detected' or events.incident_id not in (select told.incident_id from told))
            and (
                events.event_type != 'resolved'
                or json_value(events.payload, '$.supersedes') is null
                or events.incident_id not in (select told.incident_id from told where told.is_end)
            )
            and (
                events.incident_id in (select told.incident_id from told)
                or (
                    (incidents.is_open or incidents.detection_time >= @since)
                    and not incidents.is_retracted
                    and incidents.merged_into is null
                )
            )
            and events.occurred_at <= @now
        order by events.occurred_at, events.event_id
    """  # noqa: S608 - only quoted table names are not parameters
    window = timedelta(hours=float(policy.limit("notification_window_hours", now)))
    params = {
        "types": sorted({row["event_type"] for row in policy.rows("notification_rules", now)}),
        "since": now - window,
        "now": now,
    }
    return [_event(row) for row in warehouse.rows(sql, params)]


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
