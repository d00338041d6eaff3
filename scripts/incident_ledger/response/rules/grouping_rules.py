"""What a trouble that is known explains: incidents of what depends on it, or of its own component, join it. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from incident_ledger.ledger.events import PLANNER, Event, EventType
from incident_ledger.ledger.state import IncidentState
from incident_ledger.policy import Policy
from incident_ledger.policy.dependencies import Dependencies
from incident_ledger.response.rules.timeline import Timeline


def grouping_events(state: Sequence[IncidentState], detected: Iterable[Event], policy: Policy) -> list[Event]:
    """`merged` and `joined` of incidents that open while one of what they depend on is open, and no milder.

    `state` is as it is once these events are written. The policy's `component_dependencies` say what depends on what;
    two that detectors find of one component within `grouping_window_minutes` are one trouble too.
    An incident that is open stays one of its own, also where what it depends on fails later.
    """
    ids = {event.incident_id for event in detected if event.event_type is EventType.DETECTED}
    there = [each for each in state if each.is_open]
    new = [each for each in there if each.incident_id in ids]
    by_component: dict[str, list[IncidentState]] = {}
    for each in there:
        for component in each.components:
            by_component.setdefault(component, []).append(each)
    # Of any version: of ten thousand new components few are what others depend on, so that not each is asked of each.
    dependencies = Dependencies(policy.tables["component_dependencies"])
    depended_on = [each for each in there if dependencies.are_depended_on(each.components)] if new else []
    causes = {}
    for incident in new:
        near = [each for component in incident.components for each in by_component[component]]
        causes[incident.incident_id] = _cause(incident, [*depended_on, *near], policy)
    events: list[Event] = []
    for incident in new:
        root, seen = causes[incident.incident_id], {incident.incident_id}
        while root and root.incident_id not in seen and causes.get(root.incident_id):
            seen.add(root.incident_id)
            root = causes[root.incident_id]
        if root and root.incident_id not in seen:
            events += _joined(incident, root)
    return events


def planned_members(incident: IncidentState, state: Iterable[IncidentState]) -> list[IncidentState]:
    """What the planner merged into an incident; what people merged is theirs."""
    members = (each for each in state if each.merged_into == incident.incident_id and not each.is_retracted)
    return [each for each in members if not _is_by_person(each)]


def _cause(incident: IncidentState, known: Sequence[IncidentState], policy: Policy) -> IncidentState | None:
    """The oldest of the open incidents of what it depends on, or of its own component, that is as bad at least."""
    dependencies = policy.dependencies(incident.detection_time)
    found = [
        each
        for each in known
        if each.incident_id != incident.incident_id
        and each.merged_into is None
        and not each.is_retracted
        and policy.rank(each.severity_level) <= policy.rank(incident.severity_level)
        and (
            dependencies.explains(each.components, each.rule_id, incident.components, only_joins=True)
            or _is_one_trouble(each, incident, policy)
        )
    ]
    return min(found, key=lambda each: (each.detection_time, each.incident_id), default=None)


def _is_one_trouble(known: IncidentState, incident: IncidentState, policy: Policy) -> bool:
    """Whether a detector found both of one component, within the window, and `known` is the first or the worse one."""
    if known.rule_id is None or incident.rule_id is None or not set(known.components) & set(incident.components):
        return False
    window = timedelta(minutes=policy.limit("grouping_window_minutes", incident.detection_time))
    is_near = abs(incident.detection_time - _began(known)) <= window
    return is_near and _order(known, policy) < _order(incident, policy)


def _began(incident: IncidentState) -> datetime:
    return incident.last_reopened_time or incident.detection_time


def _order(incident: IncidentState, policy: Policy) -> tuple[int, datetime, str]:
    return policy.rank(incident.severity_level), incident.detection_time, incident.incident_id


def _is_by_person(member: IncidentState) -> bool:
    mergers = [each for each in Timeline(member).entries if each.event_type is EventType.MERGED]
    return bool(mergers) and mergers[-1].is_by_person


def _joined(incident: IncidentState, into: IncidentState) -> list[Event]:
    at = max(incident.detection_time, _began(into))
    payload = {
        "incident_id": incident.incident_id,
        "title": incident.title,
        "source": incident.source,
        "source_key": incident.source_key,
        "rule_id": incident.rule_id,
    }
    of_each = ((incident, EventType.MERGED, {"into": into.incident_id}), (into, EventType.JOINED, payload))
    return [
        Event(
            incident_id=each.incident_id,
            event_type=event_type,
            occurred_at=at,
            actor=PLANNER,
            source=each.source,
            source_key=each.source_key,
            severity_level=None,
            payload=words,
        )
        for each, event_type, words in of_each
    ]
