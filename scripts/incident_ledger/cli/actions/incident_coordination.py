"""`incident-ledger incident`: who commands it, when it ends, what it does to whom, and what belongs together."""

from collections.abc import Sequence
from datetime import datetime

from incident_ledger.cli._console import parse_time
from incident_ledger.cli._incidents import given_id
from incident_ledger.cli.actions.command_context import command_context, open_ledger
from incident_ledger.cli.actions.incident_recording import record, record_in
from incident_ledger.encoding import TimeError, parse_span, timestamp
from incident_ledger.errors import UserError
from incident_ledger.ledger import coordination
from incident_ledger.ledger.events import EventType
from incident_ledger.runner.incident_commands import IncidentCommand
from incident_ledger.runner.incident_links import (
    merge_command,
    reinstate_command,
    retract_command,
    split_command,
)
from incident_ledger.settings import load_settings


def assign(incident: str, name: str, at: str | None, actor: str | None, json: bool, *, notify: bool) -> None:
    """Name the incident commander."""
    command = IncidentCommand(
        EventType.COMMANDER_ASSIGNED,
        lambda state, context: coordination.assign(state, context, name),
        {"name": coordination.commander_name(name)},
        is_of_then=True,
    )
    record(incident, at, actor, json, command, notify=notify)


def eta(
    incident: str,
    time: str | None,
    span: str | None,
    *,
    text: str | None,
    at: str | None,
    actor: str | None,
    json: bool,
    notify: bool,
) -> None:
    """Say when it is expected to be over."""
    context = command_context(at, actor)
    ends_at = _end(time, span, context.at)
    command = IncidentCommand(
        EventType.ETA_SET,
        lambda state, context: coordination.expect_end(state, context, ends_at, text),
        {"estimated_resolution_time": timestamp(ends_at), "text": text},
    )
    record_in(open_ledger(), incident, context, json, command, is_dated=at is not None, notify=notify)


def _end(time: str | None, span: str | None, now: datetime) -> datetime:
    if (time is None) == (span is None):
        raise UserError("Give the expected end: either a TIME, or --in 90m.")
    if span is None:
        return parse_time(time, "TIME")
    try:
        return (now + parse_span(span)).replace(microsecond=0)
    except TimeError as error:
        raise UserError(f"--in {span!r} {error}; {error.advice}.") from None


def impact(
    incident: str,
    *,
    users: str | None,
    money: str | None,
    data: str | None,
    services: Sequence[str],
    at: str | None,
    actor: str | None,
    json: bool,
    notify: bool,
) -> None:
    """Record what it does to whom."""
    command = IncidentCommand(
        None,
        lambda state, context: coordination.assess_impact(
            state, context, users=users, money=money, data=data, services=services
        ),
    )
    record(incident, at, actor, json, command, notify=notify)


def action(
    incident: str, text: str, *, done: bool, at: str | None, actor: str | None, json: bool, notify: bool
) -> None:
    """Record what is done about it."""
    command = IncidentCommand(None, lambda state, context: coordination.take_action(state, context, text, is_done=done))
    record(incident, at, actor, json, command, notify=notify)


def war_room(incident: str, url: str | None, at: str | None, actor: str | None, json: bool, *, notify: bool) -> None:
    """Open the war room."""
    address = url if url is not None else load_settings().war_room_url
    if not address:
        raise UserError("Where do people meet? Give the URL, or set INCIDENT_LEDGER_WAR_ROOM_URL.")
    command = IncidentCommand(
        EventType.WAR_ROOM_OPENED,
        lambda state, context: coordination.open_war_room(state, context, address),
        {"url": address},
        is_of_then=True,
    )
    record(incident, at, actor, json, command, notify=notify)


def retract(incident: str, reason: str, at: str | None, actor: str | None, json: bool, *, notify: bool) -> None:
    """Take it back."""
    warehouse, context = open_ledger(), command_context(at, actor)
    record_in(
        warehouse, incident, context, json, retract_command(warehouse, reason), is_dated=at is not None, notify=notify
    )


def reinstate(incident: str, reason: str, at: str | None, actor: str | None, json: bool, *, notify: bool) -> None:
    """Take a retraction back."""
    warehouse, context = open_ledger(), command_context(at, actor)
    record_in(
        warehouse, incident, context, json, reinstate_command(warehouse, reason), is_dated=at is not None, notify=notify
    )


def merge(incident: str, into: str, at: str | None, actor: str | None, json: bool) -> None:
    """Merge it into another incident."""
    warehouse, context = open_ledger(), command_context(at, actor)
    command = merge_command(warehouse, given_id(warehouse, into), context)
    record_in(warehouse, incident, context, json, command, is_dated=at is not None)


def split(incident: str, at: str | None, actor: str | None, json: bool) -> None:
    """Undo a merger."""
    warehouse, context = open_ledger(), command_context(at, actor)
    record_in(warehouse, incident, context, json, split_command(warehouse, context), is_dated=at is not None)
