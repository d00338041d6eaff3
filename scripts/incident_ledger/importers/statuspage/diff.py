"""What a view shows that the ledger does not know: pure, and nothing for a view that was imported before.

- `detected` at `created_at` holds the page's title, impact and components as first seen; later changes are events of
  their own at the record's `updated_at`: `note` with a new title or an edited text, `severity_changed`,
  `impact_assessed` with more components, `detected` again (superseding) with another `created_at` or `started_at`.
- `acknowledged` at the earliest update; `status_changed` at each update with `investigating`, `identified` or
  `monitoring` (our `resolving`), a `note` at every other one.
- `resolved` at `resolved_at`. A view whose status is over and that has none is resolved at its last update that says
  `resolved`; while the status is open, such an update resolves nothing. Another time supersedes it; none, and an open
  status, is `reopened`.
- A view older than what is known changes nothing. Of views with the same `updated_at`, a later one counts, and what the
  ledger has changed away from at that very time is not taken back.
- What a person did here stands: the page is compared with what it showed before, and a severity that a person set
  is only raised.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from incident_ledger.encoding import timestamp
from incident_ledger.importers.statuspage.history import ACTOR, SOURCE, IncidentHistory
from incident_ledger.importers.statuspage.records import STATUSES, IncidentSnapshot, Update
from incident_ledger.ledger.events import Event, EventType, incident_id


def first_sight(view: IncidentSnapshot, seen_at: datetime) -> list[Event]:
    """All events of an incident that the ledger does not have."""
    incident = incident_id(SOURCE, view.key, view.created_at)
    payload: dict[str, Any] = {
        "title": view.title,
        "page": view.page,
        "impact": view.impact,
        "updated_at": timestamp(view.updated_at),
        "seen_at": timestamp(seen_at),
    }
    if view.components:
        payload["components"] = list(view.components)
    if view.start_time:
        payload["start_time"] = timestamp(view.start_time)
    detected = _event(incident, view, EventType.DETECTED, view.created_at, payload, severity_level=view.severity)
    events = [detected]
    if view.updates:
        events.append(_acknowledged(incident, view))
    events.extend(_update_event(incident, view, update) for update in view.updates if update != view.closing)
    if view.resolved_at:
        events.append(_resolved(incident, view, view.resolved_at))
    return events


def changes(view: IncidentSnapshot, history: IncidentHistory) -> list[Event]:
    """What is new in a view of a known incident."""
    if view.updated_at < history.updated_at:
        return []
    events = [
        *_moved(view, history),
        *_renamed(view, history),
        *_reassessed(view, history),
        *_spread(view, history),
        *_updated(view, history),
        *_ended(view, history),
    ]
    return [event for event in events if event.event_id not in history.event_ids]


def withdrawn(history: IncidentHistory, at: datetime, reason: str) -> list[Event]:
    """The page no longer lists this as an incident."""
    event = _of(history, EventType.RETRACTED, at, {"reason": reason})
    return [] if history.retracted or event.event_id in history.event_ids else [event]


def listed_again(history: IncidentHistory, at: datetime) -> list[Event]:
    """Shown by something of a later time than its retraction, which was wrong: it counts again, as if never retracted.

    What a person did since then stands, as do its times: the retraction alone is superseded.
    """
    if history.retracted is None or at <= history.retracted.occurred_at:
        return []
    payload = {
        "text": "The page lists the incident again.",
        "listed_at": timestamp(at),
        "supersedes": history.retracted.event_id,
    }
    return [_of(history, EventType.NOTE, at, payload)]


def _moved(view: IncidentSnapshot, history: IncidentHistory) -> Iterator[Event]:
    before, payload = history.detected, dict(history.detected.payload)
    start = timestamp(view.start_time) if view.start_time else None
    if view.created_at == before.occurred_at and start == payload.get("start_time"):
        return
    if timestamp(view.updated_at) == payload["updated_at"] and "supersedes" in payload:
        return  # imported from another view of the same time
    payload |= {"updated_at": timestamp(view.updated_at), "supersedes": before.event_id}
    payload.pop("start_time", None)
    if start:
        payload["start_time"] = start
    yield _of(history, EventType.DETECTED, view.created_at, payload, before.severity_level)


def _renamed(view: IncidentSnapshot, history: IncidentHistory) -> Iterator[Event]:
    if view.title != history.title and not _changed_away(history, view, "title", view.title):
        yield _of(history, EventType.NOTE, view.updated_at, {"title": view.title, "from_title": history.title})


def _reassessed(view: IncidentSnapshot, history: IncidentHistory) -> Iterator[Event]:
    if view.impact == history.impact or _changed_away(history, view, "impact", view.impact):
        return
    text = f"The page changed the impact from {history.impact} to {view.impact}."
    payload = {"impact": view.impact, "from_impact": history.impact}
    # P0 is the worst, and the first as text. What a person set is not lowered from outside.
    if view.severity == history.severity or (view.severity > history.severity and not history.is_severity_of_page):
        yield _of(history, EventType.NOTE, view.updated_at, payload | {"text": text})
        return
    payload |= {"from": history.severity, "reason": text}
    yield _of(history, EventType.SEVERITY_CHANGED, view.updated_at, payload, view.severity)


def _changed_away(history: IncidentHistory, view: IncidentSnapshot, name: str, value: str) -> bool:
    """Whether the page was seen to change away from this value at the time of this view: then the view is the older."""
    return any(
        event.actor == ACTOR and event.occurred_at == view.updated_at and event.payload.get(f"from_{name}") == value
        for event in history.events
    )


def _spread(view: IncidentSnapshot, history: IncidentHistory) -> Iterator[Event]:
    more = [component for component in view.components if component not in history.components]
    if more:
        yield _of(history, EventType.IMPACT_ASSESSED, view.updated_at, {"components": more})


def _updated(view: IncidentSnapshot, history: IncidentHistory) -> Iterator[Event]:
    """New updates, edited texts, and updates that were moved in time or given another status."""
    first = history.acknowledged
    if view.updates and (first is None or view.updates[0].at < first.occurred_at):
        yield _acknowledged(history.incident_id, view)
    for update in view.updates:
        keys = _known_keys(update, view, history)
        if not keys:
            if update != view.closing or _is_resolution_known(view, history):
                yield _update_event(history.incident_id, view, update, reopening=_reopening(view, history))
            continue
        known = history.updates[keys[0]]
        is_plain = known.event_type in (EventType.STATUS_CHANGED, EventType.NOTE)
        if is_plain and (known.at, known.status) != (update.at, _status(update)):
            yield _update_event(history.incident_id, view, update, {"supersedes": known.event_id})
        elif update.text and not any(update.text in history.texts.get(key, ()) for key in keys):
            payload = {"update_id": keys[0], "text": update.text}
            yield _of(history, EventType.NOTE, view.updated_at, payload)


def _known_keys(update: Update, view: IncidentSnapshot, history: IncidentHistory) -> list[str]:
    """The keys under which an update is known, its own first.

    One that has no id here or had none before is the one of its time and status, so that copies with and without ids
    give the same events.
    """
    if update.key in history.updates:
        return [update.key]
    if update.is_named:
        return [update.nameless_key] if update.nameless_key in history.updates else []
    if update == view.closing and _is_resolution_known(view, history):
        return [key for key, known in history.updates.items() if known.event_type is EventType.RESOLVED]
    same = (update.at, _status(update))
    return [key for key, known in history.updates.items() if (known.at, known.status) == same]


def _ended(view: IncidentSnapshot, history: IncidentHistory) -> Iterator[Event]:
    """Another resolution than the one that is known, or none any more."""
    before = history.resolved
    if view.resolved_at is None:
        if (
            before
            and view.updated_at > before.occurred_at
            and view.status in STATUSES
            and not _reopening(view, history)
        ):
            yield _of(history, EventType.REOPENED, view.updated_at, {"status": STATUSES[view.status]})
        return
    if history.reopened and view.resolved_at <= history.reopened.occurred_at:
        if view.updated_at <= history.reopened.occurred_at:
            return
        # Resolved as of before the reopening: there was none.
        payload = {"text": "The page takes its reopening back.", "supersedes": history.reopened.event_id}
        yield _of(history, EventType.NOTE, view.updated_at, payload)
        before = history.before_reopening
    if before is None:
        yield _resolved(history.incident_id, view, view.resolved_at)
    elif before.occurred_at != view.resolved_at and not _was_replaced(view, history):
        yield _resolved(history.incident_id, view, view.resolved_at, {"supersedes": before.event_id})


def _is_resolution_known(view: IncidentSnapshot, history: IncidentHistory) -> bool:
    """Whether the closing update adds nothing but its text."""
    return history.resolved is not None and history.resolved.occurred_at == view.resolved_at


def _was_replaced(view: IncidentSnapshot, history: IncidentHistory) -> bool:
    """Whether this very resolution was imported and superseded by a view of the same time."""
    return history.updated_at == view.updated_at and any(
        event.event_type is EventType.RESOLVED and event.actor == ACTOR and event.occurred_at == view.resolved_at
        for event in history.events
    )


def _reopening(view: IncidentSnapshot, history: IncidentHistory) -> Update | None:
    """The update by which the page reopened the incident: the first open one after the resolution that is known."""
    if view.resolved_at is not None or history.resolved is None or view.updated_at <= history.resolved.occurred_at:
        return None
    new = (update for update in view.updates if update.status in STATUSES and not _known_keys(update, view, history))
    return next((update for update in new if update.at > history.resolved.occurred_at), None)


def _update_event(
    incident: str,
    view: IncidentSnapshot,
    update: Update,
    more: Mapping[str, Any] | None = None,
    *,
    reopening: Update | None = None,
) -> Event:
    """The one event of an update."""
    payload = {"update_id": update.key, "status": _status(update), **(more or {})}
    if update.text:
        payload["text"] = update.text
    if update.status not in STATUSES:
        kind = EventType.NOTE
    else:
        kind = EventType.REOPENED if update == reopening else EventType.STATUS_CHANGED
    return _event(incident, view, kind, update.at, payload)


def _status(update: Update) -> str:
    """Our status, or the page's own word for one that we do not have."""
    return STATUSES.get(update.status, update.status)


