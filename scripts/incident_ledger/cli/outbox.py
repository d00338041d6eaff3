"""`incident-ledger outbox`: what was sent to whom, what failed, and resending it."""

from typing import Annotated

import typer

from incident_ledger.errors import UserError

_STATUSES = ("pending", "sent", "uncertain", "failed", "rerouted", "digested")
app = typer.Typer(no_args_is_help=True, help="Messages: list, show, resend.")


def register(parent: typer.Typer) -> None:
    """Add the group to the command line."""
    parent.add_typer(app, name="outbox")


@app.command("list")
def list_(
    status: Annotated[list[str] | None, typer.Option(help=f"Only these: {', '.join(_STATUSES)}.")] = None,
    incident: Annotated[str | None, typer.Option(help="Only of this incident (its id or the beginning of it).")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, the newest.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="For machines: every column but the bodies.")] = False,
) -> None:
    """List messages, the newest first, and the channels that fail."""
    unknown = sorted(set(status or ()) - set(_STATUSES))
    if unknown:
        raise UserError(f"--status {unknown[0]!r} is not a status; there are {', '.join(_STATUSES)}.")

    from incident_ledger.cli.actions import outbox as action

    action.list_(status, incident, limit, as_json)


@app.command()
def show(
    message_id: Annotated[str, typer.Argument(help="A message's id, or the beginning of it.")],
    html: Annotated[bool, typer.Option("--html", help="The HTML body alone, to look at in a browser.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For machines: an object a channel, with bodies.")] = False,
) -> None:
    """Show one message as it was or will be sent, and what each channel did with it."""
    from incident_ledger.cli.actions import outbox as action

    action.show(message_id, html, as_json)


@app.command()
def retry(
    message_id: Annotated[str | None, typer.Argument(help="One message; all by default.", show_default=False)] = None,
    channel: Annotated[str | None, typer.Option(help="Only those of this channel.")] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="The time that counts (ISO 8601); else now.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines: what became of each.")] = False,
) -> None:
    """Resend what failed or stayed uncertain, with all its attempts. An uncertain one may arrive twice."""
    from incident_ledger.cli.actions import outbox as action

    action.retry(message_id, channel, as_of, as_json)
