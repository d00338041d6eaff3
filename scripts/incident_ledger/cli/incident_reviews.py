"""`incident-ledger incident task` and `incident review`: what is to be done after an incident, and that it was done."""

from typing import Annotated

import typer

from incident_ledger.cli._incident_options import Actor, At, Id, Json, Text
from incident_ledger.cli.incident import app

tasks = typer.Typer(no_args_is_help=True, help="What is to be done after an incident.")
reviews = typer.Typer(no_args_is_help=True, help="The review of an incident that is over.")


def register(_: typer.Typer) -> None:
    """Add the groups `task` and `review` to the group `incident`."""
    app.add_typer(tasks, name="task")
    app.add_typer(reviews, name="review")


@tasks.command("list")
def list_tasks(
    incident: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Of this incident alone, also what was done.")
    ] = None,
    json: Json = False,
    as_of: Annotated[str | None, typer.Option("--as-of", help="The time for what is late; now by default.")] = None,
) -> None:
    """What is to be done after the incidents that were not reviewed yet, the earliest deadline first."""
    from incident_ledger.cli.actions import incident_reviews as action

    action.list_tasks(incident, json, as_of)


@tasks.command()
def done(
    incident: Id,
    names: Annotated[
        list[str], typer.Argument(metavar="TASK...", help="Tasks, or `immediate` or `review` for all of that phase.")
    ],
    *,
    text: Text = None,
    at: At = None,
    actor: Actor = None,
    json: Json = False,
) -> None:
    """Say that tasks were done."""
    from incident_ledger.cli.actions import incident_reviews as action

    action.done(incident, names, text=text, at=at, actor=actor, json=json)


@reviews.command()
def schedule(
    incident: Id,
    time: Annotated[str, typer.Argument(metavar="TIME", help="When it begins, with its zone.")],
    *,
    text: Text = None,
    at: At = None,
    actor: Actor = None,
    json: Json = False,
) -> None:
    """Say when the review will be held; its deadline stays what the policy says."""
    from incident_ledger.cli.actions import incident_reviews as action

    action.schedule(incident, time, text=text, at=at, actor=actor, json=json)


@reviews.command()
def complete(incident: Id, text: Text = None, at: At = None, actor: Actor = None, json: Json = False) -> None:
    """Say that the review was held: nothing more of the incident falls due."""
    from incident_ledger.cli.actions import incident_reviews as action

    action.complete(incident, text, at, actor, json)
