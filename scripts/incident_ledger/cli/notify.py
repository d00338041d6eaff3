"""`incident-ledger notify`: look at messages, and try channels, before they are needed."""

from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Look at messages, and try channels.")


def register(parent: typer.Typer) -> None:
    """Add the group to the command line."""
    parent.add_typer(app, name="notify")


@app.command()
def preview(
    template: Annotated[
        str | None, typer.Argument(metavar="[TEMPLATE]", help="Only this: initial, critical, escalation, update, ...")
    ] = None,
    *,
    severity: Annotated[str, typer.Option(help="P0, P1, P2 or P3.")] = "P1",
    html: Annotated[bool, typer.Option("--html", help="The HTML of one template.")] = False,
) -> None:
    """Show the messages of an incident that never was, by the policy's files and your own templates."""
    from incident_ledger.cli.actions import notify as action

    action.preview(template, severity, html)


@app.command()
def test(
    channel: Annotated[
        str | None, typer.Argument(metavar="[CHANNEL]", help="Only this, by its name in `outbox list`.")
    ] = None,
    *,
    to: Annotated[
        list[str] | None, typer.Option(help="The address for a mail channel without its own; may be given again.")
    ] = None,
) -> None:
    """Send one message that says that it is a test through each channel; 3 where one did not take it."""
    from incident_ledger.cli.actions import notify as action

    action.test(channel, to or [])
