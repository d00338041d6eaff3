"""One value of a file as a column holds it. Nothing is rounded or cut: what does not fit is an error."""

import base64
import binascii
import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from incident_ledger.warehouse.client import Column

_INTEGER = re.compile(r"[+-]?\d+")
_DECIMAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_NOT_FINITE = re.compile(r"[+-]?(inf|infinity)|nan", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TOO_FINE = re.compile(r"\.\d{7,}")
_BOOLS = {"true": True, "t": True, "yes": True, "y": True, "1": True}
_BOOLS |= {"false": False, "f": False, "no": False, "n": False, "0": False}
_INT64 = 2**63


class BadValueError(ValueError):
    """What is wrong with one value; who reads the file adds where it stands."""


class Number(str):
    """A number of a JSON file, as it is written there."""

    __slots__ = ()


class JsonText(str):
    """A value of a JSON column: valid JSON, as text."""

    __slots__ = ()


def convert(value: Any, column: Column) -> Any:
    """The value as Python holds it for the column's type. Raises `BadValueError`."""
    if column.is_array:
        return _array(value, column)
    if value is None or (value == "" and column.kind != "STRING"):
        if column.mode == "REQUIRED":
            raise BadValueError("is empty, and the table says REQUIRED")
        return None
    if column.kind == "RECORD":
        return _record(value, column)
    read: Callable[[Any], Any] = _READERS.get(column.kind, _string)
    return read(value)


def _array(value: Any, column: Column) -> list[Any]:
    if value is None or value == "":
        return []
    if not isinstance(value, list):
        raise BadValueError("is one value, and the column an ARRAY")
    if any(item is None for item in value):
        raise BadValueError("holds a null, which an ARRAY cannot keep")
    one = Column(column.name, column.kind, "NULLABLE", column.fields)
    return [convert(item, one) for item in value]


def _record(value: Any, column: Column) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadValueError("is no object, and the column a RECORD")
    known = {inner.name.lower(): inner for inner in column.fields}
    given = {key.lower(): item for key, item in value.items()}
    unknown = [key for key in value if key.lower() not in known]
    if unknown:
        raise BadValueError(f"has a field {unknown[0]!r} that the column has not")
    result = {}
    for key, inner in known.items():
        try:
            result[inner.name] = convert(given.get(key), inner)
        except BadValueError as error:
            raise BadValueError(f"field {inner.name}: {error}") from None
    return result


def json_text(value: Any) -> str:
    """A value of a JSON file as JSON again, its numbers as they were written."""
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k, ensure_ascii=False)}:{json_text(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(json_text(item) for item in value) + "]"
    return json.dumps(value, ensure_ascii=False)


def _string(value: Any) -> str:
    return _whole(str(value) if isinstance(value, str) else json_text(value))


def _whole(text: str) -> str:
    """JSON can write half of a character (`\\ud83d` alone), which UTF-8 and the warehouse cannot."""
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise BadValueError(f"has half of a character (an unpaired surrogate) at {error.start + 1}") from None
    return text


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise _unfit(value, what)
    return value.strip()


def _unfit(value: Any, what: str) -> BadValueError:
    shown = value if isinstance(value, str) else json_text(value)
    return BadValueError(f"{shown[:60]!r} is no {what}")


def _int64(value: Any) -> int:
    text = _text(value, "INT64")
    if not _INTEGER.fullmatch(text) or not -_INT64 <= int(text) < _INT64:
        raise _unfit(value, "INT64")
    return int(text)


def _float64(value: Any) -> float:
    text = _text(value, "FLOAT64")
    if not _DECIMAL.fullmatch(text) and not _NOT_FINITE.fullmatch(text):
        raise _unfit(value, "FLOAT64")
    return float(text)


def _exact(what: str, integers: int, decimals: int) -> Callable[[Any], Decimal]:
    def read(value: Any) -> Decimal:
        text = _text(value, what)
        if not _DECIMAL.fullmatch(text):
            raise _unfit(value, what)
        number = Decimal(text)
        exponent = number.normalize().as_tuple().exponent
        if abs(number) >= Decimal(10) ** integers or (isinstance(exponent, int) and -exponent > decimals):
            raise BadValueError(f"{text[:60]!r} has more digits than {what} keeps ({integers} and {decimals} decimals)")
        return number

    return read


def _bool(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = _text(value, "BOOL").lower()
    if text not in _BOOLS:
        raise _unfit(value, "BOOL")
    return _BOOLS[text]


def _date(value: Any) -> date:
    text = _text(value, "DATE (YYYY-MM-DD)")
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass  # such as 2026-02-30
    raise _unfit(value, "DATE (YYYY-MM-DD)")


def moment(value: Any, what: str) -> datetime:
    """A time with or without a zone. Raises `BadValueError`."""
    text = _text(value, what)
    if _TOO_FINE.search(text):
        raise BadValueError(f"{text[:60]!r} is finer than a microsecond")
    try:
        return datetime.fromisoformat(text.removesuffix(" UTC") + "+00:00" * text.endswith(" UTC"))
    except ValueError:
        raise _unfit(value, what) from None


def _timestamp(value: Any) -> datetime:
    # As in BigQuery, a time without a zone is in UTC.
    time_of = moment(value, "TIMESTAMP")
    return time_of.replace(tzinfo=UTC) if time_of.tzinfo is None else time_of.astimezone(UTC)


def _datetime(value: Any) -> datetime:
    time_of = moment(value, "DATETIME")
    if time_of.tzinfo is not None:
        raise BadValueError(f"{str(value)[:60]!r} has a time zone, and a DATETIME has none")
    return time_of


def _time(value: Any) -> time:
    try:
        return time.fromisoformat(_text(value, "TIME"))
    except ValueError:
        raise _unfit(value, "TIME") from None


def _bytes(value: Any) -> bytes:
    try:
        return base64.b64decode(_text(value, "BYTES (base64)"), validate=True)
    except binascii.Error:
        raise _unfit(value, "BYTES (base64)") from None


def _json(value: Any) -> JsonText:
    return JsonText(_whole(json_text(value)))


def json_of_text(value: str) -> Any:
    """The JSON that a field of a CSV file holds. Raises `BadValueError`."""
    try:
        return json.loads(value, parse_int=Number, parse_float=Number)
    except ValueError:
        raise BadValueError(f"{value[:60]!r} is no JSON") from None


_READERS: dict[str, Callable[[Any], Any]] = {
    "STRING": _string,
    "INT64": _int64,
    "FLOAT64": _float64,
    "NUMERIC": _exact("NUMERIC", 29, 9),
    "BIGNUMERIC": _exact("BIGNUMERIC", 38, 38),
    "BOOL": _bool,
    "DATE": _date,
    "TIMESTAMP": _timestamp,
    "DATETIME": _datetime,
    "TIME": _time,
    "BYTES": _bytes,
    "JSON": _json,
}
