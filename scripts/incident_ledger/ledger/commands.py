"""What a person says of an incident, as events; what makes no sense is refused with the reason. Pure."""

import hashlib
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from typing import Any

from incident_ledger.encoding import timestamp
from incident_ledger.errors import UserError
from incident_ledger.ledger.events import MACHINES, Event, EventType, Status, incident_id
from incident_ledger.ledger.reducer import effective, replay
from incident_ledger.ledger.state import IncidentState

SOURCE = "cli"
_SLUG_LENGTH = 80
_BEGUN = Status.INVESTIGATING


@dataclass(frozen=True, kw_only=True)
class CommandContext:
    """Who says it, of when, and what time it is now."""

    actor: str
    at: datetime
    now: datetime

    def __post_init__(self) -> None:
        if self.at > self.now:
            raise UserError(f"{shown(self.at)} is in the future (it is {shown(self.now)}).")
        if not self.actor.strip():
            raise UserError("Say who you are: --actor NAME.")
        if self.actor.strip() in MACHINES:
            raise UserError(f"{self.actor} is the name of a program here. Say who you are: --actor NAME.")


def open_incident(
    context: CommandContext,
    *,
    title: str,
    severity_level: str,
    components: Sequence[str],
    known_severities: Collection[str],
    start: datetime | None = None,
    description: str | None = None,
) -> Event:
    """`detected`, at a whole second as in the incident's id: the same words of the same second are one event.

    The same title and first component are the same trouble, and have the same `source_key`.
    """
    if not title.strip():
        raise UserError("An incident needs a title.")
    _check_severity(severity_level, known_severities)
    if start and start > context.at:
        raise UserError(f"--start {shown(start)} is later than the detection, {shown(context.at)}.")
    if any(not component.strip() for component in components):
        raise UserError("A component needs a name, like table:DATASET.TABLE or api:anthropic.")
    at = context.at.replace(microsecond=0)
    payload: dict[str, Any] = {"title": title, "components": list(dict.fromkeys(components))}
    if start:
        payload["start_time"] = timestamp(min(start, at))
    if description:
        payload["description"] = description
    key = source_key(title, components)
    return Event(
        incident_id=incident_id(SOURCE, key, at),
        event_type=EventType.DETECTED,
        occurred_at=at,
        actor=context.actor,
        source=SOURCE,
        source_key=key,
        severity_level=severity_level,
        payload=payload,
    )


def source_key(title: str, components: Sequence[str]) -> str:
    """A slug of title and first component, for a person: the same whatever their case and spaces are.

    Where it does not hold all that they say (punctuation, emoji, long ones), it ends with a digest of that.
    """
    words = unicodedata.normalize("NFKC", f"{title} {components[0] if components else ''}").casefold().split()
    slug = re.sub(r"[^\w.:]+", "-", " ".join(words)).strip("-")
    if slug == "-".join(words) and len(slug) <= _SLUG_LENGTH:
        return slug
    digest = hashlib.sha256(" ".join(words).encode(errors="backslashreplace")).hexdigest()[:8]
    return f"{slug[: _SLUG_LENGTH - 9].rstrip('-') or 'incident'}-{digest}"


def written_before(
    history: Sequence[Event],
    context: CommandContext,
    kind: EventType,
    payload: Mapping[str, Any],
    severity_level: str | None = None,
) -> Event | None:
    """The same act of the same person at the same time, where the ledger has it: repeated, it is one event."""
    for event in history:
        is_same = (event.event_type, event.actor, event.occurred_at) == (kind, context.actor, context.at)
        has_payload = all(event.payload.get(name) == value for name, value in payload.items())
        if is_same and has_payload and event.severity_level == severity_level:
            return event
    return None


def state_at(incident: IncidentState, history: Sequence[Event], at: datetime) -> IncidentState:
    """The incident with the severity, status, commander and war room at a time of its past; all else as it is now."""
    past = replay([event for event in effective(history) if event.occurred_at <= at], {})
    if past is None:
        return replace(
            incident,
            severity_level=incident.initial_severity_level,
            status=_BEGUN,
            incident_commander=None,
            war_room_url=None,
        )
    return replace(
        incident,
        severity_level=past.severity_level,
        status=past.status,
        incident_commander=past.incident_commander,
        war_room_url=past.war_room_url,
    )


def acknowledge(incident: IncidentState, context: CommandContext, text: str | None = None) -> Event:
    """`acknowledged`, once; earlier than a known acknowledgement is taken, as a correction of the record."""
    check_time(incident, context)
    known = incident.our_acknowledged_time
    if known and known <= context.at:
        raise UserError(f"{incident.incident_id} was acknowledged already, at {shown(known)}.")
    if incident.resolution_time and context.at > incident.resolution_time:
        raise UserError(
            f"{incident.incident_id} was resolved at {shown(incident.resolution_time)}. Give the time at which it was "
            "acknowledged before that: --at T."
        )
    return person_event(incident, context, EventType.ACKNOWLEDGED, {"text": text})


def resolve(incident: IncidentState, context: CommandContext, text: str | None = None) -> Event:
    """`resolved`, of an open incident."""
    check_time(incident, context)
    if not incident.is_open:
        since = f" at {shown(incident.resolution_time)}" if incident.resolution_time else ""
        raise UserError(f"{incident.incident_id} is {ending(incident)} already{since}.")
    if incident.last_reopened_time and context.at < incident.last_reopened_time:
        raise UserError(f"{incident.incident_id} was reopened after that, at {shown(incident.last_reopened_time)}.")
    return person_event(incident, context, EventType.RESOLVED, {"text": text})


