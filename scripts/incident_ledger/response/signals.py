"""What a detector says, whichever it is."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any

from incident_ledger.warehouse import Warehouse


@dataclass(frozen=True, kw_only=True)
class Signal:
    """One row of `fct_signals`: a rule that holds, or held, for a component.

    `source` and `source_key` name its incident. `ended_at` is None while it holds; `observed_at` is when its check last
    ran (a signal ends when its check ran and found it gone, never by silence).
    """

    source: str
    source_key: str
    rule_id: str
    component: str
    severity_level: str
    title: str
    started_at: datetime
    observed_at: datetime
    ended_at: datetime | None = None
    value: float | None = None
    threshold: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)


def read_signals(warehouse: Warehouse) -> list[Signal]:
    """What the detectors say now: all rows of `fct_signals`, by one query."""
    sql = f"select {signal_columns()} from {warehouse.mart('fct_signals')}"  # noqa: S608 - names of ours
    return [to_signal(row) for row in warehouse.rows(sql)]


def signal_columns() -> str:
    """The columns of `fct_signals` that make a `Signal`."""
    return ", ".join(each.name for each in fields(Signal))


def to_signal(row: Mapping[str, Any]) -> Signal:
    """A row as a value."""
    evidence = row["evidence"]
    return Signal(**{**row, "evidence": json.loads(evidence) if isinstance(evidence, str) else evidence or {}})
