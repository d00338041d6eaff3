"""Conditions that replace Great Expectations' where those differ from the design or from what BigQuery takes.

- between: bounds typed as the column (a DATE parameter against a TIMESTAMP is refused), integers beyond 2^53 exact, and
  a NaN is in no range;
- distinct values in a set: records with another value, not the number of other values;
- pairs and several columns: `ignore_row_if` as a part of the condition; otherwise as the library counts on SQL: two
  values of which one is null are not equal, and of no order, so that only "equal" is broken;
- uniqueness, of one column or several: all records of a repeated value. In a key a null is a value like any other, but
  a record without any value of it (or with any missing, if `ignore_row_if` says so) has no key.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from incident_ledger.quality.compiler.gx import Engine, rule_is_about_nulls
from incident_ledger.quality.compiler.typing import GROUPABLE, NUMBERS, ORDERED, TEXT, RuleError, Schema, convert
from incident_ledger.quality.suite_types import Rule

UNIQUE = {"expect_column_values_to_be_unique", "expect_compound_columns_to_be_unique"}
ROW_COUNT = {"expect_table_row_count_to_be_between", "expect_table_row_count_to_equal"}
QUERY = "unexpected_rows_expectation"
BETWEEN = "expect_column_values_to_be_between"
AGGREGATES = {f"expect_column_{name}_to_be_between" for name in ("max", "min", "mean", "sum", "unique_value_count")}
_OF_SCHEMA = {"expect_column_to_exist", "expect_table_columns_to_match_ordered_list"}
_MEASURED = {"expect_column_value_z_scores_to_be_less_than", "expect_column_values_to_not_be_outliers"}
DISTINCT = {f"expect_column_distinct_values_to_{name}_set" for name in ("contain", "equal")}
_DISTINCT_IN_SET = "expect_column_distinct_values_to_be_in_set"
_TEXT_RULES = ("regex", "like_pattern", "value_lengths", "strftime", "json", "dateutil")
_PARAMETER = re.compile(r"(as_of|day)(?:\s*([+-])\s*(\d+)\s*(minutes|hours|days))?")


def with_parameters(rule: Rule, as_of: datetime, schema: Schema) -> Rule:
    """The rule with its `{"$PARAMETER": "as_of - 36 hours"}` bounds as times, so that a suite can check freshness.

    Raises `RuleError` for an unknown parameter.
    """
    kwargs = {
        name: _parameter(value["$PARAMETER"], as_of) if isinstance(value, Mapping) and "$PARAMETER" in value else value
        for name, value in rule.kwargs.items()
    }
    if kwargs == dict(rule.kwargs):
        return rule
    if rule.columns and schema.kind(rule.columns[0]) == "DATE":
        kwargs = {name: value[:10] if value is not rule.kwargs[name] else value for name, value in kwargs.items()}
    return replace(rule, kwargs=kwargs)


def _parameter(text: Any, as_of: datetime) -> str:
    found = _PARAMETER.fullmatch(str(text).strip())
    if found is None or found[1] != "as_of":
        raise RuleError(f"$PARAMETER {text!r} is unknown: write `as_of`, or `as_of - 36 hours` (minutes, hours, days)")
    if found[2] is None:
        return as_of.isoformat()
    try:
        span = timedelta(**{found[4]: int(found[3])})
        return (as_of - span if found[2] == "-" else as_of + span).isoformat()
    except (OverflowError, ValueError):  # a number of thousands of digits too
        raise RuleError(f"$PARAMETER {str(text)[:80]!r} is a time that no calendar has") from None


def check_columns(rule: Rule, schema: Schema) -> None:
    """Refuse, before anything is sent, what the table's columns cannot answer. Raises `RuleError`."""
    if rule.type in _OF_SCHEMA:
        return
    for column in rule.columns:
        kind = schema.kind(column)
        if kind == "ARRAY" and not rule_is_about_nulls(rule):
            raise RuleError(f"column {column!r} is repeated: only its presence can be checked")
        if any(word in rule.type for word in _TEXT_RULES):
            schema.require(column, TEXT | ({"BYTES"} if "lengths" in rule.type else set()), rule.type)
        if rule.type in _MEASURED:
            schema.require(column, NUMBERS, rule.type)
        if rule.type in UNIQUE:
            schema.require(column, GROUPABLE, "uniqueness")
        if rule.type == BETWEEN or "a_to_be_greater_than_b" in rule.type:
            schema.require(column, ORDERED, "an order of values")
    if len({schema.kind(column) for column in rule.columns}) > 1 and "pair_values" in rule.type:
        both = ", ".join(f"{column} {schema.kind(column)}" for column in rule.columns)
        raise RuleError(f"the two columns differ in type: {both}")


