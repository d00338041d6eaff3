"""The terminal: the only part that parses arguments, prints and exits.

Each module of this package holds one group of commands and a function `register(app)`.
"""

import importlib
import pkgutil
import sys

import typer
from rich.console import Console

from incident_ledger.errors import ExitCode, IncidentLedgerError

app = typer.Typer(
    name="incident-ledger",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="The incident response playbook, run from the data warehouse.",
    epilog="Exit codes: 0 fine; 1 something is open at P0 or P1; 2 your input or settings; 3 the warehouse, dbt or a "
    "network; 4 another run is at work; 5 done, but some records were rejected.",
)
for _module in sorted(module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")):
    importlib.import_module(f"{__name__}.{_module}").register(app)


def main() -> None:
    """Run the command line; every error of ours is one screen on stderr and its exit code."""
    try:
        app()
    except IncidentLedgerError as error:
        console = Console(stderr=True)
        console.print(f"error: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
        detail = getattr(error, "detail", "")
        if detail:
            console.print(detail[-2000:], style="dim", markup=False, highlight=False, soft_wrap=True)
        sys.exit(int(error.exit_code))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.exit(int(ExitCode.OK))
