"""`incident-ledger review weekly`."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from incident_ledger import policy
from incident_ledger.cli._console import parse_time, write_text
from incident_ledger.cli.actions.command_context import open_ledger
from incident_ledger.cli.actions.postmortem import create_file
from incident_ledger.errors import UserError
from incident_ledger.ledger.state import read_state
from incident_ledger.postmortem.weekly import Week, week_of, weekly_review
from incident_ledger.warehouse import Warehouse

_WEEK = timedelta(days=7)


def weekly(week: str | None, output: Path | None, as_of: str | None) -> None:
    """Write the week's incidents in Markdown."""
    text = weekly_review(read_week(open_ledger(), week, as_of))
    if output is None:
        write_text(text, end="")
    else:
        create_file(output, text)


def read_week(warehouse: Warehouse, week: str | None, as_of: str | None) -> Week:
    """An ISO week, or the last one that is over. Raises `UserError` for what is no week or no time."""
    now = parse_time(as_of, "--as-of")
    until = _monday(week) + _WEEK if week else _monday(f"{now:%G-W%V}")
    incidents, rules = read_state(warehouse), policy.load(warehouse)
    return week_of(incidents, rules, until - _WEEK, until, now, listed_until=None if week else now)


def _monday(week: str) -> datetime:
    found = re.fullmatch(r"(\d{4})-W(\d{2})", week)
    try:
        if found:
            return datetime.fromisocalendar(int(found[1]), int(found[2]), 1).replace(tzinfo=UTC)
    except ValueError:
        pass
    raise UserError(f"--week {week!r} is not a week of a year. Write it as 2026-W10.")
