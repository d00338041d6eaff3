"""An incident that somebody opens, for tests of what comes of it."""

from datetime import datetime

from incident_ledger.ledger.events import Event, EventType, incident_id
from incident_ledger.ledger.writer import append
from incident_ledger.warehouse import Warehouse


def open_incident(warehouse: Warehouse, key: str, at: datetime, *, severity: str = "P2") -> str:
    """Write the event of its detection; its id. The key is its title."""
    event = Event(
        incident_id=incident_id("test", key, at),
        event_type=EventType.DETECTED,
        occurred_at=at,
        actor="tester",
        source="test",
        source_key=key,
        severity_level=severity,
        payload={"title": key},
    )
    append(warehouse, [event], at)
    return event.incident_id
