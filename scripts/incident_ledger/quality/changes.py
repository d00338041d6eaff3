"""Which days of a table are to be checked: those that changed since the last check, and those last seen bad.

A suite's `meta` says how a change is seen; each way is one statement that prunes, and none reads the table's history:
- `changes`: {"table", "day_column", "changed_at_column", "partition_column", "equals"}: a small table that records
  which days changed when (`raw.usage_loads` for usage); the column that it is partitioned by, if another, is never
  earlier than `changed_at_column`, and prunes;
- `changed_at_column`: a column of the table itself, read over the last `lookback_days`;
- neither: the last `lookback_days` (3 when not given), today included.
"""

# ruff: noqa: S608 -- names of tables and columns are no parameters: they are quoted, and checked; values are bound

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from incident_ledger.quality.batches import DayColumn
from incident_ledger.quality.rows import literal
from incident_ledger.quality.suites import Suite, TableName
from incident_ledger.quality.typed import RuleError, Schema, quoted
from incident_ledger.warehouse import Warehouse

LOOKBACK_DAYS = 3
MOST_LOOKBACK_DAYS = 3_660
_MEMORY = timedelta(days=90)  # a day that is bad is checked again by every run, so that its last check is never old


@dataclass(frozen=True)
class History:
    """What the last checks of one table said. A check that could not run has not seen what changed before it."""

    last_checked_at: datetime | None = None
    bad_days: frozenset[date] = field(default_factory=frozenset)
    is_whole_bad: bool = False

    @property
    def since(self) -> datetime:
        """A change after this was not checked yet."""
        return self.last_checked_at or datetime(1970, 1, 1, tzinfo=UTC)


def read_history(warehouse: Warehouse, as_of: datetime) -> dict[tuple[str, str], History]:
    """By table and suite, what was known before `as_of`: a run that is repeated for the same time sees the same.

    The newest check of each day says which days are bad. What a run that was killed kept of a breach counts too, since
    its signal must end one day; what it did not record is no check that was made. One statement for all tables.
    """
    time = f"checked_at >= {literal(as_of - _MEMORY)} and checked_at < {literal(as_of)}"
    columns = (
        "table_name, suite, day, checked_at, error, "
        "severity_level is not null or rules_errored > 0 or error is not null as is_bad"
    )
    rows = warehouse.rows(
        f"""
        select
            table_name, suite, day,
            max(if(is_recorded and error is null, checked_at, null)) as last_at,
            any_value(is_bad having max checked_at)
            or any_value(is_bad having max if(is_recorded, checked_at, null)) as is_bad
        from (
            select {columns}, true as is_recorded from {warehouse.raw("quality_batches")} where {time}
            union all
            select {columns}, false from {warehouse.raw("quality_breaches")} where {time}
        )
        group by table_name, suite, day
        """
    )
    checks: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        checks.setdefault((row["table_name"], row["suite"]), []).append(row)
    return {
        key: History(
            last_checked_at=max((row["last_at"] for row in found if row["last_at"]), default=None),
            bad_days=frozenset(row["day"] for row in found if row["is_bad"] and row["day"] is not None),
            is_whole_bad=any(row["is_bad"] for row in found if row["day"] is None),
        )
        for key, found in checks.items()
    }


def day_column(suite: Suite, schema: Schema) -> DayColumn | None:
    """The day column that the suite names, as its table has it. Raises `RuleError` when a table cannot be cut by it."""
    name = suite.meta.get("day_column")
    if name is None:
        return None
    return DayColumn(_text(name, "day_column"), schema.require(name, {"DATE", "DATETIME", "TIMESTAMP"}, "day_column"))


def lookback_days(suite: Suite) -> int:
    """How many days back a daily check looks, today included. Raises `RuleError` for no positive whole number."""
    value: Any = suite.meta.get("lookback_days", LOOKBACK_DAYS)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_LOOKBACK_DAYS:
        raise RuleError(f"meta.lookback_days {value!r} is no whole number from 1 to {MOST_LOOKBACK_DAYS}")
    return int(value)


def window(suite: Suite, as_of: datetime) -> tuple[date, date]:
    """The first and the last day of a daily check."""
    today = as_of.astimezone(UTC).date()
    return today - timedelta(days=lookback_days(suite) - 1), today


@dataclass(frozen=True)
class Changes:
    """The days of one table that are to be checked now."""

    warehouse: Warehouse
    suite: Suite
    table: TableName
    column: DayColumn
    as_of: datetime

    def days(self, history: History) -> list[date]:
        """In order, none later than now. A table that was never checked has all that its record of changes names."""
        first, last = window(self.suite, self.as_of)
        source, changed_at = self.suite.meta.get("changes"), self.suite.meta.get("changed_at_column")
        if source is not None:
            days = self._of_record(source, history)
        elif changed_at is not None:
            days = self._of_column(changed_at, history, first, last)
        else:
            days = {first + timedelta(days=step) for step in range((last - first).days + 1)}
        return sorted(day for day in days | history.bad_days if day <= last)

    def _of_record(self, source: Any, history: History) -> set[date]:
        if not isinstance(source, Mapping):
            raise RuleError("meta.changes is no object")
        try:
            name = TableName.parse(source["table"], self.warehouse.settings)
            day, changed_at = quoted(source["day_column"]), quoted(source["changed_at_column"])
        except KeyError as error:
            raise RuleError(f"meta.changes needs {error.args[0]}") from None
        equals = source.get("equals") or {}
        if not isinstance(equals, Mapping) or not all(map(_is_bound, equals.values())):
            raise RuleError("meta.changes.equals is no object of values, or lists of values of one kind")
        columns = dict.fromkeys((changed_at, quoted(source.get("partition_column", source["changed_at_column"]))))
        where = [f"{column} > {literal(history.since)}" for column in columns]
        where += [
            f"{quoted(column)} {'in unnest' if isinstance(value, list) else '='}(@value_{position})"
            for position, (column, value) in enumerate(equals.items())
        ]
        params = {f"value_{position}": value for position, value in enumerate(equals.values())}
        full = self.warehouse.name(name.dataset, name.table)
        return set(
            _days(self.warehouse, f"select distinct {day} as day from {full} where {' and '.join(where)}", params)
        )

    def _of_column(self, changed_at: Any, history: History, first: date, last: date) -> set[date]:
        where = f"{self.column.between(first, last)} and {quoted(changed_at)} > {literal(history.since)}"
        full = self.warehouse.name(self.table.dataset, self.table.table)
        return set(_days(self.warehouse, f"select distinct {self.column.day} as day from {full} where {where}"))


def all_days(warehouse: Warehouse, table: TableName, column: DayColumn, as_of: datetime) -> list[date]:
    """Every day that the table holds up to now."""
    where = column.between(date(1, 1, 1), as_of.astimezone(UTC).date())
    full = warehouse.name(table.dataset, table.table)
    return sorted(_days(warehouse, f"select distinct {column.day} as day from {full} where {where}"))


def _is_bound(value: Any) -> bool:
    """Whether it is a value, or a list of such, as a statement takes it."""
    kinds = (str, int, float)
    if isinstance(value, list):
        return bool(value) and len({type(item) for item in value}) == 1 and isinstance(value[0], kinds)
    return isinstance(value, kinds)


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise RuleError(f"meta.{name} {value!r} is no text")
    return value


def _days(warehouse: Warehouse, sql: str, params: Mapping[str, Any] | None = None) -> list[date]:
    rows: Iterable[dict[str, Any]] = warehouse.rows(sql, params)
    return [row["day"] for row in rows if row["day"] is not None]
