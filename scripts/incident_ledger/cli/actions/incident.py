"""`incident-ledger incident`: what a person records of an incident, one event a command, and what is known of it."""

from datetime import datetime

from incident_ledger import policy
from incident_ledger.cli import _incidents
from incident_ledger.cli._console import err, out, parse_time, to_json, write_text
from incident_ledger.cli.actions.command_context import command_context, open_ledger
from incident_ledger.cli.actions.incident_recording import print_and_send, print_event, record
from incident_ledger.errors import UserError
from incident_ledger.ledger import commands
from incident_ledger.ledger.events import Event, EventType, Status
from incident_ledger.ledger.state import IncidentState, read_events
from incident_ledger.notify.channels.registry import channel_names, require_channels
from incident_ledger.policy import Policy
from incident_ledger.runner.incident_commands import IncidentCommand, record_opening
from incident_ledger.settings import Settings
from incident_ledger.warehouse import Warehouse

_URGENT = "critical"  # whose beginning has this message is sent at once


def open_(
    title: str,
    *,
    severity: str,
    component: list[str] | None,
    start: str | None,
    description: str | None,
    new: bool,
    notify: bool | None,
    at: str | None,
    actor: str | None,
    json: bool,
) -> None:
    """Open an incident; one that is open already with this title and component is named, and no other is opened."""
    warehouse, context = open_ledger(), command_context(at, actor)
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
        return
    is_urgent = rules.template(EventType.DETECTED.value, severity, context.now) == _URGENT
    if notify or (notify is None and is_urgent):
        print_and_send(warehouse, event, written, json)
        return
    print_event(event, written, json)
    _print_audience(event, rules, warehouse.settings, context.now)


def ack(incident: str, text: str | None, at: str | None, actor: str | None, json: bool) -> None:
    """Say that somebody is on it."""
    command = IncidentCommand(
        EventType.ACKNOWLEDGED, lambda state, context: commands.acknowledge(state, context, text), {"text": text}
    )
    record(incident, at, actor, json, command)


def resolve(incident: str, text: str | None, at: str | None, actor: str | None, json: bool, *, notify: bool) -> None:
    """Say that it is over."""
    command = IncidentCommand(
        EventType.RESOLVED, lambda state, context: commands.resolve(state, context, text), {"text": text}
    )
    record(incident, at, actor, json, command, notify=notify)


def reopen(incident: str, text: str | None, at: str | None, actor: str | None, json: bool, *, notify: bool) -> None:
    """Say that a resolved one goes on."""
    command = IncidentCommand(
        EventType.REOPENED, lambda state, context: commands.reopen(state, context, text), {"text": text}
    )
    record(incident, at, actor, json, command, notify=notify)


def status(
    incident: str, new: str, *, text: str | None, at: str | None, actor: str | None, json: bool, notify: bool
) -> None:
    """Say how far it is."""
    is_end = new == Status.RESOLVED
    command = IncidentCommand(
        EventType.RESOLVED if is_end else EventType.STATUS_CHANGED,
        lambda state, context: commands.set_status(state, context, new, text),
        {"text": text} if is_end else {"status": new, "text": text},
        is_of_then=True,
    )
    record(incident, at, actor, json, command, notify=notify)


def contain(incident: str, text: str | None, at: str | None, actor: str | None, json: bool, *, notify: bool) -> None:
    """Say that its impact was stopped."""
    command = IncidentCommand(
        EventType.STATUS_CHANGED,
        lambda state, context: commands.contain(state, context, text),
        {"status": Status.RESOLVING.value, "contained": True, "text": text},
        is_of_then=True,
    )
    record(incident, at, actor, json, command, notify=notify)


def severity(
    incident: str, new: str, *, reason: str | None, at: str | None, actor: str | None, json: bool, notify: bool
) -> None:
    """Raise or lower the severity; it is never lowered by itself."""
    known = _severities(policy.load(open_ledger()))
    command = IncidentCommand(
        EventType.SEVERITY_CHANGED,
        lambda state, context: commands.set_severity(state, context, new, known, reason),
        {"reason": reason},
        severity_level=new,
        is_of_then=True,
    )
    record(incident, at, actor, json, command, notify=notify)


def cause(
    incident: str, category: str, *, text: str | None, at: str | None, actor: str | None, json: bool, notify: bool
) -> None:
    """Name the root cause, by a category of the policy."""
    known = policy.load(open_ledger()).root_causes()
    record(
        incident,
        at,
        actor,
        json,
        IncidentCommand(
            None, lambda state, context: commands.name_cause(state, context, category, text, known_categories=known)
        ),
        notify=notify,
    )


def note(incident: str, text: str, at: str | None, actor: str | None, json: bool, *, notify: bool) -> None:
    """Add a note."""
    record(
        incident,
        at,
        actor,
        json,
        IncidentCommand(None, lambda state, context: commands.note(state, context, text)),
        notify=notify,
    )


def _severities(rules: Policy) -> tuple[str, ...]:
    return tuple(severity.severity_level for severity in rules.severities)


def _name_open(warehouse: Warehouse, known: IncidentState, event: Event, json: bool) -> None:
    """For a second `open`: the incident that is open already."""
    if json:
        events = [item.event for item in read_events(warehouse, incident_ids=[known.incident_id])]
        detected = next(each for each in events if each.event_type is EventType.DETECTED)
        write_text(to_json(_incidents.as_json(detected) | {"is_new": False}))
        return
    out.print(_incidents.open_line(known), soft_wrap=True)
    other = event.severity_level != known.severity_level
    raising = f" For {event.severity_level}: incident severity {known.incident_id} {event.severity_level}." * other
    hint = f"Nothing was opened. What is new of it: incident note.{raising} If it is another one: --new"
    err.print(hint, soft_wrap=True)


def _print_audience(event: Event, rules: Policy, settings: Settings, now: datetime) -> None:
    """Who is notified of an incident that was just opened, when, and by when an answer is due."""
    level = event.severity_level or ""
    if rules.template(event.event_type.value, level, now) is None:
        err.print(f"A {level} notifies nobody: the policy has no message for it.", soft_wrap=True)
        return
    people = ", ".join(contact.email_primary or contact.role for contact in rules.recipients(level, now))
    due = rules.response_deadline(level, event.occurred_at)
    lines = [
        f"Nobody is notified yet. The next run or tick notifies {rules.severity(level).audience} ({people}) through "
        f"{', '.join(channel_names(settings))}. At once: incident-ledger tick",
        f"An answer is due by {due:%Y-%m-%d %H:%M}Z: incident-ledger incident ack {event.incident_id}",
    ]
    try:
        require_channels(settings)
    except UserError as error:
        lines[0] = f"Nobody will be notified. {error}"
    style = _incidents.STYLES.get(level, "") if level in ("P0", "P1") else ""
    for line in lines:
        err.print(line, style=style, soft_wrap=True)
