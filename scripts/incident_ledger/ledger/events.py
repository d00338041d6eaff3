"""Incident events: what may happen to an incident, and ids that say the same whoever computes them."""

import hashlib
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any

from incident_ledger.encoding import canonical, timestamp

# Of this project alone; changing it would change every id.
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "incident-ledger:events")

# How far the clocks of those who write may be behind what they write of.
CLOCKS_BEHIND = timedelta(days=1)

PLANNER = "incident-ledger"  # the actor of what follows from policy

# Who writes events without a person: every other actor is one. `macros/actors.sql` has the same names.
MACHINES = frozenset({PLANNER, "statuspage"})


class EventType(StrEnum):
    """Every type of event, in the order in which an incident usually meets them."""

    DETECTED = "detected"
    ACKNOWLEDGED = "acknowledged"
    SEVERITY_CHANGED = "severity_changed"
    STATUS_CHANGED = "status_changed"
    NOTE = "note"
    ACTION_TAKEN = "action_taken"
    ESCALATED = "escalated"
    NOTIFIED = "notified"
    IMPACT_ASSESSED = "impact_assessed"
    ROOT_CAUSE_IDENTIFIED = "root_cause_identified"
    ETA_SET = "eta_set"
    COMMANDER_ASSIGNED = "commander_assigned"
    WAR_ROOM_OPENED = "war_room_opened"
    UPDATE_DUE = "update_due"
    JOINED = "joined"
    SPLIT = "split"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    REVIEW_SCHEDULED = "review_scheduled"
    REVIEW_DUE = "review_due"
    TASK_COMPLETED = "task_completed"
    REVIEW_COMPLETED = "review_completed"
    MERGED = "merged"
    RETRACTED = "retracted"


CLOCK_EVENTS = (EventType.ESCALATED, EventType.UPDATE_DUE, EventType.REVIEW_DUE)
"""What falls due by the clock and may ask for a message: after the end of an incident `review_due`, else before it."""


PROGRESS_EVENTS = (
    *(EventType.STATUS_CHANGED, EventType.NOTE, EventType.ACTION_TAKEN, EventType.IMPACT_ASSESSED),
    *(EventType.ROOT_CAUSE_IDENTIFIED, EventType.ETA_SET, EventType.COMMANDER_ASSIGNED, EventType.WAR_ROOM_OPENED),
)
"""What people write of an incident and may ask to be sent, by `notify` in the payload: each has its own message."""


class Status(StrEnum):
    """The playbook's four states of an incident."""

    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    RESOLVING = "resolving"
    RESOLVED = "resolved"


@dataclass(frozen=True, kw_only=True)
class Event:
    """One fact about one incident. `occurred_at` is UTC; `payload` holds only what JSON holds."""

    incident_id: str
    event_type: EventType
    occurred_at: datetime
    actor: str
    source: str
    source_key: str
    severity_level: str | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def event_id(self) -> str:
        """A UUID (version 5) over incident, type, time and payload: the same event has the same id everywhere."""
        identity = [self.incident_id, self.event_type.value, timestamp(self.occurred_at), canonical(self.payload)]
        return str(uuid.uuid5(_NAMESPACE, canonical(identity)))


def payload_text(event: Event, key: str) -> str | None:
    """What a payload has under a key, as `json_value` reads it; None where it has nothing there."""
    return scalar_text(event.payload.get(key))


def scalar_text(value: Any) -> str | None:
    """As `json_value`: a scalar as text, and nothing of a list, an object or a null."""
    if value is None or isinstance(value, list | tuple | dict):
        return None
    return value if isinstance(value, str) else canonical(value)


def is_asked_for(event: Event) -> bool:
    """Whether a person asked that it be sent at once."""
    return event.payload.get("notify") in (True, "true")


def is_progress(event: Event) -> bool:
    """Whether a person asked that it be sent to whoever was notified of the incident."""
    return event.event_type in PROGRESS_EVENTS and is_asked_for(event) and "supersedes" not in event.payload


def incident_id(source: str, source_key: str, detection_time: datetime) -> str:
    """`INC-<UTC detection time>-<8 hex of source and source key>`: readable, sortable, derived."""
    digest = hashlib.sha256(canonical([source, source_key]).encode()).hexdigest()[:8]
    return f"INC-{detection_time.astimezone(UTC):%Y%m%dT%H%M%SZ}-{digest}"


def detected_at(incident_id: str) -> datetime:
    """The detection time that an incident's id has, in whole seconds; 1970 for an id that is not of `incident_id`."""
    try:
        return datetime.strptime(incident_id[4:20], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return datetime.fromtimestamp(0, UTC)


def recorded_since(incident_ids: Iterable[str]) -> datetime:
    """From when events of incidents are recorded, by the times of detection in their ids."""
    return min(map(detected_at, incident_ids), default=datetime.fromtimestamp(0, UTC)) - CLOCKS_BEHIND
