"""Messages for channels that the settings no longer name: they go to those that are set now, so that none is lost."""

from collections.abc import Sequence

from incident_ledger.notify.messages import COLUMNS
from incident_ledger.warehouse import Warehouse

LEFT_BEHIND = "the settings no longer name this channel"


def reroute(warehouse: Warehouse, channels: Sequence[str], *, attempts: int, sends_when_uncertain: int) -> None:
    """Give what other channels still owed to each of `channels` that does not have it.

    What is left behind is set aside there: a channel that comes back after weeks tells no old news by itself. Safe to
    repeat at any point, since a message has one row a channel.
    """
    is_left_behind = """
        channel not in unnest(@channels)
        and (
            status = 'pending'
            or (status = 'failed' and attempts < @attempts)
            or (status = 'uncertain' and uncertain_attempts < @sends)
        )
    """
    columns = ", ".join(COLUMNS)
    message = ", ".join(f"owed.{name}" for name in COLUMNS if name != "channel")
    params = {
        "channels": list(channels),
        "attempts": attempts,
        "sends": sends_when_uncertain,
        "reason": LEFT_BEHIND,
    }
    table = warehouse.raw("notifications")
    warehouse.execute(
        f"""
        merge {table} as have
        using (
            select {message}, owed.created_at, wanted as channel
            from (
                select * from {table}
                where {is_left_behind}
                qualify row_number() over (partition by message_id order by created_at, channel) = 1
            ) as owed
            cross join unnest(@channels) as wanted
        ) as said
        on have.message_id = said.message_id and have.channel = said.channel
        when not matched then
            insert ({columns}, created_at, status, attempts, uncertain_attempts)
            values ({", ".join(f"said.{name}" for name in COLUMNS)}, said.created_at, 'pending', 0, 0)
        """,  # noqa: S608 - names of ours; what people write is in the parameters
        {name: value for name, value in params.items() if name != "reason"},
    )
    warehouse.execute(
        f"""
        update {table}
        set status = 'failed', attempts = @attempts, not_before = null, last_error = @reason
        where {is_left_behind}
        """,  # noqa: S608
        params,
    )
