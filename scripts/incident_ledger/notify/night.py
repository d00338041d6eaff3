"""What quiet hours held, at their end: one message of many in the morning, the worst first."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from incident_ledger.notify.digest import QUIET_HOURS, Row, digest_row, is_single
from incident_ledger.notify.messages import COLUMNS
from incident_ledger.notify.rendering import DIGEST, Templates
from incident_ledger.notify.undelivered import Undelivered
from incident_ledger.policy import Policy
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.tables import NOTIFICATIONS

_BODIES = ("body_text", "body_html")


@dataclass(frozen=True, kw_only=True)
class Morning:
    """The digests, as new rows of the outbox, and what they stand for, which is not sent by itself any more."""

    digests: Sequence[Row] = ()
    members: Sequence[Undelivered] = ()


def morning(
    warehouse: Warehouse,
    owed: Sequence[Undelivered],
    policy: Policy,
    now: datetime,
    templates: Templates,
    *,
    channels: Collection[str],
    urgent: Collection[str],
    alerts: Collection[str],
) -> Morning:
    """Of what is owed that waited for the end of quiet hours: one digest a channel and audience of more than one.

    What is of the incidents `urgent` goes with the message that does not wait; what `alerts` must have stays single,
    and what is owed to others than `channels` goes elsewhere. One statement, where there are two such messages.
    """
    waited = [
        each
        for each in owed
        if each.has_waited
        and each.channel in channels
        and each.template != DIGEST
        and each.incident_id not in urgent
        and not is_single(each.template, each.channel, alerts)
    ]
    if len(waited) < 2:
        return Morning()
    groups: dict[tuple[str, str], list[tuple[Undelivered, Row]]] = defaultdict(list)
    rows = _rows(warehouse, waited)
    for each in sorted(waited, key=lambda each: (each.created_at, each.template == "resolution", each.message_id)):
        if row := rows.get(each.key):
            groups[each.channel, row["recipients"]].append((each, row))
    many = [members for members in groups.values() if len(members) > 1]
    return Morning(
        digests=[_digest([row for _, row in members], policy, now, templates) for members in many],
        members=[each for members in many for each, _ in members],
    )


def _digest(rows: Sequence[Row], policy: Policy, now: datetime, templates: Templates) -> Row:
    ordered = sorted(rows, key=lambda row: (policy.rank(row["severity_level"]), row["incident_id"]))
    fresh = {"created_at": now, "status": "pending", "attempts": 0, "uncertain_attempts": 0, "not_before": None}
    return digest_row(ordered, templates, occasion=QUIET_HOURS) | fresh


def _rows(warehouse: Warehouse, owed: Sequence[Undelivered]) -> Mapping[tuple[str, str], Row]:
    """Their rows without bodies, from the days that hold them."""
    days = sorted({f"date '{each.created_at.astimezone(UTC):%Y-%m-%d}'" for each in owed})
    columns = ", ".join(name for name in COLUMNS if name not in _BODIES)
    sql = f"""
        select {columns}
        from {warehouse.raw(NOTIFICATIONS.name)}
        where date(created_at) in ({", ".join(days)}) and message_id in unnest(@messages)
    """  # noqa: S608 - days and columns are our own
    found: list[dict[str, Any]] = warehouse.rows(sql, {"messages": sorted({each.message_id for each in owed})})
    return {(row["message_id"], row["channel"]): row for row in found}
