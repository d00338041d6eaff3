"""The clocks of an open incident: what fell due, as events, and what falls due next. Pure.

Each clock has one time at which it falls due, which follows from the incident's events and the policy at its detection
alone. So an event has the same time and the same id whoever computes it, whenever. What the ledger has is found by
what it is about (a step, a severity), and not by its time: a fact that is recorded late moves no step that was taken.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from incident_ledger.encoding import timestamp
from incident_ledger.ledger.clock_history import ClockEntry
from incident_ledger.ledger.events import Event, EventType
from incident_ledger.ledger.state import IncidentState, in_order
from incident_ledger.policy import ESCALATION, RESPONSE_OVERDUE, WAR_ROOM_ACTIVATION, WAR_ROOM_REQUIRED, Policy
from incident_ledger.response.rules.clock import Clock
from incident_ledger.response.rules.timeline import Timeline

_CONTAINED = "contained"


def clock_events(incident: IncidentState, policy: Policy, now: datetime) -> list[Event]:
    """What fell due by `now` and is not in the ledger, in order; nothing of what is over."""
    due = (clock for clock in _missing(incident, policy, now) if clock.due_at <= now)
    return sorted((clock.event(incident) for clock in due), key=in_order)


def next_clock(incident: IncidentState, policy: Policy, now: datetime) -> datetime | None:
    """The first time after `now` at which a clock falls due, unless something else happens; None for never."""
    return min((clock.due_at for clock in _missing(incident, policy, now) if clock.due_at > now), default=None)


def _missing(incident: IncidentState, policy: Policy, now: datetime) -> Iterator[Clock]:
    """The clocks that are not in the ledger; of updates all that fell due by `now`, and the next."""
    if not incident.is_open or not incident.has_sla:
        return
    line = Timeline(incident)
    written = {_subject(each) for each in line.entries if each.event_type is EventType.ESCALATED}
    clocks = (*_response(line, policy), *_escalations(line, policy), *_steps(line, policy), *_war_room(line, policy))
    for clock in clocks:
        if _subject(clock) not in written:
            yield clock
    yield from _commander(line, policy)
    yield from _updates(line, policy, now)


def _subject(clock: Clock | ClockEntry) -> tuple[str | None, str | None]:
    """What an escalation is about: its step, and of `escalation`, which each severity has, the severity too."""
    return clock.step_id, clock.severity_level if clock.step_id == ESCALATION else None


def _response(line: Timeline, policy: Policy) -> Iterator[Clock]:
    """Nobody acknowledged it by the SLA deadline, as `incident_deadlines` has it: the earliest of its severities'."""
    detected, answered = line.incident.detection_time, _answered_at(line)
    deadlines = [
        (policy.response_deadline(level, detected, since=since), policy.rank(level), level)
        for place, (since, level) in enumerate(line.severities)
        if place == 0 or answered is None or since <= answered
    ]
    deadline, _, level = min(deadlines)
    if answered is not None and answered <= deadline:
        return
    rule = policy.response_rule(level, detected)
    due_at = line.first_time(deadline, lambda _: True)
    if due_at is None:
        return
    yield _escalated(
        due_at,
        RESPONSE_OVERDUE,
        level,
        f"Nobody acknowledged it within the response time of {level} ({rule.response_time})",
    )


def _answered_at(line: Timeline) -> datetime | None:
    """The first acknowledgement by a person here, or the first resolution: what is reopened was answered."""
    times = [line.incident.our_acknowledged_time, line.resolved_at]
    return min((time for time in times if time is not None), default=None)


def _escalations(line: Timeline, policy: Policy) -> Iterator[Clock]:
    """Each severity's escalation, while that or a worse one holds: one that fell due before is not repeated for a
    milder one."""
    found: list[Clock] = []
    for place, (since, level) in enumerate(line.severities):
        rule, rank = policy.response_rule(level, line.incident.detection_time), policy.rank(level)
        if rule.escalation_minutes is None:
            continue
        lowered = (at for at, other in line.severities[place + 1 :] if policy.rank(other) > rank)
        due_at = line.first_time(
            line.after_open_time(since, timedelta(minutes=rule.escalation_minutes)),
            line.is_uncontained_at if rule.escalation_unless == _CONTAINED else line.is_open_at,
            before=next(lowered, None),
        )
        if due_at is not None:
            unless = f" if not {rule.escalation_unless}" if rule.escalation_unless else ""
            found.append(_escalated(due_at, ESCALATION, level, f"Escalation of {level}: {rule.escalation}{unless}"))
    kept: dict[str, Clock] = {}
    for clock in sorted(found, key=lambda each: (each.due_at, policy.rank(each.severity_level))):
        if all(policy.rank(clock.severity_level) < policy.rank(level) for level in kept):
            kept[clock.severity_level] = clock
    yield from kept.values()


