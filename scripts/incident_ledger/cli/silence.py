"""`incident-ledger silence`: maintenance windows, and troubles that are known."""

from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True,
    help="Hold back incidents of a component, a rule or an owner for a time; what still holds at its end opens then.",
)
Actor = Annotated[str | None, typer.Option("--actor", help="Who says so; your user name by default.")]
Json = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]


def register(parent: typer.Typer) -> None:
    """Add the command group `silence`."""
    parent.add_typer(app, name="silence")


@app.command()
def add(  # noqa: PLR0917 - Typer gives them by name
    reason: Annotated[str, typer.Option(help="Why.")],
    component: Annotated[
        str | None, typer.Option(help="Of this component, such as api:anthropic; table:shop.* is all that begin so.")
    ] = None,
    rule: Annotated[str | None, typer.Option(help="Of this rule of the policy.")] = None,
    owner: Annotated[str | None, typer.Option(help="Of what this owner answers for.")] = None,
    until: Annotated[str | None, typer.Option(help="When it ends, with its zone.")] = None,
    lasting: Annotated[
        str | None, typer.Option("--for", metavar="SPAN", help="Or how long it lasts: 90m, 2h, 1d.")
    ] = None,
    start: Annotated[
        str | None, typer.Option("--from", metavar="TIME", help="When it begins, with its zone; now by default.")
    ] = None,
    actor: Actor = None,
    json: Json = False,
) -> None:
    """Hold back what would open, get worse or come again; what is open stays so, and ends when it ends."""
    from incident_ledger.cli.actions import silence as action

    action.add(component, rule, owner, reason=reason, until=until, lasting=lasting, start=start, actor=actor, json=json)


@app.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Also what is over.")] = False, json: Json = False
) -> None:
    """What is held back now or later, by whom, why, and until when."""
    from incident_ledger.cli.actions import silence as action

    action.list_(everything, json)


@app.command()
def end(
    silence: Annotated[str, typer.Argument(metavar="ID", help="Any beginning of it that is unique.")],
    actor: Actor = None,
    json: Json = False,
) -> None:
    """End a silence now: the next tick opens what it held back."""
    from incident_ledger.cli.actions import silence as action

    action.end(silence, actor, json)
