"""One incident on one screen of 80 columns and 40 lines: what is asked first stands first."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from incident_ledger.cli._console import out, wide_out
from incident_ledger.cli._incidents import event_line, lasted, print_head, shown_minutes, superseded, utc
from incident_ledger.encoding import screen_line
from incident_ledger.ledger.events import Event, EventType
from incident_ledger.ledger.lookup import minutes_of
from incident_ledger.ledger.overdue import ASKS_FOR, UPDATE, overdue
from incident_ledger.ledger.state import IncidentState, RecordedEvent
from incident_ledger.notify.formatting import QUERY
from incident_ledger.notify.summary import Summary

_LINES = 40
_FEWEST_EVENTS, _MOST_EVENTS = 3, 10
_FINDINGS = 4  # lines; the others are in --json
_TIMES = (
    ("began", "start_time"),
    ("detected", "detection_time"),
    ("acknowledged", "acknowledged_time"),
    ("identified", "identified_time"),
    ("contained", "contained_time"),
    ("resolved", "resolution_time"),
    ("reopened", "last_reopened_time"),
    ("closed", "closed_time"),
    ("expected end", "estimated_resolution_time"),
)


def print_one(
    incident: IncidentState,
    events: Sequence[RecordedEvent],
    summary: Summary,
    ahead: Sequence[Event],
    now: datetime,
) -> None:
    """State, clocks, times, what was found and written, whom to ask, the last events, and the next command.

    `ahead` are the clocks that fall due next. What is to be copied (a query, a command) is never cut.
    """
    print_head(incident)
    rows = [
        *_clocks(incident, ahead, now),
        *_times(incident, summary, now),
        *_known(incident, summary),
        *((label.lower(), text) for label, text in summary.found[:_FINDINGS]),
        ("last written", summary.last_written),
        ("ask", "; ".join(summary.whom_to_ask) or None),
    ]
    shown = [(label, screen_line(text, 2_000 if label == QUERY.lower() else 400)) for label, text in rows if text]
    for label, text in shown:
        _print_row(label, text)
    _print_events(events, room=_LINES - len(shown) - 4)
    out.print(f"Next: {summary.next_command}", style="bold", soft_wrap=True)


def _clocks(incident: IncidentState, ahead: Sequence[Event], now: datetime) -> Iterator[tuple[str, str]]:
    """What is overdue first, then what falls due next."""
    for each in overdue(incident):
        minutes = (now - each.since).total_seconds() / 60
        yield "OVERDUE", f"{each.what} since {utc(each.since)} ({minutes:,.0f} min)"
    for event in ahead:
        minutes = (event.occurred_at - now).total_seconds() / 60
        yield "due next", f"{utc(event.occurred_at)} (in {minutes:,.0f} min): {_clock_name(event)}"


def _clock_name(event: Event) -> str:
    """What is to be done by then, or what the clock's step is."""
    if event.event_type is EventType.UPDATE_DUE:
        return UPDATE
    if (step := event.payload.get("step_id")) in ASKS_FOR:
        return ASKS_FOR[step]
    text = event.payload.get("text")
    return text if isinstance(text, str) else event.event_type.value


def _times(incident: IncidentState, summary: Summary, now: datetime) -> Iterator[tuple[str, str | None]]:
    for label, column in _TIMES:
        time = utc(getattr(incident, column))
        is_answer = label == "acknowledged" and summary.acknowledged_by
        if label == "acknowledged" and time is None and incident.is_open and incident.has_sla:
            time = "by nobody yet"
        yield label, f"{time} by {summary.acknowledged_by}" if time and is_answer else time
    if incident.is_open:
        yield "open for", lasted(incident, now)
    for name, value in minutes_of(incident, now).items():
        yield name.replace("_minutes", ""), shown_minutes(value)
    yield "reopened", f"{incident.reopen_count} times" if incident.reopen_count else None


def _known(incident: IncidentState, summary: Summary) -> Iterator[tuple[str, str | None]]:
    yield "components", ", ".join(incident.components) or None
    yield "source", f"{incident.source}, {incident.source_key}"
    yield "description", incident.description
    yield "user impact", incident.user_impact
    yield "financial impact", incident.financial_impact or summary.money_at_stake
    yield "data impact", summary.data_impact
    yield "services", ", ".join(incident.services) or None
    yield "cause", summary.cause or ("not named yet" if incident.is_open else None)
    for cause in summary.likely_causes:
        yield "likely cause", cause
    yield "war room", incident.war_room_url


def _print_row(label: str, text: str) -> None:
    line = f"  {label:<17}{text}"
    if label in (QUERY.lower(), "war room"):
        out.print(line, soft_wrap=True)
        return
    style = "bold red" if label == "OVERDUE" else None
    wide_out().print(line, style=style, no_wrap=True, overflow="ellipsis")


def _print_events(events: Sequence[RecordedEvent], *, room: int) -> None:
    """The last events for which there is room; what was sent to whom is in the timeline."""
    number = max(_FEWEST_EVENTS, min(_MOST_EVENTS, room))
    last = [item for item in events if item.event.event_type is not EventType.NOTIFIED][-number:]
    hidden, corrected = len(events) - len(last), superseded(events)
    others = f"  … {hidden} others: incident-ledger incident timeline {events[0].event.incident_id}"
    out.print(others if hidden else "", soft_wrap=True)
    for item in last:
        dead = "  (superseded)" if item.event_id in corrected else ""
        wide_out().print(f"  {event_line(item.event, with_id=False)}{dead}", no_wrap=True, overflow="ellipsis")
