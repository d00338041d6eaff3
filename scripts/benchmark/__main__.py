"""`python scripts/benchmark`: measure, print the page and write it beside this file.

`--quick` takes small sizes and one repetition, to see that everything works, and writes nothing.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmark import bill, build, detection, growth, history, pages, rules, startup, storm
from benchmark.figures import Part, machine, memory, page
from benchmark.places import place

RESULTS = Path(__file__).with_name("results.md")


def main(arguments: Sequence[str] | None = None) -> None:
    """All parts, one after the other: two cores are not enough for two at once."""
    parser = argparse.ArgumentParser(prog="benchmark", description="Measures the ratios that README quotes.")
    parser.add_argument("--quick", action="store_true", help="small sizes, one repetition; the page is only printed")
    parser.add_argument("--repetitions", type=int, default=3, help="of each measurement (3)")
    options = parser.parse_args(arguments)
    began, load = time.monotonic(), _load_average()
    with tempfile.TemporaryDirectory(prefix="incident-ledger-benchmark-") as folder:
        if options.quick:
            parts = measure(
                Path(folder), rows=20_000, days=(5, 10), incidents=60, listed=200, normal_days=14, repetitions=1
            )
        else:
            parts = measure(
                Path(folder),
                rows=5_000_000,
                days=(90, 900),
                incidents=1000,
                listed=100_000,
                normal_days=365,
                repetitions=options.repetitions,
            )
    minutes = (time.monotonic() - began) / 60
    when = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    text = page(parts, machine(), when, f", in {minutes:.0f} minutes{load}")
    if not options.quick:
        RESULTS.write_text(text, encoding="utf-8")
    sys.stdout.write(text)


def measure(
    folder: Path, *, rows: int, days: tuple[int, int], incidents: int, listed: int, normal_days: int, repetitions: int
) -> list[Part]:
    """The parts, in places below `folder` whose servers end with them; pages only where there is a Chromium."""
    few, many = days
    with place(folder / "rules") as here:
        _log(f"ten rules on {rows:,} rows")
        ten_rules = rules.measure(here.warehouse(), folder, rows=rows, repetitions=repetitions)
        ten_rules = ten_rules.with_singles(
            memory("peak memory of the local warehouse, rules", [here.server_peak_memory()])
        )
    with place(folder / "bill") as here:
        _log("the bill of runs and ticks")
        costs = bill.measure(here, folder / "files-bill")
    with place(folder / "storm") as here:
        _log(f"{incidents:,} incidents at once")
        at_once = storm.measure(here, folder / "files-storm", many=incidents)
    with place(folder / "detection") as here:
        _log("scenarios and their near misses")
        detected = detection.measure(here, seeds=range(1, repetitions + 1))
    with place(folder / "normal") as here:
        _log(f"{normal_days} days on which nothing happens")
        undetected = detection.measure_normal(here, seeds=range(1, repetitions + 1), days=normal_days)
    with place(folder / "short") as short, place(folder / "long") as long:
        _log(f"{few} days of usage, loaded and built")
        history.prepare(short, folder / "files-short", days=few, part=few)
        _log("a run beside dbt build")
        beside_dbt = build.measure(short, history.morning_after(history.END_DAY), repetitions=repetitions)
        _log("the start of commands")
        starts = startup.measure(short, repetitions=repetitions)
        _log(f"{many} days of usage, loaded and built")
        history.prepare(long, folder / "files-long", days=many, part=few)
        _log("daily runs after both")
        daily = history.measure(short, long, folder / "files-new", days=days, repetitions=repetitions)
    with place(folder / "few") as short, place(folder / "many") as long:
        _log(f"{few} and {many} days of incidents, messages and checks")
        for here, how_many in ((short, few), (long, many)):
            growth.prepare(here, days=how_many)
        _log("runs and ticks after both")
        grown = growth.measure(short, long, days=days, repetitions=repetitions)
    _log(f"pages of {listed:,} incidents")
    shown = pages.measure(folder / "pages", many=listed, repetitions=repetitions)
    return [
        beside_dbt,
        costs,
        at_once,
        detected,
        undetected,
        starts,
        ten_rules,
        daily,
        grown,
        *([shown] if shown else []),
    ]


def _log(what: str) -> None:
    sys.stderr.write(f"{datetime.now(UTC):%H:%M:%S}  {what}\n")


def _load_average() -> str:
    return f"; load average at the start {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""


if __name__ == "__main__":
    main()
