"""The records of a CSV or JSON-lines file, each with its line. Every fault names the file and the line."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from incident_ledger.encoding import JsonError, scan_json
from incident_ledger.errors import UserError
from incident_ledger.warehouse.loading.values import MAX_NAME, BadValueError, Number, column_name, json_text, named

Record = tuple[int, dict[str, Any]]
OnBytes = Callable[[int], None]

MAX_COLUMNS = 10_000
"""BigQuery makes no table of more."""
_MAX_FIELD = 100 * 1024**2


def bad(path: Path, line: int, what: str) -> UserError:
    """An error at a place of a file."""
    return UserError(f"{path}, line {line}: {what}")


def csv_header(path: Path) -> list[str]:
    """The names of a CSV file's columns. Raises `UserError` when one is missing, twice there, or too long."""
    for line, fields in _csv_rows(path, lambda _size: None):
        return _names(path, line, [field or "" for field in fields])
    raise UserError(f"{path} is empty. A CSV file begins with the names of its columns.")


def csv_records(path: Path, on_bytes: OnBytes) -> Iterator[Record]:
    """The records of a CSV file with a header.

    An empty field is None; a quoted empty field (`""`) is the empty text, as in BigQuery.
    """
    names: list[str] | None = None
    for line, fields in _csv_rows(path, on_bytes):
        if names is None:
            names = _names(path, line, [field or "" for field in fields])
        elif len(fields) != len(names):
            raise bad(path, line, f"{len(fields)} fields, and the header has {len(names)}.")
        else:
            yield line, dict(zip(names, fields, strict=True))


def json_records(path: Path, on_bytes: OnBytes) -> Iterator[Record]:
    """The records of a file of JSON lines; blank lines are skipped, numbers are kept as they are written."""
    for line, text in _lines(path, on_bytes):
        if not text.strip():
            continue
        value = _parsed(path, line, text)
        try:
            if not isinstance(value, dict):
                what = f"{json_text(value)[:60]} is no JSON object"
                raise bad(path, line, f"{what}; `jq -c .[]` makes lines of an array.")
            yield line, named(value)
        except BadValueError as error:
            raise bad(path, line, f"{error}.") from None


def _parsed(path: Path, line: int, text: str) -> Any:
    try:
        return scan_json(text, number=Number)
    except JsonError as error:
        what = f"{error.reason} at character {error.column}" if error.column else error.reason
        hint = " One object a line is wanted; `jq -c .[]` makes lines of an array." if line == 1 else ""
        raise bad(path, line, f"no valid JSON ({what}).{hint}") from None


def _names(path: Path, line: int, header: list[str]) -> list[str]:
    names = [column_name(name) for name in header]
    if len(header) == 1 and any(sign in header[0] for sign in ";\t|"):
        raise bad(path, line, f"one column, {header[0]!r}: fields are divided by commas (by tabs in a .tsv file).")
    if len(names) > MAX_COLUMNS:
        raise bad(path, line, f"{len(names):,} columns, and a table has at most {MAX_COLUMNS:,}.")
    seen: set[str] = set()
    for position, (name, given) in enumerate(zip(names, header, strict=True), 1):
        if not given.strip():
            raise bad(path, line, f"column {position} has no name.")
        if len(name) > MAX_NAME:
            raise bad(path, line, f"the name of column {position} is longer than {MAX_NAME} characters.")
        if name.lower() in seen:
            raise bad(
                path, line, f"column {position} has the name {name!r} of an earlier one (case and signs do not count)."
            )
        seen.add(name.lower())
    return names


def _csv_rows(path: Path, on_bytes: OnBytes) -> Iterator[tuple[int, list[str | None]]]:
    csv.field_size_limit(_MAX_FIELD)
    raw: list[str] = []  # the lines of the record at hand: a quoted field may have several

    def lines() -> Iterator[str]:
        for _number, text in _lines(path, on_bytes):
            raw.append(text)
            yield text

    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    reader = csv.reader(lines(), delimiter=delimiter, strict=True)
    first = 1
    try:
        for fields in reader:
            if fields:
                yield first, _with_nulls(fields, "".join(raw), delimiter)
            raw.clear()
            first = reader.line_num + 1
    except csv.Error as error:
        raise bad(path, first, f"no valid CSV ({error}).") from None


def _with_nulls(fields: list[str], raw: str, delimiter: str) -> list[str | None]:
    """Empty fields as None, unless they were quoted, which Python's reader does not say."""
    if "" not in fields:
        return list(fields)
    quoted = _quoted(raw, delimiter) if '""' in raw else []
    known = quoted if len(quoted) == len(fields) else [False] * len(fields)
    return [field if field or is_quoted else None for field, is_quoted in zip(fields, known, strict=True)]


def _quoted(raw: str, delimiter: str) -> list[bool]:
    """For each field of a record's text whether it begins with a quote."""
    result, position, text = [], 0, raw.rstrip("\r\n")
    while True:
        is_quoted = text.startswith('"', position)
        result.append(is_quoted)
        if is_quoted:
            position += 1
            while (end := text.find('"', position)) >= 0 and text.startswith('"', end + 1):
                position = end + 2
            position = end + 1
        end = text.find(delimiter, position)
        if end < 0:
            return result
        position = end + 1


def _lines(path: Path, on_bytes: OnBytes) -> Iterator[tuple[int, str]]:
    """The physical lines with their ends, decoded one by one, so that a bad byte has a line."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            on_bytes(len(line))
            try:
                yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError as error:
                raise bad(path, number, f"byte {error.start + 1} is no UTF-8.") from None