def _acknowledged(incident: str, view: IncidentSnapshot) -> Event:
    first = view.updates[0]
    return _event(incident, view, EventType.ACKNOWLEDGED, first.at, {"update_id": first.key})


def _resolved(incident: str, view: IncidentSnapshot, at: datetime, more: Mapping[str, Any] | None = None) -> Event:
    payload = {"updated_at": timestamp(view.updated_at), **(more or {})}
    if view.closing:
        payload["update_id"] = view.closing.key
        if view.closing.text:
            payload["text"] = view.closing.text
    return _event(incident, view, EventType.RESOLVED, at, payload)


def _of(
    history: IncidentHistory,
    kind: EventType,
    at: datetime,
    payload: Mapping[str, Any],
    severity_level: str | None = None,
) -> Event:
    return Event(
        incident_id=history.incident_id,
        event_type=kind,
        occurred_at=at,
        actor=ACTOR,
        source=SOURCE,
        source_key=history.source_key,
        severity_level=severity_level,
        payload=payload,
    )


def _event(
    incident: str,
    view: IncidentSnapshot,
    kind: EventType,
    at: datetime,
    payload: Mapping[str, Any],
    *,
    severity_level: str | None = None,
) -> Event:
    return Event(
        incident_id=incident,
        event_type=kind,
        occurred_at=at,
        actor=ACTOR,
        source=SOURCE,
        source_key=view.key,
        severity_level=severity_level,
        payload=payload,
    )
