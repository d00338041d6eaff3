"""What events come to, folded in plain Python: another way to what `incident_state` derives in SQL."""

from collections.abc import Iterable
from typing import Any

from incident_ledger.ledger.events import MACHINES, Event, EventType
from incident_ledger.ledger.state import in_order


def fold(events: Iterable[Event]) -> dict[str, dict[str, Any]]:
    """By incident: the columns that an importer sets."""
    once = {event.event_id: event for event in events}.values()
    superseded = {(event.incident_id, event.payload.get("supersedes")) for event in once}
    incidents: dict[str, list[Event]] = {}
    for event in sorted(once, key=in_order):
        if (event.incident_id, event.event_id) not in superseded:
            incidents.setdefault(event.incident_id, []).append(event)
    folded = {incident: _fold(members) for incident, members in incidents.items()}
    return {incident: state for incident, state in folded.items() if state["detection_time"]}


def _fold(events: list[Event]) -> dict[str, Any]:
    state: dict[str, Any] = {
        "title": None, "severity_level": None, "initial_severity_level": None, "detection_time": None,
        "acknowledged_time": None, "identified_time": None, "contained_time": None, "last_resolution_time": None,
        "reopen_count": 0, "reopened_gap_microseconds": 0, "is_retracted": False, "components": (),
        "event_count": len(events), "start_time": None, "our_acknowledged_time": None,
        "detected_by": {"statuspage": "vendor", "cli": "person"}.get(events[0].source, "check"),
    }  # fmt: skip
    is_vendor, is_ours, was_over = state["detected_by"] == "vendor", False, False
    ended, status = False, "investigating"
    renamed = False
    for event in events:
        payload, kind, at = event.payload, event.event_type, event.occurred_at
        is_person = event.actor not in MACHINES
        if is_person and kind not in (EventType.DETECTED, EventType.NOTE):
            is_ours = is_ours or not was_over or at == state["last_resolution_time"]
        was_over = was_over or kind is EventType.RESOLVED
        if kind in (EventType.DETECTED, EventType.SEVERITY_CHANGED):
            state["severity_level"] = event.severity_level
            state["initial_severity_level"] = state["initial_severity_level"] or event.severity_level
        if kind is EventType.DETECTED and state["detection_time"] is None:
            state["detection_time"] = at
            state["title"] = state["title"] if renamed else payload["title"]
            start = payload.get("start_time")
            state["start_time"] = start if start and start <= at.isoformat() else None
        if kind is EventType.NOTE and "title" in payload:
            state["title"], renamed = payload["title"], True
        if kind is EventType.ACKNOWLEDGED:
            state["acknowledged_time"] = state["acknowledged_time"] or at
            if is_person or not is_vendor:
                state["our_acknowledged_time"] = state["our_acknowledged_time"] or at
        new_status = payload.get("status") if kind is EventType.STATUS_CHANGED else None
        if kind is EventType.REOPENED:
            new_status = payload.get("status", "investigating")
            if ended:
                gap = at - state["last_resolution_time"]
                state["reopened_gap_microseconds"] += round(gap.total_seconds() * 1_000_000)
                state["reopen_count"] += 1
            ended = False
        if kind is EventType.RESOLVED:
            ended, state["last_resolution_time"] = True, at
        if new_status == "identified":
            state["identified_time"] = state["identified_time"] or at
        if new_status == "resolving":
            state["contained_time"] = state["contained_time"] or at
        status = new_status or status
        state["is_retracted"] = state["is_retracted"] or kind is EventType.RETRACTED
        state["components"] = tuple(dict.fromkeys([*state["components"], *payload.get("components", [])]))
    state["status"] = "resolved" if ended else status
    state["resolution_time"] = state["last_resolution_time"] if ended else None
    state["has_sla"] = is_ours or not is_vendor
    state["is_open"] = not ended and not state["is_retracted"]
    return state
