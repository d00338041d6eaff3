"""Documents → listings: an archive (JSON lines of incidents), an answer of `incidents.json`, or many of either."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from incident_ledger.importers import Document, Parsed, Reject
from incident_ledger.importers.statuspage.records import FieldError, View, parse_time, view_of

_NO_INCIDENT = "is neither an incident of a status page nor an answer of its incidents.json"
# Answers of the same API that list only some of the incidents: what is not in them has not vanished.
_PARTIAL = ("components", "scheduled_maintenances", "status")


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Incidents as a page listed them at `at`: one of an archive, or all of a poll.

    `present` holds the ids of all that a poll lists, those that were refused too; None when nothing follows from what
    it does not list.
    """

    page: str
    at: datetime
    views: tuple[View, ...]
    present: frozenset[str] | None = None


@dataclass(frozen=True)
class _Place:
    """Where something stands in a document."""

    file: str
    line: int
    field: str | None = None

    def reject(self, error: str, record: Any, field: str | None = None) -> Reject:
        path = ".".join(part for part in (self.field, field) if part)
        text = record if isinstance(record, str) else json.dumps(record, ensure_ascii=False)
        return Reject(self.file, self.line, error, text, path or None)


def parse(document: Document) -> Parsed[Listing]:
    """All listings of a document; what cannot be read is a reject with its line, or its place in the poll."""
    parsed: Parsed[Listing] = Parsed()
    if not document.content.removeprefix(b"\xef\xbb\xbf").strip():
        parsed.rejects.append(Reject(document.name, 0, "is empty", ""))
        return parsed
    try:
        text = document.content.decode("utf-8-sig")
        whole = _loads(text)
    except ValueError:
        _by_line(document, parsed)
        return parsed
    if isinstance(whole, list) and whole:
        for index, item in enumerate(whole):
            _take(item, _Place(document.name, _line_of(text, item), f"[{index}]"), text, parsed)
    elif _is_record(whole):
        _take(whole, _Place(document.name, 1), text, parsed)
    else:
        parsed.rejects.append(_Place(document.name, 0).reject(_NO_INCIDENT, text))
    _note_duplicates(document.name, parsed)
    return parsed


def _by_line(document: Document, parsed: Parsed[Listing]) -> None:
    lines = document.content.removeprefix(b"\xef\xbb\xbf").split(b"\n")
    unreadable: list[Reject] = []
    for number, raw in enumerate(lines, start=1):
        if not raw.strip():
            continue
        place = _Place(document.name, number)
        before = len(parsed.rejects)
        try:
            item = _loads(raw.decode())
        except ValueError as error:
            shown = raw.decode(errors="backslashreplace").rstrip("\r")
            parsed.rejects.append(place.reject(f"is no JSON: {_reason(error)}", shown))
            unreadable += parsed.rejects[before:]
            continue
        _take(item, place, "", parsed)
        if not _is_record(item):
            unreadable += parsed.rejects[before:]
    if unreadable and len(unreadable) == len(parsed.rejects) and not parsed.records:
        # No JSON lines at all (a page of HTML, a cut-off answer): one reject of the whole says so, not one a line.
        why = f"holds no record of a status page; line {unreadable[0].line} {unreadable[0].error}"
        parsed.rejects = [Reject(document.name, 0, why, document.content.decode(errors="backslashreplace"))]
    _note_duplicates(document.name, parsed)


def _take(item: Any, place: _Place, text: str, parsed: Parsed[Listing]) -> None:
    if isinstance(item, Mapping) and isinstance(item.get("incidents"), list):
        _take_poll(item, place, text, parsed)
        return
    if not isinstance(item, Mapping) or not _is_record(item):
        parsed.rejects.append(place.reject(_NO_INCIDENT, item))
        return
    view = _view(item, place, parsed)
    if view:
        parsed.records.append(Listing(page=view.page, at=view.updated_at, views=(view,)))


def _is_record(item: Any) -> bool:
    """Whether it can be meant as an incident or as a poll."""
    if not isinstance(item, Mapping):
        return False
    return isinstance(item.get("incidents"), list) or bool(
        {"id", "impact", "created_at", "incident_updates"} & item.keys()
    )


def _take_poll(poll: Mapping[str, Any], place: _Place, text: str, parsed: Parsed[Listing]) -> None:
    page = poll.get("page")
    page = page if isinstance(page, Mapping) else {}
    name = next((page[key] for key in ("id", "name") if isinstance(page.get(key), str)), None)
    views: dict[str, View] = {}
    ids: list[Any] = []
    for index, item in enumerate(poll["incidents"]):
        line = place.line if place.line > 1 else _line_of(text, item)
        where = _Place(place.file, line, f"incidents[{index}]")
        if not isinstance(item, Mapping):
            parsed.rejects.append(where.reject(_NO_INCIDENT, item))
            continue
        ids.append(item.get("id"))
        view = _view(item, where, parsed, name)
        if view and views.setdefault(view.key, view) != view:
            parsed.rejects.append(where.reject(f"{view.key} is there twice, and differs", dict(item), "id"))
    at, complete = _time_of(page, place, parsed), not any(key in poll for key in _PARTIAL)
    if at is None or name is None or not complete or not all(isinstance(key, str) for key in ids):
        for view in views.values():
            parsed.records.append(Listing(page=view.page, at=view.updated_at, views=(view,)))
        return
    parsed.records.append(Listing(page=name, at=at, views=tuple(views.values()), present=frozenset(ids)))


def _time_of(page: Mapping[str, Any], place: _Place, parsed: Parsed[Listing]) -> datetime | None:
    if page.get("updated_at") is None:
        return None
    try:
        return parse_time(page["updated_at"], "updated_at")
    except FieldError as error:
        parsed.remarks.append(
            f"{place.file}:{place.line}: page.updated_at {error.error}; what is missing there is not taken as vanished"
        )
        return None


def _view(item: Mapping[str, Any], place: _Place, parsed: Parsed[Listing], page: str | None = None) -> View | None:
    try:
        view = view_of(item, page)
    except FieldError as error:
        parsed.rejects.append(place.reject(error.error, item, error.field))
        return None
    parsed.remarks.extend(f"{place.file}:{place.line}: {view.key}: {remark}" for remark in view.remarks)
    return view


def _note_duplicates(file: str, parsed: Parsed[Listing]) -> None:
    """An archive that has an incident more than once: the view that the page changed last counts."""
    seen: dict[str, View] = {}
    for view in _single_views(parsed):
        before = seen.setdefault(view.key, view)
        if before != view:
            parsed.remarks.append(
                f"{file}: {view.key} is there more than once, and differs; the latest updated_at counts"
            )


def _single_views(parsed: Parsed[Listing]) -> Iterator[View]:
    return (view for listing in parsed.records if listing.present is None for view in listing.views)


def _loads(text: str) -> Any:
    """JSON without NaN and Infinity, which JSON does not have. Raises `ValueError`."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _reason(error: ValueError) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at column {error.colno}"
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start + 1} is no UTF-8"
    return str(error)


def _line_of(text: str, item: Any) -> int:
    """The line on which a record of a larger document names its id; 1 when it names none."""
    key = item.get("id") if isinstance(item, Mapping) else None
    at = text.find(f'"id": {json.dumps(key)}') if isinstance(key, str) else -1
    if at < 0 and isinstance(key, str):
        at = text.find(json.dumps(key))
    return text.count("\n", 0, max(at, 0)) + 1
