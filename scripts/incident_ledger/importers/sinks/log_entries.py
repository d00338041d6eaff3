"""From files to entries of Cloud Logging: one JSON object a line, or a list of them, as `gcloud` writes them."""

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from incident_ledger.encoding import (
    Fault,
    JsonError,
    TimeError,
    find_fault,
    parse_time,
    scan_json,
    timestamp,
    written_json,
)
from incident_ledger.errors import UserError
from incident_ledger.importers import Reject, Rejects
from incident_ledger.importers.sinks.sink_tables import ENTRY_NAMES, JSON_TEXTS, Sink
from incident_ledger.importers.sources import read_file
from incident_ledger.warehouse.nested_tables import Fields

# Clocks differ; one that is further ahead of the receipt of its entry is wrong.
AHEAD = timedelta(minutes=5)
_YEARS = range(2000, 2200)


@dataclass
class Entries:
    """Entries by what says which they are; `doubled` came more than once, `future` have a time in the future."""

    rows: dict[tuple[str, ...], dict[str, Any]] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=Rejects)
    doubled: int = 0
    future: int = 0


class _EntryError(Exception):
    def __init__(self, name: str, problem: str) -> None:
        super().__init__(problem)
        self.name = name


def read_entries(sink: Sink, paths: list[Path], loaded_at: datetime) -> Entries:
    """What the files hold. Raises `UserError` for a file that cannot be read or has no entry at all."""
    found = Entries()
    for path in paths:
        before = len(found.rows) + found.doubled
        rejects = list(_read(sink, path, loaded_at, found))
        if len(found.rows) + found.doubled == before:
            reason = str(rejects[0]) if rejects else f"{path}: is empty"
            raise UserError(f"{reason}. A file holds entries of Cloud Logging, one a line. Nothing was loaded.")
        found.rejects.extend(rejects)
    return found


def _read(sink: Sink, path: Path, loaded_at: datetime, found: Entries) -> Iterator[Reject]:
    for line, value in _values(path):
        if isinstance(value, JsonError):
            yield Reject(str(path), line, f"malformed JSON: {value.reason}", "")
            continue
        try:
            row = _row(value, sink, loaded_at)
        except _EntryError as error:
            yield Reject(str(path), line, str(error), written_json(value), error.name or None)
            continue
        key = tuple(row[name] for name in sink.keys)
        found.doubled += key in found.rows
        if key not in found.rows:
            received = row[sink.received] if sink.received else None
            latest = min(parse_time(received), loaded_at) if received else loaded_at
            found.future += parse_time(row[sink.time]) > latest + AHEAD
            found.rows[key] = row


def _values(path: Path) -> Iterator[tuple[int, Any]]:
    """Each value with its line; a line that is not JSON as its error."""
    content = read_file(str(path)).content.removeprefix(b"\xef\xbb\xbf")
    if content.lstrip()[:1] == b"[":
        try:
            values = scan_json(content)
        except JsonError as error:
            raise UserError(f"{path}: malformed JSON: {error}. Nothing was loaded.") from None
        yield from ((1, value) for value in values)
        return
    for number, line in enumerate(io.BytesIO(content), start=1):
        if line.strip():
            try:
                yield number, scan_json(line)
            except JsonError as error:
                yield number, error


def _row(value: Any, sink: Sink, loaded_at: datetime) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _EntryError("", "is not a JSON object")
    row = _picked(value, sink.columns, "")
    if sink.received is None and row[sink.time] is None:
        row[sink.time] = timestamp(loaded_at)
    if (fault := find_fault(row)) is not None:
        raise _EntryError("", f"cannot be kept: {fault[1].reason}")
    for name in sink.keys:
        if not row[name]:
            raise _EntryError(name, "is missing")
    return row


def _picked(value: dict[str, Any], columns: Fields, place: str) -> dict[str, Any]:
    return {
        name: _cell(value.get(name, value.get(ENTRY_NAMES.get(name, name))), kind, f"{place}{name}")
        for name, kind in columns.items()
    }


def _cell(value: Any, kind: str | Fields, place: str) -> Any:
    if value is None:
        return None
    if isinstance(value, Fault):
        raise _EntryError(place, f"cannot be kept: {value.reason}")
    if not isinstance(kind, str):
        if not isinstance(value, dict):
            raise _EntryError(place, "is not a JSON object: its type is another than that of the column")
        return _picked(value, kind, f"{place}.")
    if isinstance(value, dict) and place.endswith(JSON_TEXTS):
        return written_json(value)
    if isinstance(value, dict | list):
        raise _EntryError(place, "is an object or a list: its type is another than that of the column")
    if kind == "TIMESTAMP":
        try:
            return timestamp(parse_time(str(value), _YEARS))
        except TimeError as error:
            raise _EntryError(place, f"{error}; {error.advice}") from None
    if kind == "INT64" and not (isinstance(value, int) or str(value).removeprefix("-").isdecimal()):
        raise _EntryError(place, "is not a whole number")
    if kind == "FLOAT64":
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number):
            raise _EntryError(place, "is not a number")
        return number
    return value if isinstance(value, str) else written_json(value)
