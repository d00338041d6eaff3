"""What the outbox knows and the ledger does not hold yet: the last attempt of each message as an event."""

from datetime import UTC, datetime, timedelta

from incident_ledger.ledger.events import Event, EventType
from incident_ledger.notify.window import written_since
from incident_ledger.policy import Policy
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.reading import Reading, read, rows_of

ACTOR = "incident-ledger"
SOURCE = "notify"


def notified_events(warehouse: Warehouse, policy: Policy, now: datetime) -> list[Event]:
    """One event for the last attempt of each message that the ledger lacks, of the policy's notification window.

    Taken from the outbox and not from the delivery at hand: a run that died after sending is made good by the next one,
    with the same events, since their time is that of the attempt.
    """
    return read(warehouse, notified_events_reading(warehouse, policy, now))


def notified_events_reading(
    warehouse: Warehouse, policy: Policy, now: datetime, *, since: datetime | None = None
) -> Reading[list[Event]]:
    """`notified_events`, to be read with others; of the messages that were written at `since` or later."""
    sql = f"""
        with

        attempted as (
            select
                message_id, incident_id, template, channel, last_attempt_at,
                if(status = 'rerouted', 'failed', status) as outcome  -- how the last attempt ended
            from {warehouse.raw("notifications")}
            where {written_since(since)} and last_attempt_at >= @since
        ),

        known as (
            select
                json_value(payload, '$.message_id') as message_id,
                json_value(payload, '$.channel') as channel,
                json_value(payload, '$.outcome') as outcome,
                occurred_at
            from {warehouse.raw("incident_events")}
            where event_type = @event_type and recorded_at >= @since
        )

        select distinct
            attempted.message_id,
            attempted.incident_id,
            attempted.template,
            attempted.channel,
            attempted.outcome,
            attempted.last_attempt_at
        from attempted
        left join known
            on
                attempted.message_id = known.message_id
                and attempted.channel = known.channel
                and attempted.outcome = known.outcome
                and attempted.last_attempt_at = known.occurred_at
        where known.message_id is null
    """  # noqa: S608 - only the quoted table names are not parameters
    window = timedelta(hours=policy.limit("notification_window_hours", now))
    params = {"since": now - window, "event_type": EventType.NOTIFIED.value}
    rows = yield from rows_of(sql, params)
    return [
        notified_event(
            incident_id=row["incident_id"],
            message_id=row["message_id"],
            template=row["template"],
            channel=row["channel"],
            outcome=row["outcome"],
            attempted_at=row["last_attempt_at"].astimezone(UTC),
        )
        for row in sorted(rows, key=lambda row: (row["last_attempt_at"], row["message_id"], row["channel"]))
    ]


def attempted_since_reading(
    warehouse: Warehouse, policy: Policy, now: datetime, *, since: datetime | None = None
) -> Reading[datetime | None]:
    """When the oldest of the messages was written that were attempted in the notification window; None without any."""
    sql = f"""
        select min(created_at) as written_at
        from {warehouse.raw("notifications")}
        where {written_since(since)} and last_attempt_at >= @since
    """  # noqa: S608
    window = timedelta(hours=policy.limit("notification_window_hours", now))
    (row,) = yield from rows_of(sql, {"since": now - window})
    written_at: datetime | None = row["written_at"]
    return written_at


def notified_event(
    *, incident_id: str, message_id: str, template: str, channel: str, outcome: str, attempted_at: datetime
) -> Event:
    """One attempt as an event of its incident; the same event whoever records it."""
    return Event(
        incident_id=incident_id,
        event_type=EventType.NOTIFIED,
        occurred_at=attempted_at,
        actor=ACTOR,
        source=SOURCE,
        source_key=message_id,
        payload={"message_id": message_id, "template": template, "channel": channel, "outcome": outcome},
    )
