"""All rules of a table counted: one statement for everything about records and aggregates, grouped by day; a
second one for uniqueness; and one a batch for what only Great Expectations can compute.

When a statement fails, its rules are counted one by one, so that a rule that cannot be evaluated harms no other.
"""

# ruff: noqa: S608 -- names of tables and columns are no parameters: they are quoted, and checked; values are bound

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from incident_ledger.errors import IncidentLedgerError, StatementError
from incident_ledger.quality.compiler.compile_rule import compile_rule
from incident_ledger.quality.compiler.compiled import Broken, ByGx, Clause, Compiled, Key, Known, Query
from incident_ledger.quality.compiler.counts import Count, count_records
from incident_ledger.quality.compiler.gx import Engine
from incident_ledger.quality.compiler.typing import RuleError, Schema, literal
from incident_ledger.quality.partitions import DayColumn, Partition
from incident_ledger.quality.rule_schema import reason_of
from incident_ledger.quality.suites import Rule
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.statement_type import statement_type

_PARAMETER = re.compile(r"@(p\d+)\b")
_Counts = dict[tuple[date | None, str], Count]


@dataclass(frozen=True)
class Counted:
    """Counts by day and rule; `rows` is the number of records of each batch."""

    rows: Mapping[date | None, int]
    rules: Mapping[tuple[date | None, str], Count]


@dataclass(frozen=True)
class _Column:
    """A rule's clause in the statement of its batch: its columns begin with `name`."""

    name: str
    rule: Rule
    clause: Clause

    def selects(self) -> dict[str, str]:
        return {f"{self.name}{end}": text for end, text in self.clause.columns.items()}

    def count(self, row: Mapping[str, Any]) -> Count:
        values = {end: row[f"{self.name}{end}"] for end in self.clause.columns}
        try:
            return self.clause.count(values, row["n"])
        except RuleError as error:
            return Count(error=str(error))


