"""What the outbox knows of channels that fail, and its messages, for people."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from incident_ledger.errors import UserError
from incident_ledger.notify.channels.registry import channel_names
from incident_ledger.notify.reroute import IS_LEFT_BEHIND
from incident_ledger.notify.undelivered import SENDS_WHEN_UNCERTAIN
from incident_ledger.notify.window import written_since
from incident_ledger.policy import Policy
from incident_ledger.settings import Settings
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.reading import Reading, read, rows_of

_SHOWN = (
    *("message_id", "incident_id", "event_id", "template", "channel", "audience", "recipients", "subject", "status"),
    *("attempts", "uncertain_attempts", "created_at", "last_attempt_at", "sent_at", "not_before", "last_error"),
)


@dataclass(frozen=True, kw_only=True)
class ChannelFinding:
    """A channel that refused, or may have lost, messages: a finding of its own, never silence."""

    channel: str
    waiting: int  # not sent yet, to be tried again
    set_aside: int  # failed as often as the policy allows
    uncertain: int  # may or may not have arrived, repeated once
    refused: int  # sent, but not to all recipients
    last_error: str | None
    set_aside_since: datetime | None = None  # of all that were set aside and read, when the first was tried last
    set_aside_until: datetime | None = None
    last_sent_at: datetime | None = None

    @property
    def is_failing(self) -> bool:
        """Whether there is something that a run has to say of it."""
        return bool(self.waiting or self.set_aside or self.uncertain or self.refused)

    def __str__(self) -> str:
        parts = [
            (self.waiting, "to be tried again"),
            (self.set_aside, "set aside after all attempts (incident-ledger outbox retry resends them)"),
            (self.uncertain, "perhaps delivered: the channel did not answer"),
            (self.refused, "not taken for some of the recipients"),
        ]
        counts = ", ".join(f"{count} {words}" for count, words in parts if count)
        return f"Channel {self.channel}: {counts}. Last error: {self.last_error or 'none given'}"


def channel_findings(
    warehouse: Warehouse, settings: Settings, policy: Policy, now: datetime, *, since: datetime | None = None
) -> list[ChannelFinding]:
    """Channels with messages that were tried and not simply sent, by name.

    What waits is always counted; what is over (set aside, uncertain, refused for some) for the policy's notification
    window. Channels that the settings no longer name owe nothing: others were given their messages. Counted are the
    messages that were written at `since` or later.
    """
    found = read(warehouse, channel_findings_reading(warehouse, settings, policy, now, since=since))
    return [each for each in found if each.is_failing]


def channel_findings_reading(
    warehouse: Warehouse, settings: Settings, policy: Policy, now: datetime, *, since: datetime | None = None
) -> Reading[list[ChannelFinding]]:
    """`channel_findings`, and the channels of which something was set aside before, to be read with others."""
    sql = f"""
        with

        judged as (
            select
                channel,
                last_error,
                last_attempt_at,
                sent_at,
                last_attempt_at >= @since as is_recent,
                case
                    when status = 'sent' and last_error is null then 'sent'
                    when status = 'sent' then 'refused'
                    when status = 'pending' then 'new'
                    when status = 'failed' and attempts < @attempts then 'waiting'
                    when status = 'failed' then 'set_aside'
                    else 'uncertain'
                end as kind
            from {warehouse.raw("notifications")}
            where
                {written_since(since)}
                and channel in unnest(@channels)
        )

        select
            channel,
            countif(kind = 'waiting') as waiting,
            countif(kind = 'set_aside' and is_recent) as set_aside,
            countif(kind = 'uncertain' and is_recent) as uncertain,
            countif(kind = 'refused' and is_recent) as refused,
            array_agg(last_error ignore nulls order by last_attempt_at desc limit 1)[safe_offset(0)] as last_error,
            min(if(kind = 'set_aside', last_attempt_at, null)) as set_aside_since,
            max(if(kind = 'set_aside', last_attempt_at, null)) as set_aside_until,
            max(if(kind = 'sent', sent_at, null)) as last_sent_at
        from judged
        group by channel
    """  # noqa: S608 - only the quoted table name is not a parameter
    params = {
        "since": now - timedelta(hours=policy.limit("notification_window_hours", now)),
        "attempts": int(policy.limit("delivery_attempts", now)),
        "channels": channel_names(settings),
    }
    rows = yield from rows_of(sql, params)
    found = sorted((ChannelFinding(**row) for row in rows), key=lambda each: each.channel)
    return [each for each in found if each.is_failing or each.set_aside_since]


def left_behind(warehouse: Warehouse, policy: Policy, now: datetime) -> dict[str, int]:
    """Messages owed to channels that the settings no longer name, a channel; the next delivery moves them."""
    sql = f"""
        select channel, count(*) as owed
        from {warehouse.raw("notifications")}
        where {IS_LEFT_BEHIND}
        group by channel
        order by channel
    """  # noqa: S608
    params = {
        "channels": channel_names(warehouse.settings),
        "attempts": int(policy.limit("delivery_attempts", now)),
        "sends": SENDS_WHEN_UNCERTAIN,
    }
    return {row["channel"]: row["owed"] for row in warehouse.rows(sql, params)}


def messages(
    warehouse: Warehouse, *, statuses: Sequence[str] = (), incident: str | None = None, limit: int = 50
) -> list[dict[str, Any]]:
    """Rows of the outbox without bodies, the newest first. `incident` is an id or the beginning of one."""
    sql = f"""
        select {", ".join(_SHOWN)}
        from {warehouse.raw("notifications")}
        where
            (@is_any_status or status in unnest(@statuses))
            and (@incident is null or starts_with(incident_id, @incident))
        order by created_at desc, message_id, channel
        limit @limit
    """  # noqa: S608
    params = {"is_any_status": not statuses, "statuses": list(statuses), "incident": incident, "limit": limit}
    return warehouse.rows(sql, params)


def message(warehouse: Warehouse, prefix: str) -> list[dict[str, Any]]:
    """All rows of one message, one a channel, with its bodies. `prefix` is its id or the beginning of it.

    Raises `UserError` when no message, or more than one, begins so.
    """
    sql = f"""
        select * from {warehouse.raw("notifications")}
        where starts_with(message_id, @prefix)
        order by created_at, message_id, channel
        limit 100
    """  # noqa: S608
    rows = warehouse.rows(sql, {"prefix": prefix.lower()}) if prefix else []
    ids = sorted({row["message_id"] for row in rows})
    if not ids:
        raise UserError(f"No message begins with {prefix!r}. See: incident-ledger outbox list")
    if len(ids) > 1:
        raise UserError(f"{prefix!r} is the beginning of {len(ids)} messages ({', '.join(ids[:5])}). Give more of it.")
    return rows
