"""What detectors find, as events: incidents are opened, raised, resolved and reopened. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from incident_ledger.encoding import timestamp
from incident_ledger.ledger.events import PLANNER, Event, EventType, incident_id
from incident_ledger.ledger.state import IncidentState
from incident_ledger.policy import Policy
from incident_ledger.response.rules.grouping_rules import planned_members
from incident_ledger.response.signals import Signal
from incident_ledger.response.silences import Silence, about, ends_after


def signal_events(
    state: Sequence[IncidentState],
    signals: Iterable[Signal],
    policy: Policy,
    now: datetime,
    silences: Sequence[Silence] = (),
) -> list[Event]:
    """The events that the signals call for, in a fixed order; empty when the ledger already has them all.

    A signal that holds opens an incident, raises an open one, or reopens one that was resolved within the policy's
    reopening window. A signal that ended resolves its open incident. Nothing here lowers a severity, and a signal that
    was last seen before a person's resolution says nothing new about it. What was observed after `now` is not known,
    and what has not held for as long as its rule wants is nothing yet. A signal that begins later is an absence that
    becomes true by itself unless a later row moves its beginning: all was well when it was observed.
    One that gets worse after its incident was merged raises that, and nothing else of it. What a silence covers is held
    back until its end, and opened then if it still holds; its end is written at any time. An incident that others
    joined ends with the last of their signals.
    """
    signals = list(signals)
    latest, merged, known_ids = _latest_by_subject(state), _merged_by_id(state), {each.incident_id for each in state}
    by_subject = {(each.source, each.source_key): each for each in signals if each.observed_at <= now}
    events: list[Event] = []
    for signal in sorted(signals, key=lambda each: (each.source, each.source_key, each.rule_id)):
        if signal.observed_at > now:
            continue
        incident, begins = latest.get((signal.source, signal.source_key)), begins_at(signal, policy)
        held = about(signal, silences)
        if (ended_at := _over(signal, now)) is not None:
            ended_at = _all_ended(ended_at, incident, state, by_subject, now)
            events += _ended(ended_at, incident) if ended_at else []
        elif begins > now or any(each.holds_at(now) for each in held):
            continue
        elif incident is None:
            detected = _first_detected(signal, [begins, *ends_after(begins, held, now)], known_ids)
            events += _raised(signal, known, policy) if (known := merged.get(detected.incident_id)) else [detected]
        elif incident.is_open:
            events += _raised(signal, incident, policy)
        else:
            events += _returned(signal, incident, [begins, *ends_after(begins, held, now)][-1], policy)
    return events


def _over(signal: Signal, now: datetime) -> datetime | None:
    """Since when all is well by a signal; None while it holds. One with an end to come holds until then."""
    if signal.ended_at is not None:
        return signal.ended_at if signal.ended_at <= now else None
    return signal.observed_at if signal.started_at > now else None


def _all_ended(
    ended_at: datetime,
    incident: IncidentState | None,
    state: Sequence[IncidentState],
    signals: Mapping[tuple[str, str], Signal],
    now: datetime,
) -> datetime | None:
    """When the last of an incident's signal and of those that joined it ended; None while one of these holds."""
    members = planned_members(incident, state) if incident and incident.is_open else []
    found = [signals.get((each.source, each.source_key)) for each in members]
    ends = [_over(each, now) for each in found if each is not None]
    known = [each for each in ends if each is not None]
    return max([ended_at, *known]) if len(known) == len(ends) else None


def begins_at(signal: Signal, policy: Policy) -> datetime:
    """When a signal that does not end before opens its incident: once it has held for as long as its rule wants."""
    return signal.started_at + policy.hold(signal.rule_id, signal.severity_level, signal.started_at)


def _first_detected(signal: Signal, times: Sequence[datetime], known_ids: Collection[str]) -> Event:
    """An incident that opens when its signal begins, or when the last silence over it ended.

    Where one was opened at an earlier of the times, and retracted or merged since, it is that one.
    """
    possible = [_detected(signal, time, signal.started_at) for time in times]
    return next((each for each in possible if each.incident_id in known_ids), possible[-1])


