"""`incident-ledger demo`: the story of a morning, and one screen that says what came of it."""

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(help="Generate 90 days of data in the local warehouse, run the main job, show what came of it.")(demo)


def demo(
    on: Annotated[
        str | None, typer.Option("--date", help="The morning's day (2026-03-05); by default the last one that is over.")
    ] = None,
) -> None:
    """The story. Replaces only what an earlier demo made; raises `UserError` where there is anything else."""
    from incident_ledger.cli.actions import demo as action

    action.demo(on)
