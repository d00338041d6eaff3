"""Sets of days, as unions of closed intervals: what a filter leaves of a table that is partitioned by day."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class DaySet:
    """Days by intervals, both ends in; an end that is None is open."""

    intervals: tuple[tuple[date | None, date | None], ...]

    def __contains__(self, day: date) -> bool:
        return any((low is None or low <= day) and (high is None or day <= high) for low, high in self.intervals)

    def __and__(self, other: "DaySet") -> "DaySet":
        pairs = ((_later(a, c), _earlier(b, d)) for a, b in self.intervals for c, d in other.intervals)
        kept = (pair for pair in pairs if pair[0] is None or pair[1] is None or pair[0] <= pair[1])
        return DaySet(tuple(dict.fromkeys(kept)))

    def __or__(self, other: "DaySet") -> "DaySet":
        return DaySet(tuple(dict.fromkeys((*self.intervals, *other.intervals))))


ALL_DAYS = DaySet(((None, None),))
NO_DAYS = DaySet(())


def between(low: date | None, high: date | None) -> DaySet:
    """The days from `low` to `high`; none when they are the wrong way round."""
    return ALL_DAYS & DaySet(((low, high),))


def listed(days: Iterable[date]) -> DaySet:
    """These days alone."""
    return DaySet(tuple((day, day) for day in dict.fromkeys(days)))


def _later(left: date | None, right: date | None) -> date | None:
    return left if right is None else right if left is None else max(left, right)


def _earlier(left: date | None, right: date | None) -> date | None:
    return left if right is None else right if left is None else min(left, right)