def broken(rule: Rule, engine: Engine, schema: Schema, statistics: Mapping[str, Any] | None = None) -> Any:
    """The condition of a record that breaks the rule; None when the rule is not about records one by one.

    Of a rule that measures a record by the others it is None without their `statistics`.
    """
    import sqlalchemy as sa

    if rule.type == BETWEEN:
        return _outside(rule, schema)
    if rule.type == _DISTINCT_IN_SET:
        rule = replace(rule, type="expect_column_values_to_be_in_set")
    if rule.type.endswith("_in_set") and rule.type.startswith("expect_column_values"):
        return _set(rule, schema)
    condition = engine.condition(rule, statistics)
    counted = base(rule)
    if condition is None or counted is None or "column" in rule.kwargs:
        return condition
    return sa.and_(counted, condition)


def base(rule: Rule) -> Any:
    """The condition of a record that counts towards `mostly`; None when all do."""
    import sqlalchemy as sa

    if rule_is_about_nulls(rule):
        return None
    if "column" in rule.kwargs:
        return sa.column(rule.kwargs["column"]).isnot(None)
    present = [sa.column(column).isnot(None) for column in rule.columns]
    ignore = rule.kwargs.get("ignore_row_if")
    if ignore in {"never", "neither"} or not present:
        return None
    return sa.and_(*present) if ignore in {"any_value_is_missing", "either_value_is_missing"} else sa.or_(*present)


def _outside(rule: Rule, schema: Schema) -> Any:
    import sqlalchemy as sa

    column = rule.kwargs["column"]
    kind = schema.kind(column)
    value: Any = sa.column(column)
    outside = []
    low, high = rule.kwargs.get("min_value"), rule.kwargs.get("max_value")
    if low is not None:
        bound = sa.literal(convert(low, kind, column))
        outside.append(value <= bound if rule.kwargs.get("strict_min") else value < bound)
    if high is not None:
        bound = sa.literal(convert(high, kind, column))
        outside.append(value >= bound if rule.kwargs.get("strict_max") else value > bound)
    if not outside:
        raise RuleError("a range needs min_value or max_value")
    if kind == "FLOAT64":
        outside.append(sa.func.is_nan(value))
    return sa.or_(*outside)


def _set(rule: Rule, schema: Schema) -> Any:
    """In and not in a set: a null in the set has no effect, since a null breaks neither rule."""
    import sqlalchemy as sa

    column = rule.kwargs["column"]
    kind = schema.kind(column)
    value: Any = sa.column(column)
    items = [convert(item, kind, column) for item in rule.kwargs["value_set"] if item is not None]
    if not items:
        raise RuleError("value_set has no value")
    is_wanted = "_not_be_in_set" not in rule.type
    if kind == "BOOL":  # the dialect writes `in` of booleans as a comparison that BigQuery does not know
        equal = sa.or_(*(value == item for item in items))
        return sa.not_(equal) if is_wanted else equal
    return value.not_in(items) if is_wanted else value.in_(items)


def distinct(rule: Rule, schema: Schema) -> tuple[Any, int, Any]:
    """A column's values that are in the rule's set, how many there must be, and the condition of a record with another.

    The last is None when others are allowed.
    """
    import sqlalchemy as sa

    column = rule.kwargs["column"]
    kind = schema.kind(column)
    wanted = {convert(item, kind, column) for item in rule.kwargs["value_set"] if item is not None}
    others = _set(replace(rule, type="expect_column_values_to_be_in_set"), schema)
    within = sa.case((sa.not_(others), sa.column(column)))
    return within, len(wanted), others if "equal" in rule.type else None
