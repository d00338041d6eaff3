"""`incident-ledger tables` and `describe`: what there is to ask, and what it means."""

from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="For machines.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(tables)
    app.command()(describe)


def tables(
    pattern: Annotated[
        str | None, typer.Argument(help="A part of DATASET.TABLE, or all of it with * and ?.", show_default=False)
    ] = None,
    as_json: Json = False,
) -> None:
    """List the tables and views, the marts first, each with its grain."""
    from incident_ledger.cli.actions import tables as action

    action.tables(pattern, as_json)


def describe(
    table: Annotated[str, typer.Argument(metavar="TABLE", help="DATASET.TABLE, or TABLE alone: a mart first.")],
    as_json: Json = False,
) -> None:
    """Show a table's columns with their types and what they mean."""
    from incident_ledger.cli.actions import tables as action

    action.describe(table, as_json)
