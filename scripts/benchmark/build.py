"""`incident-ledger run` builds a bare `dbt build` of the same models: whole processes, unchanged input, all warm."""

import json
import re
from datetime import datetime

from benchmark.figures import Comparison, Part, Series, memory
from benchmark.places import BenchmarkError, Place

AIM_FULL = 1.4
AIM_UNCHANGED = 0.6
_TOTAL = re.compile(r"TOTAL=(\d+)")


def measure(place: Place, as_of: datetime, *, repetitions: int) -> Part:
    """Both in turns against a place where the run has been before."""
    dbt = ("build", "--select", "path:models", "--exclude-resource-type", "unit_test")
    place.stop()
    place.start()  # so that the server's memory is that of this part
    ran, bare = place.run(as_of, "--json", "--full"), place.dbt(*dbt, as_of=as_of)  # dbt's own parsed project, once
    nodes = _compare(ran.output, bare.output)
    place.run(as_of, "--json")  # dbt wrote all tables once more; this builds what depends on what it wrote
    full, unchanged, builds = [], [], []
    for _ in range(repetitions):
        builds.append(place.dbt(*dbt, as_of=as_of))
        full.append(place.run(as_of, "--json", "--full"))
        place.run(as_of, "--json")  # what the run itself recorded: checks, steps
        unchanged.append(place.run(as_of, "--json"))
    bare_builds = Series("`dbt build`, nothing new", "s", tuple(taken.seconds for taken in builds))
    comparisons = (
        Comparison(
            "`incident-ledger run --full`, beside a bare `dbt build` of the same models",
            Series("`incident-ledger run --full`", "s", tuple(taken.seconds for taken in full)),
            bare_builds,
            AIM_FULL,
        ),
        Comparison(
            "`incident-ledger run` with incidents open and nothing new, beside the same `dbt build`",
            Series("`incident-ledger run`, nothing new", "s", tuple(taken.seconds for taken in unchanged)),
            bare_builds,
            AIM_UNCHANGED,
        ),
    )
    singles = (
        *memory("peak memory of `incident-ledger run --full`", [taken.peak_memory for taken in full]),
        *memory("peak memory of `dbt build`", [taken.peak_memory for taken in builds]),
        *memory("peak memory of the local warehouse, both", [place.server_peak_memory()]),
    )
    note = (
        f"Both build and test the same {nodes} nodes of dbt; "
        "the run also checks, plans, notifies and records its steps."
    )
    return Part("A run beside `dbt build`", comparisons, singles, (note,))


def _compare(report: str, log: str) -> int:
    """The number of nodes that both built. Raises `BenchmarkError` when they are not the same."""
    steps = json.loads(report)["steps"]
    ran = sum(int(step["summary"].split()[0]) for step in steps if step["step"] in {"build", "report"})
    total = _TOTAL.search(log)
    if total is None or int(total[1]) != ran:
        raise BenchmarkError(f"The run built {ran} nodes and dbt {total and total[1]}: not the same work.")
    return ran