def _steps(line: Timeline, policy: Policy) -> Iterator[Clock]:
    """The escalation matrix: each step once, at its time since detection, or when the severity becomes one of its.

    A war room that somebody opened before is not activated again.
    """
    detected = line.incident.detection_time
    for step in policy.escalation_matrix(detected):
        due_at = line.first_time(
            line.after_open_time(detected, timedelta(minutes=step.from_minutes)),
            line.has_severity(*step.severity_levels),
        )
        if due_at is None:
            continue
        if step.step_id == WAR_ROOM_ACTIVATION and line.has_before(EventType.WAR_ROOM_OPENED, due_at):
            continue
        yield _escalated(due_at, step.step_id, line.severity_at(due_at), step.action)


def _war_room(line: Timeline, policy: Policy) -> Iterator[Clock]:
    """A severity that needs a war room after some time, while nobody has opened one."""
    for severity in policy.severities:
        if severity.war_room_after_minutes is None:
            continue
        due_at = line.first_time(
            line.after_open_time(line.incident.detection_time, timedelta(minutes=severity.war_room_after_minutes)),
            line.has_severity(severity.severity_level),
        )
        if due_at is not None and not line.has_before(EventType.WAR_ROOM_OPENED, due_at):
            text = f"A war room is required, and nobody has opened one ({severity.war_room})"
            yield _escalated(due_at, WAR_ROOM_REQUIRED, severity.severity_level, text)


def _commander(line: Timeline, policy: Policy) -> Iterator[Clock]:
    """The role that commands incidents of this severity, where nobody does."""
    for severity in policy.severities:
        role = severity.incident_commander_role
        due_at = line.first_time(line.incident.detection_time, line.has_severity(severity.severity_level))
        if role is None or due_at is None or line.has_before(EventType.COMMANDER_ASSIGNED, due_at):
            continue
        if any(each.event_type is EventType.COMMANDER_ASSIGNED and not each.is_by_person for each in line.entries):
            continue
        yield Clock(
            due_at=due_at,
            event_type=EventType.COMMANDER_ASSIGNED,
            severity_level=severity.severity_level,
            payload={"name": role, "reason": f"{severity.severity_level} is commanded by the {role}"},
        )


def _updates(line: Timeline, policy: Policy, now: datetime) -> Iterator[Clock]:
    """An update is due so long after the last one of a person, and again, up to the policy's number in a row."""
    detected = line.incident.detection_time
    limit = int(policy.limit("update_requests", detected))
    written = max((each.occurred_at for each in line.entries if each.event_type is EventType.UPDATE_DUE), default=None)
    restarts = sorted(
        {line.runs_since, *(since for since, _ in line.periods)}
        | {each.occurred_at for each in line.entries if each.is_by_person}
    )
    for place, restart in enumerate(restarts):
        until = restarts[place + 1] if place + 1 < len(restarts) else None
        due_at = last = restart
        for number in range(1, limit + 1):
            minutes = policy.response_rule(line.severity_at(due_at), detected).update_minutes
            if minutes is None:
                break
            every = timedelta(minutes=minutes)
            due_at += every
            if (until is not None and due_at >= until) or not line.is_open_at(due_at):
                break
            level = line.severity_at(due_at)
            if due_at >= line.runs_since and (written is None or due_at >= written + every):
                yield Clock(
                    due_at=due_at,
                    event_type=EventType.UPDATE_DUE,
                    severity_level=level,
                    payload={"severity_level": level, "last_update": timestamp(last), "number": number},
                )
            if due_at > now:
                return


def _escalated(due_at: datetime, step_id: str, severity_level: str, text: str) -> Clock:
    return Clock(
        due_at=due_at,
        event_type=EventType.ESCALATED,
        severity_level=severity_level,
        step_id=step_id,
        payload={"step_id": step_id, "severity_level": severity_level, "text": text},
    )
