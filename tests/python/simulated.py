"""One incident through a simulated clock: what people and programs record of it, and what the planner makes of that."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from conftest import PROJECT_DIR
from incident_ledger.ledger.events import Event, EventType, incident_id
from incident_ledger.ledger.state import IncidentState, in_order
from incident_ledger.policy import Policy, load_files
from incident_ledger.response.planner import plan
from ledger.fold import states

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
POLICY: Policy = load_files(PROJECT_DIR / "seeds" / "policy")
CONTAINED = {"status": "resolving", "contained": True}


@dataclass
class Ledger:
    """One incident's events. `start` is its detection; the minutes of all else count from there."""

    severity: str
    start: datetime = START
    source: str = "test"
    events: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.add("detected", 0, severity=self.severity, actor="monitor", title="T")

    def add(
        self, kind: str, minute: float, *, severity: str | None = None, actor: str = "ann", **payload: Any
    ) -> "Ledger":
        event = Event(
            incident_id=incident_id(self.source, "k", self.start),
            event_type=EventType(kind),
            occurred_at=self.start + minute * MINUTE,
            actor=actor,
            source=self.source,
            source_key="k",
            severity_level=severity,
            payload=payload,
        )
        self.events.append(event)
        return self

    def state(self) -> IncidentState:
        (state,) = states(self.events)
        return state

    def tick(self, minute: float) -> list[Event]:
        """What a tick writes."""
        events = plan([self.state()], [], POLICY, self.start + minute * MINUTE)
        self.events += events
        return events

    def clocks(self) -> list[Event]:
        """What clocks wrote, in order."""
        return sorted((event for event in self.events if event.actor == "incident-ledger"), key=in_order)

    def due(self, *, updates: bool = False) -> dict[str, float]:
        """Of each clock but that of updates the minute at which it fell due."""
        return {
            name(event): (event.occurred_at - self.start) / MINUTE
            for event in self.clocks()
            if updates or event.event_type is not EventType.UPDATE_DUE
        }

    def updates(self) -> list[float]:
        return [(each.occurred_at - self.start) / MINUTE for each in self.clocks() if name(each) == "update_due"]


def name(event: Event) -> str:
    return str(event.payload.get("step_id") or event.event_type.value)
