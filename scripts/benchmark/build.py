"""`incident-ledger run` builds a bare `dbt build` of the same models: whole processes, unchanged input, all warm."""

import json
import re
from datetime import datetime

from benchmark.figures import Comparison, Part, Series, memory
from benchmark.places import BenchmarkError, Place

AIM = 1.5
_TOTAL = re.compile(r"TOTAL=(\d+)")


def measure(place: Place, as_of: datetime, *, repetitions: int) -> Part:
    """Both in turns against a place where the run has been before."""
    dbt = ("build", "--select", "path:models", "--exclude-resource-type", "unit_test")
    place.stop()
    place.start()  # so that the server's memory is that of this part
    ran, bare = place.run(as_of, "--json"), place.dbt(*dbt, as_of=as_of)  # dbt's own parsed project, once
    nodes = _compare(ran.output, bare.output)
    runs, builds = [], []
    for _ in range(repetitions):
        runs.append(place.run(as_of, "--json"))
        builds.append(place.dbt(*dbt, as_of=as_of))
    comparison = Comparison(
        "`incident-ledger run`, beside a bare `dbt build` of the same models",
        Series("`incident-ledger run`, nothing new", "s", tuple(taken.seconds for taken in runs)),
        Series("`dbt build`, nothing new", "s", tuple(taken.seconds for taken in builds)),
        AIM,
    )
    singles = (
        *memory("peak memory of `incident-ledger run`", [taken.peak_memory for taken in runs]),
        *memory("peak memory of `dbt build`", [taken.peak_memory for taken in builds]),
        *memory("peak memory of the local warehouse, both", [place.server_peak_memory()]),
    )
    note = (
        f"Both build and test the same {nodes} nodes of dbt; "
        "the run also checks, plans, notifies and records its steps."
    )
    return Part("A run beside `dbt build`", (comparison,), singles, (note,))


def _compare(report: str, log: str) -> int:
    """The number of nodes that both built. Raises `BenchmarkError` when they are not the same."""
    steps = json.loads(report)["steps"]
    ran = sum(int(step["summary"].split()[0]) for step in steps if step["step"] in {"build", "report"})
    total = _TOTAL.search(log)
    if total is None or int(total[1]) != ran:
        raise BenchmarkError(f"The run built {ran} nodes and dbt {total and total[1]}: not the same work.")
    return ran
