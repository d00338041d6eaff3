"""`incident-ledger incident`: what a person says of an incident, one event a command, and what is known of it."""

import getpass
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from incident_ledger import policy
from incident_ledger.cli import _incidents
from incident_ledger.cli._console import out, parse_time, to_json, write_text
from incident_ledger.errors import UserError
from incident_ledger.ledger import acts
from incident_ledger.ledger.bootstrap import ensure_ledger
from incident_ledger.ledger.events import Event, timestamp
from incident_ledger.ledger.find import find_incident, minutes_of
from incident_ledger.ledger.state import IncidentState, read_events, read_state
from incident_ledger.ledger.writer import append
from incident_ledger.settings import load_settings
from incident_ledger.warehouse import Warehouse, connect

app = typer.Typer(no_args_is_help=True, help="Open, follow and show incidents.")

Id = Annotated[str, typer.Argument(metavar="ID", help="The id or any beginning of it that is unique.")]
At = Annotated[str | None, typer.Option("--at", help="When it was, with its zone; now by default.")]
Actor = Annotated[str | None, typer.Option("--actor", help="Who says so; your user name by default.")]
Text = Annotated[str | None, typer.Option("--text", help="A sentence on it.")]
Json = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]
_AS_OF = (
    "The time for ages, with its zone; now by default. "
    "Incidents are shown as they are recorded now: it only sets the clock"
)
AsOf = Annotated[str | None, typer.Option("--as-of", help=f"{_AS_OF}.")]
ListAsOf = Annotated[str | None, typer.Option("--as-of", help=f"{_AS_OF}, and leaves out what was detected later.")]


def register(parent: typer.Typer) -> None:
    """Add the command group `incident`."""
    parent.add_typer(app, name="incident")


@app.command("open")
def open_(
    title: Annotated[str, typer.Argument(help="What is wrong, in a line.")],
    *,
    severity: Annotated[str, typer.Option(help="P0, P1, P2 or P3.")],
    component: Annotated[
        list[str] | None, typer.Option(help="What is hit, e.g. api:anthropic; may be given more than once.")
    ] = None,
    start: Annotated[str | None, typer.Option(help="When the trouble began, with its zone, if it is known.")] = None,
    description: Annotated[str | None, typer.Option(help="What is known of it.")] = None,
    at: At = None,
    actor: Actor = None,
    json: Json = False,
) -> None:
    """Open an incident."""
    warehouse, saying = _warehouse(), _saying(at, actor)
    event = acts.open_incident(
        saying,
        title=title,
        severity_level=severity,
        components=component or [],
        known_severities=_severities(warehouse),
        start=parse_time(start, "--start") if start else None,
        description=description,
    )
    for known in read_state(warehouse, is_open=True, source=event.source, source_keys=[event.source_key]):
        raise UserError(f"{known.incident_id} is open already with this title and component. Add a note to it.")
    _write(warehouse, event, saying, json)


@app.command()
def ack(incident: Id, text: Text = None, at: At = None, actor: Actor = None, json: Json = False) -> None:
    """Say that somebody is on it."""
    _say(incident, at, actor, json, lambda state, saying: acts.acknowledge(state, saying, text))


@app.command()
def resolve(incident: Id, text: Text = None, at: At = None, actor: Actor = None, json: Json = False) -> None:
    """Say that it is over."""
    _say(incident, at, actor, json, lambda state, saying: acts.resolve(state, saying, text))


@app.command()
def reopen(incident: Id, text: Text = None, at: At = None, actor: Actor = None, json: Json = False) -> None:
    """Say that a resolved one goes on."""
    _say(incident, at, actor, json, lambda state, saying: acts.reopen(state, saying, text))


@app.command()
def status(
    incident: Id,
    new: Annotated[str, typer.Argument(metavar="STATUS", help="investigating, identified, resolving or resolved.")],
    *,
    text: Text = None,
    at: At = None,
    actor: Actor = None,
    json: Json = False,
) -> None:
    """Say how far it is."""
    _say(incident, at, actor, json, lambda state, saying: acts.set_status(state, saying, new, text), is_of_then=True)


