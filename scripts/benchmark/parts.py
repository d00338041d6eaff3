"""The parts of the benchmark by name, each in places of its own whose servers end with it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmark import bill, build, detection, growth, history, pages, rules, startup, storm
from benchmark.figures import Part, memory
from benchmark.places import place


@dataclass(frozen=True)
class Sizes:
    """How much of everything is measured, and how often."""

    rows: int
    days: tuple[int, int]
    incidents: int
    listed: int
    normal_days: int
    repetitions: int


QUICK = Sizes(rows=20_000, days=(5, 10), incidents=60, listed=200, normal_days=14, repetitions=1)
WHOLE = Sizes(rows=5_000_000, days=(90, 900), incidents=1000, listed=100_000, normal_days=365, repetitions=3)


def _usage(folder: Path, sizes: Sizes) -> list[Part]:
    """A run beside dbt, the start of commands and daily runs, in the same places."""
    few, many = sizes.days
    with place(folder / "short") as short, place(folder / "long") as long:
        history.prepare(short, folder / "files-short", days=few, part=few)
        morning = history.morning_after(history.END_DAY)
        beside_dbt = build.measure(short, morning, repetitions=sizes.repetitions)
        starts = startup.measure(short, repetitions=sizes.repetitions)
        history.prepare(long, folder / "files-long", days=many, part=few)
        daily = history.measure(short, long, folder / "files-new", days=sizes.days, repetitions=sizes.repetitions)
    return [beside_dbt, starts, daily]


def _bill(folder: Path, sizes: Sizes) -> list[Part]:
    del sizes
    with place(folder) as here:
        return [bill.measure(here, folder / "files")]


def _storm(folder: Path, sizes: Sizes) -> list[Part]:
    with place(folder) as here:
        return [storm.measure(here, folder / "files", many=sizes.incidents)]


def _detection(folder: Path, sizes: Sizes) -> list[Part]:
    with place(folder) as here:
        return [detection.measure(here, seeds=range(1, sizes.repetitions + 1))]


def _normal(folder: Path, sizes: Sizes) -> list[Part]:
    with place(folder) as here:
        seeds = range(1, sizes.repetitions + 1)
        return [detection.measure_normal(here, seeds=seeds, days=sizes.normal_days)]


def _rules(folder: Path, sizes: Sizes) -> list[Part]:
    with place(folder) as here:
        found = rules.measure(here.warehouse(), folder, rows=sizes.rows, repetitions=sizes.repetitions)
        return [found.with_singles(memory("peak memory of the local warehouse, rules", [here.server_peak_memory()]))]


def _growth(folder: Path, sizes: Sizes) -> list[Part]:
    with place(folder / "few") as short, place(folder / "many") as long:
        for here, days in zip((short, long), sizes.days, strict=True):
            growth.prepare(here, days=days)
        return [growth.measure(short, long, days=sizes.days, repetitions=sizes.repetitions)]


def _pages(folder: Path, sizes: Sizes) -> list[Part]:
    """None where there is no Chromium."""
    found = pages.measure(folder, many=sizes.listed, repetitions=sizes.repetitions)
    return [found] if found else []


PARTS: Mapping[str, Callable[[Path, Sizes], list[Part]]] = {
    "usage": _usage,
    "bill": _bill,
    "storm": _storm,
    "detection": _detection,
    "normal": _normal,
    "rules": _rules,
    "growth": _growth,
    "pages": _pages,
}
