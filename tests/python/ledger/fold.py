"""What the events of several incidents come to."""

from collections.abc import Iterable
from typing import Any

from incident_ledger.ledger.events import Event
from incident_ledger.ledger.reducer import replay
from incident_ledger.ledger.state import IncidentState
from ledger.factories import RANKS


def states(events: Iterable[Event]) -> list[IncidentState]:
    """Every incident, in order of its first event."""
    incidents: dict[str, list[Event]] = {}
    for event in events:
        incidents.setdefault(event.incident_id, []).append(event)
    replayed = (replay(members, RANKS) for members in incidents.values())
    return [state for state in replayed if state]


def fold(events: Iterable[Event]) -> dict[str, dict[str, Any]]:
    """By incident: every column of `incident_state`."""
    return {state.incident_id: vars(state) for state in states(events)}
