"""A clock: what falls due of an incident by itself, when, and the event that says so. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from incident_ledger.ledger.events import PLANNER, Event, EventType
from incident_ledger.ledger.state import IncidentState


@dataclass(frozen=True, kw_only=True)
class Clock:
    """A clock and when it falls due. `severity_level` is the severity whose clock it is."""

    due_at: datetime
    event_type: EventType
    severity_level: str
    step_id: str | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)

    def event(self, incident: IncidentState) -> Event:
        """What is written when it falls due: the same whoever computes it, whenever."""
        return Event(
            incident_id=incident.incident_id,
            event_type=self.event_type,
            occurred_at=self.due_at,
            actor=PLANNER,
            source=incident.source,
            source_key=incident.source_key,
            payload=self.payload,
        )
