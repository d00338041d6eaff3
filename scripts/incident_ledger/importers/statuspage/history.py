"""What the ledger knows of one incident of a status page: what the page showed, apart from what people did."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from incident_ledger.encoding import parse_time
from incident_ledger.ledger.events import Event, EventType
from incident_ledger.ledger.reducer import effective
from incident_ledger.ledger.state import in_order

SOURCE = "statuspage"
ACTOR = "statuspage"


@dataclass(frozen=True, kw_only=True)
class KnownUpdate:
    """The event that counts of one update of the page."""

    event_id: str
    event_type: EventType
    status: str | None
    at: datetime


@dataclass(kw_only=True)
class IncidentHistory:
    """Built by `build_history`. Only what this importer wrote counts as the page's.

    `seen_at` is when the page was first seen to list it; `updated_at` the newest view of it that was imported.
    """

    incident_id: str
    source_key: str
    page: str
    detected: Event
    seen_at: datetime
    updated_at: datetime
    title: str
    impact: str
    severity: str  # the present one, whoever set it
    is_severity_of_page: bool = True
    components: tuple[str, ...] = ()
    acknowledged: Event | None = None
    resolved: Event | None = None  # the resolution that counts, if the page was not reopened after it
    reopened: Event | None = None  # the reopening that counts, if the page was not resolved after it
    before_reopening: Event | None = None  # the resolution before it
    is_open: bool = True  # by the page or by a person
    retracted: Event | None = None
    updates: dict[str, KnownUpdate] = field(default_factory=dict)
    texts: dict[str, set[str]] = field(default_factory=dict)
    events: tuple[Event, ...] = ()
    event_ids: frozenset[str] = frozenset()


def build_history(events: Iterable[Event]) -> IncidentHistory | None:
    """What these events of one incident come to; None without a detection of this importer."""
    everything = tuple({event.event_id: event for event in events}.values())
    counting = effective(everything)
    detected = next(
        (event for event in counting if event.event_type is EventType.DETECTED and event.actor == ACTOR), None
    )
    if detected is None or detected.severity_level is None:
        return None
    sightings = [event for event in everything if event.event_type is EventType.DETECTED and event.actor == ACTOR]
    history = IncidentHistory(
        incident_id=detected.incident_id,
        source_key=detected.source_key,
        page=str(detected.payload.get("page")),
        detected=detected,
        seen_at=min(_time(event, "seen_at") for event in sightings),
        updated_at=max(_view_time(event) for event in everything if event.actor == ACTOR),
        title=str(detected.payload.get("title")),
        impact=str(detected.payload.get("impact")),
        severity=detected.severity_level,
        events=everything,
        event_ids=frozenset(event.event_id for event in everything),
    )
    for event in counting:
        _apply(history, event)
    # Every update and text ever imported is known, also that of an event that was superseded since.
    superseded = {event.event_id: event for event in everything}
    for event in counting:
        del superseded[event.event_id]
    for event in [*sorted(superseded.values(), key=in_order), *counting]:
        _add_update(history, event)
    return history


def _apply(history: IncidentHistory, event: Event) -> None:
    payload, is_of_page, kind = event.payload, event.actor == ACTOR, event.event_type
    if kind in (EventType.DETECTED, EventType.SEVERITY_CHANGED) and event.severity_level:
        history.severity, history.is_severity_of_page = event.severity_level, is_of_page
    if kind is EventType.RESOLVED:
        history.is_open = False
    if kind is EventType.REOPENED:
        history.is_open = True
    if not is_of_page:
        return
    history.impact = payload.get("impact", history.impact)
    history.components = tuple(dict.fromkeys([*history.components, *payload.get("components", [])]))
    if kind is EventType.NOTE and "title" in payload:
        history.title = payload["title"]
    if kind is EventType.ACKNOWLEDGED and history.acknowledged is None:
        history.acknowledged = event
    if kind is EventType.RETRACTED:
        history.retracted = event
    if kind is EventType.RESOLVED:
        history.resolved, history.reopened, history.before_reopening = event, None, None
    if kind is EventType.REOPENED:
        history.before_reopening, history.resolved, history.reopened = history.resolved, None, event


def _add_update(history: IncidentHistory, event: Event) -> None:
    payload, kind = event.payload, event.event_type
    if event.actor != ACTOR or "update_id" not in payload:
        return
    if "text" in payload:
        history.texts.setdefault(payload["update_id"], set()).add(payload["text"])
    is_main = kind in (EventType.STATUS_CHANGED, EventType.RESOLVED, EventType.REOPENED)
    if is_main or (kind is EventType.NOTE and "status" in payload):
        history.updates[payload["update_id"]] = KnownUpdate(
            event_id=event.event_id, event_type=kind, status=payload.get("status"), at=event.occurred_at
        )


def _view_time(event: Event) -> datetime:
    """The newest view of the record that an event shows to have been seen."""
    if event.event_type is EventType.RETRACTED or "listed_at" in event.payload:
        return datetime.min.replace(tzinfo=UTC)  # a time of the listing, not of the record
    if "updated_at" in event.payload:
        return _time(event, "updated_at")
    return event.occurred_at


def _time(event: Event, name: str) -> datetime:
    value = event.payload.get(name)
    return parse_time(value) if isinstance(value, str) else event.occurred_at


def by_source_key(known: Sequence[Event]) -> dict[str, IncidentHistory]:
    """The history of each incident of this importer; of several with one key, the one detected last."""
    events: dict[str, list[Event]] = {}
    for event in known:
        if event.source == SOURCE:
            events.setdefault(event.incident_id, []).append(event)
    histories = (build_history(events[incident]) for incident in sorted(events))
    return {history.source_key: history for history in histories if history}
