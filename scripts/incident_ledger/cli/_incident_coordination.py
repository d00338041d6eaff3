"""`incident-ledger incident`: who commands it, when it ends, what it does to whom, and what belongs together."""

from typing import Annotated

import typer

from incident_ledger.cli._incident_options import Actor, At, Id, Json, Notify, Text, open_incidents


def register(app: typer.Typer) -> None:
    """Add these commands to the group `incident`."""
    app.command()(assign)
    app.command()(eta)
    app.command()(impact)
    app.command()(action)
    app.command("war-room")(war_room)
    app.command()(retract)
    app.command()(reinstate)
    app.command()(merge)
    app.command()(split)


def assign(
    incident: Id,
    name: Annotated[
        str,
        typer.Argument(
            help="An address or a role of the contacts, who is then asked; or a name: the on-call is asked."
        ),
    ],
    at: At = None,
    actor: Actor = None,
    json: Json = False,
    *,
    notify: Notify = False,
) -> None:
    """Name the incident commander, who is asked for the updates."""
    from incident_ledger.cli.actions import incident_coordination as actions

    actions.assign(incident, name, at, actor, json, notify=notify)


def eta(
    incident: Id,
    time: Annotated[str | None, typer.Argument(metavar="[TIME]", help="When it will be over, with its zone.")] = None,
    span: Annotated[
        str | None, typer.Option("--in", metavar="SPAN", help="In place of TIME: how long from now, as 90m or 2h.")
    ] = None,
    *,
    text: Text = None,
    at: At = None,
    actor: Actor = None,
    json: Json = False,
    notify: Notify = False,
) -> None:
    """Say when it is expected to be over: at a time that lies ahead, or in so many minutes."""
    from incident_ledger.cli.actions import incident_coordination as actions

    actions.eta(incident, time, span, text=text, at=at, actor=actor, json=json, notify=notify)


def impact(
    incident: Id,
    *,
    users: Annotated[str | None, typer.Option(help="What users notice of it.")] = None,
    money: Annotated[str | None, typer.Option(help="What it costs.")] = None,
    data: Annotated[str | None, typer.Option(help="Which data are wrong, late or lost.")] = None,
    service: Annotated[
        list[str] | None, typer.Option(help="What does not work; may be given more than once, and replaces the last.")
    ] = None,
    at: At = None,
    actor: Actor = None,
    json: Json = False,
    notify: Notify = False,
) -> None:
    """Record what it does to whom: at least one of the options. What is not given stays as it was."""
    from incident_ledger.cli.actions import incident_coordination as actions

    actions.impact(
        incident,
        users=users,
        money=money,
        data=data,
        services=service or [],
        at=at,
        actor=actor,
        json=json,
        notify=notify,
    )


def action(
    incident: Id,
    text: Annotated[str, typer.Argument(help="What is being done.")],
    *,
    done: Annotated[bool, typer.Option("--done", help="It is done; one of the same text goes on no longer.")] = False,
    at: At = None,
    actor: Actor = None,
    json: Json = False,
    notify: Notify = False,
) -> None:
    """Record what is done about it: messages list the actions that go on."""
    from incident_ledger.cli.actions import incident_coordination as actions

    actions.action(incident, text, done=done, at=at, actor=actor, json=json, notify=notify)


def war_room(
    incident: Id,
    url: Annotated[
        str | None, typer.Argument(metavar="[URL]", help="Where people meet; INCIDENT_LEDGER_WAR_ROOM_URL by default.")
    ] = None,
    at: At = None,
    actor: Actor = None,
    json: Json = False,
    *,
    notify: Notify = False,
) -> None:
    """Open the war room: messages name its address."""
    from incident_ledger.cli.actions import incident_coordination as actions

    actions.war_room(incident, url, at, actor, json, notify=notify)


def retract(
    incident: Id,
    reason: Annotated[str, typer.Option(help="Why it was none.")],
    at: At = None,
    actor: Actor = None,
    json: Json = False,
    *,
    notify: Notify = False,
) -> None:
    """Take it back: a false alarm, which counts nowhere. `reinstate` undoes it."""
    from incident_ledger.cli.actions import incident_coordination as actions

    actions.retract(incident, reason, at, actor, json, notify=notify)


def reinstate(
    incident: Id,
    reason: Annotated[str, typer.Option(help="Why it was an incident after all.")],
    at: At = None,
    actor: Actor = None,
    json: Json = False,
    *,
    notify: Notify = False,
) -> None:
    """Undo a retraction: it counts as if it had never been retracted, open unless it was resolved."""
    from incident_ledger.cli.actions import incident_coordination as actions

    actions.reinstate(incident, reason, at, actor, json, notify=notify)


def merge(
    incident: Id,
    into: Annotated[
        str,
        typer.Argument(
            metavar="INTO", help="The incident that it is the same trouble as.", autocompletion=open_incidents
        ),
    ],
    at: At = None,
    actor: Actor = None,
    json: Json = False,
) -> None:
    """Merge it into another incident: it counts no more, and its clocks end. `split` undoes it."""
    from incident_ledger.cli.actions import incident_coordination as actions

    actions.merge(incident, into, at, actor, json)


def split(incident: Id, at: At = None, actor: Actor = None, json: Json = False) -> None:
    """Undo a merger: it is an incident of its own again, open unless it was resolved."""
    from incident_ledger.cli.actions import incident_coordination as actions

    actions.split(incident, at, actor, json)
