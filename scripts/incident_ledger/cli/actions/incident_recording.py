"""How a command records what a person did, and prints what was written."""

from dataclasses import replace
from datetime import UTC, datetime

import typer

from incident_ledger.cli import _incidents
from incident_ledger.cli._console import err, out, print_error, to_json, write_text
from incident_ledger.cli.actions.command_context import command_context, open_ledger
from incident_ledger.ledger.commands import CommandContext
from incident_ledger.ledger.events import PROGRESS_EVENTS, Event, EventType
from incident_ledger.notify.channels.base import Outcome
from incident_ledger.notify.channels.registry import follower_names, require_channels
from incident_ledger.runner.incident_commands import IncidentCommand, record_command
from incident_ledger.runner.notify_now import Sent, notify_now, sent_at
from incident_ledger.warehouse import Warehouse

_AT_ONCE = "The next run or tick notifies whoever was notified of its beginning. At once: incident-ledger tick"


def record(
    part: str, at: str | None, actor: str | None, json: bool, command: IncidentCommand, *, notify: bool = False
) -> None:
    """Record it, and print what was written and who is notified of it."""
    context = command_context(at, actor)
    record_in(open_ledger(), part, context, json, command, is_dated=at is not None, notify=notify)


def record_in(
    warehouse: Warehouse,
    part: str,
    context: CommandContext,
    json: bool,
    command: IncidentCommand,
    *,
    is_dated: bool,
    notify: bool = False,
) -> None:
    """The same of a warehouse and a time that are known already."""
    if notify:
        require_channels(warehouse.settings)  # before anything is written
    part = _incidents.given_id(warehouse, part)
    event, written = record_command(warehouse, part, context, replace(command, notify=notify), is_dated=is_dated)
    if notify:
        print_and_send(warehouse, event, written, json)
        return
    print_event(event, written, json)
    if not json and (hint := _hint(warehouse, event)):
        err.print(hint, style="dim", soft_wrap=True)


def print_event(event: Event, written: int, json: bool) -> None:
    """What was written, or was before."""
    if json:
        write_text(to_json(_incidents.as_json(event) | {"is_new": bool(written)}))
        return
    known = "" if written else " (was written before)"
    out.print(f"{_incidents.event_line(event)}{known}", soft_wrap=True)


def print_and_send(warehouse: Warehouse, event: Event, written: int, json: bool) -> None:
    """What was written, and then to whom it went; what could not be sent makes the exit code alone."""
    if not json:
        print_event(event, written, json)
    sent = notify_now(warehouse, event.incident_id)
    if json:
        document = _incidents.as_json(event) | {"is_new": bool(written)}
        write_text(to_json(document | {"deliveries": [vars(each) for each in sent.deliveries]}))
    else:
        _print_sent(sent)
    if sent.problem:
        print_error(sent.problem)
    if sent.exit_code:
        raise typer.Exit(int(sent.exit_code))


def _print_sent(sent: Sent) -> None:
    for each in sent.deliveries:
        how = "Sent" if each.status is Outcome.SENT else f"Not sent ({each.status.value}: {each.error})"
        err.print(f"{how} to {', '.join(each.recipients)} through {each.channel}: {each.subject}", soft_wrap=True)
    if sent.held_until:
        err.print(f"Held by the quiet hours of its severity until {_incidents.utc(sent.held_until)}.", soft_wrap=True)
    elif not sent.deliveries and not sent.problem:
        err.print("Nothing was sent: it was sent before, or nobody was notified of its beginning.", soft_wrap=True)


def _hint(warehouse: Warehouse, event: Event) -> str | None:
    """When whom it reaches, where nobody was notified at once."""
    if event.event_type in PROGRESS_EVENTS and "supersedes" not in event.payload:
        return "Nobody is notified of it; --notify sends it to whoever was notified of the beginning."
    if event.event_type is EventType.ACKNOWLEDGED and (names := follower_names(warehouse.settings)):
        return f"The next run or tick acknowledges it through {', '.join(names)}. At once: incident-ledger tick"
    if event.event_type in (EventType.ACKNOWLEDGED, EventType.MERGED, EventType.SPLIT):
        return None
    if event.event_type in (EventType.RESOLVED, EventType.REOPENED):
        return _turn_hint(warehouse, event)
    return _AT_ONCE


def _turn_hint(warehouse: Warehouse, event: Event) -> str:
    """The same of an end or a return, which waits until the policy's interval after the last message is over."""
    at = sent_at(warehouse, event)
    if at is None:
        return "Nobody was notified of its beginning, and nobody is of this."
    if at <= datetime.now(UTC):
        return _AT_ONCE
    return (
        f"Whoever was notified of its beginning is notified at {_incidents.utc(at)}: ends and returns are sent no more "
        "often. --notify sends them at once."
    )
