"""What a command takes before its work: whole processes beside the least import that they need, all warm."""

import sys
import time
from pathlib import Path

from benchmark.figures import Comparison, Part, Series
from benchmark.places import Place, take
from incident_ledger.ledger.state import read_state

AIM_HELP = 2.0
AIM_LIST = 1.5
_TIMES = 5  # processes of a second, for each repetition of the other parts
_COMMAND = str(Path(sys.executable).with_name("incident-ledger"))
_TYPER = [sys.executable, "-c", "import typer, rich"]
_BIGQUERY = [sys.executable, "-c", "from google.cloud import bigquery"]
_COMPLETION = {
    "_INCIDENT_LEDGER_COMPLETE": "complete_zsh",
    "_TYPER_COMPLETE_ARGS": "incident-ledger incident list --",
}


def measure(place: Place, *, repetitions: int) -> Part:
    """Help, completion and `incident list` in turns with the imports, in a place where the run has been before."""
    environment, warehouse = place.environment, place.warehouse()
    place.ledger("incident", "list")  # byte code, and the server's own first answer
    help_, completion, listed, query, typer, bigquery = [], [], [], [], [], []
    for _ in range(repetitions * _TIMES):
        typer.append(take(_TYPER, environment).seconds)
        help_.append(take([_COMMAND, "--help"], environment).seconds)
        completion.append(take([_COMMAND], environment | _COMPLETION).seconds)
        bigquery.append(take(_BIGQUERY, environment).seconds)
        began = time.perf_counter()
        read_state(warehouse, is_open=True)
        query.append(time.perf_counter() - began)
        listed.append(place.ledger("incident", "list").seconds - query[-1])
    import_of_typer = Series("`import typer, rich`", "s", tuple(typer))
    comparisons = (
        Comparison(
            "`incident-ledger --help`, beside `import typer, rich`",
            Series("`incident-ledger --help`", "s", tuple(help_)),
            import_of_typer,
            AIM_HELP,
        ),
        Comparison(
            "completion of an option in zsh, beside the same",
            Series("completion of an option in zsh", "s", tuple(completion)),
            import_of_typer,
            AIM_HELP,
        ),
        Comparison(
            "`incident-ledger incident list` less its query, beside `from google.cloud import bigquery`",
            Series("`incident-ledger incident list` less its query", "s", tuple(listed)),
            Series("`from google.cloud import bigquery`", "s", tuple(bigquery)),
            AIM_LIST,
        ),
    )
    return Part("The start of a command", comparisons, (Series("query of `incident list`", "s", tuple(query)),))
