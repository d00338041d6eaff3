"""What an incident is now, as the view `incident_state` derives it from the events."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from incident_ledger.ledger.events import Status


@dataclass(frozen=True, kw_only=True)
class IncidentState:
    """One row of `incident_state`. Times are UTC; what is not known is None."""

    incident_id: str
    source: str
    source_key: str
    title: str
    severity_level: str
    initial_severity_level: str
    status: Status
    is_open: bool
    detection_time: datetime
    last_event_time: datetime
    # The worst that its detector has said; a person may have lowered `severity_level` below it.
    detected_severity_level: str
    is_retracted: bool = False
    merged_into: str | None = None
    rule_id: str | None = None
    description: str | None = None
    component: str | None = None
    components: tuple[str, ...] = ()
    start_time: datetime | None = None
    acknowledged_time: datetime | None = None
    identified_time: datetime | None = None
    contained_time: datetime | None = None
    resolution_time: datetime | None = None
    last_resolution_time: datetime | None = None  # stays when the incident is reopened
    closed_time: datetime | None = None
    last_reopened_time: datetime | None = None
    reopen_count: int = 0
    reopened_gap_microseconds: int = 0  # from each resolution to the reopening after it, summed
    root_cause_category: str | None = None
    incident_commander: str | None = None
    war_room_url: str | None = None
    estimated_resolution_time: datetime | None = None
    user_impact: str | None = None
    financial_impact: str | None = None
    services: tuple[str, ...] = ()
    evidence: Mapping[str, Any] = field(default_factory=dict)
