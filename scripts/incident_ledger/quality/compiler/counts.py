"""Counts of a rule from the values that its query gave. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from incident_ledger.quality.compiler.typing import RuleError, convert
from incident_ledger.quality.suite_types import Rule


@dataclass(frozen=True)
class Count:
    """What was counted for one rule and batch. A rule about the table as a whole has no records, but `observed`.

    `query` shows the records that break it.
    """

    success: bool | None = None
    examined: int | None = None
    failed: int | None = None
    observed: Any = None
    error: str | None = None
    query: str | None = None


def count_records(rule: Rule, examined: int, failed: int, base: int) -> Count:
    """Success by the rule's own `mostly`, over the `base` records that count towards it."""
    success = base == 0 or Fraction(base - failed, base) >= Fraction(str(rule.mostly))
    return Count(success=success if examined else None, examined=examined, failed=failed)


def count_clause(rule: Rule, values: Mapping[str, Any], rows: int) -> Count:
    """Of `_failed` records, and where they differ from `rows` those `_examined`, and the `_base` of `mostly`."""
    examined = values.get("_examined", rows)
    return count_records(rule, examined, values["_failed"], values.get("_base", examined))


def count_distinct(wanted: int, values: Mapping[str, Any], rows: int) -> Count:
    """Whether all `wanted` values are there (`_within`), and where none other may be, no record has `_others`."""
    return Count(success=values["_within"] == wanted and not values.get("_others")) if rows else Count()


def count_of_table(rule: Rule, value: Any) -> Count:
    """Whether the value of the whole table (a count, a maximum, a mean, …) is what the rule wants.

    Raises `RuleError` when the two cannot be compared.
    """
    return Count(success=_is_wanted(rule, value), observed=value)


def _is_wanted(rule: Rule, value: Any) -> bool:
    if value is None:
        return False
    if "value" in rule.kwargs:
        return bool(value == rule.kwargs["value"])
    low, high = rule.kwargs.get("min_value"), rule.kwargs.get("max_value")
    if low is None and high is None:
        raise RuleError("a range needs min_value or max_value")
    kind = _kind_of(value)
    above = low is None or _above(value, convert(low, kind, rule.type), strict=bool(rule.kwargs.get("strict_min")))
    below = high is None or _above(convert(high, kind, rule.type), value, strict=bool(rule.kwargs.get("strict_max")))
    return above and below


def _above(value: Any, bound: Any, *, strict: bool) -> bool:
    return bool(value > bound) if strict else bool(value >= bound)


def _kind_of(value: Any) -> str:
    if isinstance(value, datetime):
        return "TIMESTAMP" if value.tzinfo else "DATETIME"
    kinds = ((date, "DATE"), (str, "STRING"), (int, "NUMERIC"), (float, "FLOAT64"))
    return next((kind for known, kind in kinds if isinstance(value, known)), "NUMERIC")
