"""What of an incident's events its clocks depend on: one short text an event, as `incident_state.clock_history` has it.

`macros/clock_entry.sql` writes the same texts; the property test of the reducer compares them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from incident_ledger.ledger.events import MACHINES, Event, EventType, Status, payload_text

# Of programs; every event of a person is an update of the incident, but for what `notify` records.
CLOCK_TYPES = frozenset(
    {
        EventType.DETECTED,
        EventType.SEVERITY_CHANGED,
        EventType.STATUS_CHANGED,
        EventType.ESCALATED,
        EventType.COMMANDER_ASSIGNED,
        EventType.WAR_ROOM_OPENED,
        EventType.UPDATE_DUE,
        EventType.RESOLVED,
        EventType.REOPENED,
        EventType.MERGED,
        EventType.REVIEW_SCHEDULED,
        EventType.REVIEW_DUE,
    }
)
CONTAINED = "contained"
_EPOCH = datetime.fromtimestamp(0, UTC)
_MICROSECOND = timedelta(microseconds=1)
_NONE = "-"
_SUBJECTS = {
    EventType.ESCALATED: "step_id",
    EventType.REVIEW_DUE: "step_id",
    EventType.TASK_COMPLETED: "task_id",
    EventType.REVIEW_SCHEDULED: "review",
}


@dataclass(frozen=True, kw_only=True)
class ClockEntry:
    """One event that starts, stops or records a clock. `status` is `CONTAINED` where the impact was stopped.

    `step_id` is what fell due, the task that was completed, or the kind of review that was scheduled.
    """

    occurred_at: datetime
    event_type: EventType
    is_by_person: bool
    severity_level: str | None = None
    status: str | None = None
    step_id: str | None = None

    @property
    def text(self) -> str:
        """As the warehouse has it."""
        return " ".join(
            (
                str((self.occurred_at - _EPOCH) // _MICROSECOND),
                self.event_type.value,
                "person" if self.is_by_person else "program",
                *(part or _NONE for part in (self.severity_level, self.status, self.step_id)),
            )
        )


def clock_entry(event: Event) -> ClockEntry | None:
    """The entry of an event; None for one on which no clock depends."""
    is_by_person = event.actor not in MACHINES
    if event.event_type is EventType.NOTIFIED or not (is_by_person or event.event_type in CLOCK_TYPES):
        return None
    subject = _SUBJECTS.get(event.event_type)
    return ClockEntry(
        occurred_at=event.occurred_at,
        event_type=event.event_type,
        is_by_person=is_by_person,
        severity_level=_severity(event),
        status=CONTAINED if is_containment(event) else status_of(event),
        step_id=payload_text(event, subject) if subject else None,
    )


def parse_entries(texts: Iterable[str]) -> list[ClockEntry]:
    """The entries of one incident, in their order."""
    return [_parse(text) for text in texts]


def in_time_order(texts: Iterable[str]) -> tuple[str, ...]:
    """Entries of which some were added, in the order of the ledger; of one time and type the first comes first."""
    order = list(EventType)
    entries = sorted(parse_entries(texts), key=lambda each: (each.occurred_at, order.index(each.event_type)))
    return tuple(entry.text for entry in entries)


def is_containment(event: Event) -> bool:
    """Whether the impact was stopped or is being watched: a status page's "monitoring", or a person's `contain`."""
    if event.event_type not in (EventType.STATUS_CHANGED, EventType.REOPENED):
        return False
    if event.payload.get("status") != Status.RESOLVING:
        return False
    return event.actor in MACHINES or event.payload.get("contained") in (True, "true")


def status_of(event: Event) -> str | None:
    """The status that an event sets; a note may speak of one and sets none."""
    status = event.payload.get("status")
    known = status if isinstance(status, str) else None
    if event.event_type is EventType.RESOLVED:
        return Status.RESOLVED.value
    if event.event_type is EventType.REOPENED:
        return known or Status.INVESTIGATING.value
    return known if event.event_type is EventType.STATUS_CHANGED else None


def _severity(event: Event) -> str | None:
    """The severity that an event sets, or whose escalation it is."""
    if event.event_type is EventType.ESCALATED:
        return payload_text(event, "severity_level")
    return event.severity_level if event.event_type in (EventType.DETECTED, EventType.SEVERITY_CHANGED) else None


def _parse(text: str) -> ClockEntry:
    micros, event_type, author, severity_level, status, step_id = text.split(" ", 5)
    return ClockEntry(
        occurred_at=_EPOCH + int(micros) * _MICROSECOND,
        event_type=EventType(event_type),
        is_by_person=author == "person",
        severity_level=_known(severity_level),
        status=_known(status),
        step_id=_known(step_id),
    )


def _known(part: str) -> str | None:
    return None if part == _NONE else part