def _latest_by_subject(state: Sequence[IncidentState]) -> dict[tuple[str, str], IncidentState]:
    """The newest incident of each source and source key; what was retracted or merged does not count."""
    latest: dict[tuple[str, str], IncidentState] = {}
    for incident in sorted(state, key=lambda each: (each.detection_time, each.incident_id)):
        if not incident.is_retracted and incident.merged_into is None:
            latest[incident.source, incident.source_key] = incident
    return latest


def _merged_by_id(state: Sequence[IncidentState]) -> dict[str, IncidentState]:
    """What was merged and is not over: the trouble goes on, and others are at work on it."""
    return {
        incident.incident_id: incident
        for incident in state
        if incident.merged_into and not incident.is_retracted and incident.resolution_time is None
    }


def _detected(signal: Signal, at: datetime, start: datetime | None) -> Event:
    """An incident that opens at `at` of a trouble that began at `start`, where its rule made it wait."""
    return Event(
        incident_id=incident_id(signal.source, signal.source_key, at),
        event_type=EventType.DETECTED,
        occurred_at=at,
        actor=PLANNER,
        source=signal.source,
        source_key=signal.source_key,
        severity_level=signal.severity_level,
        payload={
            "title": signal.title,
            "components": [signal.component],
            "rule_id": signal.rule_id,
            "evidence": dict(signal.evidence),
            **({"start_time": timestamp(start)} if start and start < at else {}),
        },
    )


def _raised(signal: Signal, incident: IncidentState, policy: Policy) -> list[Event]:
    """A worse signal raises the severity, measured against what the detectors found before: a person who lowered an
    incident is not overruled by the same signal again."""
    if policy.rank(signal.severity_level) >= policy.rank(incident.worst_detected_severity_level):
        return []
    if policy.rank(signal.severity_level) >= policy.rank(incident.severity_level):
        return []
    reason = f"{signal.title} (was {incident.severity_level})"
    return [
        _event(
            incident,
            EventType.SEVERITY_CHANGED,
            signal.observed_at,
            {"from": incident.severity_level, "reason": reason},
            severity_level=signal.severity_level,
        )
    ]


def _returned(signal: Signal, incident: IncidentState, begins: datetime, policy: Policy) -> list[Event]:
    """The same trouble again: reopened within the window, a new incident after it."""
    resolved_at = incident.last_resolution_time
    if resolved_at is None or max(signal.observed_at, signal.started_at) <= resolved_at:
        return []  # not looked at since it was resolved: silence, not news
    at = begins if begins > resolved_at else signal.observed_at
    if at - resolved_at > policy.reopening_window(at):
        return [_detected(signal, at, signal.started_at if begins > resolved_at else None)]
    reopened = _event(incident, EventType.REOPENED, at, {"text": signal.title})
    return [reopened, *_raised(signal, incident, policy)]


def _ended(ended_at: datetime, incident: IncidentState | None) -> list[Event]:
    """A check that ran and found it gone resolves the incident, unless the incident began after that check."""
    if incident is None or not incident.is_open:
        return []
    if ended_at < (incident.last_reopened_time or incident.detection_time):
        return []
    payload = {
        "solution": "The check finds nothing wrong any more.",
        "verification": f"Checked again at {ended_at:%Y-%m-%d %H:%M} UTC and found well. Before: {incident.title}",
    }
    return [_event(incident, EventType.RESOLVED, ended_at, payload)]


def _event(
    incident: IncidentState,
    event_type: EventType,
    at: datetime,
    payload: dict[str, str],
    severity_level: str | None = None,
) -> Event:
    return Event(
        incident_id=incident.incident_id,
        event_type=event_type,
        occurred_at=at,
        actor=PLANNER,
        source=incident.source,
        source_key=incident.source_key,
        severity_level=severity_level,
        payload=payload,
    )
