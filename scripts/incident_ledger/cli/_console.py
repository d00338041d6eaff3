"""What the groups of commands share: where they print, and how a time or an output format is given."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from incident_ledger.errors import UserError

out = Console()
err = Console(stderr=True)
_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
_ANY = 1_000_000
_UNBROKEN = 400  # columns: a file or a pipe is no narrow terminal


def wide_out() -> Console:
    """Standard output, without breaking lines where nobody looks at a screen."""
    return out if out.is_terminal else Console(width=_UNBROKEN)


def width_of(table: Table) -> int:
    """The columns that a table takes when nothing in it is broken."""
    return out.measure(table, options=out.options.update(max_width=_ANY)).maximum


def print_rows(names: Sequence[str], rows: Sequence[Sequence[Text]], *, first: Sequence[int]) -> None:
    """A line a row where all rows fit; else the cells `first` on a line, and each other one below it, broken by words.

    A name, an id and a number are never broken, which a narrow table would do.
    """
    console = wide_out()
    table = Table(show_edge=False, box=None, pad_edge=False)
    for name in names:
        table.add_column(name, no_wrap=True)
    for cells in rows:
        table.add_row(*cells)
    if width_of(table) <= console.width:
        console.print(table)
        return
    widths = {number: max(cells[number].cell_len for cells in rows) for number in first}
    for cells in rows:
        head = Text("  ").join(_padded(cells[number], widths[number]) for number in first)
        head.rstrip()
        console.print(head, soft_wrap=True)
        for number, cell in enumerate(cells):
            if number not in first and cell:
                console.print(Padding(cell, (0, 0, 0, 4), expand=False))


def _padded(cell: Text, width: int) -> Text:
    padded = cell.copy()
    (padded.pad_left if cell.justify == "right" else padded.pad_right)(width - cell.cell_len)
    return padded


def parse_time(text: str | None, name: str) -> datetime:
    """A time given on the command line, in UTC; now when it is not given.

    Raises `UserError` when it is no ISO 8601 time, has no zone (which would be somebody's guess), or is of no year of
    this trade.
    """
    if text is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(f"{name} {text!r} is no time. Write it as 2026-03-02T09:00:00Z.") from None
    if moment.tzinfo is None:
        raise UserError(f"{name} {text!r} has no time zone. Write {moment.isoformat()}Z if it is UTC.")
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        moment = datetime.min.replace(tzinfo=UTC)
    if not _FIRST <= moment < _LAST:
        raise UserError(f"{name} {text!r} is outside of the years {_FIRST.year} to {_LAST.year - 1}.")
    return moment


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
