"""`incident-ledger incident`: what a person records of an incident, one event a command, and what is known of it."""

import getpass
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from incident_ledger import policy
from incident_ledger.cli import _incidents
from incident_ledger.cli._console import err, out, parse_time, to_json, write_text
from incident_ledger.encoding import timestamp
from incident_ledger.errors import UserError
from incident_ledger.ledger import commands
from incident_ledger.ledger.events import Event, EventType, Status
from incident_ledger.ledger.lookup import find_incident, minutes_of
from incident_ledger.ledger.setup import ensure_ledger
from incident_ledger.ledger.state import IncidentState, read_events, read_state
from incident_ledger.policy import Policy
from incident_ledger.runner.incident_commands import IncidentCommand, record_command, record_opening
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
    new: Annotated[bool, typer.Option("--new", help="Also while one of this title and component is open.")] = False,
    at: At = None,
    actor: Actor = None,
    json: Json = False,
) -> None:
    """Open an incident; one that is open already with this title and component is named, and no other is opened."""
    warehouse, context = _warehouse(), _context(at, actor)
    rules = policy.load(warehouse)
    event = commands.open_incident(
        context,
        title=title,
        severity_level=severity,
        components=component or [],
        known_severities=_severities(rules),
        start=parse_time(start, "--start") if start else None,
        description=description,
    )
    written, known = record_opening(warehouse, rules, context, event, is_another=new)
    if known:
        _name_open(warehouse, known, event, json)
    else:
        _print(event, written, json)
        _incidents.print_audience(event, rules, warehouse.settings, context.now)


@app.command()
def ack(incident: Id, text: Text = None, at: At = None, actor: Actor = None, json: Json = False) -> None:
    """Say that somebody is on it."""
    command = IncidentCommand(
        EventType.ACKNOWLEDGED, lambda state, context: commands.acknowledge(state, context, text), {"text": text}
    )
    _record(incident, at, actor, json, command)


@app.command()
def resolve(incident: Id, text: Text = None, at: At = None, actor: Actor = None, json: Json = False) -> None:
    """Say that it is over."""
    command = IncidentCommand(
        EventType.RESOLVED, lambda state, context: commands.resolve(state, context, text), {"text": text}
    )
    _record(incident, at, actor, json, command)


@app.command()
def reopen(incident: Id, text: Text = None, at: At = None, actor: Actor = None, json: Json = False) -> None:
    """Say that a resolved one goes on."""
    command = IncidentCommand(
        EventType.REOPENED, lambda state, context: commands.reopen(state, context, text), {"text": text}
    )
    _record(incident, at, actor, json, command)


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
    is_end = new == Status.RESOLVED
    command = IncidentCommand(
        EventType.RESOLVED if is_end else EventType.STATUS_CHANGED,
        lambda state, context: commands.set_status(state, context, new, text),
        {"text": text} if is_end else {"status": new, "text": text},
        is_of_then=True,
    )
    _record(incident, at, actor, json, command)


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
    known = _severities(policy.load(_warehouse()))
    command = IncidentCommand(
        EventType.SEVERITY_CHANGED,
        lambda state, context: commands.set_severity(state, context, new, known, reason),
        {"reason": reason},
        severity_level=new,
        is_of_then=True,
    )
    _record(incident, at, actor, json, command)


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
    _record(
        incident,
        at,
        actor,
        json,
        IncidentCommand(None, lambda state, context: commands.name_cause(state, context, category, text)),
    )


@app.command()
def note(
    incident: Id,
    text: Annotated[str, typer.Argument(help="What is to be remembered.")],
    at: At = None,
    actor: Actor = None,
    json: Json = False,
) -> None:
    """Add a note."""
    _record(
        incident, at, actor, json, IncidentCommand(None, lambda state, context: commands.note(state, context, text))
    )


@app.command("list")
def list_(
    everything: Annotated[bool, typer.Option("--all", help="Also what is over, retracted or merged.")] = False,
    json: Json = False,
    as_of: ListAsOf = None,
) -> None:
    """The open incidents, the worst first; none that was detected after the as-of time."""
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
        written = [_as_json(item.event) | {"recorded_at": item.recorded_at} for item in events]
        write_text(to_json(vars(state) | minutes_of(state, now) | {"events": written}))
        return
    _incidents.print_one(state, events, now)


def _warehouse() -> Warehouse:
    warehouse = connect(load_settings())
    ensure_ledger(warehouse)
    return warehouse


def _severities(rules: Policy) -> tuple[str, ...]:
    return tuple(severity.severity_level for severity in rules.severities)


def _context(at: str | None, actor: str | None) -> commands.CommandContext:
    now = datetime.now(UTC)
    return commands.CommandContext(actor=actor or _user(), at=parse_time(at, "--at") if at else now, now=now)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        raise UserError("Your user name is not known here. Say who you are: --actor NAME.") from None


def _record(part: str, at: str | None, actor: str | None, json: bool, command: IncidentCommand) -> None:
    warehouse, context = _warehouse(), _context(at, actor)
    _print(*record_command(warehouse, part, context, command, is_dated=at is not None), json)


def _name_open(warehouse: Warehouse, known: IncidentState, event: Event, json: bool) -> None:
    """For a second `open`: the incident that is open already."""
    if json:
        events = [item.event for item in read_events(warehouse, incident_ids=[known.incident_id])]
        detected = next(each for each in events if each.event_type is EventType.DETECTED)
        write_text(to_json(_as_json(detected) | {"is_new": False}))
        return
    out.print(_incidents.open_line(known), soft_wrap=True)
    other = event.severity_level != known.severity_level
    raising = f" For {event.severity_level}: incident severity {known.incident_id} {event.severity_level}." * other
    hint = f"Nothing was opened. What is new of it: incident note.{raising} If it is another one: --new"
    err.print(hint, soft_wrap=True)


def _print(event: Event, written: int, json: bool) -> None:
    if json:
        write_text(to_json(_as_json(event) | {"is_new": bool(written)}))
        return
    known = "" if written else " (was written before)"
    out.print(f"{_incidents.event_line(event)}{known}", soft_wrap=True)


def _as_json(event: Event) -> dict[str, Any]:
    return {"event_id": event.event_id, **vars(event), "occurred_at": timestamp(event.occurred_at)}
