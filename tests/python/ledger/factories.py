"""Events and states for tests, each with what it needs and nothing else."""

from datetime import UTC, datetime, timedelta
from typing import Any

from incident_ledger.ledger.events import Event, EventType, Status, incident_id
from incident_ledger.ledger.state import IncidentState

T0 = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
RANKS = {"P0": 0, "P1": 1, "P2": 2, "P3": 3}


def after(minutes: float) -> datetime:
    """So many minutes after the detection."""
    return T0 + timedelta(minutes=minutes)


def event(
    kind: str = "note", minutes: float = 0, *, key: str = "k", severity: str | None = None, **payload: Any
) -> Event:
    """An event of the incident with this key."""
    if kind == "detected":
        payload, severity = {"title": "T", **payload}, severity or "P2"
    return Event(
        incident_id=incident_id("test", key, T0),
        event_type=EventType(kind),
        occurred_at=after(minutes),
        actor="tester",
        source="test",
        source_key=key,
        severity_level=severity,
        payload=payload,
    )


def state(**known: Any) -> IncidentState:
    """An open P2, detected at T0."""
    usual: dict[str, Any] = {
        "incident_id": "INC-20260302T090000Z-0123abcd", "source": "test", "source_key": "k", "title": "T",
        "severity_level": "P2", "initial_severity_level": "P2", "worst_detected_severity_level": "P2",
        "status": Status.INVESTIGATING, "is_open": True, "detection_time": T0, "last_event_time": T0,
    }  # fmt: skip
    return IncidentState(**(usual | known))


def resolved(minutes: float, **known: Any) -> IncidentState:
    """The same, resolved so many minutes after its detection."""
    end = after(minutes)
    ended = {"status": Status.RESOLVED, "is_open": False, "resolution_time": end, "last_resolution_time": end}
    return state(**(ended | known))
