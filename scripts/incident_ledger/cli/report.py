"""`incident-ledger report`: what is sent to people without an incident."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Reports as e-mails.")


def register(parent: typer.Typer) -> None:
    """Add the group to the command line."""
    parent.add_typer(app, name="report")


@app.command()
def weekly(
    week: Annotated[
        str | None,
        typer.Option("--week", help="An ISO week such as 2026-W10, in UTC; by default the last that is over."),
    ] = None,
    to: Annotated[
        list[str] | None,
        typer.Option("--to", help="An address; again for more. By default who is notified of what is reviewed weekly."),
    ] = None,
    send: Annotated[bool, typer.Option("--send", help="Send it by the channels of mail in the settings.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", help="A file (.eml) that is not there yet, in place of sending.")
    ] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="The time for what is late; now by default.")] = None,
) -> None:
    """The week's review as an e-mail with charts. Without --send and --output its text is shown."""
    from incident_ledger.cli.actions import report as action

    action.weekly(week, to or [], send=send, output=output, as_of=as_of)
