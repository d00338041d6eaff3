"""`incident-ledger rejects`: what imports and loads refused."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="What imports and loads refused: list, show, take in after all.")
Json = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]


def register(parent: typer.Typer) -> None:
    """Add the command group `rejects`."""
    parent.add_typer(app, name="rejects")


@app.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Also what was taken in since.")] = False,
    json: Json = False,
) -> None:
    """What was refused and not taken in yet."""
    from incident_ledger.cli.actions import rejects as action

    action.list_(everything, json)


@app.command()
def show(reject: Annotated[str, typer.Argument(metavar="ID")], json: Json = False) -> None:
    """One reject with its record as it came."""
    from incident_ledger.cli.actions import rejects as action

    action.show(reject, json)


@app.command()
def replay(
    rejects: Annotated[
        list[str] | None, typer.Argument(metavar="[ID...]", help="All that are left by default.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="The one reject that is named, corrected: its record or the whole export.")
    ] = None,
    json: Json = False,
) -> None:
    """Take records in after all: as they came, or one of them corrected. Exit code 5 when some are still refused."""
    from incident_ledger.cli.actions import rejects as action

    action.replay(rejects, file, json)
