"""All rules of a table counted: one statement for everything about records and aggregates, grouped by day; a
second one for uniqueness; and one a batch for what only Great Expectations can compute.

When a statement fails, its rules are counted one by one, so that a rule that cannot be evaluated harms no other.
"""

# ruff: noqa: S608 -- names of tables and columns are no parameters: they are quoted, and checked; values are bound

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from incident_ledger.errors import IncidentLedgerError, StatementError
from incident_ledger.quality.catalogue import TYPES, has_type, is_about_records
from incident_ledger.quality.compiler import conditions
from incident_ledger.quality.compiler.gx import Engine
from incident_ledger.quality.compiler.typing import RuleError, Schema, convert, literal, quoted
from incident_ledger.quality.custom_sql import OwnQuery, rows_of_select
from incident_ledger.quality.partitions import DayColumn, Partition
from incident_ledger.quality.rule_schema import reason_of
from incident_ledger.quality.suites import Rule
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.client import Param

_PLACEHOLDER = re.compile(r"%\(([^()]*?):[A-Z0-9_<>, ]+\)s")


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


@dataclass(frozen=True)
class Counted:
    """Counts by day and rule; `rows` is the number of records of each batch."""

    rows: Mapping[date | None, int]
    rules: Mapping[tuple[date | None, str], Count]


