"""`incident-ledger dbt`: dbt with what it needs to know, such as where the local warehouse is."""

import os
import sys
from typing import Annotated

import typer

from incident_ledger.cli._console import err, parse_time
from incident_ledger.dbt_runner import environment
from incident_ledger.settings import load_settings
from incident_ledger.warehouse import connect

_AS_THEY_ARE = {"allow_extra_args": True, "ignore_unknown_options": True, "allow_interspersed_args": False}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(context_settings=_AS_THEY_ARE)(dbt)


def dbt(
    arguments: Annotated[
        list[str],
        typer.Argument(metavar="COMMAND...", help="What dbt takes: build --select fct_mttr, docs generate, …"),
    ],
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="The as-of time of a build, with its zone; else its start.")
    ] = None,
) -> None:
    """Run dbt on this project with the settings; starts the local warehouse. The exit code is dbt's own.

    Options of incident-ledger come before dbt's command, those of dbt after it.
    """
    settings = load_settings()
    time = parse_time(as_of, "--as-of") if as_of else None
    warehouse = connect(settings)
    folders = dict.fromkeys(("DBT_PROJECT_DIR", "DBT_PROFILES_DIR"), str(settings.project_dir))
    variables = environment(warehouse.settings, warehouse.endpoint, time) | folders
    command = [sys.executable, "-c", "from dbt.cli.main import cli; cli(prog_name='dbt')", *arguments]
    if settings.target == "local" and arguments[:2] == ["docs", "generate"] and "--empty-catalog" not in arguments:
        command.append("--empty-catalog")
        text = (
            "note: without a catalog (--empty-catalog), since the local warehouse has no __TABLES__; describe has types"
        )
        err.print(text, style="yellow", soft_wrap=True)
    # In place of this process, so that Ctrl-C and the exit code are dbt's.
    os.execve(sys.executable, command, {**os.environ, **variables})  # noqa: S606 - our own interpreter
