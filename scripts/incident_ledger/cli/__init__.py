"""The terminal: the only part that parses arguments, prints and exits.

Each module of this package holds one group of commands and a function `register(app)`.
"""

import importlib
import io
import os
import pkgutil
import sys

import typer

from incident_ledger.cli._console import err
from incident_ledger.errors import ExitCode, IncidentLedgerError, UserError

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
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that cannot show a character loses only that
    try:
        _run()
    except SystemExit as end:
        # Typer and Rich end with 1 when nobody reads any more (`... | head -1`), which would mean an alarm.
        sys.exit(int(ExitCode.OK) if isinstance(end.__context__, BrokenPipeError) else end.code)
    except OSError as error:
        where = f": {error.filename}" if error.filename else ""
        err.print(f"error: {error.strerror or error}{where}", style="red", markup=False, highlight=False)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what a full disk did not take is not tried again at exit
        sys.exit(int(ExitCode.OUTSIDE))


def _run() -> None:
    """Every error of ours is one screen on stderr and its exit code."""
    try:
        sys.argv = [_argument(text) for text in sys.argv]
        app()
    except IncidentLedgerError as error:
        try:
            err.print(f"error: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
            detail = getattr(error, "detail", "")
            if detail:
                err.print(detail[-2000:], style="dim", markup=False, highlight=False, soft_wrap=True)
        finally:
            sys.exit(int(error.exit_code))


def _argument(text: str) -> str:
    """An argument in UTF-8 whatever the locale: Python hands over what it could not read as half characters."""
    try:
        return os.fsencode(text).decode()
    except UnicodeDecodeError:
        raise UserError(f"An argument is not UTF-8 text: {text!a}") from None
