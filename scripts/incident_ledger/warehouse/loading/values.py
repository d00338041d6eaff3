"""One value of a file as a column holds it. Nothing is rounded or cut: what does not fit is an error."""

import base64
import json
import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from incident_ledger.encoding import Fault, JsonError, read_json, scan_json
from incident_ledger.warehouse.client import Column

_INTEGER = re.compile(r"[+-]?[0-9]{1,40}")
_DECIMAL = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")
_NOT_FINITE = re.compile(r"[+-]?(inf|infinity)|nan", re.IGNORECASE)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TOO_FINE = re.compile(r"[.,]\d{7,}")
_BOOLS = {"true": True, "t": True, "yes": True, "y": True, "1": True}
_BOOLS |= {"false": False, "f": False, "no": False, "n": False, "0": False}
_INT64 = 2**63
_LONGEST_NUMBER = 400  # characters; no column keeps more


MAX_NAME = 300  # characters
_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9_]")


class BadValueError(ValueError):
    """What is wrong with one value; who reads the file adds where it stands."""


class UnkeptError(BadValueError):
    """A value that no column keeps, not even as text."""


def column_name(name: str) -> str:
    """A name that BigQuery takes: what is no letter, digit or `_` becomes `_`, and a digit in front gets one."""
    clean = _NOT_IN_A_NAME.sub("_", name.strip())
    return f"_{clean}" if clean[:1].isdigit() else clean


def named(record: dict[str, Any]) -> dict[str, Any]:
    """A record of JSON by names that BigQuery takes. Raises `BadValueError` when a key gives none, or two give one."""
    result = {column_name(key): value for key, value in record.items()}
    if len({name.lower() for name in result}) != len(record):
        raise BadValueError("two keys are one column's name (case and signs do not count)")
    if wrong := next((name for name in result if not 0 < len(name) <= MAX_NAME), None):
        raise BadValueError(f"the key {wrong[:60]!r}… is longer than {MAX_NAME} characters")
    if "" in result:
        raise BadValueError("a key is empty")
    return result


class Number(str):
    """A number of a JSON file, as it is written there."""

    __slots__ = ()


class JsonText(str):
    """A value of a JSON column: valid JSON, as text."""

    __slots__ = ()


def convert(value: Any, column: Column) -> Any:
    """The value as Python holds it for the column's type. Raises `BadValueError`."""
    if isinstance(value, Fault):
        raise UnkeptError(f"cannot be kept: {value.reason}")
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
    given = {name.lower(): item for name, item in named(value).items()}
    unknown = [key for key in value if column_name(key).lower() not in known]
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
    """A value of a JSON file as JSON again, its numbers as they were written. Raises `BadValueError` for a `Fault`."""
    if isinstance(value, Fault):
        raise UnkeptError(f"cannot be kept: {value.reason}")
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
    shown: str = value if isinstance(value, str) else json_text(value)
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
    number = float(text)
    is_nothing = number == 0 and re.search("[1-9]", text.lower().split("e")[0])
    if _DECIMAL.fullmatch(text) and (math.isinf(number) or is_nothing):
        raise BadValueError(f"{text[:60]!r} is beyond what FLOAT64 keeps")
    return number


def _exact(what: str, integers: int, decimals: int) -> Callable[[Any], Decimal]:
    def read(value: Any) -> Decimal:
        text = _text(value, what)
        if not _DECIMAL.fullmatch(text):
            raise _unfit(value, what)
        number = Decimal(text if len(text) <= _LONGEST_NUMBER else "1e9999")
        _sign, digits, exponent = number.as_tuple()
        idle = len(digits) - len("".join(map(str, digits)).rstrip("0"))
        if number and (number.adjusted() >= integers or -int(exponent) - idle > decimals):
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


def parse_time(value: Any, what: str) -> datetime:
    """A time with or without a zone. Raises `BadValueError`."""
    text = _text(value, what)
    if _TOO_FINE.search(text):
        raise BadValueError(f"{text[:60]!r} is finer than a microsecond")
    try:
        return datetime.fromisoformat(text.removesuffix(" UTC") + "+00:00" * text.endswith(" UTC"))
    except ValueError:
        raise _unfit(value, what) from None


def utc(time_of: datetime) -> datetime:
    """The same instant in UTC. Raises `BadValueError` where that is out of range."""
    try:
        return time_of.astimezone(UTC)
    except OverflowError:
        raise BadValueError(f"{time_of.isoformat()!r} is outside of the years 1 to 9999 in UTC") from None


def _timestamp(value: Any) -> datetime:
    # As in BigQuery, a time without a zone is in UTC.
    time_of = parse_time(value, "TIMESTAMP")
    return time_of.replace(tzinfo=UTC) if time_of.tzinfo is None else utc(time_of)


def _datetime(value: Any) -> datetime:
    time_of = parse_time(value, "DATETIME")
    if time_of.tzinfo is not None:
        raise BadValueError(f"{str(value)[:60]!r} has a time zone, and a DATETIME has none")
    return time_of


def _time(value: Any) -> time:
    text = _text(value, "TIME")
    try:
        time_of = time.fromisoformat(text)
    except ValueError:
        raise _unfit(value, "TIME") from None
    if _TOO_FINE.search(text):
        raise BadValueError(f"{text[:60]!r} is finer than a microsecond")
    if time_of.tzinfo is not None:
        raise BadValueError(f"{text[:60]!r} has a time zone, and a TIME has none")
    return time_of


def _bytes(value: Any) -> bytes:
    try:
        return base64.b64decode(_text(value, "BYTES (base64)"), validate=True)
    except BadValueError:
        raise
    except ValueError:  # not base64, or not even ASCII
        raise _unfit(value, "BYTES (base64)") from None


def _json(value: Any) -> JsonText:
    text = json_text(value)
    try:
        read_json(text)  # its numbers were kept as they are written until now
    except JsonError as error:
        raise UnkeptError(f"cannot be kept: {error.path}: {error.reason}".replace(": : ", ": ")) from None
    return JsonText(text)


def json_of_text(value: str) -> Any:
    """The JSON that a field of a CSV file holds. Raises `BadValueError`."""
    try:
        return scan_json(value, number=Number)
    except JsonError as error:
        raise BadValueError(f"{value[:60]!r} is no JSON: {error}") from None


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
