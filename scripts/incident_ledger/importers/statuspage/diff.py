"""What a view says that the ledger does not know: pure, and nothing for a view that was told before.

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
- What a person did here stands: the page is compared with what the page said before, and a severity that a person set
  is only raised.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from incident_ledger.encoding import timestamp
from incident_ledger.importers.statuspage.history import ACTOR, SOURCE, Memory
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
    said = [detected]
    if view.updates:
        said.append(_acknowledged(incident, view))
    said.extend(_told(incident, view, update) for update in view.updates if update != view.closing)
    if view.resolved_at:
        said.append(_resolved(incident, view, view.resolved_at))
    return said


def changes(view: IncidentSnapshot, memory: Memory) -> list[Event]:
    """What is new in a view of a known incident."""
    if view.updated_at < memory.updated_at:
        return []
    said = [
        *_moved(view, memory),
        *_renamed(view, memory),
        *_reassessed(view, memory),
        *_spread(view, memory),
        *_updated(view, memory),
        *_ended(view, memory),
    ]
    return [event for event in said if event.event_id not in memory.event_ids]


def withdrawn(memory: Memory, at: datetime, reason: str) -> list[Event]:
    """The page no longer says that this was an incident."""
    event = _of(memory, EventType.RETRACTED, at, {"reason": reason})
    return [] if memory.retracted or event.event_id in memory.event_ids else [event]


def listed_again(memory: Memory, at: datetime) -> list[Event]:
    """Shown by something of a later time than its retraction, which was wrong: it counts again, as if never retracted.

    What a person did since then stands, as do its times: the retraction alone is superseded.
    """
    if memory.retracted is None or at <= memory.retracted.occurred_at:
        return []
    payload = {
        "text": "The page lists the incident again.",
        "listed_at": timestamp(at),
        "supersedes": memory.retracted.event_id,
    }
    return [_of(memory, EventType.NOTE, at, payload)]


def _moved(view: IncidentSnapshot, memory: Memory) -> Iterator[Event]:
    before, payload = memory.detected, dict(memory.detected.payload)
    start = timestamp(view.start_time) if view.start_time else None
    if view.created_at == before.occurred_at and start == payload.get("start_time"):
        return
    if timestamp(view.updated_at) == payload["updated_at"] and "supersedes" in payload:
        return  # told at the same time as this view
    payload |= {"updated_at": timestamp(view.updated_at), "supersedes": before.event_id}
    payload.pop("start_time", None)
    if start:
        payload["start_time"] = start
    yield _of(memory, EventType.DETECTED, view.created_at, payload, before.severity_level)


def _renamed(view: IncidentSnapshot, memory: Memory) -> Iterator[Event]:
    if view.title != memory.title and not _left(memory, view, "title", view.title):
        yield _of(memory, EventType.NOTE, view.updated_at, {"title": view.title, "from_title": memory.title})


def _reassessed(view: IncidentSnapshot, memory: Memory) -> Iterator[Event]:
    if view.impact == memory.impact or _left(memory, view, "impact", view.impact):
        return
    text = f"The page changed the impact from {memory.impact} to {view.impact}."
    payload = {"impact": view.impact, "from_impact": memory.impact}
    # P0 is the worst, and the first as text. What a person set is not lowered from outside.
    if view.severity == memory.severity or (view.severity > memory.severity and not memory.severity_is_ours):
        yield _of(memory, EventType.NOTE, view.updated_at, payload | {"text": text})
        return
    payload |= {"from": memory.severity, "reason": text}
    yield _of(memory, EventType.SEVERITY_CHANGED, view.updated_at, payload, view.severity)


def _left(memory: Memory, view: IncidentSnapshot, name: str, value: str) -> bool:
    """Whether the page was seen to change away from this value at the time of this view: then the view is the older."""
    return any(
        event.actor == ACTOR and event.occurred_at == view.updated_at and event.payload.get(f"from_{name}") == value
        for event in memory.events
    )


def _spread(view: IncidentSnapshot, memory: Memory) -> Iterator[Event]:
    more = [component for component in view.components if component not in memory.components]
    if more:
        yield _of(memory, EventType.IMPACT_ASSESSED, view.updated_at, {"components": more})


def _updated(view: IncidentSnapshot, memory: Memory) -> Iterator[Event]:
    """New updates, edited texts, and updates that were moved in time or given another status."""
    first = memory.acknowledged
    if view.updates and (first is None or view.updates[0].at < first.occurred_at):
        yield _acknowledged(memory.incident_id, view)
    for update in view.updates:
        keys = _known_keys(update, view, memory)
        if not keys:
            if update != view.closing or _is_resolution_known(view, memory):
                yield _told(memory.incident_id, view, update, reopening=_reopening(view, memory))
            continue
        told = memory.updates[keys[0]]
        is_plain = told.event_type in (EventType.STATUS_CHANGED, EventType.NOTE)
        if is_plain and (told.at, told.status) != (update.at, _status(update)):
            yield _told(memory.incident_id, view, update, {"supersedes": told.event_id})
        elif update.text and not any(update.text in memory.texts.get(key, ()) for key in keys):
            payload = {"update_id": keys[0], "text": update.text}
            yield _of(memory, EventType.NOTE, view.updated_at, payload)


def _known_keys(update: Update, view: IncidentSnapshot, memory: Memory) -> list[str]:
    """The keys under which an update is known, its own first.

    One that has no id here or had none before is the one of its time and status, so that copies with and without ids
    say the same.
    """
    if update.key in memory.updates:
        return [update.key]
    if update.is_named:
        return [update.nameless_key] if update.nameless_key in memory.updates else []
    if update == view.closing and _is_resolution_known(view, memory):
        return [key for key, said in memory.updates.items() if said.event_type is EventType.RESOLVED]
    same = (update.at, _status(update))
    return [key for key, said in memory.updates.items() if (said.at, said.status) == same]


def _ended(view: IncidentSnapshot, memory: Memory) -> Iterator[Event]:
    """Another resolution than the one that is known, or none any more."""
    before = memory.resolved
    if view.resolved_at is None:
        if before and view.updated_at > before.occurred_at and view.status in STATUSES and not _reopening(view, memory):
            yield _of(memory, EventType.REOPENED, view.updated_at, {"status": STATUSES[view.status]})
        return
    if memory.reopened and view.resolved_at <= memory.reopened.occurred_at:
        if view.updated_at <= memory.reopened.occurred_at:
            return
        # Resolved as of before the reopening: there was none.
        payload = {"text": "The page takes its reopening back.", "supersedes": memory.reopened.event_id}
        yield _of(memory, EventType.NOTE, view.updated_at, payload)
        before = memory.before_reopening
    if before is None:
        yield _resolved(memory.incident_id, view, view.resolved_at)
    elif before.occurred_at != view.resolved_at and not _was_replaced(view, memory):
        yield _resolved(memory.incident_id, view, view.resolved_at, {"supersedes": before.event_id})


def _is_resolution_known(view: IncidentSnapshot, memory: Memory) -> bool:
    """Whether the closing update tells nothing new but its text."""
    return memory.resolved is not None and memory.resolved.occurred_at == view.resolved_at


def _was_replaced(view: IncidentSnapshot, memory: Memory) -> bool:
    """Whether this very resolution was told and superseded by a view of the same time."""
    return memory.updated_at == view.updated_at and any(
        event.event_type is EventType.RESOLVED and event.actor == ACTOR and event.occurred_at == view.resolved_at
        for event in memory.events
    )


def _reopening(view: IncidentSnapshot, memory: Memory) -> Update | None:
    """The update by which the page reopened the incident: the first open one after the resolution that is known."""
    if view.resolved_at is not None or memory.resolved is None or view.updated_at <= memory.resolved.occurred_at:
        return None
    new = (update for update in view.updates if update.status in STATUSES and not _known_keys(update, view, memory))
    return next((update for update in new if update.at > memory.resolved.occurred_at), None)


def _told(
    incident: str,
    view: IncidentSnapshot,
    update: Update,
    more: Mapping[str, Any] | None = None,
    *,
    reopening: Update | None = None,
) -> Event:
    """The one event that tells of an update."""
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
    memory: Memory, kind: EventType, at: datetime, payload: Mapping[str, Any], severity_level: str | None = None
) -> Event:
    return Event(
        incident_id=memory.incident_id,
        event_type=kind,
        occurred_at=at,
        actor=ACTOR,
        source=SOURCE,
        source_key=memory.source_key,
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
