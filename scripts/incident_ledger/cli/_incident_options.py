"""What the commands of `incident-ledger incident` take."""

from typing import Annotated

import typer


def open_incidents(incomplete: str) -> list[tuple[str, str]]:
    """For a shell that asks how an ID goes on."""
    from incident_ledger.cli.actions import completion

    return completion.open_incidents(incomplete)


Id = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        help="The id, any beginning of it that is unique, or latest: the newest open one.",
        autocompletion=open_incidents,
    ),
]
At = Annotated[str | None, typer.Option("--at", help="When it was, with its zone; now by default.")]
Actor = Annotated[str | None, typer.Option("--actor", help="Who says so; your user name by default.")]
Notify = Annotated[
    bool, typer.Option("--notify", help="Send it at once, to whoever was notified of the incident's beginning.")
]
Text = Annotated[str | None, typer.Option("--text", help="A sentence on it.")]
Json = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]
