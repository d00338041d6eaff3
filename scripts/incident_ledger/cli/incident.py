"""`incident-ledger incident`: what a person records of an incident, one event a command, and what is known of it."""

from typing import Annotated

import typer

from incident_ledger.cli import _incident_coordination
from incident_ledger.cli._incident_options import Actor, At, Id, Json, Notify, Text

app = typer.Typer(no_args_is_help=True, help="Open, follow and show incidents.")
_AS_OF = (
    "The time for ages, with its zone; now by default. "
    "Incidents are shown as they are recorded now: it only sets the clock"
)
AsOf = Annotated[str | None, typer.Option("--as-of", help=f"{_AS_OF}.")]
_KNOWN_AT = "What the ledger had recorded by this time, with its zone, whatever was recorded since; ages are of then"
KnownAt = Annotated[str | None, typer.Option("--known-at", help=f"{_KNOWN_AT}.")]
ListKnownAt = Annotated[
    str | None,
    typer.Option(
        "--known-at",
        help=f"{_KNOWN_AT}. It reads the events of the whole ledger up to then, once: as many bytes as they have.",
    ),
]
ListAsOf = Annotated[str | None, typer.Option("--as-of", help=f"{_AS_OF}, and leaves out what was detected later.")]


def register(parent: typer.Typer) -> None:
    """Add the command group `incident`."""
    _incident_coordination.register(app)
    parent.add_typer(app, name="incident")


@app.command("open")
def open_(
    title: Annotated[str, typer.Argument(help="What is wrong, in a line.")],
    *,
    severity: Annotated[str, typer.Option(help="P0, P1, P2 or P3: policy show classification_rules says which.")],
    component: Annotated[
        list[str] | None, typer.Option(help="What is hit, e.g. api:anthropic; may be given more than once.")
    ] = None,
    start: Annotated[str | None, typer.Option(help="When the trouble began, with its zone, if it is known.")] = None,
    description: Annotated[str | None, typer.Option(help="What is known of it.")] = None,
    new: Annotated[bool, typer.Option("--new", help="Also while one of this title and component is open.")] = False,
    notify: Annotated[
        bool | None,
        typer.Option(
            "--notify/--no-notify", help="Send its message at once, or not; by default at P0 and P1, else at a tick."
        ),
    ] = None,
    at: At = None,
    actor: Actor = None,
    json: Json = False,
) -> None:
    """Open an incident; one that is open already with this title and component is named, and no other is opened."""
    from incident_ledger.cli.actions import incident as action

    action.open_(
        title,
        severity=severity,
        component=component,
        start=start,
        description=description,
        new=new,
        notify=notify,
        at=at,
        actor=actor,
        json=json,
    )


@app.command()
def ack(incident: Id, text: Text = None, at: At = None, actor: Actor = None, json: Json = False) -> None:
    """Say that somebody is on it."""
    from incident_ledger.cli.actions import incident as action

    action.ack(incident, text, at, actor, json)


@app.command()
def resolve(
    incident: Id, text: Text = None, at: At = None, actor: Actor = None, json: Json = False, *, notify: Notify = False
) -> None:
    """Say that it is over."""
    from incident_ledger.cli.actions import incident as action

    action.resolve(incident, text, at, actor, json, notify=notify)


@app.command()
def reopen(
    incident: Id, text: Text = None, at: At = None, actor: Actor = None, json: Json = False, *, notify: Notify = False
) -> None:
    """Say that a resolved one goes on."""
    from incident_ledger.cli.actions import incident as action

    action.reopen(incident, text, at, actor, json, notify=notify)


@app.command()
def status(
    incident: Id,
    new: Annotated[str, typer.Argument(metavar="STATUS", help="investigating, identified, resolving or resolved.")],
    *,
    text: Text = None,
    at: At = None,
    actor: Actor = None,
    json: Json = False,
    notify: Notify = False,
) -> None:
    """Say how far it is."""
    from incident_ledger.cli.actions import incident as action

    action.status(incident, new, text=text, at=at, actor=actor, json=json, notify=notify)


@app.command()
def contain(
    incident: Id, text: Text = None, at: At = None, actor: Actor = None, json: Json = False, *, notify: Notify = False
) -> None:
    """Say that its impact was stopped: what escalates unless contained no longer does."""
    from incident_ledger.cli.actions import incident as action

    action.contain(incident, text, at, actor, json, notify=notify)


@app.command()
def severity(
    incident: Id,
    new: Annotated[str, typer.Argument(metavar="SEVERITY", help="P0, P1, P2 or P3.")],
    *,
    reason: Annotated[str | None, typer.Option(help="Why.")] = None,
    at: At = None,
    actor: Actor = None,
    json: Json = False,
    notify: Notify = False,
) -> None:
    """Raise or lower the severity; it is never lowered by itself."""
    from incident_ledger.cli.actions import incident as action

    action.severity(incident, new, reason=reason, at=at, actor=actor, json=json, notify=notify)


@app.command()
def cause(
    incident: Id,
    category: Annotated[
        str, typer.Argument(help="A category of the policy (policy show root_cause_categories): deploy, data, ...")
    ],
    *,
    text: Text = None,
    at: At = None,
    actor: Actor = None,
    json: Json = False,
    notify: Notify = False,
) -> None:
    """Name the root cause."""
    from incident_ledger.cli.actions import incident as action

    action.cause(incident, category, text=text, at=at, actor=actor, json=json, notify=notify)


@app.command()
def note(
    incident: Id,
    text: Annotated[str, typer.Argument(help="What is to be remembered.")],
    at: At = None,
    actor: Actor = None,
    json: Json = False,
    *,
    notify: Notify = False,
) -> None:
    """Add a note."""
    from incident_ledger.cli.actions import incident as action

    action.note(incident, text, at, actor, json, notify=notify)


@app.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Also what is over, retracted or merged.")] = False,
    json: Json = False,
    as_of: ListAsOf = None,
    known_at: ListKnownAt = None,
) -> None:
    """The open incidents, the worst first; none that was detected after the as-of time."""
    from incident_ledger.cli.actions import incident_display as action

    action.list_(everything, json, as_of, known_at)


@app.command()
def show(incident: Id, json: Json = False, as_of: AsOf = None, known_at: KnownAt = None) -> None:
    """Everything that is known of one incident."""
    from incident_ledger.cli.actions import incident_display as action

    action.show(incident, json, as_of, known_at)


@app.command()
def timeline(incident: Id, json: Json = False, known_at: KnownAt = None) -> None:
    """What happened, in the order of time: a line an event, with the minutes since the detection."""
    from incident_ledger.cli.actions import incident_display as action

    action.timeline(incident, json, known_at)


@app.command()
def watch(
    incident: Id,
    every: Annotated[str, typer.Option(help="How often to look: 5s, 1m; from 1s to 1h.", metavar="TIME")] = "5s",
) -> None:
    """Show its timeline, and then each event as it comes; Ctrl-C ends it."""
    from incident_ledger.cli.actions import incident_watch as action

    action.watch(incident, every)
