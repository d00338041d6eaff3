"""Partitions: which days of a table are checked, and the literal filter that keeps every statement to them.

Those days are checked that changed since the last check, and those that were bad at the last one.

A suite's `meta` names how a change is seen; each way is one statement that prunes, and none reads the table's history:
- `changes`: {"table", "day_column", "changed_at_column", "partition_column", "equals"}: a small table that records
  which days changed when (`raw.usage_loads` for usage); `change_tracking` reads it. The column that it is
  partitioned by, if another, is the warehouse's clock when the row was written, and never earlier than
  `changed_at_column` or the day;
- `changed_at_column`: a column of the table itself, read over the last `lookback_days`; a day changed when its number
  of records or the newest of these times did;
- neither: the last `lookback_days` (3 when not given), today included.
"""

# ruff: noqa: S608 -- names of tables and columns are not parameters: they are quoted, and checked; values are bound

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from incident_ledger.quality.change_tracking import ChangesRead
from incident_ledger.quality.compiler.typing import RuleError, Schema, quoted
from incident_ledger.quality.suites import Suite, TableName
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.rows import literal

LOOKBACK_DAYS = 3
MOST_LOOKBACK_DAYS = 3_660
_MOST_RUNS = 50
_MEMORY = timedelta(days=90)  # a day that is bad is checked again by every run, so that its last check is never old


@dataclass(frozen=True)
class Partition:
    """A part of a table that one statement reads: `days` one by one, or (days of None) all of it as one batch.

    `where` is a literal filter on the day column, None only for a table that has none. `group` is the day of a record.
    """

    days: tuple[date | None, ...]
    where: str | None = None
    group: str | None = None

    def one(self, day: date | None, column: "DayColumn | None") -> "Partition":
        """The partition of one of its batches."""
        return self if day is None or column is None else column.each([day])


@dataclass(frozen=True)
class DayColumn:
    """The column that a table is partitioned by: DATE, TIMESTAMP or DATETIME."""

    name: str
    kind: str

    @property
    def day(self) -> str:
        """The day of a record."""
        return f"`{self.name}`" if self.kind == "DATE" else f"date(`{self.name}`)"

    def each(self, days: Iterable[date]) -> Partition:
        """Each day a batch of its own."""
        wanted = sorted(set(days))
        runs = _runs(wanted)
        if len(runs) > _MOST_RUNS:
            runs = [(wanted[0], wanted[-1])]
        parts = [self.between(first, last) for first, last in runs]
        where = parts[0] if len(parts) == 1 else f"({' or '.join(f'({part})' for part in parts)})"
        return Partition(tuple(wanted), where, self.day)

    def window(self, first: date, last: date) -> Partition:
        """All days from first to last as one batch."""
        return Partition((None,), self.between(first, last))

    def whole(self) -> Partition:
        """The whole table as one batch, records without a day included, with a literal range all the same."""
        return Partition((None,), f"({self.between(date(1, 1, 1), date(9999, 12, 30))} or `{self.name}` is null)")

    def between(self, first: date, last: date) -> str:
        """The predicate: literals only, so that partitions are pruned and a required filter is met."""
        if self.kind == "DATE":
            return f"`{self.name}` between date '{first}' and date '{last}'"
        end = last + timedelta(days=1)
        zone = "+00" if self.kind == "TIMESTAMP" else ""
        low, high = (f"{self.kind.lower()} '{day} 00:00:00{zone}'" for day in (first, end))
        return f"`{self.name}` >= {low} and `{self.name}` < {high}"


@dataclass(frozen=True)
class History:
    """What the last checks of one table found. A check that could not run has not seen what changed before it."""

    last_checked_at: datetime | None = None
    bad_days: frozenset[date] = field(default_factory=frozenset)
    is_whole_bad: bool = False
    changes_seen: Mapping[date, str] = field(default_factory=dict)  # by day, what its last check knew of its changes
    changes_until: datetime | None = None  # when that was last read

    @property
    def since(self) -> datetime | None:
        """What was recorded before this was looked at; None for a table that was never checked."""
        return self.changes_until or self.last_checked_at


