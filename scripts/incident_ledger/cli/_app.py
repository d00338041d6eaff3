"""The command line as a whole: its root command, its exit codes, and one screen for every error.

Each module of this package without an underscore holds one group of commands, their options and help, and a function
`register(app)`. What a command does is in the module of `actions` of the same name, which the command imports when it
is called. Help and completion import all of the former and none of the latter; neither does this module, before a
command is called, import what takes longer than Typer itself.
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
from incident_ledger.cli._logs import show_logs
from incident_ledger.cli._typer import leave_out_imports
from incident_ledger.errors import ExitCode, IncidentLedgerError, UserError
from incident_ledger.job_labels import labelled
from incident_ledger.variables import unknown_variables

_DETAIL = 2000  # characters of the other side's output: its end

app = typer.Typer(
    name="incident-ledger",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # Typer's panels take longer to import than the rest of help
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    help="The incident response playbook, run from the data warehouse.",
    epilog="Exit codes: " + "; ".join(f"{code} {code.meaning}" for code in ExitCode) + ".",
)
for _module in sorted(module.name for module in pkgutil.iter_modules(cli.__path__) if not module.ispkg):
    if not _module.startswith("_"):
        importlib.import_module(f"{cli.__name__}.{_module}").register(app)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        from incident_ledger.cli._console import out

        out.print(f"incident-ledger {__version__}")
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    version: Annotated[  # noqa: ARG001 - done by its callback, before a command is looked for
        bool, typer.Option("--version", help="Say which version this is.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    """Label what the command sends, and name each variable that looks like a setting and is not one, once a command.

    `doctor` names them itself.
    """
    if context.invoked_subcommand:
        context.with_resource(labelled(command=context.invoked_subcommand))
    if context.invoked_subcommand == "doctor" or not (unknown := unknown_variables(os.environ)):
        return
    from incident_ledger.cli._console import err

    for name, nearest in unknown.items():
        meant = f"is {nearest} meant?" if nearest else "README lists the settings that there are."
        err.print(f"note: {name} is not a setting and is ignored; {meant}", style="yellow", soft_wrap=True)


def main() -> None:
    """Run the command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal that cannot show a character loses only that
    show_logs()
    leave_out_imports()
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
        return _refuse(error)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            return int(ExitCode.OK)
        where = f": {error.filename}" if error.filename else ""
        code = _end(ExitCode.OUTSIDE, f"{error.strerror or error}{where}")
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what a full disk did not take is not tried again at exit
        return code
    except Exception as error:
        from incident_ledger.cli import _faults

        return _end(ExitCode.FAULT, *_faults.described(error))


def _end(code: ExitCode, text: str, detail: str = "") -> int:
    from incident_ledger.cli._console import print_error

    with contextlib.suppress(SystemExit):  # nobody reads any more; the code stays
        print_error(text, detail)
    return int(code)


def _refuse(error: TyperException) -> int:
    """What is wrong with the arguments, and how they are given; the help where there is no argument at all."""
    message, context = error.format_message(), getattr(error, "ctx", None)
    if context is None:
        return _end(ExitCode.USER, message)
    if message == context.get_help():
        from incident_ledger.cli._console import write_text

        write_text(message)
        return int(ExitCode.USER)
    return _end(ExitCode.USER, message, f"{context.get_usage()}\nHelp: {context.command_path} --help")


def _argument(text: str) -> str:
    """An argument in UTF-8 whatever the locale: Python hands over what it could not read as half characters."""
    try:
        return os.fsencode(text).decode()
    except UnicodeDecodeError:
        raise UserError(f"An argument is not UTF-8 text: {text!a}") from None
