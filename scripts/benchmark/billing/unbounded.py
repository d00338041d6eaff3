"""Statements that read from the beginning of a table that grows. Pure.

Bounded is what begins at a day that constants of the statement give, in a filter on the column of the partitions. A
table without partitions cannot be read in part.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatchcase

from benchmark.billing.charges import Charge
from benchmark.billing.day_sets import DaySet
from benchmark.billing.references import Effect

GROWING = (
    "incident_events",
    "settled_incidents",
    "notifications",
    "quality_results",
    "run_steps",
    "usage_records",
    "dbt_results",
    "probe_results",
    "pipeline_logs",
    "audit_logs",
    "key_inventory",
)
"""Tables of the runner and of sinks that grow with time, whatever a project is like; `quality_breaches` does not."""


@dataclass(frozen=True, order=True)
class Offender:
    """A growing table and who reads all of it: a node of dbt, or what a statement does and the names in it."""

    table: str
    reader: str

    def __str__(self) -> str:
        return f"{self.table} is read from its beginning by: {self.reader}"


def unbounded(charges: Iterable[Charge], *, growing: Collection[str] = GROWING) -> list[Offender]:
    """Who reads growing tables from their beginning, each once, in order."""
    found = {
        Offender(_short(name), _reader(each, statement))
        for each in charges
        for statement in each.statements
        for name, left in statement.reads.items()
        if _short(name) in growing and not is_bounded(left)
    }
    return sorted(found)


def unlisted(found: Iterable[Offender], known: Mapping[Offender, str]) -> list[str]:
    """What differs from a list of known offenders: those that it lacks, and its entries that nobody is any more.

    `known` has a reason for each; a reader there is a pattern of `fnmatch`.
    """
    offenders = list(found)
    fits = {entry: [each for each in offenders if _fits(each, entry)] for entry in known}
    listed = {each for several in fits.values() for each in several}
    new = [str(each) for each in offenders if each not in listed]
    return new + [
        f"no offender any more, take it off the list: {entry}" for entry, several in fits.items() if not several
    ]


def is_bounded(left: DaySet) -> bool:
    """Whether days have a beginning. The first day of the calendar is none: a filter with it stands for all days."""
    return all(low is not None and low > date.min for low, _ in left.intervals)


def _fits(offender: Offender, entry: Offender) -> bool:
    return offender.table == entry.table and fnmatchcase(offender.reader, entry.reader)


def _reader(charge: Charge, statement: Effect) -> str:
    names = ", ".join(sorted(_short(name) for name in statement.names if "." in name))  # the others are CTEs
    return charge.call.node or f"{statement.kind} {names}"


def _short(name: str) -> str:
    return name.rpartition(".")[2]