@dataclass
class _RuleQuery:
    """A rule as columns of a statement. `read` makes its count of a row of the answer."""

    rule: Rule
    selects: dict[str, str] = field(default_factory=dict)
    read: Callable[[Mapping[str, Any]], Count] = lambda _: Count()
    is_own_sql: bool = False


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
        self._broken: dict[str, str] = {}  # by rule, the condition of a record that breaks it

    def count(self, rules: Sequence[Rule], part: Partition) -> Counted:
        """Every rule counted for every batch of `part`. Raises `StatementError` when the table itself cannot be."""
        batched: list[_RuleQuery] = []
        unique: list[Rule] = []
        single: list[Rule] = []
        found: dict[tuple[date | None, str], Count] = {}
        for rule in rules:
            try:
                self._classify(rule, batched, unique, single)
            except RuleError as error:
                found |= _everywhere(part, rule, Count(error=str(error)))
            except Exception as error:  # a value that nobody thought of harms this rule only
                found |= _everywhere(part, rule, Count(error=f"{type(error).__name__}: {reason_of(error)}"))
        rows, answers = self._scan_batch(batched, part)
        found |= answers
        found |= self._unique(unique, part)
        for rule in single:
            for day in part.days:
                found[day, rule.rule_id] = self._scan_single(rule, part.one(day, self._day_column), rows[day])
        for (day, rule_id), count in found.items():
            if count.failed and rule_id in self._broken:
                where = part.one(day, self._day_column).where
                found[day, rule_id] = replace(count, query=self._records_query(self._broken[rule_id], where))
        return Counted(rows, found)

    def _classify(self, rule: Rule, batched: list[_RuleQuery], unique: list[Rule], single: list[Rule]) -> None:
        if rule.error:
            raise RuleError(rule.error)
        rule = conditions.with_parameters(rule, self._as_of, self._schema)
        conditions.check_columns(rule, self._schema)
        if rule.type in conditions.UNIQUE:
            self._row_condition(rule)  # one that cannot be read is this rule's error only
            unique.append(rule)
            return
        query = self._rule_query(rule, f"r{len(batched)}")
        if query is None:
            single.append(rule)
        else:
            batched.append(query)

    def _rule_query(self, rule: Rule, name: str) -> _RuleQuery | None:
        """The rule's columns of the common statement; None when it needs a statement of its own."""
        condition = self._row_condition(rule)
        if rule.type in conditions.ROW_COUNT:
            select = {name: f"countif({condition})" if condition else "count(*)"}
            return _RuleQuery(rule, select, lambda row: _of_table(rule, row[name], row["n"]))
        if rule.type in conditions.AGGREGATES and condition is None:
            aggregate = self._engine.aggregate(rule)
            if aggregate is not None:
                return _RuleQuery(rule, {name: self._sql(aggregate)}, lambda row: _of_table(rule, row[name], row["n"]))
        if rule.type == conditions.QUERY:
            written = OwnQuery.read(str(rule.kwargs["unexpected_rows_query"])).filter
            if written is None:
                return None
            self._broken[rule.rule_id] = f"({written})"
            selects = {f"{name}_failed": f"countif({written})"}
            return _RuleQuery(rule, selects, lambda row: _of_records(rule, row, name), is_own_sql=True)
        if rule.type in conditions.DISTINCT:
            return self._distinct(rule, name, condition)
        broken = conditions.broken(rule, self._engine, self._schema)
        return None if broken is None else self._counted(rule, name, broken, condition)

    def _counted(self, rule: Rule, name: str, broken: Any, condition: str | None) -> _RuleQuery:
        """A rule about records, by the condition of one that breaks it."""
        base = conditions.base(rule)
        self._broken[rule.rule_id] = _all(condition, self._sql(broken))
        selects = {f"{name}_failed": f"countif({self._broken[rule.rule_id]})"}
        if condition:
            selects[f"{name}_examined"] = f"countif({condition})"
        if base is not None and rule.mostly < 1:
            selects[f"{name}_base"] = f"countif({_all(condition, self._sql(base))})"
        return _RuleQuery(rule, selects, lambda row: _of_records(rule, row, name))

    def _distinct(self, rule: Rule, name: str, condition: str | None) -> _RuleQuery:
        """A rule about which values a column has: those of its set, each once, and any other where none may be."""
        within, wanted, others = conditions.distinct(rule, self._schema)
        text = self._sql(within)
        selects = {f"{name}_within": f"count(distinct {f'if({condition}, {text}, null)' if condition else text})"}
        if others is not None:
            selects[f"{name}_others"] = f"countif({_all(condition, self._sql(others))})"

        def read(row: Mapping[str, Any]) -> Count:
            is_met = row[f"{name}_within"] == wanted and not row.get(f"{name}_others")
            return Count(success=is_met) if row["n"] else Count()

        return _RuleQuery(rule, selects, read)

    def _row_condition(self, rule: Rule) -> str | None:
        clause = self._engine.row_condition(rule)
        return None if clause is None else self._sql(clause)

    def _scan_batch(
        self, queries: Sequence[_RuleQuery], part: Partition
    ) -> tuple[dict[date | None, int], dict[Any, Count]]:
        try:
            return self._read(queries, part)
        except (StatementError, RuleError):
            if not queries:
                raise
        rows, found = self._read((), part)  # the table itself: what fails now is no rule's fault
        for query in queries:
            try:
                found |= self._read([query], part)[1]
            except (StatementError, RuleError) as error:
                found |= _everywhere(part, query.rule, Count(error=str(error)))
        return rows, found

    def _read(self, queries: Sequence[_RuleQuery], part: Partition) -> tuple[dict[date | None, int], dict[Any, Count]]:
        selects = {"n": "count(*)"}
        for query in queries:
            selects |= query.selects
        columns = ", ".join(f"{text} as {name}" for name, text in selects.items())
        group = f"{part.group} as batch_day, " if part.group else ""
        sql = f"select {group}{columns} from {self._source}{_where(part.where)}" + (
            " group by batch_day" if group else ""
        )
        answer = self._run(sql, is_own_sql=any(query.is_own_sql for query in queries))
        rows = {row.get("batch_day"): row for row in answer}
        nothing: dict[str, Any] = dict.fromkeys(selects, 0)
        found: dict[Any, Count] = {}
        for day in part.days:
            for query in queries:
                found[day, query.rule.rule_id] = _count(query, rows.get(day, nothing))
        return {day: rows.get(day, nothing)["n"] for day in part.days}, found

    def _unique(self, rules: Sequence[Rule], part: Partition) -> dict[Any, Count]:
        if not rules:
            return {}
        try:
            return self._read_unique(rules, part)
        except StatementError as error:
            if len(rules) == 1:
                return _everywhere(part, rules[0], Count(error=str(error)))
        found: dict[Any, Count] = {}
        for rule in rules:
            found |= self._unique([rule], part)
        return found

    def _read_unique(self, rules: Sequence[Rule], part: Partition) -> dict[Any, Count]:
        """Records of repeated keys: keys are counted first, so that one group is one value and not one record."""
        parts = []
        for position, rule in enumerate(rules):
            condition, base = self._row_condition(rule), conditions.base(rule)
            counted = "true" if base is None else self._sql(base)
            keys = ", ".join(quoted(column) for column in rule.columns)
            group = f"{part.group} as batch_day, " if part.group else "cast(null as date) as batch_day, "
            where = " and ".join(text for text in (part.where, f"({condition})" if condition else None) if text)
            parts.append(
                f"select {position} as position, batch_day, sum(records) as examined, "
                f"sum(if(is_counted, records, 0)) as base, sum(if(is_counted and records > 1, records, 0)) as failed "
                f"from (select {group}{keys}, {counted} as is_counted, count(*) as records "
                f"from {self._source}{_where(where)} group by batch_day, {keys}, is_counted) group by batch_day"
            )
        answer = {(row["batch_day"], row["position"]): row for row in self._run(" union all ".join(parts))}
        found: dict[Any, Count] = {}
        for position, rule in enumerate(rules):
            for day in part.days:
                row = answer.get((day, position), {"examined": 0, "base": 0, "failed": 0})
                found[day, rule.rule_id] = _records(rule, row["examined"], row["failed"], row["base"])
        return found

    def _scan_single(self, rule: Rule, part: Partition, rows: int) -> Count:
        try:
            if rule.type == conditions.QUERY:
                return self._query(rule, part, rows)
            if rule.type in TYPES:
                types = rule.kwargs.get("type_list") or [rule.kwargs["type_"]]
                return Count(
                    success=has_type(rule.columns[0], types, self._schema), observed=self._schema.kind(rule.columns[0])
                )
            if is_about_records(rule.type):
                return self._measured(rule, part)
            success, observed = self._engine.evaluate(rule, part.where)
        except (RuleError, IncidentLedgerError) as error:
            return Count(error=str(error))
        except Exception as error:
            return Count(error=f"{type(error).__name__}: {reason_of(error)}")
        return Count(success=success if rows else None, observed=observed)

    def _measured(self, rule: Rule, part: Partition) -> Count:
        """A rule that measures a record by the others: by the library's own statistics of the batch."""
        statistics = self._engine.statistics(rule, part.where)
        broken = conditions.broken(rule, self._engine, self._schema, statistics)
        if broken is None:
            raise RuleError(f"Great Expectations does not give which records break {rule.type}")
        query = self._counted(rule, "r0", broken, self._row_condition(rule))
        condition = self._broken.pop(rule.rule_id)
        (count,) = self._read([query], part)[1].values()
        return replace(count, query=self._records_query(condition, part.where)) if count.failed else count

    def _query(self, rule: Rule, part: Partition, rows: int) -> Count:
        """A rule whose own SQL gives the records that break it; `{batch}` is the partition."""
        batch = f"select * from {self._source}{_where(part.where)}"
        query = OwnQuery.read(str(rule.kwargs["unexpected_rows_query"])).over(batch)
        failed = self._run(f"select count(*) as n from (\n{query}\n)", is_own_sql=True)[0]["n"]
        return replace(_records(rule, rows, min(failed, rows), rows), query=query)

    def _sql(self, clause: Any) -> str:
        """A condition as text; its values become parameters whose names differ in the whole statement."""
        compiled = clause.compile(dialect=self._engine.dialect)
        values = compiled.params

        def parameter(found: re.Match[str]) -> str:
            name = f"p{len(self._params)}"
            self._params[name] = _sent(values[found[1]])
            return f"@{name}"

        return _PLACEHOLDER.sub(parameter, str(compiled)).replace("%%", "%")

    def _records_query(self, condition: str, where: str | None) -> str:
        """The broken records, as a statement that a person can run: values are literals in it."""
        text = re.sub(r"@(p\d+)\b", lambda found: literal(self._params[found[1]]), condition)
        return f"select * from {self._source} where {' and '.join(part for part in (where, text) if part)}"

    def _run(self, sql: str, *, is_own_sql: bool = False) -> list[dict[str, Any]]:
        used = set(re.findall(r"@(p\d+)\b", sql))
        params = {name: value for name, value in self._params.items() if name in used}
        return rows_of_select(self._warehouse, sql, params) if is_own_sql else self._warehouse.rows(sql, params)


