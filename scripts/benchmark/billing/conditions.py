"""The days that a condition leaves of the partition column that it is about.

BigQuery prunes partitions where a filter compares the column with constants: literals, bound parameters, and simple
arithmetic on them. All else (a subquery, another column, a function that is not known here) leaves every day.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlglot import exp

from benchmark.billing.day_sets import DaySet, between, listed

Parameters = Mapping[str, Any]
"""Bound values by name: texts as BigQuery's API has them, an array as a list."""

_MIRRORED = {exp.GT: exp.LT, exp.GTE: exp.LTE, exp.LT: exp.GT, exp.LTE: exp.GTE, exp.EQ: exp.EQ}
_SUBTRACTIONS = (exp.DateSub, exp.TimestampSub, exp.DatetimeSub)
_ADDITIONS = (exp.DateAdd, exp.TimestampAdd, exp.DatetimeAdd)
_UNITS = ("microsecond", "millisecond", "second", "minute", "hour", "day", "week")
_DAY_TYPES = {"DATE"}
_TIME_TYPES = {"TIMESTAMP", "TIMESTAMPTZ", "DATETIME"}


def conjuncts(condition: exp.Expression | None) -> Iterator[exp.Expression]:
    """The conditions that all must be met."""
    if isinstance(condition, exp.Paren):
        yield from conjuncts(condition.this)
    elif isinstance(condition, exp.And):
        yield from conjuncts(condition.left)
        yield from conjuncts(condition.right)
    elif condition is not None:
        yield condition


def days_left(condition: exp.Expression, parameters: Parameters) -> tuple[exp.Column, DaySet] | None:
    """The column that a condition is about and the days that it leaves of it; None where that is not known."""
    if isinstance(condition, exp.Paren):
        return days_left(condition.this, parameters)
    if isinstance(condition, exp.And | exp.Or):
        return _combined(condition, parameters)
    if isinstance(condition, exp.Between):
        low = _compared(exp.GTE, condition.this, condition.args["low"], parameters)
        high = _compared(exp.LTE, condition.this, condition.args["high"], parameters)
        return (low[0], low[1] & high[1]) if low and high else low or high
    if isinstance(condition, exp.In):
        return _in(condition, parameters)
    kind = type(condition)
    if kind not in _MIRRORED:
        return None
    left, right = condition.this, condition.expression
    return _compared(kind, left, right, parameters) or _compared(_MIRRORED[kind], right, left, parameters)


def column_of_days(expression: exp.Expression) -> exp.Column | None:
    """The column whose days an expression has: the column itself, or its date."""
    if isinstance(expression, exp.Alias | exp.Paren):
        return column_of_days(expression.this)
    if isinstance(expression, exp.Column):
        return None if isinstance(expression.this, exp.Star) else expression
    is_day = isinstance(expression, exp.Date) and not expression.args.get("zone") and not expression.expressions
    is_cast = isinstance(expression, exp.Cast) and expression.to.this.name in _DAY_TYPES | _TIME_TYPES
    is_trunc = isinstance(expression, exp.TimestampTrunc | exp.DateTrunc) and _unit(expression) == "day"
    return column_of_days(expression.this) if is_day or is_cast or is_trunc else None


def constant(expression: exp.Expression, parameters: Parameters) -> date | datetime | None:
    """The day or time that an expression of constants has; None where it is none."""
    if isinstance(expression, exp.Paren):
        return constant(expression.this, parameters)
    if isinstance(expression, exp.Literal):
        return _parsed(expression.name) if expression.is_string else None
    if isinstance(expression, exp.Parameter):
        value = parameters.get(expression.name)
        return _parsed(value) if isinstance(value, str) else None
    if isinstance(expression, (*_SUBTRACTIONS, *_ADDITIONS)):
        return _shifted(expression, parameters)
    is_timestamp = isinstance(expression, exp.Timestamp) and not expression.args.get("zone")
    is_time = is_timestamp or (isinstance(expression, exp.Cast) and expression.to.this.name in _TIME_TYPES)
    is_date = isinstance(expression, exp.Date) and not expression.expressions
    is_date = is_date or (isinstance(expression, exp.Cast) and expression.to.this.name in _DAY_TYPES)
    if is_date or is_time:
        value = constant(expression.this, parameters)
        return value.date() if is_date and isinstance(value, datetime) else value
    return None


def _combined(condition: exp.And | exp.Or, parameters: Parameters) -> tuple[exp.Column, DaySet] | None:
    left, right = days_left(condition.left, parameters), days_left(condition.right, parameters)
    if isinstance(condition, exp.And):
        if left and right and left[0] == right[0]:
            return left[0], left[1] & right[1]
        return left or right
    if left and right and left[0] == right[0]:
        return left[0], left[1] | right[1]
    return None


def _compared(
    kind: type[exp.Expression], left: exp.Expression, right: exp.Expression, parameters: Parameters
) -> tuple[exp.Column, DaySet] | None:
    column, value = column_of_days(left), constant(right, parameters)
    if column is None or value is None:
        return None
    # A column of times may have later ones on the day that a value is the beginning of.
    day = value.date() if isinstance(value, datetime) else value
    begins_day = not isinstance(value, datetime) or value.time() == time.min
    leaves: dict[type[exp.Expression], Callable[[], DaySet]] = {
        exp.EQ: lambda: listed([day]),
        exp.GT: lambda: between(day, None),
        exp.GTE: lambda: between(day, None),
        exp.LT: lambda: between(None, day - timedelta(days=1) if begins_day else day),
        exp.LTE: lambda: between(None, day),
    }
    return column, leaves[kind]()


def _in(condition: exp.In, parameters: Parameters) -> tuple[exp.Column, DaySet] | None:
    column, unnest = column_of_days(condition.this), condition.args.get("unnest")
    values: list[date | datetime | None]
    if unnest is None:
        values = [constant(each, parameters) for each in condition.expressions]
    else:
        (array,) = unnest.expressions
        if isinstance(array, exp.Parameter) and isinstance(parameters.get(array.name), list):
            values = [_parsed(each) for each in parameters[array.name]]
        elif isinstance(array, exp.Array):
            values = [constant(each, parameters) for each in array.expressions]
        else:
            return None
    if column is None or condition.args.get("query") is not None or None in values:
        return None
    return column, listed(each.date() if isinstance(each, datetime) else each for each in values if each)


def _shifted(expression: exp.Expression, parameters: Parameters) -> date | datetime | None:
    value, amount, unit = constant(expression.this, parameters), expression.expression, _unit(expression)
    if value is None or unit not in _UNITS or not isinstance(amount, exp.Literal):
        return None
    step = timedelta(**{f"{unit}s": int(amount.name)})
    return value - step if isinstance(expression, _SUBTRACTIONS) else value + step


def _unit(expression: exp.Expression) -> str:
    unit = expression.args.get("unit")
    return unit.name.lower() if unit is not None else ""


def _parsed(text: str) -> date | datetime | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    try:
        value = datetime.fromisoformat(text.strip().replace(" UTC", "+00:00"))
    except ValueError:
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