def reopen(incident: IncidentState, context: CommandContext, text: str | None = None) -> Event:
    """`reopened`, of a resolved incident."""
    check_time(incident, context)
    if incident.is_open or incident.resolution_time is None:
        raise UserError(f"{incident.incident_id} is {ending(incident)}, not resolved.")
    if context.at < incident.resolution_time:
        raise UserError(f"{incident.incident_id} was resolved after that, at {shown(incident.resolution_time)}.")
    return person_event(incident, context, EventType.REOPENED, {"text": text})


def set_status(incident: IncidentState, context: CommandContext, status: str, text: str | None = None) -> Event:
    """`status_changed`, or `resolved`."""
    if status not in set(Status):
        raise UserError(f"Status {status!r} is unknown; there are {', '.join(Status)}.")
    if status == Status.RESOLVED:
        return resolve(incident, context, text)
    check_time(incident, context)
    if not incident.is_open:
        raise UserError(
            f"{incident.incident_id} is {ending(incident)}. If it goes on: incident-ledger incident reopen "
            f"{incident.incident_id}"
        )
    if status == incident.status:
        raise UserError(f"{incident.incident_id} is {status} already (at {shown(context.at)}).")
    return person_event(incident, context, EventType.STATUS_CHANGED, {"status": status, "text": text})


def contain(incident: IncidentState, context: CommandContext, text: str | None = None) -> Event:
    """`status_changed` to resolving, with the word that the impact was stopped: `resolving` alone is work on it."""
    check_time(incident, context)
    if not incident.is_open:
        raise UserError(f"{incident.incident_id} is {ending(incident)}. Only what is open can be contained.")
    since, known = incident.last_reopened_time or incident.detection_time, incident.contained_time
    if incident.status is Status.RESOLVING and known and since <= known <= context.at:
        raise UserError(f"{incident.incident_id} was contained already, at {shown(known)}.")
    payload = {"status": Status.RESOLVING.value, "contained": True, "text": text}
    return person_event(incident, context, EventType.STATUS_CHANGED, payload)


def set_severity(
    incident: IncidentState,
    context: CommandContext,
    severity_level: str,
    known_severities: Collection[str],
    reason: str | None = None,
) -> Event:
    """`severity_changed`, up or down: only a person lowers it."""
    _check_severity(severity_level, known_severities)
    check_time(incident, context)
    if severity_level == incident.severity_level:
        raise UserError(f"{incident.incident_id} is {severity_level} already (at {shown(context.at)}).")
    payload = {"from": incident.severity_level, "reason": reason}
    return person_event(incident, context, EventType.SEVERITY_CHANGED, payload, severity_level)


def name_cause(
    incident: IncidentState,
    context: CommandContext,
    category: str,
    text: str | None = None,
    *,
    known_categories: Sequence[str] = (),
) -> Event:
    """`root_cause_identified`, also of a resolved incident. Without known categories any word is one."""
    word = " ".join(category.split()).casefold()  # one cause is one group, however it is written
    if not word:
        raise UserError("A cause needs a category, such as deploy, capacity, upstream or data.")
    if known_categories and word not in known_categories:
        raise UserError(unknown_category(word, known_categories))
    check_time(incident, context)
    return person_event(incident, context, EventType.ROOT_CAUSE_IDENTIFIED, {"category": word, "text": text})


def unknown_category(word: str, known_categories: Sequence[str]) -> str:
    """What is wrong with a cause that the policy does not have, the nearest one, and all that there are."""
    near = get_close_matches(word.replace(" ", "_"), known_categories, n=1)
    nearest = f" Did you mean {near[0]}?" if near else ""
    meaning = "What each means: incident-ledger policy show root_cause_categories"
    return f"{word!r} is no root cause.{nearest} There are {', '.join(known_categories)}. {meaning}"


def note(incident: IncidentState, context: CommandContext, text: str) -> Event:
    """`note`, of any incident."""
    if not text.strip():
        raise UserError("A note needs a text.")
    check_not_before(incident, context)
    return person_event(incident, context, EventType.NOTE, {"text": text})


def person_event(
    incident: IncidentState,
    context: CommandContext,
    kind: EventType,
    payload: Mapping[str, Any],
    severity_level: str | None = None,
) -> Event:
    """What a person says of an incident; what is None is not in its payload."""
    return Event(
        incident_id=incident.incident_id,
        event_type=kind,
        occurred_at=context.at,
        actor=context.actor,
        source=incident.source,
        source_key=incident.source_key,
        severity_level=severity_level,
        payload={key: value for key, value in payload.items() if value is not None},
    )


def _check_severity(severity_level: str, known: Collection[str]) -> None:
    if severity_level not in known:
        raise UserError(f"Severity {severity_level!r} is unknown; there are {', '.join(sorted(known))}.")


def check_time(incident: IncidentState, context: CommandContext) -> None:
    """Raises `UserError` for what counts for nothing any more, and for a time before its detection."""
    if incident.is_retracted or incident.merged_into:
        undo = "split" if incident.merged_into else "reinstate"
        raise UserError(
            f"{incident.incident_id} is {ending(incident)}; only notes can be added to it. If that was wrong: "
            f"incident-ledger incident {undo} {incident.incident_id}"
        )
    check_not_before(incident, context)


def check_not_before(incident: IncidentState, context: CommandContext) -> None:
    """Refuse a time before the detection."""
    if context.at < incident.detection_time:
        raise UserError(
            f"{shown(context.at)} is before {incident.incident_id} was detected, {shown(incident.detection_time)}."
        )


def ending(incident: IncidentState) -> str:
    """Its status, or how it came to be none."""
    if incident.merged_into:
        return f"merged into {incident.merged_into}"
    return "retracted" if incident.is_retracted else incident.status.value


def shown(time: datetime) -> str:
    """A time as it stands in messages of commands."""
    return timestamp(time).replace(".000000Z", "Z")
