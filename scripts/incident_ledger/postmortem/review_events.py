"""What an edited review adds to the ledger, as events. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from incident_ledger.errors import UserError
from incident_ledger.ledger.commands import CommandContext, name_cause, person_event
from incident_ledger.ledger.events import Event, EventType
from incident_ledger.ledger.reducer import effective
from incident_ledger.ledger.review_commands import complete_review, completed_tasks, is_reviewed
from incident_ledger.ledger.state import IncidentState, RecordedEvent
from incident_ledger.postmortem.review_findings import Findings, known_findings, latest_payload


def import_events(
    incident: IncidentState,
    recorded: Sequence[RecordedEvent],
    context: CommandContext,
    findings: Findings,
    done: Sequence[str],
) -> list[Event]:
    """Events for what the ledger does not hold yet: none for a file that was imported before.

    A review that says something else than the one before supersedes it. Raises `UserError` where the incident is not
    over, or nothing was filled in.
    """
    history = effective(item.event for item in recorded)
    known = known_findings(incident, history)
    events = [
        *_tasks(incident, context, done),
        *_cause(incident, context, findings, known),
        *_impact(incident, context, findings, known),
    ]
    review = list(_review(incident, history, context, findings))
    if review and not events and not any(findings.review.values()) and not is_reviewed(incident):
        raise UserError(
            "Nothing in it was filled in: there is nothing to record. Fill in the sections from Impact to Tasks. A "
            f"review that found nothing: incident-ledger incident review complete {incident.incident_id}"
        )
    return [*events, *review]


def _tasks(incident: IncidentState, context: CommandContext, done: Sequence[str]) -> Iterator[Event]:
    completed = completed_tasks(incident)
    for task in done:
        if task not in completed:
            yield person_event(incident, context, EventType.TASK_COMPLETED, {"task_id": task})


def _cause(incident: IncidentState, context: CommandContext, findings: Findings, known: Findings) -> Iterator[Event]:
    category = findings.root_cause_category
    text = findings.root_cause
    if category and (category != known.root_cause_category or text not in (None, known.root_cause)):
        yield name_cause(incident, context, category, text)


def _impact(incident: IncidentState, context: CommandContext, findings: Findings, known: Findings) -> Iterator[Event]:
    changed = {name: text for name, text in findings.impact.items() if known.impact.get(name) != text}
    if changed:
        yield person_event(incident, context, EventType.IMPACT_ASSESSED, changed)


def _review(
    incident: IncidentState, history: Sequence[Event], context: CommandContext, findings: Findings
) -> Iterator[Event]:
    reviews = [event for event in history if event.event_type is EventType.REVIEW_COMPLETED]
    if not is_reviewed(incident) or not reviews:
        yield person_event(
            incident,
            context,
            EventType.REVIEW_COMPLETED,
            {**complete_review(incident, context).payload, **findings.review},
        )
    elif not _says(latest_payload(history, EventType.REVIEW_COMPLETED), findings):
        payload = {"supersedes": reviews[-1].event_id, **findings.review}
        yield person_event(incident, context, EventType.REVIEW_COMPLETED, payload)


def _says(payload: Mapping[str, Any], findings: Findings) -> bool:
    return all(payload.get(name) == value for name, value in findings.review.items())
