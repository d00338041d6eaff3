"""Incidents on a screen."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from incident_ledger.cli._console import Text, err, out, print_rows
from incident_ledger.encoding import canonical, screen_line, timestamp
from incident_ledger.ledger.events import Event
from incident_ledger.ledger.lookup import LATEST, find_latest, minutes_of
from incident_ledger.ledger.overdue import overdue
from incident_ledger.ledger.state import IncidentState, RecordedEvent
from incident_ledger.warehouse import Warehouse

LATE = timedelta(minutes=1)  # what was recorded so long after it happened has both times
_MOST_LINES = 2  # of an incident in a list
_LONGEST_NAME = 30
_OTHER_LINES = 4  # the command, the names of the columns, and what is below the list
# Colours of the screen, which decide nothing.
STYLES = {"P0": "bold red", "P1": "red", "P2": "yellow", "P3": "dim"}


def print_list(
    incidents: Sequence[IncidentState],
    now: datetime,
    *,
    everything: bool,
    acknowledged_by: Mapping[str, str] | None = None,
) -> None:
    """A line an incident, or two where one is too long: the open ones by severity, or all by time of detection.

    Of the open ones a terminal shows the worst that fit it, and how many there are of the others.
    """
    if not incidents:
        err.print("No incidents." if everything else "No open incidents.", style="dim")
        return
    ordered = incidents if everything else sorted(incidents, key=urgency)
    room = len(ordered) if everything or not out.is_terminal else max(out.height - _OTHER_LINES, 2) // _MOST_LINES
    ordered, others = ordered[:room], ordered[room:]
    rows = [
        [
            Text(item.incident_id),
            severity(item.severity_level),
            Text(ended(item)),
            Text(lasted(item, now)),
            Text(screen_line(item.title, 200)),
            _answer(item, (acknowledged_by or {}).get(item.incident_id)),
        ]
        for item in ordered
    ]
    time_name = "lasted" if everything else "open for"
    print_rows(("incident", "sev", "status", time_name, "title", "component and answer"), rows, first=range(4))
    if others:
        numbers = Counter(each.severity_level for each in others)
        counts = ", ".join(f"{number} {level}" for level, number in sorted(numbers.items()))
        err.print(f"… and {len(others)} more ({counts}): incident-ledger incident list | less", style="dim")


def urgency(incident: IncidentState) -> tuple[str, bool, datetime]:
    """The worst first, of these what is overdue, of these the oldest."""
    return incident.severity_level, not overdue(incident), incident.detection_time


def _answer(incident: IncidentState, acknowledged_by: str | None) -> Text:
    """What is hit; what is overdue, or who has acknowledged it; and who commands."""
    text = Text(screen_line(incident.component or "no component"), style="dim")
    waiting = overdue(incident)
    if waiting:
        since = ", ".join(f"{each.what} since {each.since:%H:%M}" for each in waiting)
        text.append(f"; OVERDUE: {since}", "bold red")
    elif incident.is_open:
        text.append(f"; {_acknowledged(incident, acknowledged_by)}")
    if incident.is_open and incident.incident_commander:
        text.append(f"; commander {screen_line(incident.incident_commander)}")
    return text


def _acknowledged(incident: IncidentState, by: str | None) -> str:
    if not incident.has_sla:
        return "the vendor is at work on it"
    at = incident.our_acknowledged_time
    if at is None:
        return "not acknowledged"
    return f"acknowledged {at:%H:%M}" + (f" by {screen_line(by, _LONGEST_NAME)}" if by else "")


def print_head(incident: IncidentState) -> None:
    """Which incident it is, how bad, how far, and what it is about."""
    head = Text.assemble(
        (incident.severity_level, STYLES.get(incident.severity_level, "")),
        f"  {ended(incident)}  {screen_line(incident.title, 200)}",
    )
    out.print(Text(incident.incident_id, style="bold"), head, sep="  ", soft_wrap=True)


def given_id(warehouse: Warehouse, part: str) -> str:
    """What a person wrote in place of an id; of `latest` the id that it is now, which is shown."""
    if part.strip().casefold() != LATEST:
        return part
    found = find_latest(warehouse)
    err.print(
        f"{LATEST} is {found.incident_id}: {found.severity_level} {ended(found)}, {screen_line(found.title)}",
        soft_wrap=True,
    )
    return found.incident_id


def print_timeline(incident: IncidentState, events: Sequence[RecordedEvent]) -> None:
    """An event a line, with the minutes since the detection, and when it was written where that was later."""
    print_head(incident)
    corrected = superseded(events)
    for item in events:
        print_timeline_event(incident, item, is_superseded=item.event_id in corrected)


def print_timeline_event(incident: IncidentState, item: RecordedEvent, *, is_superseded: bool = False) -> None:
    """One line of it."""
    minutes = minutes_since(item.event.occurred_at, incident.detection_time)
    written = f"  (recorded {utc(item.recorded_at)})" if item.recorded_at - item.event.occurred_at >= LATE else ""
    dead = "  (superseded)" if is_superseded else ""
    out.print(f"{minutes:>+9.1f}  {event_line(item.event, with_id=False)}{written}{dead}", soft_wrap=True)


def minutes_since(time: datetime, detected: datetime) -> float:
    """Minutes from a detection on; what happened before has fewer than none."""
    return (time - detected) / timedelta(minutes=1)


def superseded(events: Sequence[RecordedEvent]) -> set[str]:
    """The ids of events that others correct."""
    return {str(item.event.payload.get("supersedes")) for item in events} - {"None"}


def event_line(event: Event, *, with_id: bool = True) -> str:
    """One event on one line: when, what, who, and its payload."""
    payload = {key: value for key, value in event.payload.items() if key not in ("supersedes", "updated_at", "seen_at")}
    words = [f"{timestamp(event.occurred_at).replace('.000000Z', 'Z')}"]
    words += [event.incident_id] if with_id else []
    words += [event.event_type.value, *([event.severity_level] if event.severity_level else []), f"by {event.actor}"]
    text = " ".join(words)
    if payload:
        text += "  " + screen_line(", ".join(f"{key}: {_value(value)}" for key, value in payload.items()), 300)
    return text


def as_json(event: Event) -> dict[str, Any]:
    """An event for machines."""
    return {"event_id": event.event_id, **vars(event), "occurred_at": timestamp(event.occurred_at)}


def open_line(incident: IncidentState) -> str:
    """An incident that is open already, on one line."""
    since = utc(incident.detection_time)
    return (
        f"{incident.incident_id} is open already, since {since}: {incident.severity_level} {ended(incident)}, "
        f"{screen_line(incident.title)}"
    )


def severity(level: str) -> Text:
    """A severity in its colour."""
    return Text(level, style=STYLES.get(level, ""))


def ended(incident: IncidentState) -> str:
    """Its status, or how it came to be none."""
    if incident.merged_into:
        return "merged"
    return "retracted" if incident.is_retracted else incident.status.value


def lasted(incident: IncidentState, now: datetime) -> str:
    """How long it is open, or took; `?` when that is not known."""
    minutes = minutes_of(incident, now)
    value = minutes["age_minutes"] if incident.is_open else minutes["mttr_minutes"]
    if value is None:
        return "?"
    span = timedelta(minutes=abs(value))
    hours, rest = divmod(int(span.total_seconds()), 3600)
    text = f"{hours // 24} d {hours % 24} h" if hours >= 48 else f"{hours} h {rest // 60} min" if hours else ""
    return ("-" if value < 0 else "") + (text or f"{abs(value):.1f} min")


def utc(value: datetime | None) -> str | None:
    """A time, without a fraction where there is none."""
    return None if value is None else timestamp(value).replace(".000000Z", "Z")


def shown_minutes(value: float | None) -> str | None:
    """Minutes to the thousandth; None for what is not known."""
    return (
        None if value is None else f"{value:,.3f} minutes" + ("  (negative: times that cannot be)" if value < 0 else "")
    )


def _value(value: Any) -> str:
    return value if isinstance(value, str) else canonical(value)
