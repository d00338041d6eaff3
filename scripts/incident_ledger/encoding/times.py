"""Times as text: always with their zone, always UTC."""

from contextlib import suppress
from datetime import UTC, datetime

_ALL_YEARS = range(1, 10_000)


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


def timestamp(time: datetime) -> str:
    """UTC, to the microsecond, in one form. Raises `ValueError` for a time without a zone."""
    if time.tzinfo is None:
        raise ValueError(f"{time.isoformat()} has no time zone")
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def iso_time(time: datetime) -> str:
    """UTC, without a fraction where there is none: for people and their tools."""
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")
