"""`incident-ledger postmortem`."""

from pathlib import Path

from incident_ledger import policy
from incident_ledger.cli._console import err, parse_time, write_text
from incident_ledger.cli._incidents import given_id
from incident_ledger.cli.actions.command_context import command_context, open_ledger
from incident_ledger.cli.actions.incident_reviews import print_events
from incident_ledger.errors import UserError
from incident_ledger.ledger.events import payload_text
from incident_ledger.ledger.lookup import find_incident
from incident_ledger.ledger.state import read_events
from incident_ledger.postmortem.document import postmortem
from incident_ledger.postmortem.review_events import import_events
from incident_ledger.postmortem.review_parser import parse
from incident_ledger.runner.incident_commands import record_events

_LARGEST = 1_000_000  # characters; a review has some thousands


def write(incident: str, output: Path | None, as_of: str | None) -> None:
    """Write the review in Markdown."""
    now, warehouse = parse_time(as_of, "--as-of"), open_ledger()
    state = find_incident(warehouse, given_id(warehouse, incident))
    events = [item.event for item in read_events(warehouse, incident_ids=[state.incident_id])]
    text = postmortem(state, events, policy.load(warehouse), now)
    if state.resolution_time is None:
        err.print(f"{state.incident_id} is not over: what follows is a draft.", soft_wrap=True)
    if output is None:
        write_text(text, end="")
        return
    create_file(output, text)
    err.print(f"Edit {output}, then: incident-ledger postmortem import {output}", soft_wrap=True)


def import_(file: Path, actor: str | None, json: bool) -> None:
    """Record what the edited review says."""
    text = _read(file)
    warehouse, context = open_ledger(), command_context(None, actor)
    rules = policy.load(warehouse)
    tasks = [task.task_id for task in rules.tasks()]
    incident_id, *_ = parse(text, str(file), (), tasks)
    recorded = read_events(warehouse, incident_ids=[incident_id])
    # What was named by an older list may stand.
    named = (category for each in recorded if (category := payload_text(each.event, "category")))
    _, findings, done = parse(text, str(file), (*rules.root_causes(), *named), tasks)
    _, events, written = record_events(
        warehouse, incident_id, context, lambda state: import_events(state, recorded, context, findings, done)
    )
    print_events(events, written, json)
    if not events and not json:
        err.print("The ledger holds all that it says: nothing was written.", soft_wrap=True)


def create_file(path: Path, text: str) -> None:
    """A new file: what people edited is never replaced."""
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UserError(f"{path} is there already, and may have been edited. Give another name.") from None


def _read(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path} is not UTF-8 text: byte {error.start} is not. Save it as UTF-8.") from None
    if len(text) > _LARGEST:
        raise UserError(f"{path} has {len(text):,} characters, more than {_LARGEST:,}: it is no review.")
    return text
