"""Values of a suite's JSON as BigQuery types them: by the column that they are compared with, never by how they look.

BigQuery refuses a DATE column compared with a text or a DATETIME, where the local warehouse is content; and an integer
that went through a float is another integer.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from incident_ledger.warehouse.client import Column, Param

ORDERED = {"INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC", "DATE", "DATETIME", "TIMESTAMP", "TIME"}
NUMBERS = {"INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC"}
GROUPABLE = ORDERED | {"STRING", "BYTES", "BOOL"}
TEXT = {"STRING"}


class RuleError(Exception):
    """A rule that cannot be evaluated, and why, for a person. It never ends a check: it becomes the rule's finding."""


@dataclass(frozen=True)
class Schema:
    """The columns of a table: kind by name. Names are compared as BigQuery does, without regard to case."""

    kinds: Mapping[str, str]

    @classmethod
    def of(cls, columns: Iterable[Column]) -> "Schema":
        """From a table's columns; a repeated one is of kind ARRAY."""
        return cls({column.name: "ARRAY" if column.is_array else column.kind for column in columns})

    def kind(self, column: str) -> str:
        """The kind of a column. Raises `RuleError` when there is none of the name."""
        found = {name.lower(): kind for name, kind in self.kinds.items()}.get(column.lower())
        if found is None:
            raise RuleError(f"the table has no column {column!r}; it has {', '.join(self.kinds)}")
        return found

    def require(self, column: str, kinds: set[str], why: str) -> str:
        """The kind of a column, which must be one of `kinds`."""
        kind = self.kind(column)
        if kind not in kinds:
            raise RuleError(f"{why} needs a column of type {', '.join(sorted(kinds))}; {column!r} is {kind}")
        return kind


def quoted(name: Any) -> str:
    """A name in backticks. Raises `RuleError` for what cannot be a name."""
    if not isinstance(name, str) or not name or any(sign in name for sign in "`\\\n"):
        raise RuleError(f"{name!r} is not the name of a column")
    return f"`{name}`"


def convert(value: Any, kind: str, column: str) -> Any:
    """`value` of a suite as the Python value that is sent as `kind`. Raises `RuleError` when it is not one."""
    converter = _CONVERTERS.get(kind)
    if converter is None:
        raise RuleError(f"column {column!r} is {kind}, which cannot be compared with {value!r}")
    try:
        return converter(value)
    except (ValueError, TypeError, OverflowError, InvalidOperation):
        raise RuleError(f"{value!r} is not of type {kind}, which column {column!r} is") from None


def literal(value: Any) -> str:
    """A value as GoogleSQL writes it, for a statement that a person runs. What is sent here is bound instead."""
    value = value.value if isinstance(value, Param) else value
    if isinstance(value, list):
        return f"[{', '.join(literal(item) for item in value)}]"
    if isinstance(value, datetime):
        return f"{'timestamp' if value.tzinfo else 'datetime'} '{value.isoformat(sep=' ')}'"
    if isinstance(value, date):
        return f"date '{value}'"
    if isinstance(value, Decimal):
        return f"numeric '{value}'"
    return json.dumps(value, ensure_ascii=False)  # texts, numbers and truth are written as in JSON


def _int(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    if isinstance(value, float):  # JSON writes 5 and 5.0 alike; 5.5 stays exact as a NUMERIC
        return int(value) if value.is_integer() else Decimal(str(value))
    return value if -(2**63) <= value < 2**63 else Decimal(value)


def _float(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return float(value)


def _numeric(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError
    return Decimal(str(value))


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _bool(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def utc_time(value: Any) -> datetime:
    """A time in UTC: a date is its midnight, and a time without a zone is UTC, as everywhere here."""
    if isinstance(value, str):
        value = datetime.fromisoformat(value)
    elif isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day, tzinfo=UTC)
    if not isinstance(value, datetime):
        raise TypeError
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _date(value: Any) -> date:
    at = utc_time(value)
    if (at.hour, at.minute, at.second, at.microsecond) != (0, 0, 0, 0):
        raise ValueError
    return at.date()


def _datetime(value: Any) -> datetime:
    return utc_time(value).replace(tzinfo=None)


_CONVERTERS: dict[str, Callable[[Any], Any]] = {
    "INT64": _int,
    "FLOAT64": _float,
    "NUMERIC": _numeric,
    "BIGNUMERIC": _numeric,
    "STRING": _text,
    "BOOL": _bool,
    "DATE": _date,
    "DATETIME": _datetime,
    "TIMESTAMP": utc_time,
}
