"""`incident-ledger review`: what a team looks back on together."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Look back on a week together.")


def register(parent: typer.Typer) -> None:
    """Add the group to the command line."""
    parent.add_typer(app, name="review")


@app.command()
def weekly(
    week: Annotated[
        str | None,
        typer.Option("--week", help="An ISO week such as 2026-W10, in UTC; by default the last that is over."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", help="A file that is not there yet; the screen by default.")
    ] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="The time for what is late; now by default.")] = None,
) -> None:
    """Write the week's incidents in Markdown: what is to be reviewed, what is late, and what came more than once."""
    from incident_ledger.cli.actions import review as action

    action.weekly(week, output, as_of)
