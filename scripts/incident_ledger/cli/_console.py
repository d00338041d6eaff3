"""The one place that prints: what comes from outside reaches no terminal as a control character.

Two ways out. `out` and `err` are for a person: every text is escaped by `visible`, on a terminal or not, and nothing in
it is markup unless the caller says so. `write_text` is for a machine (JSON, CSV, a body): its bytes are kept into a
pipe or a file, and escaped on a terminal. Nothing else in this package prints; a rule in the tests holds that.
"""

import json
import re
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import typer
from rich.console import Console as RichConsole
from rich.console import ConsoleOptions, RenderableType
from rich.padding import Padding
from rich.segment import Segment
from rich.table import Table
from rich.text import Text as RichText

from incident_ledger import encoding
from incident_ledger.encoding import TimeError, iso_time
from incident_ledger.errors import UserError

# C0 (but newline and tab), C1, soft hyphen, lone surrogates, separators that break lines, and what is seen by nobody
# and changes how the rest is read: marks, embeddings, overrides and isolates of direction, joiners, tags.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
    # Joiners are spelling between other letters (Persian, emoji) and a hiding place beside ASCII.
    "|(?<![^\x00-\x7f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f])"
)


def visible(text: str) -> str:
    """The text with every control or invisible character as its JSON escape (`\\u001b`); newline and tab are kept.

    JSON stays JSON, since nothing but a string of it can hold such a character.
    """
    return text if text.isprintable() else _HIDDEN.sub(_escape, text)


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    return "\\u007f" if character == "\x7f" else json.dumps(character)[1:-1]


class Text(RichText):
    """A rich text that shows what it is made of; Rich itself drops some control characters and passes on the others."""

    def __init__(self, text: str = "", *args: Any, **options: Any) -> None:
        super().__init__(visible(text), *args, **options)

    def append(self, text: "RichText | str", style: Any = None) -> "Text":
        """Add a text, shown in the same way."""
        super().append(visible(text) if isinstance(text, str) else text, style)
        return self


class Console(RichConsole):
    """Shows text as it is: escaped, without markup, emoji codes or highlights unless it is asked for them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **options)

    def render_str(self, text: str, **options: Any) -> RichText:
        """Escape before lengths are measured."""
        return super().render_str(visible(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Escape what came by another way, such as a progress bar's text."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control else Segment(visible(text), style)


out = Console()
err = Console(stderr=True)
_YEARS = range(1970, 9999)
_ANY = 1_000_000
_UNBROKEN = 400  # columns: a file or a pipe is no narrow terminal


def wide_out() -> Console:
    """Standard output, without breaking lines where nobody looks at a screen."""
    return out if out.is_terminal else Console(width=_UNBROKEN)


def console_of(width: int) -> Console:
    """Standard output as if it were so many columns wide."""
    return Console(width=width)


def write_text(*lines: str, end: str = "\n") -> None:
    """Lines for a machine, to standard output in UTF-8 whatever the locale, with bare line feeds."""
    write_lines(lines, end=end)


def write_lines(lines: Iterable[str], *, end: str = "\n") -> None:
    """The same for lines that are made one by one."""
    sys.stdout.flush()
    stream = getattr(sys.stdout, "buffer", None)
    show = visible if sys.stdout.isatty() else str
    for line in lines:
        if stream is None:
            sys.stdout.write(show(line) + end)
        else:
            stream.write((show(line) + end).encode(errors="backslashreplace"))
    (stream or sys.stdout).flush()


def confirm(question: str) -> bool:
    """A person's yes or no. Raises `KeyboardInterrupt` when it is Ctrl-C."""
    try:
        return typer.confirm(visible(question))
    except typer.Abort:
        raise KeyboardInterrupt from None


def print_error(text: str, detail: str = "") -> None:
    """What went wrong, and below it the other side's output."""
    err.print(f"error: {text}", style="red", soft_wrap=True)
    if detail:
        err.print(detail, style="dim", soft_wrap=True)


def width_of(table: Table) -> int:
    """The columns that a table takes when nothing in it is broken."""
    return out.measure(table, options=out.options.update(max_width=_ANY)).maximum


def print_rows(names: Sequence[str], rows: Sequence[Sequence[RichText]], *, first: Sequence[int]) -> None:
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


def _padded(cell: RichText, width: int) -> RichText:
    padded = cell.copy()
    (padded.pad_left if cell.justify == "right" else padded.pad_right)(width - cell.cell_len)
    return padded


def parse_time(text: str | None, name: str) -> datetime:
    """A time given on the command line, in UTC; now when it is not given.

    Raises `UserError` when it is no ISO 8601 time, has no zone (which would be somebody's guess), or is out of range.
    """
    if text is None:
        return datetime.now(UTC)
    try:
        return encoding.parse_time(text, _YEARS)
    except TimeError as error:
        raise UserError(f"{name} {text!r} {error}. {error.advice[0].upper()}{error.advice[1:]}.") from None


def to_json(value: Any) -> str:
    """JSON for machines: times as ISO 8601 in UTC, decimals as text."""
    return json.dumps(value, default=_plain, indent=2, ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso_time(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")