class Scan:
    """The rules of one table over one partition of it."""

    def __init__(
        self,
        warehouse: Warehouse,
        engine: Engine,
        schema: Schema,
        source: str,
        *,
        day_column: DayColumn | None,
        as_of: datetime,
    ) -> None:
        self._warehouse = warehouse
        self._engine = engine
        self._schema = schema
        self._source = source
        self._day_column = day_column
        self._as_of = as_of
        self._params: dict[str, Any] = {}

    def count(self, rules: Sequence[Rule], part: Partition) -> Counted:
        """Every rule counted for every batch of `part`. Raises `StatementError` when the table itself cannot be."""
        scanned: list[_Column] = []
        keys: list[tuple[Rule, Key]] = []
        single: list[tuple[Rule, Query | ByGx]] = []
        found: _Counts = {}
        for rule in rules:
            compiled = self._compile(rule)
            match compiled:
                case Clause():
                    scanned.append(_Column(f"r{len(scanned)}", rule, compiled))
                case Key():
                    keys.append((rule, compiled))
                case Query() | ByGx():
                    single.append((rule, compiled))
                case Known(count):
                    found |= _everywhere(part, rule, count)
                case Broken(reason):
                    found |= _everywhere(part, rule, Count(error=reason))
        rows, counts = self._scan_batch(scanned, part)
        found |= counts
        found |= self._scan_keys(keys, part)
        for rule, compiled in single:
            for day in part.days:
                found[day, rule.rule_id] = self._scan_single(rule, compiled, part.one(day, self._day_column), rows[day])
        return Counted(rows, found)

    def _compile(self, rule: Rule, statistics: Mapping[str, Any] | None = None) -> Compiled:
        compiled = compile_rule(rule, self._schema, self._as_of, statistics, first=len(self._params))
        if isinstance(compiled, Clause | Key):
            self._params |= compiled.params
        return compiled

    def _scan_batch(self, columns: Sequence[_Column], part: Partition) -> tuple[dict[date | None, int], _Counts]:
        try:
            return self._read(columns, part)
        except (StatementError, RuleError):
            if not columns:
                raise
        rows, found = self._read((), part)  # the table itself: what fails now is no rule's fault
        for column in columns:
            try:
                found |= self._read([column], part)[1]
            except (StatementError, RuleError) as error:
                found |= _everywhere(part, column.rule, Count(error=str(error)))
        return rows, found

    def _read(self, columns: Sequence[_Column], part: Partition) -> tuple[dict[date | None, int], _Counts]:
        selects = {"n": "count(*)"}
        for column in columns:
            selects |= column.selects()
        listed = ", ".join(f"{text} as {name}" for name, text in selects.items())
        group = f"{part.group} as batch_day, " if part.group else ""
        sql = f"select {group}{listed} from {self._source}{_where(part.where)}" + (
            " group by batch_day" if group else ""
        )
        rows = {row.get("batch_day"): row for row in self._run(sql, any(each.clause.is_own_sql for each in columns))}
        nothing: dict[str, Any] = dict.fromkeys(selects, 0)
        found = {
            (day, column.rule.rule_id): self._with_records(
                column.count(rows.get(day, nothing)), column.clause, part.one(day, self._day_column).where
            )
            for day in part.days
            for column in columns
        }
        return {day: rows.get(day, nothing)["n"] for day in part.days}, found

    def _with_records(self, count: Count, clause: Clause, where: str | None) -> Count:
        """With the broken records, as a statement that a person can run: values are literals in it."""
        if not count.failed or clause.broken is None:
            return count
        params = clause.params
        text = _PARAMETER.sub(
            lambda found: literal(params[found[1]]) if found[1] in params else found[0], clause.broken
        )
        return replace(count, query=f"select * from {self._source} where {f'{where} and {text}' if where else text}")

    def _scan_keys(self, keys: Sequence[tuple[Rule, Key]], part: Partition) -> _Counts:
        if not keys:
            return {}
        try:
            return self._read_keys(keys, part)
        except StatementError as error:
            if len(keys) == 1:
                return _everywhere(part, keys[0][0], Count(error=str(error)))
        found: _Counts = {}
        for key in keys:
            found |= self._scan_keys([key], part)
        return found

    def _read_keys(self, keys: Sequence[tuple[Rule, Key]], part: Partition) -> _Counts:
        """Records of repeated keys: keys are counted first, so that one group is one value and not one record."""
        day = part.group or "cast(null as date)"
        parts = []
        for position, (_, key) in enumerate(keys):
            columns = ", ".join(key.columns)
            where = " and ".join(text for text in (part.where, f"({key.condition})" if key.condition else None) if text)
            parts.append(
                f"select {position} as position, batch_day, sum(records) as examined, "
                f"sum(if(is_counted, records, 0)) as base, sum(if(is_counted and records > 1, records, 0)) as failed "
                f"from (select {day} as batch_day, {columns}, {key.base} as is_counted, count(*) as records "
                f"from {self._source}{_where(where)} group by batch_day, {columns}, is_counted) group by batch_day"
            )
        rows = {(row["batch_day"], row["position"]): row for row in self._run(" union all ".join(parts))}
        nothing = {"examined": 0, "base": 0, "failed": 0}
        found: _Counts = {}
        for position, (rule, _) in enumerate(keys):
            for batch_day in part.days:
                row = rows.get((batch_day, position), nothing)
                found[batch_day, rule.rule_id] = count_records(rule, row["examined"], row["failed"], row["base"])
        return found

    def _scan_single(self, rule: Rule, compiled: Query | ByGx, part: Partition, rows: int) -> Count:
        try:
            if isinstance(compiled, Query):
                return self._query(rule, compiled, part, rows)
            if compiled.is_by_statistics:
                return self._by_statistics(compiled.rule, part)
            success, observed = self._engine.evaluate(compiled.rule, part.where)
        except (RuleError, IncidentLedgerError) as error:
            return Count(error=str(error))
        except Exception as error:
            return Count(error=f"{type(error).__name__}: {reason_of(error)}")
        return Count(success=success if rows else None, observed=observed)

    def _by_statistics(self, rule: Rule, part: Partition) -> Count:
        """A rule that measures a record by the others: by the library's own statistics of the batch."""
        compiled = self._compile(rule, self._engine.statistics(rule, part.where))
        if not isinstance(compiled, Clause):
            raise RuleError(compiled.reason if isinstance(compiled, Broken) else f"{rule.type} has no condition")
        (count,) = self._read([_Column("r0", rule, compiled)], part)[1].values()
        return count

    def _query(self, rule: Rule, query: Query, part: Partition, rows: int) -> Count:
        """A rule whose own SQL gives the records that break it; `{batch}` is the partition."""
        text = query.own.over(f"select * from {self._source}{_where(part.where)}")
        failed = self._run(f"select count(*) as n from (\n{text}\n)", is_own_sql=True)[0]["n"]
        return replace(count_records(rule, rows, min(failed, rows), rows), query=text)

    def _run(self, sql: str, is_own_sql: bool = False) -> list[dict[str, Any]]:
        used = set(_PARAMETER.findall(sql))
        params = {name: value for name, value in self._params.items() if name in used}
        return rows_of_select(self._warehouse, sql, params) if is_own_sql else self._warehouse.rows(sql, params)


def rows_of_select(warehouse: Warehouse, sql: str, params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of a statement with a suite's SQL in it, once a dry run has called it a SELECT.

    Raises `RuleError` when it is anything else, and what `Warehouse.rows` raises.
    """
    kind = statement_type(warehouse, sql, params)
    if kind != "SELECT":
        raise RuleError(f"its own SQL is not a single SELECT: the warehouse calls it {kind or 'nothing that it knows'}")
    return warehouse.rows(sql, params)


def _everywhere(part: Partition, rule: Rule, count: Count) -> _Counts:
    return {(day, rule.rule_id): count for day in part.days}


def _where(text: str | None) -> str:
    return f" where {text}" if text else ""
