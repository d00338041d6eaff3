"""What a message of a review names: the tasks that are not done, and the commands that say that they are. Pure."""

from incident_ledger.ledger.review_commands import completed_tasks
from incident_ledger.ledger.state import IncidentState
from incident_ledger.notify.formatting import field, utc
from incident_ledger.policy import Policy
from incident_ledger.response.rules.review_rules import review_phases


def open_tasks(state: IncidentState, policy: Policy) -> tuple[str, ...]:
    """What is to be done after the incident and is not, each with its name and deadline."""
    completed = completed_tasks(state)
    return tuple(
        field(f"{task.task}: {task.step} ({task.task_id}, by {utc(phase.due_at)})")
        for phase in review_phases(state, policy)
        for task in phase.tasks
        if task.task_id not in completed
    )


def review_commands(state: IncidentState, policy: Policy) -> tuple[tuple[str, str], ...]:
    """Labels and commands; none where there is no review."""
    phases = review_phases(state, policy)
    commands = [("The review was held", f"incident-ledger incident review complete {state.incident_id}")]
    if any(phase.tasks for phase in phases):
        commands.insert(0, ("A task is done", f"incident-ledger incident task done {state.incident_id} TASK"))
    return tuple(commands) if phases else ()
