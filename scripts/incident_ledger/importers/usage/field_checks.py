"""What a field of a usage record may hold. A check returns what is wrong, or None.

Only what cannot be read is refused here. Whether a value makes sense (a negative count, a missing user) is for the
quality rules, which count it.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from incident_ledger import encoding

Check = Callable[[Any], str | None]

_INT64 = 2**63 - 1
_WHOLE_DIGITS = 26  # NUMERIC holds 29 digits before the point; cents and sums need room
# Forms that SQL casts too: Python alone also reads `1_000`, digits of other scripts and `2026-W01-1`.
_AMOUNT = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})?")
_TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
_EPOCH = re.compile(r"-?[0-9]{9,18}")


def whole(value: Any) -> str | None:
    """A whole number that fits INT64, or null."""
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _INT64):
        return None
    return f"is {show(value)}, not a whole number"


def money(value: Any) -> str | None:
    """A decimal number or its text, in cents, or null."""
    if value is None:
        return None
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        return f"is {show(value)}, not an amount in cents"
    if not _AMOUNT.fullmatch(str(value)) or Decimal(str(value)).adjusted() >= _WHOLE_DIGITS:
        return f"is {show(value)}, not an amount in cents"
    return None


def some_money(value: Any) -> str | None:
    """As `money`, and not null."""
    return "is missing" if value is None else money(value)


def text(value: Any) -> str | None:
    """Text or null."""
    return None if value is None or isinstance(value, str) else f"is {show(value)}, not text"


def flag(value: Any) -> str | None:
    """True, false or null."""
    return None if value is None or isinstance(value, bool) else f"is {show(value)}, not true or false"


def usd(value: Any) -> str | None:
    """The currency, which must be USD where it is given."""
    return None if value in (None, "USD") else f"is {show(value)}; only USD can be added up"


def tokens_by_lifetime(value: Any) -> str | None:
    """Cache creation: counts by the cache's lifetime, or their plain sum, or null. Never a shape that reads as 0."""
    if not isinstance(value, dict):
        return whole(value)
    known = ("ephemeral_1h_input_tokens", "ephemeral_5m_input_tokens")
    for name, count in value.items():
        problem = whole(count) if name in known else "is not known; it would be left out of the sum"
        if problem:
            return f"has {name}, which {problem}"
    return None


def check_fields(record: Any, checks: Mapping[str, Check]) -> tuple[str, str] | None:
    """The first field that is wrong, as (path, what is wrong); None when all can be read.

    A path leads through objects by dots; `name[]` is each member of a list. Missing and null are the same.
    """
    for path, check in checks.items():
        for where, value in _values(record, path.split("."), ""):
            problem = "is not an object" if value is _NO_OBJECT else check(value)
            if problem:
                return where, problem
    return None


def epoch(value: Any) -> str | None:
    """A time in whole milliseconds since 1970, a number or its text."""
    if isinstance(value, str | int) and not isinstance(value, bool) and _EPOCH.fullmatch(str(value)):
        return None
    return "is missing" if value is None else f"is {show(value)}, not a time in milliseconds"


def written_time(value: Any) -> str | None:
    """A time with its zone or a date, as text."""
    if isinstance(value, str) and _TIME.fullmatch(value):
        return None
    return "is missing" if value is None else f"is {show(value)}, not a time"


def parse_time(value: Any) -> datetime:
    """A time with its zone, an epoch in milliseconds (number or text), or a date, in UTC. Raises `ValueError`."""
    if isinstance(value, bool) or value is None:
        raise ValueError("is missing" if value is None else f"is {show(value)}, not a time")
    try:
        found = _epoch(value) if isinstance(value, int | float) or _EPOCH.fullmatch(str(value)) else _iso(str(value))
    except OverflowError:
        raise ValueError(f"is {show(value)}, a time outside of 2000 to 2199") from None
    if not datetime(2000, 1, 1, tzinfo=UTC) <= found < datetime(2200, 1, 1, tzinfo=UTC):
        raise ValueError(f"is {show(value)}, a time outside of 2000 to 2199")
    return found


def one_day(starting_at: datetime, ending_at: datetime) -> date:
    """The UTC day that holds the whole of a bucket. Raises `ValueError` when none does."""
    midnight = starting_at.replace(hour=0, minute=0, second=0, microsecond=0)
    if ending_at < starting_at:
        raise ValueError(f"is {ending_at.isoformat()}, before the bucket's start at {starting_at.isoformat()}")
    if ending_at > midnight + timedelta(days=1):
        raise ValueError(
            f"is {ending_at.isoformat()}, on another day than the bucket's start at {starting_at.isoformat()}: "
            "its usage belongs to no single day"
        )
    return starting_at.date()


def show(value: Any) -> str:
    """A value in an error message, cut to a readable length."""
    return encoding.shortened(repr(value), 60)


_NO_OBJECT = object()


def _values(value: Any, path: list[str], where: str) -> list[tuple[str, Any]]:
    if not path:
        return [(where, value)]
    if value is None:
        return []
    name, many = path[0].removesuffix("[]"), path[0].endswith("[]")
    if not isinstance(value, dict):
        return [(where, _NO_OBJECT)]
    here = f"{where}.{name}".lstrip(".")
    found = value.get(name)
    if not many:
        return [(here, found)] if len(path) == 1 else _values(found, path[1:], here)
    if found is not None and not isinstance(found, list):
        return [(here, _NO_OBJECT)]
    members = enumerate(found or [])
    return [pair for i, member in members for pair in _values(member, path[1:], f"{here}[{i}]")]


def _epoch(value: Any) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=int(value))


def _iso(value: str) -> datetime:
    try:
        return encoding.parse_time(f"{value}T00:00:00Z" if len(value) == len("2026-03-02") else value)
    except encoding.TimeError as error:
        raise ValueError(f"is {show(value)}, which {error}") from None
