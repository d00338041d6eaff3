"""Messages for channels that the settings no longer name: they go to those that are set now, so that none is lost."""

from collections.abc import Sequence
from datetime import datetime

from incident_ledger.notify.messages import COLUMNS
from incident_ledger.notify.window import written_since
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.rows import merge_query, update_where
from incident_ledger.warehouse.tables import NOTIFICATIONS

REROUTED = "rerouted"
# Owed to a channel that is not in @channels.
IS_LEFT_BEHIND = """
    channel not in unnest(@channels)
    and (
        status = 'pending'
        or (status = 'failed' and attempts < @attempts)
        or (status = 'uncertain' and uncertain_attempts < @sends)
    )
"""


def reroute(
    warehouse: Warehouse,
    channels: Sequence[str],
    *,
    attempts: int,
    sends_when_uncertain: int,
    since: datetime | None = None,
) -> None:
    """Give what other channels still owed to `channels`, unless one of them has sent it.

    Nothing that is owed was written before `since`, and a message has one time on all channels.

    What is left behind is `rerouted`, with the attempts and the error that it had; what may have arrived stays
    `uncertain`, with no repeat to come. So a channel that comes back after weeks sends no old news by itself. Safe to
    repeat at any point, since a message has one row a channel.
    """
    message = ", ".join(f"owed.{name}" for name in COLUMNS if name != "channel")
    params = {
        "channels": list(channels),
        "attempts": attempts,
        "sends": sends_when_uncertain,
    }
    table = warehouse.raw(NOTIFICATIONS.name)
    owed = f"""
        select
            {message}, owed.created_at, wanted as channel, 'pending' as status, 0 as attempts, 0 as uncertain_attempts
        from (
            select * from {table}
            where
                {written_since(since)}
                and {IS_LEFT_BEHIND}
                and message_id not in (
                    select message_id from {table}
                    where {written_since(since)} and status = 'sent' and channel in unnest(@channels)
                )
            qualify row_number() over (partition by message_id order by created_at, channel) = 1
        ) as owed
        cross join unnest(@channels) as wanted
    """  # noqa: S608 - names of our own tables
    columns = (*COLUMNS, "created_at", "status", "attempts", "uncertain_attempts")
    on = "" if since is None else f"target.{written_since(since)}"
    merge_query(warehouse, NOTIFICATIONS, owed, columns=columns, on=on, params=params)
    values = {
        "status": "if(status = 'uncertain', status, @rerouted)",
        "uncertain_attempts": "if(status = 'uncertain', @sends, uncertain_attempts)",
        "not_before": "null",
    }
    where = f"{written_since(since)} and {IS_LEFT_BEHIND}"
    update_where(warehouse, NOTIFICATIONS, values, where, {**params, "rerouted": REROUTED})
