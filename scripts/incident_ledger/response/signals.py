"""What a detector finds, whichever it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Signal:
    """One row of `fct_signals`: a rule that holds, or held, for a component.

    `source` and `source_key` name its incident. `ended_at` is None while it holds, or
    to come where it ends by itself; `observed_at` is when its check last
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
