"""The one way from a rule and a table's columns to what is asked of the warehouse. Pure: nothing is sent."""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any

from incident_ledger.quality.catalogue import TYPES, has_type
from incident_ledger.quality.compiler import conditions
from incident_ledger.quality.compiler.compiled import Broken, ByGx, Clause, Compiled, Key, Known, Query
from incident_ledger.quality.compiler.counts import Count, count_clause, count_distinct, count_of_table
from incident_ledger.quality.compiler.custom_sql import OwnQuery
from incident_ledger.quality.compiler.gx import Engine, is_about_records
from incident_ledger.quality.compiler.typing import RuleError, Schema, quoted
from incident_ledger.quality.rule_schema import reason_of
from incident_ledger.quality.suite_types import Rule
from incident_ledger.warehouse.client import Param

_PLACEHOLDER = re.compile(r"%\(([^()]*?):[A-Z0-9_<>, ]+\)s")


def compile_rule(
    rule: Rule, schema: Schema, as_of: datetime, statistics: Mapping[str, Any] | None = None, first: int = 0
) -> Compiled:
    """What is to be asked for `rule` of a table with the columns of `schema`, at `as_of`. Never raises.

    `statistics` are those of a batch, for a rule that measures a record by the others. `first` is the number of its
    first parameter.
    """
    if rule.error:
        return Broken(rule.error)
    try:
        rule = conditions.with_parameters(rule, as_of, schema)
        conditions.check_columns(rule, schema)
        return _Compiler(rule, schema, statistics, first).compiled()
    except RuleError as error:
        return Broken(str(error))
    except Exception as error:  # a value that nobody thought of harms this rule only
        return Broken(f"{type(error).__name__}: {reason_of(error)}")


@lru_cache(maxsize=8)
def _engine(columns: tuple[tuple[str, str], ...]) -> Engine:
    return Engine(Schema(dict(columns)))


class _Compiler:
    """One rule, whose columns were checked and whose bounds are values."""

    def __init__(self, rule: Rule, schema: Schema, statistics: Mapping[str, Any] | None, first: int) -> None:
        self._rule = rule
        self._schema = schema
        self._statistics = statistics
        self._first = first
        self._params: dict[str, Any] = {}
        self._engine = _engine(tuple(schema.kinds.items()))
        clause = self._engine.row_condition(rule)
        self._condition = None if clause is None else self._sql(clause)

    def compiled(self) -> Compiled:
        rule = self._rule
        if rule.type in conditions.UNIQUE:
            base = conditions.base(rule)
            text = "true" if base is None else self._sql(base)
            return Key(tuple(quoted(column) for column in rule.columns), self._condition, text, self._params)
        if rule.type in conditions.ROW_COUNT:
            return self._of_table(f"countif({self._condition})" if self._condition else "count(*)")
        if rule.type in conditions.AGGREGATES and self._condition is None:
            aggregate = self._engine.aggregate(rule)
            if aggregate is not None:
                return self._of_table(self._sql(aggregate))
        if rule.type == conditions.QUERY:
            return self._own_query()
        if rule.type in conditions.DISTINCT:
            return self._distinct()
        broken = conditions.broken(rule, self._engine, self._schema, self._statistics)
        return self._outside_the_scan() if broken is None else self._of_records(broken)

    def _of_table(self, text: str) -> Clause:
        """The number of records is known of an empty table; every other value of nothing is nothing."""
        rule = self._rule
        is_known = rule.type in conditions.ROW_COUNT
        return Clause(
            {"": text},
            lambda values, rows: count_of_table(rule, values[""]) if rows or is_known else Count(),
            params=self._params,
        )

    def _of_records(self, broken: Any) -> Clause:
        """A rule about records, by the condition of one that breaks it."""
        rule, condition, base = self._rule, self._condition, conditions.base(self._rule)
        text = _all(condition, self._sql(broken))
        columns = {"_failed": f"countif({text})"}
        if condition:
            columns["_examined"] = f"countif({condition})"
        if base is not None and rule.mostly < 1:
            columns["_base"] = f"countif({_all(condition, self._sql(base))})"
        return Clause(columns, lambda values, rows: count_clause(rule, values, rows), text, self._params)

    def _own_query(self) -> Clause | Query:
        rule, own = self._rule, OwnQuery.read(str(self._rule.kwargs["unexpected_rows_query"]))
        if (text := own.filter) is None:
            return Query(own)
        columns = {"_failed": f"countif({text})"}
        return Clause(columns, lambda values, rows: count_clause(rule, values, rows), f"({text})", is_own_sql=True)

    def _distinct(self) -> Clause:
        """Which values a column has: those of the rule's set, each once, and any other where none may be."""
        condition = self._condition
        within, wanted, others = conditions.distinct(self._rule, self._schema)
        text = self._sql(within)
        columns = {"_within": f"count(distinct {f'if({condition}, {text}, null)' if condition else text})"}
        if others is not None:
            columns["_others"] = f"countif({_all(condition, self._sql(others))})"
        return Clause(columns, lambda values, rows: count_distinct(wanted, values, rows), params=self._params)

    def _outside_the_scan(self) -> Known | ByGx:
        rule = self._rule
        if rule.type in TYPES:
            types, column = rule.kwargs.get("type_list") or [rule.kwargs["type_"]], rule.columns[0]
            return Known(Count(has_type(column, types, self._schema), observed=self._schema.kind(column)))
        is_by_statistics = is_about_records(rule.type)
        if is_by_statistics and self._statistics is not None:
            raise RuleError(f"Great Expectations does not give which records break {rule.type}")
        return ByGx(rule, is_by_statistics)

    def _sql(self, clause: Any) -> str:
        """A condition as text; its values become parameters."""
        compiled = clause.compile(dialect=self._engine.dialect)
        values = compiled.params

        def parameter(found: re.Match[str]) -> str:
            name = f"p{self._first + len(self._params)}"
            self._params[name] = _sent(values[found[1]])
            return f"@{name}"

        return _PLACEHOLDER.sub(parameter, str(compiled)).replace("%%", "%")


def _sent(value: Any) -> Any:
    """A time without a zone is a DATETIME: only a DATETIME column makes one."""
    first = value[0] if isinstance(value, list) and value else value
    return Param("DATETIME", value) if isinstance(first, datetime) and first.tzinfo is None else value


def _all(*texts: str | None) -> str:
    return " and ".join(f"({text})" for text in texts if text)