@app.command()
def severity(
    incident: Id,
    new: Annotated[str, typer.Argument(metavar="SEVERITY", help="P0, P1, P2 or P3.")],
    *,
    reason: Annotated[str | None, typer.Option(help="Why.")] = None,
    at: At = None,
    actor: Actor = None,
    json: Json = False,
) -> None:
    """Raise or lower the severity; it is never lowered by itself."""
    known = _severities(_warehouse())
    _say(
        incident,
        at,
        actor,
        json,
        lambda state, saying: acts.set_severity(state, saying, new, known, reason),
        is_of_then=True,
    )


@app.command()
def cause(
    incident: Id,
    category: Annotated[str, typer.Argument(help="A word for the cause: deploy, capacity, upstream, data, ...")],
    *,
    text: Text = None,
    at: At = None,
    actor: Actor = None,
    json: Json = False,
) -> None:
    """Name the root cause."""
    _say(incident, at, actor, json, lambda state, saying: acts.name_cause(state, saying, category, text))


@app.command()
def note(
    incident: Id,
    text: Annotated[str, typer.Argument(help="What is to be remembered.")],
    at: At = None,
    actor: Actor = None,
    json: Json = False,
) -> None:
    """Add a note."""
    _say(incident, at, actor, json, lambda state, saying: acts.note(state, saying, text))


@app.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Also what is over, retracted or merged.")] = False,
    json: Json = False,
    as_of: ListAsOf = None,
) -> None:
    """The open incidents, the worst first; none that was detected after the time that is spoken of."""
    now = parse_time(as_of, "--as-of")
    found = read_state(_warehouse(), is_open=None if everything else True)
    found = [incident for incident in found if incident.detection_time <= now]
    if json:
        write_text(to_json([vars(incident) | minutes_of(incident, now) for incident in found]))
        return
    _incidents.print_list(found, now, everything=everything)


@app.command()
def show(incident: Id, json: Json = False, as_of: AsOf = None) -> None:
    """Everything that is known of one incident."""
    now, warehouse = parse_time(as_of, "--as-of"), _warehouse()
    state = find_incident(warehouse, incident)
    events = read_events(warehouse, incident_ids=[state.incident_id])
    if json:
        told = [_as_json(item.event) | {"recorded_at": item.recorded_at} for item in events]
        write_text(to_json(vars(state) | minutes_of(state, now) | {"events": told}))
        return
    _incidents.print_one(state, events, now)


def _warehouse() -> Warehouse:
    warehouse = connect(load_settings())
    ensure_ledger(warehouse)
    return warehouse


def _severities(warehouse: Warehouse) -> tuple[str, ...]:
    return tuple(severity.severity_level for severity in policy.load(warehouse).severities)


def _saying(at: str | None, actor: str | None) -> acts.Saying:
    now = datetime.now(UTC)
    return acts.Saying(actor=actor or _user(), at=parse_time(at, "--at") if at else now, now=now)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        raise UserError("Your user name is not known here. Say who you are: --actor NAME.") from None


def _say(
    part: str,
    at: str | None,
    actor: str | None,
    json: bool,
    act: Callable[[IncidentState, acts.Saying], Event],
    *,
    is_of_then: bool = False,
) -> None:
    """Write what an act says; `is_of_then`: it is about what held at its time and not about what holds now."""
    warehouse, saying = _warehouse(), _saying(at, actor)
    incident = find_incident(warehouse, part)
    if is_of_then and at:
        history = [item.event for item in read_events(warehouse, incident_ids=[incident.incident_id])]
        incident = acts.held_at(incident, history, saying.at)
    _write(warehouse, act(incident, saying), saying, json)


def _write(warehouse: Warehouse, event: Event, saying: acts.Saying, json: bool) -> None:
    new = append(warehouse, [event], saying.now)
    if json:
        write_text(to_json(_as_json(event)))
        return
    known = "" if new else " (was written before)"
    out.print(f"{_incidents.event_line(event)}{known}", markup=False, highlight=False, soft_wrap=True)


def _as_json(event: Event) -> dict[str, Any]:
    return {"event_id": event.event_id, **vars(event), "occurred_at": timestamp(event.occurred_at)}
