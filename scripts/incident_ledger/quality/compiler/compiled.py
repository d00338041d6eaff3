"""What a rule becomes for one table. Parameters of a text are named `@p0`, `@p1`, … and stand beside it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from incident_ledger.quality.compiler.counts import Count
from incident_ledger.quality.compiler.custom_sql import OwnQuery
from incident_ledger.quality.suite_types import Rule


@dataclass(frozen=True)
class Clause:
    """Columns of the one statement that a batch's rules share, by the end of their names.

    `count` makes the rule's count of their values and the number of records; it raises `RuleError` where they cannot be
    compared. `broken` is the condition of a record that breaks the rule.
    """

    columns: Mapping[str, str]
    count: Callable[[Mapping[str, Any], int], Count]
    broken: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    is_own_sql: bool = False


@dataclass(frozen=True)
class Key:
    """No two records have the same values in `columns` (quoted).

    Of those that meet `condition`; a record for which `base` does not hold has no key.
    """

    columns: tuple[str, ...]
    condition: str | None
    base: str
    params: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Query:
    """A statement of its own, whose rows break the rule."""

    own: OwnQuery


@dataclass(frozen=True)
class Known:
    """The schema alone answers it."""

    count: Count


@dataclass(frozen=True)
class ByGx:
    """Great Expectations must compute a batch: its `statistics`, with which `rule` is a `Clause`, or all of it."""

    rule: Rule
    is_by_statistics: bool


@dataclass(frozen=True)
class Broken:
    """It cannot be asked, and why, for a person: a finding about the suite."""

    reason: str


Compiled = Clause | Key | Query | Known | ByGx | Broken
