"""The command line as a whole: its root command, its exit codes, and one screen for every error.

Each module of this package without an underscore holds one group of commands and a function `register(app)`.
"""

import contextlib
import importlib
import io
import os
import pkgutil
import sys
from typing import Annotated

import typer
from typer.exceptions import TyperException

from incident_ledger import __version__, cli
from incident_ledger.cli import _faults
from incident_ledger.cli._console import err, out, print_error, show_logs
from incident_ledger.errors import ExitCode, IncidentLedgerError, UserError
from incident_ledger.settings import unknown_variables

_DETAIL = 2000  # characters of the other side's output: its end

app = typer.Typer(
    name="incident-ledger",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="The incident response playbook, run from the data warehouse.",
    epilog="Exit codes: " + "; ".join(f"{code} {code.meaning}" for code in ExitCode) + ".",
)
for _module in sorted(module.name for module in pkgutil.iter_modules(cli.__path__) if not module.name.startswith("_")):
    importlib.import_module(f"{cli.__name__}.{_module}").register(app)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        out.print(f"incident-ledger {__version__}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - done by its callback, before a command is looked for
        bool, typer.Option("--version", help="Say which version this is.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Name each variable that looks like a setting and is not one, once a command; `doctor` does so itself."""
    if context.invoked_subcommand == "doctor":
        return
    for name, nearest in unknown_variables(os.environ).items():
        meant = f"is {nearest} meant?" if nearest else "README lists the settings that there are."
        err.print(f"note: {name} is not a setting and is ignored; {meant}", style="yellow", soft_wrap=True)


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that cannot show a character loses only that
    show_logs()
    try:
        sys.exit(_run())
    except SystemExit as end:
        # Typer and Rich end with 1 when nobody reads any more (`... | head -1`), which would mean an alarm.
        sys.exit(int(ExitCode.OK) if isinstance(end.__context__, BrokenPipeError) else end.code)


def _run() -> int:
    """The exit code; every error is one screen on stderr."""
    try:
        sys.argv = [_argument(text) for text in sys.argv]
        return int(app(standalone_mode=False) or ExitCode.OK)
    except IncidentLedgerError as error:
        return _end(error.exit_code, str(error), getattr(error, "detail", "")[-_DETAIL:])
    except TyperException as error:  # an option or a command that there is not
        # Without any argument a group has shown its help instead.
        return _end(ExitCode.USER, *_usage(error)) if error.format_message() else int(ExitCode.USER)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            return int(ExitCode.OK)
        where = f": {error.filename}" if error.filename else ""
        code = _end(ExitCode.OUTSIDE, f"{error.strerror or error}{where}")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what a full disk did not take is not tried again at exit
        return code
    except Exception as error:
        return _end(ExitCode.FAULT, *_faults.described(error))


def _end(code: ExitCode, text: str, detail: str = "") -> int:
    with contextlib.suppress(SystemExit):  # nobody reads any more; the code stays
        print_error(text, detail)
    return int(code)


def _usage(error: TyperException) -> tuple[str, str]:
    """What is wrong with the arguments, and how they are given."""
    context = getattr(error, "ctx", None)
    if context is None:
        return error.format_message(), ""
    return error.format_message(), f"{context.get_usage()}\nHelp: {context.command_path} --help"


def _argument(text: str) -> str:
    """An argument in UTF-8 whatever the locale: Python hands over what it could not read as half characters."""
    try:
        return os.fsencode(text).decode()
    except UnicodeDecodeError:
        raise UserError(f"An argument is not UTF-8 text: {text!a}") from None
