"""The rows of an answer as a table, CSV or JSON: exact, so that what is read back is what was stored."""

import base64
import json
import math
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from rich.table import Table

from incident_ledger.cli._console import Text, console_of, err, out, visible, wide_out, width_of, write_lines
from incident_ledger.encoding import iso_time
from incident_ledger.warehouse import Column, QueryResult

_LONGEST_LINE = 1000  # of a table in a file or a pipe
_NUMBERS = {"INT64", "FLOAT64", "NUMERIC", "BIGNUMERIC"}
_NULL = Text("NULL", style="dim")


def plain(value: Any, column: Column, *, in_array: bool = False) -> Any:
    """A value as JSON can hold it, by its column's type.

    INT64 and FLOAT64 are numbers (NaN and the infinities text), NUMERIC is text with every digit and no idle zeros,
    times are ISO 8601 (TIMESTAMP in UTC with `Z`, microseconds where there are any), BYTES are base64, JSON is itself.
    """
    if value is None:
        return [] if column.is_array and not in_array else None
    if column.is_array and not in_array:
        return [plain(item, column, in_array=True) for item in value]
    if column.kind == "RECORD":
        return {inner.name: plain(value.get(inner.name), inner) for inner in column.fields}
    return _scalar(value)


def _scalar(value: Any) -> Any:
    result = value
    match value:
        case bytes():
            result = base64.b64encode(value).decode()
        case Decimal():
            text = format(value, "f")
            result = text.rstrip("0").rstrip(".") if "." in text else text
        case float() if not math.isfinite(value):
            result = "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case datetime() if value.tzinfo is not None:
            result = iso_time(value)
        case datetime() | date() | time():
            result = value.isoformat()
    return result if isinstance(result, bool | int | float | str | list | dict) else str(result)


def json_lines(answer: QueryResult) -> Iterator[str]:
    """A JSON array, an object a line."""
    yield "["
    last = len(answer.rows) - 1
    for number, row in enumerate(answer.rows):
        pairs = zip(row, answer.columns, strict=True)
        record = {column.name: plain(value, column) for value, column in pairs}
        yield "  " + json.dumps(record, ensure_ascii=False) + ("," if number < last else "")
    yield "]"


def csv_lines(answer: QueryResult) -> Iterator[str]:
    """RFC 4180 with a header. NULL is an empty field and the empty text is `""`, as `warehouse load` reads them."""
    yield ",".join(_field(column.name) for column in answer.columns)
    for row in answer.rows:
        yield ",".join(_field(_text(value, column)) for value, column in zip(row, answer.columns, strict=True))


def _field(text: str | None) -> str:
    if text is None:
        return ""
    quoted = not text or any(character in text for character in ',"\r\n') or text != text.strip()
    return '"' + text.replace('"', '""') + '"' if quoted else text


def _text(value: Any, column: Column) -> str | None:
    """A value as text; arrays, records and JSON as JSON."""
    if value is None and not column.is_array:
        return None
    simple = plain(value, column)
    if isinstance(simple, str) and column.kind != "JSON":
        return simple
    return json.dumps(simple, ensure_ascii=False)


def print_answer(answer: QueryResult, output: str, limit: int) -> None:
    """The rows as a `table` (the first `limit` of them), `csv` or `json` (all)."""
    if output == "table":
        print_table(answer, limit)
    else:
        write_lines(csv_lines(answer) if output == "csv" else json_lines(answer))


def print_table(answer: QueryResult, limit: int) -> None:
    """The first `limit` rows for a person; control characters are shown as their escapes, line feeds too.

    Rows that are wider than the terminal are shown one below the other, a column a line.
    """
    rows = [
        [_shown(value, column) for value, column in zip(row, answer.columns, strict=True)]
        for row in answer.rows[:limit]
    ]
    table = Table(show_edge=False)
    for column in answer.columns:
        right = column.kind in _NUMBERS and not column.is_array
        table.add_column(Text(column.name), justify="right" if right else "left", no_wrap=True)
    for cells in rows:
        table.add_row(*cells)
    width = width_of(table)
    if width <= (out.width if out.is_terminal else _LONGEST_LINE):
        console_of(max(width, out.width)).print(table)
    else:
        _print_records([column.name for column in answer.columns], rows)
    if len(answer.rows) > limit:
        err.print(f"{len(answer.rows) - limit:,} more rows; --max-rows shows them, --format csv gives all", style="dim")


def _print_records(names: Sequence[str], rows: Sequence[Sequence[Text]]) -> None:
    console = wide_out()
    for number, cells in enumerate(rows, start=1):
        console.print(f"row {number}", style="bold")
        record = Table.grid(padding=(0, 2))
        record.add_column(no_wrap=True, style="dim")
        record.add_column(overflow="fold")
        for name, cell in zip(names, cells, strict=True):
            record.add_row(Text(name), cell)
        console.print(record)


def _shown(value: Any, column: Column) -> Text:
    text = _text(value, column)
    return _NULL if text is None else Text(visible(text).replace("\n", "\\n").replace("\t", "\\t"))
