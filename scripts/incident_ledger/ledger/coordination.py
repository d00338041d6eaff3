"""What a person records of the work on an incident: who commands it, what it does to whom, where people meet. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from incident_ledger.encoding import timestamp
from incident_ledger.errors import UserError
from incident_ledger.ledger.commands import CommandContext, check_time, person_event, shown
from incident_ledger.ledger.events import Event, EventType
from incident_ledger.ledger.state import IncidentState
from incident_ledger.settings import is_web_address

DONE = "done"  # the `phase` of an action that is over; all others are current


def assign(incident: IncidentState, context: CommandContext, name: str) -> Event:
    """`commander_assigned`, also of a resolved incident, whose review somebody leads."""
    check_time(incident, context)
    words = commander_name(name)
    if words.casefold() == (incident.incident_commander or "").casefold():
        raise UserError(f"{words} commands {incident.incident_id} already (at {shown(context.at)}).")
    return person_event(incident, context, EventType.COMMANDER_ASSIGNED, {"name": words})


def commander_name(name: str) -> str:
    """A name or an address, in one line."""
    if not (words := " ".join(name.split())):
        raise UserError("Name the commander: a person, an address or a role of the contacts.")
    return words


def expect_end(incident: IncidentState, context: CommandContext, at: datetime, text: str | None = None) -> Event:
    """`eta_set`: when it is expected to be over."""
    check_time(incident, context)
    _check_not_over(incident, context)
    if at <= context.at:
        raise UserError(f"{shown(at)} is past (at {shown(context.at)}). An expected end lies ahead.")
    payload = {"estimated_resolution_time": timestamp(at), "text": text}
    return person_event(incident, context, EventType.ETA_SET, payload)


def assess_impact(
    incident: IncidentState,
    context: CommandContext,
    *,
    users: str | None = None,
    money: str | None = None,
    data: str | None = None,
    services: Sequence[str] = (),
) -> Event:
    """`impact_assessed`, also of a resolved incident; what is not given stays as it was."""
    texts = {"user_impact": users, "financial_impact": money, "data_impact": data}
    if all(text is None for text in texts.values()) and not services:
        raise UserError("Give at least one of --users, --money, --data and --service.")
    if any(text is not None and not text.strip() for text in (*texts.values(), *services)):
        raise UserError("An impact needs words; leave out the option whose impact is not known.")
    check_time(incident, context)
    payload: dict[str, Any] = {**texts, "services": list(dict.fromkeys(services)) or None}
    return person_event(incident, context, EventType.IMPACT_ASSESSED, payload)


def take_action(incident: IncidentState, context: CommandContext, text: str, *, is_done: bool = False) -> Event:
    """`action_taken`, also of a resolved incident; `is_done` ends one of the same text that was going on."""
    if not text.strip():
        raise UserError("An action needs a text.")
    check_time(incident, context)
    return person_event(incident, context, EventType.ACTION_TAKEN, {"text": text, "phase": DONE if is_done else None})


def open_war_room(incident: IncidentState, context: CommandContext, url: str) -> Event:
    """`war_room_opened`, of an incident that is not over."""
    check_time(incident, context)
    _check_not_over(incident, context)
    if not (is_web_address(url) and url.isprintable() and not any(each.isspace() for each in url)):
        raise UserError("The war room is not an address of http or https. Write it as https://meet.example.com/room.")
    if url == incident.war_room_url:
        raise UserError(f"{incident.incident_id} has this war room already (at {shown(context.at)}).")
    return person_event(incident, context, EventType.WAR_ROOM_OPENED, {"url": url})


def _check_not_over(incident: IncidentState, context: CommandContext) -> None:
    ended_at = incident.resolution_time
    if ended_at and context.at >= ended_at:
        raise UserError(
            f"{incident.incident_id} was resolved at {shown(ended_at)}. If it goes on: incident-ledger incident "
            f"reopen {incident.incident_id}"
        )
