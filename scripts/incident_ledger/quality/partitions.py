"""Batches: which days of a table are checked, and the literal filter that keeps every statement to them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

_MOST_RUNS = 50


@dataclass(frozen=True)
class Partition:
    """A part of a table that one statement reads: `days` one by one, or (days of None) all of it as one batch.

    `where` is a literal filter on the day column, None only for a table that has none. `group` is the day of a record.
    """

    days: tuple[date | None, ...]
    where: str | None = None
    group: str | None = None

    def one(self, day: date | None, column: "DayColumn | None") -> "Partition":
        """The slice of one of its batches."""
        return self if day is None or column is None else column.each([day])


@dataclass(frozen=True)
class DayColumn:
    """The column that a table is partitioned by: DATE, TIMESTAMP or DATETIME."""

    name: str
    kind: str

    @property
    def day(self) -> str:
        """The day of a record."""
        return f"`{self.name}`" if self.kind == "DATE" else f"date(`{self.name}`)"

    def each(self, days: Iterable[date]) -> Partition:
        """Each day a batch of its own."""
        wanted = sorted(set(days))
        runs = _runs(wanted)
        if len(runs) > _MOST_RUNS:
            runs = [(wanted[0], wanted[-1])]
        parts = [self.between(first, last) for first, last in runs]
        where = parts[0] if len(parts) == 1 else f"({' or '.join(f'({part})' for part in parts)})"
        return Partition(tuple(wanted), where, self.day)

    def window(self, first: date, last: date) -> Partition:
        """All days from first to last as one batch."""
        return Partition((None,), self.between(first, last))

    def whole(self) -> Partition:
        """The whole table as one batch, records without a day included, with a literal range all the same."""
        return Partition((None,), f"({self.between(date(1, 1, 1), date(9999, 12, 30))} or `{self.name}` is null)")

    def between(self, first: date, last: date) -> str:
        """The predicate: literals only, so that partitions are pruned and a required filter is met."""
        if self.kind == "DATE":
            return f"`{self.name}` between date '{first}' and date '{last}'"
        end = last + timedelta(days=1)
        zone = "+00" if self.kind == "TIMESTAMP" else ""
        low, high = (f"{self.kind.lower()} '{day} 00:00:00{zone}'" for day in (first, end))
        return f"`{self.name}` >= {low} and `{self.name}` < {high}"


def _runs(days: Sequence[date]) -> list[tuple[date, date]]:
    """Days as runs of neighbours."""
    runs: list[tuple[date, date]] = []
    for day in days:
        if runs and day - runs[-1][1] == timedelta(days=1):
            runs[-1] = (runs[-1][0], day)
        else:
            runs.append((day, day))
    return runs
