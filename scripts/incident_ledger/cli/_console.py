"""What the groups of commands share: where they print, and how a time or an output format is given."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from rich.console import Console

from incident_ledger.errors import UserError

out = Console()
err = Console(stderr=True)


def parse_time(text: str | None, name: str) -> datetime:
    """A time given on the command line, in UTC; now when it is not given.

    Raises `UserError` when it is no ISO 8601 time or has no zone: a time without a zone is somebody's guess.
    """
    if text is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(f"{name} {text!r} is no time. Write it as 2026-03-02T09:00:00Z.") from None
    if moment.tzinfo is None:
        raise UserError(f"{name} {text!r} has no time zone. Write {text}Z if it is UTC.")
    return moment.astimezone(UTC)


def to_json(value: Any) -> str:
    """JSON for machines: times as ISO 8601 in UTC, decimals as text."""
    return json.dumps(value, default=_plain, indent=2, ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
