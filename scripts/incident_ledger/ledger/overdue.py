"""What of an open incident waits for a person, as far as its clocks are in its history. Pure."""

from dataclasses import dataclass
from datetime import datetime

from incident_ledger.ledger.clock_history import ClockEntry, parse_entries
from incident_ledger.ledger.events import EventType
from incident_ledger.ledger.state import IncidentState

ACKNOWLEDGEMENT, UPDATE, WAR_ROOM = "acknowledgement", "update", "war room"
# The clocks whose escalation asks for something that a person does; `policy.CLOCKS` names them.
ASKS_FOR = {"response_overdue": ACKNOWLEDGEMENT, "war_room_required": WAR_ROOM}


@dataclass(frozen=True)
class Overdue:
    """What fell due at a time, and has not been done since."""

    what: str
    since: datetime


def overdue(incident: IncidentState) -> list[Overdue]:
    """In the order in which it fell due; nothing of what is over, or of a vendor's on which nobody here acted."""
    if not incident.is_open or not incident.has_sla:
        return []
    entries = parse_entries(incident.clock_history)
    found: dict[str, datetime] = {}
    for entry in entries:
        what = ASKS_FOR.get(entry.step_id or "") if entry.event_type is EventType.ESCALATED else None
        if what and not _is_done(what, incident):
            found.setdefault(what, entry.occurred_at)
    updates = _unanswered_updates(entries)
    if updates:
        found[UPDATE] = updates[0].occurred_at
    return sorted((Overdue(*each) for each in found.items()), key=lambda each: each.since)


def _is_done(what: str, incident: IncidentState) -> bool:
    if what == WAR_ROOM:
        return incident.war_room_url is not None
    return incident.our_acknowledged_time is not None or incident.last_resolution_time is not None


def _unanswered_updates(entries: list[ClockEntry]) -> list[ClockEntry]:
    """The updates that fell due since a person last did something."""
    last = max((place for place, entry in enumerate(entries) if entry.is_by_person), default=-1)
    return [entry for entry in entries[last + 1 :] if entry.event_type is EventType.UPDATE_DUE]
