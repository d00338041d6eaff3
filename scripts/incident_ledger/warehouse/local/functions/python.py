"""Our own functions in Python, where DuckDB's SQL does not say them. Each returns NULL for a NULL argument."""

import json
import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from functools import lru_cache
from zoneinfo import ZoneInfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = 1_000_000
_DAY = 86_400 * _SECOND
_FIRST, _LAST = -62_135_596_800 * _SECOND + _DAY, 253_402_300_800 * _SECOND - _DAY
_OFFSET = re.compile(r"([+-])(\d{1,2})(?::?(\d{2}))?")
_HEX = re.compile(r"\s*([+-]?)0[xX]([0-9a-fA-F]+)\s*")


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo | int | None:
    """The zone, or its fixed offset in microseconds; None when there is no such zone."""
    fixed = _OFFSET.fullmatch(name)
    if fixed:
        hours, minutes = int(fixed[2]), int(fixed[3] or 0)
        if hours > 14 or minutes > 59:
            return None
        return (1 if fixed[1] == "+" else -1) * (hours * 60 + minutes) * 60 * _SECOND
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return None


def local_us(us: int, name: str) -> int | None:
    """Microseconds since 1970 of an instant's clock in a zone. (In years 1 and 9999 by the offset of the next day.)"""
    zone = _zone(name)
    if zone is None:
        return None
    if isinstance(zone, int):
        return us + zone
    instant = _EPOCH + timedelta(microseconds=min(max(us, _FIRST), _LAST))
    offset = instant.astimezone(zone).utcoffset() or timedelta()
    return us + round(offset.total_seconds() * _SECOND)


def instant_us(us: int, name: str) -> int | None:
    """The other way. Of a clock that is shown twice the first; of one that is never shown by the offset before."""
    zone = _zone(name)
    if zone is None:
        return None
    if isinstance(zone, int):
        return us - zone
    clock = _EPOCH + timedelta(microseconds=min(max(us, _FIRST), _LAST))
    offset = clock.replace(tzinfo=zone, fold=0).utcoffset() or timedelta()
    return us - round(offset.total_seconds() * _SECOND)


def hex_int64(text: str) -> int | None:
    """`0x1F`."""
    found = _HEX.fullmatch(text)
    if found is None:
        return None
    number = int(found[1] + found[2], 16)
    return number if -(2**63) <= number < 2**63 else None


def float_text(value: float) -> str:
    """15 digits where they give the same FLOAT64 back, else 17: 1e+20, 1.5, 0.33333333333333331."""
    if math.isnan(value):
        return "nan"
    if value == 0:
        return "0"  # also of -0.0
    if value in {float("inf"), float("-inf")}:
        return "inf" if value > 0 else "-inf"
    text = f"{value:.15g}"
    return text if float(text) == value else f"{value:.17g}"


def numeric_div(dividend: str, divisor: str) -> str | None:
    """A quotient of two NUMERIC, rounded half away from zero to nine places; None when there is none that fits."""
    if not Decimal(divisor):
        return None
    with localcontext(Context(prec=120)):
        quotient = Decimal(dividend) / Decimal(divisor)
        rounded = quotient.quantize(Decimal("1e-9"), ROUND_HALF_UP)
    return f"{rounded:f}" if abs(rounded) < 10**29 else None


def float_numeric(value: float) -> str | None:
    """A FLOAT64 as NUMERIC, rounded half away from zero to nine places; None when it does not fit."""
    if not math.isfinite(value) or abs(value) >= 1e29:
        return None
    with localcontext(Context(prec=120)):
        return f"{Decimal(value).quantize(Decimal('1e-9'), ROUND_HALF_UP):f}"


def decode(value: bytes) -> str | None:
    """BYTES as text; None when they are no UTF-8."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return None


def instr(text: str, part: str, place: int, count: int) -> int | None:
    """Where the `count`-th `part` begins, from `place` on; from the end where that is negative. None: bad arguments."""
    if place == 0 or count < 1:
        return None
    if not part and text == "":
        return 0 if place != 1 or count > 1 else 1
    if abs(place) > len(text):
        return 0
    at, step = (place - 1, 1) if place > 0 else (len(text) + place + (not part), -1)
    while 0 <= at <= len(text):
        if text.startswith(part, at):
            count -= 1
            if count == 0:
                return at + 1
        at += step
    return 0


def has_wide_number(text: str) -> bool:
    """Whether a JSON text has a number that is no INT64 and that a FLOAT64 would change; False when it is no JSON."""
    found = False

    def note(digits: str) -> float:
        nonlocal found
        value = float(digits)
        found = found or math.isinf(value) or (digits.lstrip("-").isdigit() and not -(2**63) <= int(digits) < 2**63)
        return value

    try:
        json.loads(text, parse_int=note, parse_float=note)
    except (ValueError, RecursionError):
        return False
    return found


def json_text(text: str) -> str | None:
    """JSON as BigQuery writes it: keys in order, no blanks; None of numbers that it may write otherwise."""
    try:
        value = json.loads(text, parse_float=_plain_float, parse_int=_plain_int)
    except (ValueError, RecursionError):
        return None
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _plain_float(digits: str) -> float:
    value = float(digits)
    if "e" in digits.lower() or abs(value) >= 1e15:  # 1e+15 there, 1000000000000000.0 in Python
        raise ValueError(digits)
    return value


def _plain_int(digits: str) -> int:
    value = int(digits)
    if not -(2**63) <= value < 2**63:
        raise ValueError(digits)
    return value


class FailedError(Exception):
    """What is an error of BigQuery's."""


REFUSALS: list[str] = []
"""What was refused since somebody emptied this: SAFE makes a NULL of every error, and may not of a refusal."""


def fail(words: str) -> bool:
    """Never returns."""
    raise FailedError(words)


def refuse(words: str) -> bool:
    """The same, of what the local warehouse does not compute."""
    REFUSALS.append(words)
    raise FailedError(words)


FUNCTIONS: dict[str, tuple[Callable[..., object], tuple[str, ...], str]] = {
    "il_local_us": (local_us, ("BIGINT", "VARCHAR"), "BIGINT"),
    "il_instant_us": (instant_us, ("BIGINT", "VARCHAR"), "BIGINT"),
    "il_hex_int64": (hex_int64, ("VARCHAR",), "BIGINT"),
    "il_numeric_div": (numeric_div, ("VARCHAR", "VARCHAR"), "VARCHAR"),
    "il_instr_of": (instr, ("VARCHAR", "VARCHAR", "BIGINT", "BIGINT"), "BIGINT"),
    "il_has_wide_number": (has_wide_number, ("VARCHAR",), "BOOLEAN"),
    "il_json_text": (json_text, ("VARCHAR",), "VARCHAR"),
    "il_raise": (fail, ("VARCHAR",), "BOOLEAN"),
    "il_refusal": (refuse, ("VARCHAR",), "BOOLEAN"),
    "il_float_numeric": (float_numeric, ("DOUBLE",), "VARCHAR"),
    "il_decode": (decode, ("BLOB",), "VARCHAR"),
    "il_float_text": (float_text, ("DOUBLE",), "VARCHAR"),
}