def _sent(value: Any) -> Any:
    """A time without a zone is a DATETIME: only a DATETIME column makes one."""
    first = value[0] if isinstance(value, list) and value else value
    return Param("DATETIME", value) if isinstance(first, datetime) and first.tzinfo is None else value


def _count(query: _RuleQuery, row: Mapping[str, Any]) -> Count:
    try:
        return query.read(row)
    except RuleError as error:
        return Count(error=str(error))


def _of_table(rule: Rule, value: Any, rows: int) -> Count:
    """The number of records is known of an empty table; every other value of nothing is nothing."""
    if rule.type not in conditions.ROW_COUNT and not rows:
        return Count()
    success = _succeeded(rule, value)
    return Count(success=success is True, observed=value)


def _succeeded(rule: Rule, value: Any) -> bool | None:
    """Whether the value of the whole table (a count, a maximum, a mean, …) is what the rule wants; None if unknown.

    Raises `RuleError` when the two cannot be compared.
    """
    if value is None:
        return None
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


def _of_records(rule: Rule, row: Mapping[str, Any], name: str) -> Count:
    examined = row.get(f"{name}_examined", row["n"])
    return _records(rule, examined, row[f"{name}_failed"], row.get(f"{name}_base", examined))


def _records(rule: Rule, examined: int, failed: int, base: int) -> Count:
    """Success by the rule's own `mostly`, over the records that count towards it."""
    success = base == 0 or Fraction(base - failed, base) >= Fraction(str(rule.mostly))
    return Count(success=success if examined else None, examined=examined, failed=failed)


def _everywhere(part: Partition, rule: Rule, count: Count) -> dict[tuple[date | None, str], Count]:
    return {(day, rule.rule_id): count for day in part.days}


def _all(*conditions: str | None) -> str:
    return " and ".join(f"({condition})" for condition in conditions if condition)


def _where(text: str | None) -> str:
    return f" where {text}" if text else ""
