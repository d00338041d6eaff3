"""Cells to values: the same words, types and complaints whether a row comes from a file or from the warehouse."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from incident_ledger.encoding import TimeError, parse_time
from incident_ledger.policy.seeds import Column, Kind, PolicyTable

_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_INTEGER = re.compile(r"-?\d+")
_QUOTED_NOTHING = re.compile(r'(^|,)""(,|$)', re.MULTILINE)
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True)
class Row:
    """One row of a policy table: where it stands, for a person, and its typed values (None where the cell is empty)."""

    table: str
    where: str
    values: Mapping[str, Any]

    def __getitem__(self, column: str) -> Any:
        return self.values[column]

    @property
    def valid_from(self) -> datetime | None:
        """From when the row holds; None is always."""
        valid_from: datetime | None = self.values.get("valid_from")
        return valid_from


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: where (`file:line`), which column, and what to do."""

    where: str
    column: str
    text: str

    def __str__(self) -> str:
        return f"{self.where}: {self.column}: {self.text}" if self.column else f"{self.where}: {self.text}"


def read_file(path: Path, shown: str, table: PolicyTable) -> tuple[list[Row], list[Problem]]:
    """Rows of a seed file and all that is wrong with its cells. `shown` is the name that the messages use."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return [], [Problem(shown, "", "the file is not there; restore it, the policy is not whole without it")]
    except UnicodeDecodeError as error:
        return [], [Problem(shown, "", f"is not UTF-8 (byte {error.start}); save it as UTF-8")]
    if text.startswith("\ufeff"):
        return [], [Problem(f"{shown}:1", "", "begins with a byte order mark; save it as UTF-8 without one")]
    if quoted := _QUOTED_NOTHING.search(text):
        # BigQuery takes it for an empty text and not for null, and a csv reader does not distinguish the two.
        line = text.count("\n", 0, quoted.start()) + 1
        return [], [Problem(f"{shown}:{line}", "", 'holds ""; leave the cell empty if there is no value')]
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines: list[tuple[int, list[str]]] = []
    start = 1
    try:
        for cells in reader:
            if cells:
                lines.append((start, cells))
            start = reader.line_num + 1
    except csv.Error as error:
        return [], [Problem(f"{shown}:{start}", "", f"is no CSV ({error}); quote a cell that holds commas or quotes")]
    return _read_lines(lines, shown, table)


def _read_lines(
    lines: Sequence[tuple[int, list[str]]], shown: str, table: PolicyTable
) -> tuple[list[Row], list[Problem]]:
    if not lines:
        return [], [Problem(f"{shown}:1", "", f"is empty; its first line is {','.join(table.column_names)}")]
    header = tuple(lines[0][1])
    if header != table.column_names:
        return [], [Problem(f"{shown}:1", "", f"the first line must be {','.join(table.column_names)}")]
    rows: list[Row] = []
    problems: list[Problem] = []
    for number, cells in lines[1:]:
        where = f"{shown}:{number}"
        if len(cells) != len(header):
            problems.append(Problem(where, "", f"has {len(cells)} cells instead of {len(header)}; quote a comma"))
            continue
        row, wrong = read_row(table, where, dict(zip(header, cells, strict=True)))
        problems += wrong
        if row:
            rows.append(row)
    return rows, problems


def read_row(table: PolicyTable, where: str, cells: Mapping[str, str | None]) -> tuple[Row | None, list[Problem]]:
    """A typed row, or what is wrong with each of its cells."""
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for column in table.columns:
        try:
            values[column.name] = _value(column, cells[column.name])
        except ValueError as error:
            problems.append(Problem(where, column.name, str(error)))
    return (None if problems else Row(table.name, where, values)), problems


def _value(column: Column, cell: str | None) -> Any:
    if not cell:
        if column.required:
            raise ValueError("is empty; give a value")
        return None
    if cell.strip() != cell:
        raise ValueError(f"{cell!r} has a space at its end or beginning; remove it")
    if cell.lower() == "null":
        raise ValueError(f"holds the word {cell!r}; leave the cell empty if there is no value")
    if "\n" in cell or "\r" in cell or "\x00" in cell:
        raise ValueError("holds a line break or NUL; keep the text on one line")
    if column.choices and cell not in column.choices:
        raise ValueError(f"{cell!r} is not one of {', '.join(column.choices)}")
    return _PARSERS[column.kind](cell)


def _number(cell: str) -> Decimal:
    if not _NUMBER.fullmatch(cell):
        raise ValueError(f"{cell!r} is no number; write it as 20 or 0.5")
    return Decimal(cell)


def _integer(cell: str) -> int:
    if not _INTEGER.fullmatch(cell):
        raise ValueError(f"{cell!r} is no whole number; write it as 20")
    return int(cell)


def _boolean(cell: str) -> bool:
    if cell not in {"true", "false"}:
        raise ValueError(f"{cell!r} is neither true nor false")
    return cell == "true"


def _timestamp(cell: str) -> datetime:
    try:
        timestamp = parse_time(cell)
    except TimeError as error:
        raise ValueError(f"{cell!r} {error}; {error.advice}") from None
    if not _TIMESTAMP.fullmatch(cell):  # Python reads more forms than BigQuery does
        raise ValueError(f"{cell!r} is a time in another form; write it as 2026-03-01T00:00:00Z")
    return timestamp


def _day(cell: str) -> date:
    try:
        return datetime.strptime(cell, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise ValueError(f"{cell!r} is no day; write it as 2026-07-03") from None


def _clock(cell: str) -> time:
    try:
        return datetime.strptime(cell, "%H:%M:%S").replace(tzinfo=UTC).time()
    except ValueError:
        raise ValueError(f"{cell!r} is no time of day; write it as 17:00:00") from None


_PARSERS: dict[Kind, Callable[[str], Any]] = {
    Kind.TEXT: str,
    Kind.INTEGER: _integer,
    Kind.NUMBER: _number,
    Kind.BOOLEAN: _boolean,
    Kind.TIMESTAMP: _timestamp,
    Kind.DAY: _day,
    Kind.CLOCK: _clock,
}


def in_order(table: PolicyTable, rows: Iterable[Row]) -> tuple[Row, ...]:
    """Rows in the table's own order, so that files and warehouse give equal policies. Empty comes first."""
    return tuple(sorted(rows, key=lambda row: [(row[name] is not None, row[name]) for name in table.order]))
