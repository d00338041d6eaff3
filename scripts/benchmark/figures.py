"""Figures, and the page that holds them. Pure but for `machine`, which looks at the one it runs on."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

_KIB = 1024
MIB = 1024**2


@dataclass(frozen=True)
class Series:
    """One thing measured several times, in one unit: `s` (seconds), `MiB`, or a plain count of things."""

    name: str
    unit: str
    values: tuple[float, ...]

    @property
    def middle(self) -> float:
        """The median, which one disturbed repetition does not move."""
        return median(self.values)

    def shown(self, value: float) -> str:
        """A value with its unit."""
        if self.unit == "s":
            return f"{value:,.2f} s"
        return f"{value:,.0f} {self.unit}".rstrip()


@dataclass(frozen=True)
class Comparison:
    """One thing beside another, and the most that their ratio was meant to be (None: only shown)."""

    what: str
    measured: Series
    beside: Series
    aim: float | None = None

    @property
    def ratio(self) -> float:
        """Ours over the other, of the medians."""
        return self.measured.middle / self.beside.middle

    @property
    def is_met(self) -> bool:
        """Whether the aim is met; always, without one."""
        return self.aim is None or round(self.ratio, 2) <= self.aim


@dataclass(frozen=True)
class Table:
    """Figures of several kinds, counted and not measured: a heading and a row for each thing."""

    heading: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def lines(self) -> list[str]:
        """The table, as Markdown; all but the first column are numbers."""
        dashes = ("---", *("---:" for _ in self.heading[1:]))
        return [f"| {' | '.join(row)} |" for row in (self.heading, dashes, *self.rows)]


@dataclass(frozen=True)
class Part:
    """What one part of the benchmark found: ratios, single figures, and what a reader must know of them."""

    title: str
    comparisons: tuple[Comparison, ...]
    singles: tuple[Series, ...] = ()
    notes: tuple[str, ...] = ()
    table: Table | None = None

    def with_singles(self, more: tuple[Series, ...]) -> "Part":
        """The same with more single figures."""
        return replace(self, singles=(*self.singles, *more))


def section(part: Part, measured: str) -> str:
    """A part of the page, as Markdown: its title, when and where it was measured, its figures, all values."""
    lines = [f"## {part.title}", "", measured, "", *(part.table.lines() if part.table else _table(part))]
    lines += [f"\n{note}" for note in part.notes]
    if values := _all_series(part):
        lines += ["", "| all values | median | values |", "| --- | ---: | --- |"]
        lines += [
            f"| {each.name} | {each.shown(each.middle)} | {', '.join(map(each.shown, each.values))} |"
            for each in values
        ]
    return "\n".join(lines) + "\n"


def page(sections: Mapping[str, str]) -> str:
    """The whole page, as Markdown."""
    return "\n".join(
        [
            "# What was measured",
            "",
            "Written by `make benchmark`, part by part. Every ratio is of medians, of things measured in turns.",
            "",
            *sections.values(),
        ]
    )


def sections_of(text: str) -> dict[str, str]:
    """The parts of a page, by their titles."""
    _, *found = text.split("\n## ")
    return {each.splitlines()[0]: f"## {each.rstrip()}\n" for each in found}


def _table(part: Part) -> list[str]:
    rows = ["| | measured | beside | ratio | aim |", "| --- | ---: | ---: | ---: | ---: |"]
    for one in part.comparisons:
        aim = "" if one.aim is None else f"{one.aim:g}{'' if one.is_met else ' (missed)'}"
        measured, beside = one.measured.shown(one.measured.middle), one.beside.shown(one.beside.middle)
        rows.append(f"| {one.what} | {measured} | {beside} | {one.ratio:.2f} | {aim} |")
    rows += [f"| {single.name} | {single.shown(single.middle)} | | | |" for single in part.singles]
    return rows


def _all_series(part: Part) -> list[Series]:
    compared = (series for one in part.comparisons for series in (one.measured, one.beside))
    return list({series.name: series for series in (*compared, *part.singles)}.values())


def machine() -> str:
    """This machine: processor, cores, memory, system, Python."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return (
        f"{_processor()}, {cores} cores, {_memory()} of memory, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}"
    )


def _processor() -> str:
    return _proc_value("cpuinfo", "model name") or platform.processor() or "a processor without a name"


def _memory() -> str:
    total = _proc_value("meminfo", "MemTotal")
    return f"{int(total.split()[0]) * _KIB / 1024**3:.0f} GiB" if total else "an unknown amount"


def _proc_value(file: str, name: str) -> str | None:
    try:
        lines = Path("/proc", file).read_text().splitlines()
    except OSError:
        return None
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith(name)), None)


def memory(name: str, values: Sequence[int | None]) -> tuple[Series, ...]:
    """A series of sizes in MiB; nothing where the system does not show them."""
    known = tuple(value / MIB for value in values if value is not None)
    return (Series(name, "MiB", known),) if known else ()
