"""What every command begins with that records something of an incident: the ledger, who says it, and of when."""

import getpass
from datetime import UTC, datetime

from incident_ledger.cli._console import parse_time
from incident_ledger.errors import UserError
from incident_ledger.ledger.commands import CommandContext
from incident_ledger.ledger.setup import ensure_ledger
from incident_ledger.settings import load_settings
from incident_ledger.warehouse import Warehouse, connect


def open_ledger() -> Warehouse:
    """The warehouse, with the tables of the ledger in it."""
    warehouse = connect(load_settings())
    ensure_ledger(warehouse)
    return warehouse


def command_context(at: str | None, actor: str | None) -> CommandContext:
    """By `--at` and `--actor`: now, and the user's name, by default."""
    now = datetime.now(UTC)
    return CommandContext(actor=actor or _user(), at=parse_time(at, "--at") if at else now, now=now)


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        raise UserError("Your user name is not known here. Say who you are: --actor NAME.") from None
