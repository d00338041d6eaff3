"""What is recorded of changes: read before a build, so that what comes in meanwhile is found by the next run.

A suite's `meta.changes` names a small table in which each change of a day is a row. A run reads it before dbt builds,
and the check of a day keeps what was read (`changes_seen`: how many rows, and the newest). A day is checked when its
rows are others than its last check kept, whatever any clock says: a change that began before a run and became visible
after its build is a row more in the next one.

Only rows recorded since `LOOKBACK` before the last reading are looked at (by the warehouse's own clock; no statement
takes that long), all suites in one statement. A day that is older than those is counted whole by a second one.
"""

# ruff: noqa: S608 -- names of tables and columns are not parameters: they are quoted, and checked; values are bound

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from incident_ledger.errors import IncidentLedgerError, StatementError
from incident_ledger.quality.compiler.typing import RuleError, quoted
from incident_ledger.quality.suite_types import TableName
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.rows import literal

LOOKBACK = timedelta(days=2)
_EVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class ChangesRead:
    """Of the days that changed lately, what is recorded of each; `until` is when that was read.

    With `error`, why it could not be read.
    """

    days: Mapping[date, str] = field(default_factory=dict)
    until: datetime | None = None
    error: str | None = None


@dataclass(frozen=True)
class ChangeLog:
    """A suite's `meta.changes`: where it is recorded that a day changed. `since` is its last reading, if any."""

    table: str
    day: str
    changed_at: str
    partition: str
    equals: Mapping[str, Any]
    since: datetime | None

    @classmethod
    def of(cls, changes: Any, warehouse: Warehouse, since: datetime | None) -> "ChangeLog":
        """Raises `RuleError`, and `UserError` for what is not the name of a table."""
        if not isinstance(changes, Mapping):
            raise RuleError("meta.changes is not an object")
        for key in ("table", "day_column", "changed_at_column"):
            if key not in changes:
                raise RuleError(f"meta.changes needs {key}")
        equals = changes.get("equals") or {}
        if not isinstance(equals, Mapping) or not all(map(_is_bound, equals.values())):
            raise RuleError("meta.changes.equals is not an object of values, or lists of values of one kind")
        name = TableName.parse(changes["table"], warehouse.settings)
        return cls(
            table=warehouse.name(name.dataset, name.table),
            day=quoted(changes["day_column"]),
            changed_at=quoted(changes["changed_at_column"]),
            partition=quoted(changes.get("partition_column", changes["changed_at_column"])),
            equals={quoted(column): value for column, value in equals.items()},
            since=since,
        )

    @property
    def start(self) -> datetime:
        """The midnight from which rows are looked at: of the days from it on, these are all rows."""
        if self.since is None:
            return _EVER
        return datetime.combine((self.since - LOOKBACK).astimezone(UTC).date(), datetime.min.time(), UTC)

    def select(self, position: int, start: datetime, days: Sequence[date] = ()) -> str:
        """What is recorded of each day from `start` on; only of `days`, if any are given."""
        where = [f"{self.partition} >= {literal(start)}"]
        literals = ", ".join(f"date '{day}'" for day in days)
        where += [f"{self.day} in ({literals})"] if days else []
        where += [
            f"{column} {'in unnest' if isinstance(value, list) else '='}(@value_{position}_{number})"
            for number, (column, value) in enumerate(self.equals.items())
        ]
        return (
            f"select {position} as position, {self.day} as day, count(*) as changes, "
            f"cast(max({self.changed_at}) as string) as newest, max({self.partition}) as recorded_at, "
            f"current_timestamp() as read_at "
            f"from {self.table} where {' and '.join(where)} group by day"
        )

    def params(self, position: int) -> dict[str, Any]:
        """The values of `select`."""
        return {f"value_{position}_{number}": value for number, value in enumerate(self.equals.values())}


def read_changes(warehouse: Warehouse, logs: Sequence[ChangeLog]) -> list[ChangesRead]:
    """What is recorded for each, in their order: one statement for all, a second one where an old day changed.

    When it fails they are read one by one, so that one that cannot be read harms no other.
    """
    if not logs:
        return []
    try:
        return _read(warehouse, logs)
    except StatementError as error:
        if len(logs) == 1:
            return [ChangesRead(error=str(error))]
    except IncidentLedgerError as error:
        return [ChangesRead(error=str(error))] * len(logs)
    return [read_changes(warehouse, [log])[0] for log in logs]


def _read(warehouse: Warehouse, logs: Sequence[ChangeLog]) -> list[ChangesRead]:
    found: list[dict[date, str]] = [{} for _ in logs]
    until = [log.since for log in logs]
    lately = {at: log.select(at, log.start) for at, log in enumerate(logs)}
    for row in _rows(warehouse, lately, logs):
        at = row["position"]
        # What is recorded ahead of the warehouse's clock is looked at again until that has come.
        recorded_at = min(row["recorded_at"], row["read_at"])
        until[at] = max(recorded_at, until[at] or _EVER)
        if row["day"] is not None:
            found[at][row["day"]] = _state(row)
    old = {at: sorted(day for day in days if day < logs[at].start.date()) for at, days in enumerate(found)}
    selects = {
        at: logs[at].select(at, min(logs[at].start, datetime.combine(days[0], datetime.min.time(), UTC)), days)
        for at, days in old.items()
        if days
    }
    for row in _rows(warehouse, selects, logs) if selects else ():
        found[row["position"]][row["day"]] = _state(row)
    return [ChangesRead(days, read) for days, read in zip(found, until, strict=True)]


def _rows(warehouse: Warehouse, selects: Mapping[int, str], logs: Sequence[ChangeLog]) -> list[dict[str, Any]]:
    params = {name: value for position in selects for name, value in logs[position].params(position).items()}
    return warehouse.rows(" union all ".join(selects.values()), params)


def _state(row: Mapping[str, Any]) -> str:
    return f"{row['changes']} {row['newest']}"


def _is_bound(value: Any) -> bool:
    """Whether it is a value, or a list of such, as a statement takes it."""
    kinds = (str, int, float)
    if isinstance(value, list):
        return bool(value) and len({type(item) for item in value}) == 1 and isinstance(value[0], kinds)
    return isinstance(value, kinds)
