"""What made-up people wrote: of this morning's incidents, and of those of the weeks before."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta

from incident_ledger.ledger import commands
from incident_ledger.ledger.events import Event, EventType
from incident_ledger.ledger.reducer import opened
from incident_ledger.ledger.state import read_state
from incident_ledger.ledger.writer import append
from incident_ledger.warehouse import Warehouse

MAYA, TOMAS, AISHA = "Maya Lindqvist", "Tomas Rivera", "Aisha Okafor"
_MINUTE = timedelta(minutes=1)
_USAGE = "table:ai_usage_prod.fct_usage_daily"
# Days ago and hour, severity, what, where, minutes to the answer and to the end, cause, who. One P2 was answered late.
_PAST = (
    (81, 14, "P2", "Daily usage job ran out of memory", "pipeline:run_daily_job", 18, 140, "capacity", TOMAS),
    (63, 9, "P1", "API key of Cursor was refused", "api:cursor", 6, 75, "access", MAYA),
    (41, 16, "P2", "Costs of a day were counted twice", _USAGE, 95, 310, "deploy", TOMAS),
    (27, 11, "P3", "Dashboard names a model that was renamed", "dashboard:usage", 240, 1500, "deploy", AISHA),
    (2, 8, "P1", "No usage was loaded since midnight", "pipeline:run_daily_job", 11, 58, "upstream", MAYA),
)
# What was done after the last of them; the rest is late, or to be done.
_DONE = ("timeline_record", "timeline_actions", "timeline_resolution", "impact_data")
_CAUSES_OF_VENDORS = ("upstream", "upstream", "capacity", "deploy", "network")


def answer(warehouse: Warehouse, at: datetime) -> None:
    """The first hour: one breach is answered and its cause known, one is answered, and one is seen by nobody."""
    events: list[Event] = []
    for incident in read_state(warehouse, is_open=True):
        if "stg_anthropic__usage" in incident.source_key:
            text = "Asked the vendor for the export again."
            events.append(commands.acknowledge(incident, _context(MAYA, at + 9 * _MINUTE), text))
            context = _context(MAYA, at + 25 * _MINUTE)
            events.append(
                commands.set_status(incident, context, "identified", "The vendor's export lacks output tokens.")
            )
            events.append(commands.name_cause(incident, context, "upstream"))
        elif "stg_anthropic__claude_code" in incident.source_key:
            text = "Looking for whose records these are."
            events.append(commands.acknowledge(incident, _context(TOMAS, at + 31 * _MINUTE), text))
    append(warehouse, events, at + 31 * _MINUTE)


def remember(warehouse: Warehouse, *, seed: int, at: datetime) -> None:
    """Incidents of our own in the weeks before, from their opening to their cause; and causes of vendors' ones."""
    chance = random.Random(seed)  # noqa: S311 - a story, not a secret
    events = [event for row in _PAST for event in _past(row, at)]
    for incident in read_state(warehouse, is_open=False, source="statuspage"):
        cause, is_known = chance.choice(_CAUSES_OF_VENDORS), chance.random() < 0.6
        end = incident.resolution_time
        if is_known and end and end + timedelta(hours=1) < at:
            events.append(commands.name_cause(incident, _context(AISHA, end + timedelta(hours=1)), cause))
    append(warehouse, events, at)


def _past(row: tuple[int, int, str, str, str, int, int, str, str], at: datetime) -> Iterator[Event]:
    days, hour, severity, title, component, answered, lasted, cause, who = row
    began = at.replace(hour=hour, minute=5) - timedelta(days=days)
    known = ("P0", "P1", "P2", "P3")
    detected = commands.open_incident(
        _context(who, began), title=title, severity_level=severity, components=[component], known_severities=known
    )
    yield detected
    incident, end = opened(detected), began + lasted * _MINUTE
    yield commands.acknowledge(incident, _context(who, began + answered * _MINUTE))
    yield commands.resolve(incident, _context(who, end))
    yield commands.name_cause(incident, _context(who, end + 30 * _MINUTE), cause)
    for number, task in enumerate(_DONE if row is _PAST[-1] else ()):
        context = _context(who, end + (60 + 20 * number) * _MINUTE)
        yield commands.person_event(incident, context, EventType.TASK_COMPLETED, {"task_id": task})


def _context(who: str, at: datetime) -> commands.CommandContext:
    return commands.CommandContext(actor=who, at=at, now=at)
