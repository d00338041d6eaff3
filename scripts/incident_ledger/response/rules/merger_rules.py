"""What a merged incident's signal does to the incident that it was merged into. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from incident_ledger.ledger.clock_history import ClockEntry
from incident_ledger.ledger.events import PLANNER, Event, EventType
from incident_ledger.ledger.reducer import apply
from incident_ledger.ledger.state import IncidentState
from incident_ledger.policy import Policy
from incident_ledger.response.rules.timeline import Timeline


def merger_events(state: Sequence[IncidentState], policy: Policy) -> list[Event]:
    """A rise that a program recorded of a merged incident raises the open one that it was merged into, once.

    Nothing is lowered, and a person who has set that one's severity since is not overruled.
    """
    into = {incident.incident_id: incident for incident in state if incident.is_open}
    members = [each for each in state if each.merged_into in into and not each.is_retracted]
    rises = [(rise, member) for member in members for rise in _rises(member, policy)]
    events: list[Event] = []
    # Of one time the worst comes first, so that nothing milder is recorded beside it.
    for rise, member in sorted(
        rises, key=lambda each: (each[0].occurred_at, _rank(each[0], policy), each[1].incident_id)
    ):
        target = into[member.merged_into or ""]
        if _is_news(rise, target, policy):
            event = _raised(target, member, rise)
            events.append(event)
            into[target.incident_id] = apply(target, event)
    return events


def _rank(entry: ClockEntry, policy: Policy) -> int:
    return policy.rank(entry.severity_level or "")


def _rises(member: IncidentState, policy: Policy) -> Iterator[ClockEntry]:
    """Where a program found a worse severity than it had, since it was merged."""
    line = Timeline(member)
    mergers = [each.occurred_at for each in line.entries if each.event_type is EventType.MERGED]
    merged_at = mergers[-1] if mergers else member.detection_time  # by the planner, as it was detected
    level = member.initial_severity_level
    for each in line.entries:
        if each.severity_level is None or each.event_type not in (EventType.DETECTED, EventType.SEVERITY_CHANGED):
            continue
        is_worse = policy.rank(each.severity_level) < policy.rank(level)
        if is_worse and not each.is_by_person and each.occurred_at >= merged_at:
            yield each
        level = each.severity_level


def _is_news(rise: ClockEntry, target: IncidentState, policy: Policy) -> bool:
    line, at = Timeline(target), _time(rise, target)
    decided = any(
        each.is_by_person and each.event_type is EventType.SEVERITY_CHANGED and each.occurred_at > rise.occurred_at
        for each in line.entries
    )
    worse = min(policy.rank(target.severity_level), policy.rank(line.severity_at(at)))
    return not decided and _rank(rise, policy) < worse


def _time(rise: ClockEntry, target: IncidentState) -> datetime:
    """When the rise is one of `target`: not before it was detected, or opened again."""
    return max(rise.occurred_at, target.last_reopened_time or target.detection_time)


def _raised(target: IncidentState, member: IncidentState, rise: ClockEntry) -> Event:
    reason = f"{member.incident_id}, which was merged into it, is {rise.severity_level} (was {target.severity_level})"
    return Event(
        incident_id=target.incident_id,
        event_type=EventType.SEVERITY_CHANGED,
        occurred_at=_time(rise, target),
        actor=PLANNER,
        source=target.source,
        source_key=target.source_key,
        severity_level=rise.severity_level,
        payload={"from": target.severity_level, "reason": reason},
    )
