"""`python scripts/benchmark [PART …]`: measure all parts or some, print the page and write it beside this file.

What is not measured stays on the page as it was, with its date. `--quick` takes small sizes and one repetition, to see
that everything works, and writes nothing.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from benchmark.figures import machine, page, section, sections_of
from benchmark.parts import PARTS, QUICK, WHOLE, Sizes

RESULTS = Path(__file__).with_name("results.md")


def main(arguments: Sequence[str] | None = None) -> None:
    """The parts one after the other: two cores are not enough for two at once."""
    parser = argparse.ArgumentParser(prog="benchmark", description="Measures the ratios that README quotes.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; without one, all")
    parser.add_argument("--quick", action="store_true", help="small sizes, one repetition; the page is only printed")
    parser.add_argument("--repetitions", type=int, help=f"of each measurement ({WHOLE.repetitions})")
    options = parser.parse_args(arguments)
    if unknown := sorted({*options.parts} - {*PARTS}):
        parser.error(f"no part is called {', '.join(unknown)}")
    sizes = QUICK if options.quick else WHOLE
    sizes = replace(sizes, repetitions=options.repetitions or sizes.repetitions)
    sections = {} if options.quick or not RESULTS.exists() else sections_of(RESULTS.read_text(encoding="utf-8"))
    for name in options.parts or PARTS:
        sections |= measure(name, sizes)
        text = page(sections)
        if not options.quick:
            RESULTS.write_text(text, encoding="utf-8")  # so that a part that fails takes none of the others with it
    sys.stdout.write(page(sections))


def measure(name: str, sizes: Sizes) -> dict[str, str]:
    """The sections of a part, by their titles."""
    began, load = time.monotonic(), _load()
    sys.stderr.write(f"{datetime.now(UTC):%H:%M:%S}  {name}\n")
    with tempfile.TemporaryDirectory(prefix="incident-ledger-benchmark-") as folder:
        parts = PARTS[name](Path(folder), sizes)
    minutes = (time.monotonic() - began) / 60
    when = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, in {minutes:.0f} minutes; load average {load} to {_load()}"
    return {part.title: section(part, f"Measured on {when}. {machine()}.") for part in parts}


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


if __name__ == "__main__":
    main()
