"""`incident-ledger dbt`: dbt with what it needs to know, such as where the local warehouse is."""

from typing import Annotated

import typer

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
    from incident_ledger.cli.actions import dbt as action

    action.dbt(arguments, as_of)
