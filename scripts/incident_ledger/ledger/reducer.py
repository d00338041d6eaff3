"""What an incident's events come to: in Python what the view `incident_state` derives in SQL. Pure.

A property test holds the two equal, over random lives and on both engines.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, TypeVar

from incident_ledger.encoding import TimeError, parse_time
from incident_ledger.ledger.clock_history import clock_entry, in_time_order, is_containment, status_of
from incident_ledger.ledger.events import MACHINES, Event, EventType, Status, payload_text, scalar_text
from incident_ledger.ledger.state import IncidentState, in_order

T = TypeVar("T")

_WITH_SEVERITY = (EventType.DETECTED, EventType.SEVERITY_CHANGED)
_NO_ACTION = (EventType.DETECTED, EventType.NOTE)
_DETECTED_BY = {"statuspage": "vendor", "cli": "person"}  # by source; `macros/actors.sql` has the same


def replay(events: Iterable[Event], ranks: Mapping[str, int]) -> IncidentState | None:
    """The incident that these events of it come to, in whichever order they are given; None without a detection.

    `ranks` has each severity's rank, the worst lowest, for the worst that its detector set.
    """
    counting = effective(events)
    return _fold(counting, ranks) if any(event.event_type is EventType.DETECTED for event in counting) else None


def opened(detected: Event) -> IncidentState:
    """The incident that a `detected` event begins, before anything else is known of it."""
    return _fold([detected], {})


def apply(incident: IncidentState, event: Event) -> IncidentState:
    """The incident with one more event, of those that the planner writes of it; `replay` gives the same.

    What only a person or a source writes is not known here, nor a commander who was assigned after this event.
    `worst_detected_severity_level` stays: the planner has compared with it before.
    """
    entry = clock_entry(event)
    known = incident.clock_history
    at, changes = event.occurred_at, dict[str, Any]()
    if event.event_type is EventType.SEVERITY_CHANGED:
        changes["severity_level"] = event.severity_level
    elif event.event_type is EventType.RESOLVED:
        changes |= {"status": Status.RESOLVED, "is_open": False, "resolution_time": at, "last_resolution_time": at}
    elif event.event_type is EventType.REOPENED:
        changes |= {"status": Status.INVESTIGATING, "is_open": True, "resolution_time": None, "last_reopened_time": at}
    elif event.event_type is EventType.MERGED:
        changes |= {"merged_into": payload_text(event, "into"), "is_open": False}
    elif event.event_type is EventType.COMMANDER_ASSIGNED:
        changes["incident_commander"] = payload_text(event, "name")
    return replace(
        incident,
        **changes,
        last_event_time=max(incident.last_event_time, at),
        event_count=incident.event_count + 1,
        clock_history=in_time_order((*known, entry.text)) if entry else known,
    )


def effective(events: Iterable[Event]) -> list[Event]:
    """The events in order, each once (the first of an id counts), without those that another one supersedes."""
    once: dict[str, Event] = {}
    for event in events:
        once.setdefault(event.event_id, event)
    superseded = {(event.incident_id, payload_text(event, "supersedes")) for event in once.values()}
    return sorted((each for each in once.values() if (each.incident_id, each.event_id) not in superseded), key=in_order)


def reopened_gaps(events: Sequence[Event], since: datetime | None = None) -> list[timedelta]:
    """The times from each resolution (from `since` on) to the reopening that follows it, of events in order."""
    return [
        later.occurred_at - earlier.occurred_at
        for earlier, later in pairwise(filter(_is_transition, events))
        if _is_end(earlier) and not _is_end(later) and (since is None or earlier.occurred_at >= since)
    ]


def _fold(events: Sequence[Event], ranks: Mapping[str, int]) -> IncidentState:
    """Of an incident's effective events, in order, with a detection."""
    detections = _of(events, EventType.DETECTED)
    detected, source = detections[0], events[0].source
    severities = [event for event in events if event.event_type in _WITH_SEVERITY and event.severity_level]
    levels = [event.severity_level or "" for event in severities] or [""]
    by_detector = [event.severity_level or "" for event in severities if event.actor == detected.actor]
    known_levels = [level for level in by_detector if level in ranks] or by_detector or [""]
    titles = [title for event in _of(events, EventType.NOTE) if (title := payload_text(event, "title")) is not None]
    components = tuple(dict.fromkeys(name for event in events for name in _texts(event.payload.get("components"))))
    detected_by = _DETECTED_BY.get(source, "check")
    acknowledged = _of(events, EventType.ACKNOWLEDGED)
    acknowledged_time, answered_time = _earliest(acknowledged), _earliest(filter(_is_by_person, acknowledged))
    start_time = _first(_time(event, "start_time") for event in detections)
    ends = [event for event in events if _is_end(event)]
    last_resolution_time = ends[-1].occurred_at if ends else None
    is_resolved = [_is_end(event) for event in events if _is_transition(event)][-1:] == [True]
    is_retracted = bool(_of(events, EventType.RETRACTED))
    merged_into = _merged_into(events)
    gaps = reopened_gaps(events)
    return IncidentState(
        incident_id=detected.incident_id,
        source=source,
        source_key=events[0].source_key,
        title=titles[-1] if titles else payload_text(detected, "title") or "",
        severity_level=levels[-1],
        initial_severity_level=levels[0],
        worst_detected_severity_level=min(known_levels, key=lambda level: ranks.get(level, 0)),
        status=Status.RESOLVED if is_resolved else _open_status(events),
        is_open=not is_resolved and not is_retracted and merged_into is None,
        detection_time=detected.occurred_at,
        last_event_time=events[-1].occurred_at,
        detected_by=detected_by,
        has_sla=detected_by != "vendor" or _is_acted_on(events, _earliest(ends)),
        is_retracted=is_retracted,
        merged_into=merged_into,
        rule_id=_first(payload_text(event, "rule_id") for event in detections),
        description=_first(payload_text(event, "description") for event in detections),
        component=components[0] if components else None,
        components=components,
        start_time=start_time if start_time and start_time <= detected.occurred_at else None,
        acknowledged_time=acknowledged_time,
        our_acknowledged_time=answered_time if detected_by == "vendor" else acknowledged_time,
        identified_time=_earliest(event for event in events if _names_cause(event) or status_of(event) == "identified"),
        contained_time=_earliest(filter(is_containment, events)),
        resolution_time=last_resolution_time if is_resolved else None,
        last_resolution_time=last_resolution_time,
        closed_time=_last_time(_of(events, EventType.REVIEW_COMPLETED)) if is_resolved else None,
        last_reopened_time=_last_time(event for event in events if _is_transition(event) and not _is_end(event)),
        reopen_count=len(gaps),
        reopened_gap_microseconds=sum(gaps, timedelta()) // timedelta(microseconds=1),
        root_cause_category=_latest(payload_text(event, "category") for event in events if _names_cause(event)),
        incident_commander=_latest(payload_text(event, "name") for event in _of(events, EventType.COMMANDER_ASSIGNED)),
        war_room_url=_latest(payload_text(event, "url") for event in _of(events, EventType.WAR_ROOM_OPENED)),
        estimated_resolution_time=_latest(_time(event, "estimated_resolution_time") for event in events),
        user_impact=_latest(payload_text(event, "user_impact") for event in events),
        financial_impact=_latest(payload_text(event, "financial_impact") for event in events),
        services=tuple(_texts(_latest(event.payload.get("services") for event in events))),
        evidence=_latest(event.payload.get("evidence") for event in events) or {},
        event_count=len(events),
        clock_history=tuple(entry.text for event in events if (entry := clock_entry(event))),
    )


