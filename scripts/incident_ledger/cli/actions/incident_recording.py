"""How a command records what a person did, and prints what was written."""

from incident_ledger.cli import _incidents
from incident_ledger.cli._console import out, to_json, write_text
from incident_ledger.cli.actions.command_context import command_context, open_ledger
from incident_ledger.ledger.commands import CommandContext
from incident_ledger.ledger.events import Event
from incident_ledger.runner.incident_commands import IncidentCommand, record_command
from incident_ledger.warehouse import Warehouse


def record(part: str, at: str | None, actor: str | None, json: bool, command: IncidentCommand) -> None:
    """Record it, and print what was written."""
    record_in(open_ledger(), part, command_context(at, actor), json, command, is_dated=at is not None)


def record_in(
    warehouse: Warehouse, part: str, context: CommandContext, json: bool, command: IncidentCommand, *, is_dated: bool
) -> None:
    """The same of a warehouse and a time that are known already."""
    part = _incidents.given_id(warehouse, part)
    print_event(*record_command(warehouse, part, context, command, is_dated=is_dated), json)


def print_event(event: Event, written: int, json: bool) -> None:
    """What was written, or was before."""
    if json:
        write_text(to_json(_incidents.as_json(event) | {"is_new": bool(written)}))
        return
    known = "" if written else " (was written before)"
    out.print(f"{_incidents.event_line(event)}{known}", soft_wrap=True)
