"""Times as text: always with their zone, always UTC."""

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta

_ALL_YEARS = range(1, 10_000)
_SPAN = re.compile(r"(?P<number>[0-9]{1,6}(\.[0-9]{1,6})?)(?P<unit>s|m|h|d)?")
_SECONDS = {None: 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}


class TimeError(ValueError):
    """A text that is not a time with a zone. `str()` is what is wrong, after the text; `advice` is what to do."""

    def __init__(self, problem: str, advice: str = "write it as 2026-03-02T09:00:00Z") -> None:
        super().__init__(problem)
        self.advice = advice


def parse_time(text: str, years: range = _ALL_YEARS) -> datetime:
    """An ISO 8601 time in UTC. A time without a zone is refused: which one would be somebody's guess.

    `years` are those that it may lie in. Raises `TimeError`.
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise TimeError("is not a time") from None
    if time.tzinfo is None:
        raise TimeError("has no time zone", f"write {time.isoformat()}Z if it is UTC")
    with suppress(OverflowError):
        if (time := time.astimezone(UTC)).year in years:
            return time
    raise TimeError(f"is outside of the years {years.start} to {years.stop - 1}")


def parse_span(text: str) -> timedelta:
    """`60s`, `2m`, `0.5h`, `3d` or a number of seconds. Raises `TimeError`."""
    found = _SPAN.fullmatch(text)
    if found is None:
        raise TimeError("is not a span of time", "write it as 90m or 2h")
    return timedelta(seconds=float(found["number"]) * _SECONDS[found["unit"]])


def timestamp(time: datetime) -> str:
    """UTC, to the microsecond, in one form. Raises `ValueError` for a time without a zone."""
    if time.tzinfo is None:
        raise ValueError(f"{time.isoformat()} has no time zone")
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def iso_time(time: datetime) -> str:
    """UTC, without a fraction where there is none: for people and their tools."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")
