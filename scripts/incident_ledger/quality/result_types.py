"""What a check found: of one rule, and of one batch. Only values; `grading` makes them, `results` records them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from incident_ledger.quality.rates import fraction_text, value_text


@dataclass(frozen=True, kw_only=True)
class RuleResult:
    """One rule of one batch. `severity_level` is banded and capped; None means that it raises nothing."""

    rule_id: str
    type: str
    column: str | None
    dimension: str | None
    owner: str | None
    gx_severity: str
    is_table_rule: bool
    success: bool | None
    examined: int | None
    failed: int | None
    observed: Any
    severity_level: str | None
    threshold: str | None
    error: str | None
    query: str | None = None
    description: str | None = None
    label: str | None = None

    @property
    def name(self) -> str:
        """What a person calls it: its id, or its type and columns where the id is not a name."""
        return self.label or self.rule_id

    @property
    def failed_record_rate(self) -> float | None:
        """Broken records of those examined; None without any."""
        return self.failed / self.examined if self.examined and self.failed is not None else None

    @property
    def text(self) -> str:
        """What it found, in a few words."""
        if self.error:
            return f"{self.name} could not be evaluated: {self.error}"
        if self.examined is None or self.failed is None:
            found = f" (found {value_text(self.observed)})" if self.observed is not None else ""
            return f"{self.name} {'met' if self.success else 'not met'}{found}"
        return f"{self.name} {fraction_text(self.failed, self.examined)}"


@dataclass(frozen=True, kw_only=True)
class BatchResult:
    """One batch of one table: a day, or (day None) what was checked as a whole.

    `severity_level` is that of the table and is None when it is clean, `check_severity_level` of the check itself.
    `error` is why no rule ran at all.
    """

    table: str
    suite: str
    owner: str | None
    day: date | None
    examined: int | None
    rules: tuple[RuleResult, ...]
    severity_level: str | None
    worst_rule_id: str | None
    check_severity_level: str | None
    title: str
    value: float | None
    threshold: str | None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None
    is_table_known: bool = True
    changes_seen: str | None = None  # what was recorded of the day's changes, and when that was read
    changes_until: datetime | None = None

    @property
    def component(self) -> str:
        """What the table's incident is about."""
        return f"table:{self.table}" if self.is_table_known else f"file:{self.suite}"

    @property
    def check_component(self) -> str:
        """What an incident of the check itself is about."""
        return f"check:{self.table if self.is_table_known else self.suite}"

    @property
    def is_evaluated(self) -> bool:
        """Whether every rule could be evaluated."""
        return (self.check_severity_level, self.error) == (None, None) and not self.rules_errored

    @property
    def is_clean(self) -> bool:
        """Whether every rule could be evaluated and nothing was found."""
        return self.is_evaluated and self.severity_level is None and not self.rules_failed

    @property
    def rules_ran(self) -> int:
        """Rules that passed or failed. One that examined no record did neither."""
        return sum(rule.success is not None for rule in self.rules)

    @property
    def rules_failed(self) -> int:
        """Rules that did not meet their `mostly`, or what they want of the table."""
        return sum(rule.success is False for rule in self.rules)

    @property
    def rules_errored(self) -> int:
        """Rules that could not be evaluated."""
        return sum(rule.error is not None for rule in self.rules)

    @property
    def failed_validation_rate(self) -> float | None:
        """Failed rules of those that ran; None when none ran."""
        return self.rules_failed / self.rules_ran if self.rules_ran else None
