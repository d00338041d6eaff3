"""`incident-ledger incident task` and `incident review`."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from incident_ledger import policy
from incident_ledger.cli import _incidents
from incident_ledger.cli._console import Text, err, out, parse_time, print_rows, to_json, write_text
from incident_ledger.cli._incidents import given_id
from incident_ledger.cli.actions.command_context import command_context, open_ledger
from incident_ledger.encoding import screen_line
from incident_ledger.ledger import review_commands
from incident_ledger.ledger.events import Event
from incident_ledger.ledger.lookup import find_incident
from incident_ledger.ledger.state import IncidentState, read_state
from incident_ledger.policy import WEEKLY, Policy
from incident_ledger.response.rules.review_rules import ReviewPhase, asked_phases, review_phases
from incident_ledger.runner.incident_commands import record_events


def list_tasks(incident: str | None, json: bool, as_of: str | None) -> None:
    """What is to be done after incidents, the earliest deadline first; of one incident also what was done."""
    now, warehouse = parse_time(as_of, "--as-of"), open_ledger()
    rules = policy.load(warehouse)
    if incident:
        state = find_incident(warehouse, given_id(warehouse, incident))
        found = [(state, phase) for phase in review_phases(state, rules)]
    else:
        states = read_state(warehouse, is_open=False)
        found = [(state, phase) for state in states for phase in asked_phases(state, rules, now)]
    rows = [row for state, phase in found for row in _rows(state, phase) if incident or row["completed_at"] is None]
    rows.sort(key=lambda row: (row["due_at"], row["incident_id"]))
    if json:
        write_text(to_json(rows))
    elif rows:
        _print_tasks(rows, now)
        if left := [row for row in rows if row["completed_at"] is None]:
            err.print(_how(left[0]), style="dim", soft_wrap=True)
    else:
        err.print(_nothing(incident), style="dim", soft_wrap=True)


def done(incident: str, names: list[str], *, text: str | None, at: str | None, actor: str | None, json: bool) -> None:
    """Say that tasks were done."""
    warehouse, context = open_ledger(), command_context(at, actor)
    rules = policy.load(warehouse)
    state, events, written = record_events(
        warehouse,
        given_id(warehouse, incident),
        context,
        lambda state: review_commands.complete_tasks(state, context, names, rules.tasks_by_phase(), text),
    )
    print_events(events, written, json)
    if not json:
        done_now = {str(event.payload["task_id"]) for event in events}
        _print_left(state, rules, done_now)


def schedule(incident: str, time: str, *, text: str | None, at: str | None, actor: str | None, json: bool) -> None:
    """Say when the review will be held."""
    warehouse, context = open_ledger(), command_context(at, actor)
    begins = parse_time(time, "TIME")
    incident = given_id(warehouse, incident)
    state, events, written = record_events(
        warehouse, incident, context, lambda state: [review_commands.schedule_review(state, context, begins, text)]
    )
    print_events(events, written, json)
    late = [phase for phase in review_phases(state, policy.load(warehouse))[-1:] if begins > phase.due_at]
    if late and not json:
        err.print(f"That is after its deadline, {late[0].due_at:%Y-%m-%d %H:%M} UTC.", soft_wrap=True)


def complete(incident: str, text: str | None, at: str | None, actor: str | None, json: bool) -> None:
    """Say that the review was held."""
    warehouse, context = open_ledger(), command_context(at, actor)
    incident = given_id(warehouse, incident)
    state, events, written = record_events(
        warehouse, incident, context, lambda state: [review_commands.complete_review(state, context, text)]
    )
    print_events(events, written, json)
    left = [row["task_id"] for row in _open_rows(state, policy.load(warehouse))]
    if left and not json:
        err.print(f"These were not done, and nobody will be asked for them: {', '.join(left)}", soft_wrap=True)


def _rows(state: IncidentState, phase: ReviewPhase) -> list[dict[str, Any]]:
    completed = review_commands.completed_tasks(state)
    reviewed_at = state.closed_time if review_commands.is_reviewed(state) else None
    row = {"incident_id": state.incident_id, "severity_level": state.severity_level, "due_at": phase.due_at}
    if not phase.tasks:
        return [row | {"task_id": phase.name, "step": phase.title, "completed_at": reviewed_at}]
    return [
        row | {"task_id": task.task_id, "step": task.step, "completed_at": completed.get(task.task_id)}
        for task in phase.tasks
    ]


def _open_rows(state: IncidentState, rules: Policy) -> list[dict[str, Any]]:
    phases = (phase for phase in review_phases(state, rules) if phase.tasks)
    return [row for phase in phases for row in _rows(state, phase) if row["completed_at"] is None]


def _print_tasks(rows: Sequence[dict[str, Any]], now: datetime) -> None:
    print_rows(
        ("incident", "sev", "when", "task", "what"),
        [
            [
                Text(row["incident_id"]),
                _incidents.severity(row["severity_level"]),
                _when(row, now),
                Text(row["task_id"]),
                Text(screen_line(row["step"], 200)),
            ]
            for row in rows
        ],
        first=range(4),
    )


def _when(row: dict[str, Any], now: datetime) -> Text:
    if row["completed_at"]:
        return Text(f"done {row['completed_at']:%Y-%m-%d %H:%M}", style="dim")
    if row["due_at"] <= now:
        return Text(f"late {row['due_at']:%Y-%m-%d %H:%M}", style="red")
    return Text(f"due {row['due_at']:%Y-%m-%d %H:%M}")


def _how(row: dict[str, Any]) -> str:
    """How to say that it was done; the weekly review has no tasks."""
    incident = row["incident_id"]
    did = f"review complete {incident}" if row["task_id"] == WEEKLY else f"task done {incident} TASK"
    return f"Done: incident-ledger incident {did}; the review: incident-ledger postmortem {incident}"


def _nothing(incident: str | None) -> str:
    if incident:
        return "Nothing is to be done after it: it is not over, or the policy has no tasks for it."
    return "Nothing is to be done: every incident of the last days was reviewed."


def print_events(events: Sequence[Event], written: int, json: bool) -> None:
    """Several events that a command wrote."""
    is_new = written == len(events)
    if json:
        write_text(to_json([_incidents.as_json(event) | {"is_new": is_new} for event in events]))
        return
    for event in events:
        out.print(f"{_incidents.event_line(event)}{'' if is_new else ' (was written before)'}", soft_wrap=True)


def _print_left(state: IncidentState, rules: Policy, done_now: set[str]) -> None:
    """What is left after tasks were done."""
    left = [row for row in _open_rows(state, rules) if row["task_id"] not in done_now]
    if left:
        following = min(left, key=lambda row: row["due_at"])
        due = f"{following['due_at']:%Y-%m-%d %H:%M} UTC"
        err.print(f"{len(left)} tasks are left; the next, {following['task_id']}, is due at {due}.", soft_wrap=True)
    elif state.resolution_time and not review_commands.is_reviewed(state):
        err.print(
            f"All tasks are done. Once it was reviewed: incident-ledger incident review complete {state.incident_id}",
            soft_wrap=True,
        )
