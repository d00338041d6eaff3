"""Silences as the warehouse holds them: rows of `signals`, so that a tick reads no table more."""

# ruff: noqa: S608 -- names of tables and columns are our own; values are bound

import json
import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from incident_ledger.encoding import one_line, shortened
from incident_ledger.errors import UserError
from incident_ledger.policy import Policy
from incident_ledger.response.silences import Scope, Silence
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.reading import Reading, read, rows_of
from incident_ledger.warehouse.rows import bound_rows, merge_query
from incident_ledger.warehouse.tables import SIGNALS

SOURCE = "silence"
_CHARACTERS = 500
_ID = 8
# How long ends are remembered: what a silence held back is opened by a tick that comes this late, or when its signal is
# observed next.
_KEPT = timedelta(days=30)
_LEVEL, _RULE = "P3", "silence"


def silences_reading(warehouse: Warehouse, now: datetime, *, everything: bool = False) -> Reading[list[Silence]]:
    """The silences that are on, to come, or ended lately; `everything`: all."""
    kept = "" if everything else " and ended_at > @ended_after"
    rows = yield from rows_of(
        "select source_key, started_at, ended_at, title, owner, to_json_string(evidence) as evidence "
        f"from {warehouse.raw(SIGNALS.name)} where source = '{SOURCE}'{kept}",
        {} if everything else {"ended_after": now - _KEPT},
    )
    found = {silence.silence_id: silence for silence in map(_silence, rows)}
    return sorted(found.values(), key=lambda each: (each.starts_at, each.silence_id))


def add_silence(
    warehouse: Warehouse,
    policy: Policy,
    *,
    scope: Scope,
    value: str,
    starts_at: datetime,
    ends_at: datetime,
    reason: str,
    actor: str,
    now: datetime,
) -> Silence:
    """Write a silence. Raises `UserError` where it has no end, or one that is over or too far, or is about nothing."""
    longest = timedelta(days=policy.limit("silence_days", now))
    if ends_at <= max(starts_at, now):
        what = "its start" if ends_at <= starts_at else "now"
        raise UserError(
            f"The silence would end at {ends_at:%Y-%m-%d %H:%M} UTC, not after {what}. Give a later --until."
        )
    if ends_at - starts_at > longest:
        days = f"{longest / timedelta(days=1):g}"
        raise UserError(f"The silence would last for more than {days} days, the policy's silence_days. End it earlier.")
    if not one_line(value).strip("* ") or not one_line(reason):
        what = "a reason" if one_line(value).strip("* ") else f"the {scope} that it is about"
        raise UserError(f"A silence needs {what}.")
    if scope is Scope.RULE and not _is_rule(policy, value, now):
        known = ", ".join(sorted(each.rule_id for each in policy.classification_rules(now)))
        raise UserError(
            f"{value!r} is no rule of the policy; it has {known}. A rule of a suite: silence its component."
        )
    silence = Silence(
        silence_id=uuid.uuid4().hex[:_ID],
        scope=scope,
        value=shortened(one_line(value), _CHARACTERS),
        starts_at=starts_at,
        ends_at=ends_at,
        reason=shortened(one_line(reason), _CHARACTERS),
        actor=shortened(one_line(actor), _CHARACTERS),
    )
    _write(warehouse, silence, now)
    return silence


def end_silence(warehouse: Warehouse, silence_id: str, *, actor: str, now: datetime) -> Silence:
    """End a silence before its time. Raises `UserError` where there is no such one, or it is over."""
    found = [
        each
        for each in read(warehouse, silences_reading(warehouse, now, everything=True))
        if each.silence_id.startswith(silence_id)
    ]
    if len(found) != 1 or not silence_id:
        what = "names no silence" if not found else "is the beginning of several"
        raise UserError(f"{silence_id!r} {what}. incident-ledger silence list has them.")
    (silence,) = found
    if silence.ends_at <= now:
        raise UserError(f"The silence {silence.silence_id} is over since {silence.ends_at:%Y-%m-%d %H:%M} UTC.")
    ended = replace(silence, starts_at=min(silence.starts_at, now), ends_at=now, ended_by=actor)
    _write(warehouse, ended, now)
    return ended


def _is_rule(policy: Policy, value: str, now: datetime) -> bool:
    names = (each.rule_id for each in policy.classification_rules(now))
    return any(name == value or (value.endswith("*") and name.startswith(value[:-1])) for name in names)


def _write(warehouse: Warehouse, silence: Silence, now: datetime) -> None:
    row: dict[str, Any] = {
        "source": SOURCE,
        "source_key": silence.silence_id,
        "rule_id": _RULE,
        "component": f"{silence.scope}:{silence.value}",
        "severity_level": _LEVEL,
        "title": silence.reason,
        "started_at": silence.starts_at,
        "ended_at": silence.ends_at,
        "observed_at": now,
        "value": None,
        "threshold": None,
        "owner": silence.actor,
        "evidence": {"scope": silence.scope.value, "value": silence.value, "ended_by": silence.ended_by},
    }
    with bound_rows(warehouse, SIGNALS, [row]) as (query, params):
        newer = "source.observed_at >= target.observed_at"
        merge_query(warehouse, SIGNALS, query, columns=tuple(row), updates=newer, params=params)


def _silence(row: Mapping[str, Any]) -> Silence:
    evidence = json.loads(row["evidence"])
    return Silence(
        silence_id=row["source_key"],
        scope=Scope(evidence["scope"]),
        value=evidence["value"],
        starts_at=row["started_at"],
        ends_at=row["ended_at"],
        reason=row["title"],
        actor=row["owner"] or "",
        ended_by=evidence.get("ended_by"),
    )
