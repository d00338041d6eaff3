"""What was done after an incident, and what a person records of it, as events. Pure."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from incident_ledger.encoding import timestamp
from incident_ledger.errors import UserError
from incident_ledger.ledger.clock_history import parse_entries
from incident_ledger.ledger.commands import CommandContext, check_time, person_event, shown
from incident_ledger.ledger.events import Event, EventType
from incident_ledger.ledger.state import IncidentState


def completed_tasks(incident: IncidentState) -> dict[str, datetime]:
    """When each task was completed first; what was done before the incident was reopened is to be done again."""
    since = incident.last_reopened_time or incident.detection_time
    return {
        each.step_id: each.occurred_at
        for each in reversed(parse_entries(incident.clock_history))
        if each.event_type is EventType.TASK_COMPLETED and each.step_id and each.occurred_at >= since
    }


def is_reviewed(incident: IncidentState) -> bool:
    """Whether its review was completed since it ended last."""
    closed_at, resolved_at = incident.closed_time, incident.resolution_time
    return closed_at is not None and resolved_at is not None and closed_at >= resolved_at


def complete_tasks(
    incident: IncidentState,
    context: CommandContext,
    names: Sequence[str],
    phases: Mapping[str, Collection[str]],
    text: str | None = None,
) -> list[Event]:
    """`task_completed` of each task that is named, or that is of a phase that is named, and is not completed yet.

    `phases` has the policy's tasks by phase. Raises `UserError` for a name that is neither, and when all are done.
    """
    check_time(incident, context)
    known = [task for tasks in phases.values() for task in tasks]
    unknown = [name for name in names if name not in known and name not in phases]
    if unknown:
        names_known = f"There are {', '.join(known)}; all of {' or '.join(phases)} at once."
        raise UserError(f"{unknown[0]!r} is no task. {names_known}")
    wanted = dict.fromkeys(task for name in names for task in phases.get(name, (name,)))
    completed = completed_tasks(incident)
    left = [task for task in wanted if task not in completed or completed[task] > context.at]
    if not left:
        times = ", ".join(f"{task} at {shown(completed[task])}" for task in wanted)
        raise UserError(f"That was done already: {times}.")
    return [person_event(incident, context, EventType.TASK_COMPLETED, {"task_id": task, "text": text}) for task in left]


def schedule_review(
    incident: IncidentState, context: CommandContext, scheduled_for: datetime, text: str | None = None
) -> Event:
    """`review_scheduled`: when people meet, of a resolved incident that was not reviewed yet."""
    _check_reviewable(incident, context)
    if scheduled_for <= context.at:
        raise UserError(f"{shown(scheduled_for)} is over. Give the time at which the review is to begin.")
    payload = {"scheduled_for": timestamp(scheduled_for), "text": text}
    return person_event(incident, context, EventType.REVIEW_SCHEDULED, payload)


def complete_review(incident: IncidentState, context: CommandContext, text: str | None = None) -> Event:
    """`review_completed`: nothing more of it falls due."""
    _check_reviewable(incident, context)
    return person_event(incident, context, EventType.REVIEW_COMPLETED, {"text": text})


def _check_reviewable(incident: IncidentState, context: CommandContext) -> None:
    check_time(incident, context)
    if incident.resolution_time is None:
        raise UserError(
            f"{incident.incident_id} is {incident.status.value}, not resolved. It is reviewed after its end: "
            f"incident-ledger incident resolve {incident.incident_id}"
        )
    if context.at < incident.resolution_time:
        raise UserError(f"{incident.incident_id} was resolved after that, at {shown(incident.resolution_time)}.")
    if is_reviewed(incident) and incident.closed_time and incident.closed_time <= context.at:
        raise UserError(f"{incident.incident_id} was reviewed already, at {shown(incident.closed_time)}.")