def read_history(warehouse: Warehouse, as_of: datetime) -> dict[tuple[str, str], History]:
    """By table and suite, what was known before `as_of`: a run that is repeated for the same time sees the same.

    The newest check of each day decides which days are bad. What a killed run kept of a breach counts too, since
    its signal must end one day; what it did not record is not a check that was made. One statement for all tables.
    """
    time = f"checked_at >= {literal(as_of - _MEMORY)} and checked_at < {literal(as_of)}"
    columns = (
        "table_name, suite, day, checked_at, error, "
        "severity_level is not null or rules_errored > 0 or error is not null as is_bad"
    )
    seen = (
        "if(error is null, changes_seen, null) as changes_seen, if(error is null, changes_until, null) as changes_until"
    )
    no_more = "cast(null as string) as changes_seen, cast(null as timestamp) as changes_until"
    rows = warehouse.rows(
        f"""
        select
            table_name, suite, day,
            max(if(is_recorded and error is null, checked_at, null)) as last_at,
            any_value(is_bad having max checked_at)
            or any_value(is_bad having max if(is_recorded, checked_at, null)) as is_bad,
            any_value(changes_seen having max if(changes_seen is not null, checked_at, null)) as changes_seen,
            max(changes_until) as changes_until
        from (
            select {columns}, {seen}, true as is_recorded from {warehouse.raw("quality_batches")} where {time}
            union all
            select {columns}, {no_more}, false from {warehouse.raw("quality_breaches")} where {time}
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
            changes_seen={row["day"]: row["changes_seen"] for row in found if row["day"] and row["changes_seen"]},
            changes_until=max((row["changes_until"] for row in found if row["changes_until"]), default=None),
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
    """How many days a daily check looks back, with today. Raises `RuleError` unless it is a positive whole number."""
    value: Any = suite.meta.get("lookback_days", LOOKBACK_DAYS)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= MOST_LOOKBACK_DAYS:
        raise RuleError(f"meta.lookback_days {value!r} is not a whole number from 1 to {MOST_LOOKBACK_DAYS}")
    return int(value)


def window(suite: Suite, as_of: datetime) -> tuple[date, date]:
    """The first and the last day of a daily check."""
    today = as_of.astimezone(UTC).date()
    return today - timedelta(days=lookback_days(suite) - 1), today


@dataclass(frozen=True)
class ChangedDays:
    """The days of one table that are to be checked. `recorded` is what its change log had before a build."""

    warehouse: Warehouse
    suite: Suite
    table: TableName
    column: DayColumn
    as_of: datetime
    recorded: ChangesRead | None = None

    def find(self, history: History) -> ChangesRead:
        """The days, none later than now, each with what is known of its changes."""
        first, last = window(self.suite, self.as_of)
        changed_at = self.suite.meta.get("changed_at_column")
        if self.recorded is not None:
            read = self.recorded
        elif changed_at is not None:
            read = ChangesRead(self._of_column(_text(changed_at, "changed_at_column"), history, first, last))
        else:
            return ChangesRead(dict.fromkeys({first + timedelta(days=step) for step in range((last - first).days + 1)}
                                      | {day for day in history.bad_days if day <= last}, ""))  # fmt: skip
        if read.error:
            raise RuleError(read.error)
        changed = {day for day, text in read.days.items() if history.changes_seen.get(day) != text}
        days = {day for day in changed | history.bad_days if day <= last}
        return ChangesRead(
            {day: read.days.get(day, history.changes_seen.get(day, "")) for day in sorted(days)}, read.until
        )

    def _of_column(self, changed_at: str, history: History, first: date, last: date) -> dict[date, str]:
        """How many records each of the last days has, and when one was changed last. A day that lost all has "none"."""
        full = self.warehouse.name(self.table.dataset, self.table.table)
        sql = (
            f"select {self.column.day} as day, count(*) as records, "
            f"cast(max({quoted(changed_at)}) as string) as newest "
            f"from {full} where {self.column.between(first, last)} group by day"
        )
        found = {row["day"]: f"{row['records']} {row['newest']}" for row in self.warehouse.rows(sql)}
        gone = {day: "none" for day in history.changes_seen if first <= day <= last and day not in found}
        return found | gone


def all_days(warehouse: Warehouse, table: TableName, column: DayColumn, as_of: datetime) -> list[date]:
    """Every day that the table holds up to now."""
    where = column.between(date(1, 1, 1), as_of.astimezone(UTC).date())
    full = warehouse.name(table.dataset, table.table)
    return sorted(_days(warehouse, f"select distinct {column.day} as day from {full} where {where}"))


def _text(value: Any, name: str) -> str:
    if not isinstance(value, str):
        raise RuleError(f"meta.{name} {value!r} is not a text")
    return value


def _days(warehouse: Warehouse, sql: str, params: Mapping[str, Any] | None = None) -> list[date]:
    rows: Iterable[dict[str, Any]] = warehouse.rows(sql, params)
    return [row["day"] for row in rows if row["day"] is not None]


def _runs(days: Sequence[date]) -> list[tuple[date, date]]:
    """Days as runs of neighbours."""
    runs: list[tuple[date, date]] = []
    for day in days:
        if runs and day - runs[-1][1] == timedelta(days=1):
            runs[-1] = (runs[-1][0], day)
        else:
            runs.append((day, day))
    return runs