def _open_status(events: Iterable[Event]) -> Status:
    """The last status that was set; a cause that was named since is at least identified."""
    status = Status.INVESTIGATING
    for event in events:
        if _names_cause(event) and status is Status.INVESTIGATING:
            status = Status.IDENTIFIED
        status = Status(status_of(event) or status)
    return status


def _merged_into(events: Iterable[Event]) -> str | None:
    """The incident that the last merger names, unless it was split off since."""
    into = None
    for event in events:
        if event.event_type is EventType.MERGED:
            named = payload_text(event, "into")
            into = into if named is None else named
        elif event.event_type is EventType.SPLIT:
            into = None
    return into


def _is_end(event: Event) -> bool:
    return status_of(event) == Status.RESOLVED


def _is_transition(event: Event) -> bool:
    return _is_end(event) or event.event_type is EventType.REOPENED


def _names_cause(event: Event) -> bool:
    return event.event_type is EventType.ROOT_CAUSE_IDENTIFIED


def _is_by_person(event: Event) -> bool:
    return event.actor not in MACHINES


def _is_acted_on(events: Iterable[Event], ended_at: datetime | None) -> bool:
    """Whether a person did more than note something, before the incident was over for the first time."""
    acted_at = _earliest(each for each in events if _is_by_person(each) and each.event_type not in _NO_ACTION)
    return acted_at is not None and (ended_at is None or acted_at <= ended_at)


def _of(events: Iterable[Event], event_type: EventType) -> list[Event]:
    return [event for event in events if event.event_type is event_type]


def _earliest(events: Iterable[Event]) -> datetime | None:
    return min((event.occurred_at for event in events), default=None)


def _last_time(events: Iterable[Event]) -> datetime | None:
    return max((event.occurred_at for event in events), default=None)


def _first(values: Iterable[T | None]) -> T | None:
    return next((value for value in values if value is not None), None)


def _latest(values: Iterable[T | None]) -> T | None:
    return _first(reversed(list(values)))


def _texts(value: Any) -> list[str]:
    """The texts of a list, without its nulls; none of what holds lists or objects. As `json_value_array`."""
    items = value if isinstance(value, list | tuple) else ()
    if any(isinstance(item, list | tuple | dict) for item in items):
        return []
    return [text for item in items if (text := scalar_text(item)) is not None]


def _time(event: Event, key: str) -> datetime | None:
    """A time of a payload; what is none is not known."""
    try:
        return parse_time(payload_text(event, key) or "")
    except TimeError:
        return None
