"""What is to be done after an incident: its tasks and its review, what of them is due soon, and what is late. Pure.

An incident that was resolved long ago (`deadline_window_hours` after its last deadline) is history: nothing of it falls
due any more, so that a ledger of years, read by a new version or a new policy, asks nobody for anything.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from incident_ledger.encoding import timestamp
from incident_ledger.ledger.clock_history import ClockEntry, parse_entries
from incident_ledger.ledger.events import Event, EventType
from incident_ledger.ledger.review_commands import completed_tasks, is_reviewed
from incident_ledger.ledger.state import IncidentState, in_order
from incident_ledger.policy import WEEKLY, Policy, Task
from incident_ledger.response.rules.clock import Clock
from incident_ledger.response.rules.timeline import Timeline

_LONGEST_CYCLE = timedelta(days=8)  # a week, and the hour that the end of summer time adds
_TITLES = {WEEKLY: "Weekly review"}


@dataclass(frozen=True, kw_only=True)
class ReviewPhase:
    """What is to be done by one deadline: the tasks of a phase, or the weekly review, which has none."""

    name: str
    title: str
    due_at: datetime
    tasks: tuple[Task, ...] = ()


def review_phases(incident: IncidentState, policy: Policy) -> tuple[ReviewPhase, ...]:
    """What is to be done after a resolved incident, the earliest deadline first; nothing after most P3.

    Nothing of an incident that counts for nothing, or of a vendor's on which nobody here acted.
    """
    resolved_at = incident.resolution_time
    if resolved_at is None or not incident.has_sla or incident.is_retracted or incident.merged_into:
        return ()
    tasks = [task for task in policy.tasks() if incident.severity_level in task.severity_levels]
    phases = [
        ReviewPhase(
            name=name,
            title=members[0].phase_title,
            due_at=resolved_at + timedelta(hours=float(max(task.due_hours for task in members))),
            tasks=members,
        )
        for name in dict.fromkeys(task.phase for task in tasks)
        if (members := tuple(task for task in tasks if task.phase == name))
    ]
    weekly_at = policy.weekly_review(incident.severity_level, resolved_at)
    if weekly_at is not None:
        phases.append(ReviewPhase(name=WEEKLY, title=_TITLES[WEEKLY], due_at=weekly_at))
    return tuple(sorted(phases, key=lambda phase: phase.due_at))


def review_deadline(incident: IncidentState, policy: Policy) -> datetime | None:
    """By when it is to be reviewed; None where it is not."""
    return max((phase.due_at for phase in review_phases(incident, policy)), default=None)


def history_before(policy: Policy, now: datetime) -> datetime:
    """What was resolved before has no review that anybody is asked for: asked once, and not of each incident."""
    hours = max((float(task.due_hours) for task in policy.tasks()), default=0.0)
    longest = max(timedelta(hours=hours), _LONGEST_CYCLE)
    return now - longest - timedelta(hours=float(policy.limit("deadline_window_hours", now)))


def asked_phases(incident: IncidentState, policy: Policy, now: datetime) -> tuple[ReviewPhase, ...]:
    """The phases of what was not reviewed yet, and is not history."""
    phases = () if is_reviewed(incident) else review_phases(incident, policy)
    window = timedelta(hours=float(policy.limit("deadline_window_hours", now)))
    return phases if phases and phases[-1].due_at + window >= now else ()


def review_events(incident: IncidentState, policy: Policy, now: datetime) -> list[Event]:
    """What is to be written by `now`, in order; nothing of what was done."""
    due = (clock for clock in _missing(incident, policy, now) if clock.due_at <= now)
    return sorted((clock.event(incident) for clock in due), key=in_order)


def next_review(incident: IncidentState, policy: Policy, now: datetime) -> datetime | None:
    """The first time after `now` at which something of it falls due; None for never."""
    return min((clock.due_at for clock in _missing(incident, policy, now) if clock.due_at > now), default=None)


def _missing(incident: IncidentState, policy: Policy, now: datetime) -> Iterator[Clock]:
    """What is not in the ledger of the last resolution, and not done."""
    resolved_at, phases = incident.resolution_time, asked_phases(incident, policy, now)
    if resolved_at is None or not phases:
        return
    entries = parse_entries(incident.clock_history)
    written = {_subject(each) for each in entries if each.occurred_at >= resolved_at and not each.is_by_person}
    # A severity that changed after the end asks for another review from then on.
    since = max(resolved_at, Timeline(incident).severities[-1][0])
    for clock in (_scheduled(incident, phases), *_reminders(incident, phases, policy)):
        if _subject(clock) not in written:
            yield replace(clock, due_at=max(clock.due_at, since))


def _subject(clock: Clock | ClockEntry) -> tuple[EventType, str | None]:
    return clock.event_type, clock.step_id


def _scheduled(incident: IncidentState, phases: tuple[ReviewPhase, ...]) -> Clock:
    """That there is to be a review, from the end on, and by when."""
    return Clock(
        due_at=incident.resolution_time or incident.detection_time,
        event_type=EventType.REVIEW_SCHEDULED,
        severity_level=incident.severity_level,
        step_id=phases[-1].name,
        payload={"review": phases[-1].name, "due_at": timestamp(phases[-1].due_at)},
    )


def _reminders(incident: IncidentState, phases: tuple[ReviewPhase, ...], policy: Policy) -> Iterator[Clock]:
    """Of each phase of which something is not done: shortly before its deadline, and at it."""
    completed, resolved_at = completed_tasks(incident), incident.resolution_time or incident.detection_time
    early = timedelta(hours=float(policy.limit("task_reminder_hours", resolved_at)))
    for phase in phases:
        if phase.tasks and all(task.task_id in completed for task in phase.tasks):
            continue
        soon = f"{phase.title}: due at {timestamp(phase.due_at)[:16].replace('T', ' ')} UTC"
        yield _due(incident, phase, f"{phase.name}_due", phase.due_at - early, soon)
        yield _due(incident, phase, f"{phase.name}_late", phase.due_at, f"{phase.title}: late")


def _due(incident: IncidentState, phase: ReviewPhase, step_id: str, due_at: datetime, text: str) -> Clock:
    return Clock(
        due_at=due_at,
        event_type=EventType.REVIEW_DUE,
        severity_level=incident.severity_level,
        step_id=step_id,
        payload={
            "step_id": step_id,
            "severity_level": incident.severity_level,
            "due_at": timestamp(phase.due_at),
            "text": text,
        },
    )
