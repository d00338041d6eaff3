"""Documents → listings: an archive (JSON lines of incidents), an answer of `incidents.json`, or many of either."""

import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from incident_ledger.encoding import Fault, JsonError, scan_json, written_json
from incident_ledger.importers import Document, Parsed, Reject
from incident_ledger.importers.statuspage.records import FieldError, IncidentSnapshot, parse_time, view_of

_NO_INCIDENT = "is neither an incident of a status page nor an answer of its incidents.json"
# Answers of the same API that list only some of the incidents: what is not in them has not vanished.
_PARTIAL = ("components", "scheduled_maintenances", "status")
_NEAR = 500_000  # characters in which a record's id is looked for; a whole document each time would be its square
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Incidents as a page listed them at `at`, in its order: all of an answer of `incidents.json` (`is_whole`), or one.

    Nothing follows from what a listing of one does not list. So it is followed by one without `views`: what the file as
    a whole shows (`shown`: the ids of incidents) at the time of its page, or of its newest record.
    """

    page: str
    at: datetime
    views: tuple[IncidentSnapshot, ...] = ()
    file: str = ""
    is_whole: bool = False
    is_answer: bool = False  # of a page, whole or in part: its silence about what is open is worth a note
    ids: frozenset[str] = frozenset()  # of all that an answer lists, also of what was refused
    shown: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _Place:
    """Where something stands in a document."""

    file: str
    line: int
    field: str | None = None

    def reject(self, error: str, record: Any, field: str | None = None) -> Reject:
        path = ".".join(part for part in (self.field, field) if part)
        text = record if isinstance(record, str) else _written(record)
        return Reject(self.file, self.line, error, text, path or None)


@dataclass
class _Lines:
    """On which line of a larger document each record names its id, read once from its beginning to its end."""

    text: str
    position: int = 0
    line: int = 1

    def of(self, item: Any) -> int:
        """The line of the next record; that of the one before when it names no id, or not where it should."""
        key = item.get("id") if isinstance(item, Mapping) else None
        if isinstance(key, str):
            named = (f'"id": {written_json(key)}', f'"id":{written_json(key)}')
            end = self.position + _NEAR
            found = [at for at in (self.text.find(name, self.position, end) for name in named) if at >= 0]
            if found:
                self.line += self.text.count("\n", self.position, min(found))
                self.position = min(found)
        return self.line


@dataclass
class _Reading:
    """A document at work: what was found so far."""

    parsed: Parsed[Listing]
    lines: _Lines


def parse(document: Document) -> Parsed[Listing]:
    """All listings of a document; what cannot be read is a reject with its line, or its place in the poll."""
    parsed: Parsed[Listing] = Parsed()
    if not document.content.removeprefix(b"\xef\xbb\xbf").strip():
        parsed.rejects.append(Reject(document.name, 0, "is empty", ""))
        return parsed
    try:
        text = document.content.decode("utf-8-sig")
        whole = scan_json(text)
    except ValueError:
        _by_line(document, parsed)
        return parsed
    reading = _Reading(parsed, _Lines(text))
    if isinstance(whole, list) and whole:
        for index, item in enumerate(whole):
            _take(item, _Place(document.name, reading.lines.of(item), f"[{index}]"), reading)
    elif _is_record(whole):
        _take(whole, _Place(document.name, 1), reading)
    else:
        why = whole.reason if isinstance(whole, Fault) else _NO_INCIDENT
        parsed.rejects.append(_Place(document.name, 0).reject(why, text))
    _sum_up(document.name, parsed)
    return parsed


def _by_line(document: Document, parsed: Parsed[Listing]) -> None:
    unreadable: list[Reject] = []
    for number, raw in enumerate(io.BytesIO(document.content.removeprefix(b"\xef\xbb\xbf")), start=1):
        if not raw.strip():
            continue
        place = _Place(document.name, number)
        before = len(parsed.rejects)
        try:
            item = scan_json(raw.rstrip(b"\r\n"))
        except JsonError as error:
            shown = raw.decode(errors="backslashreplace").rstrip("\r\n")
            parsed.rejects.append(place.reject(f"is not JSON: {_reason(error)}", shown))
            unreadable += parsed.rejects[before:]
            continue
        _take(item, place, _Reading(parsed, _Lines("")))
        if not _is_record(item):
            unreadable += parsed.rejects[before:]
    if unreadable and len(unreadable) == len(parsed.rejects) and not parsed.records:
        # No JSON lines at all (a page of HTML, a cut-off answer): one reject of the whole, not one a line.
        why = f"holds no record of a status page; line {unreadable[0].line} {unreadable[0].error}"
        parsed.rejects[:] = [Reject(document.name, 0, why, document.content.decode(errors="backslashreplace"))]
    _sum_up(document.name, parsed)


def _take(item: Any, place: _Place, reading: _Reading) -> None:
    parsed = reading.parsed
    if isinstance(item, Fault):
        parsed.rejects.append(place.reject(item.reason, item.written))
        return
    if not isinstance(item, Mapping) or not _is_record(item):
        parsed.rejects.append(place.reject(_NO_INCIDENT, item))
        return
    if _is_answer(item):
        _take_answer(item, place, reading)
        return
    view = _view(item, place, parsed)
    if view:
        parsed.records.append(_alone(view))


def _is_answer(item: Mapping[str, Any]) -> bool:
    return any(isinstance(item.get(name), list) for name in ("incidents", "scheduled_maintenances"))


def _is_record(item: Any) -> bool:
    """Whether it can be meant as an incident or as an answer of a page."""
    if not isinstance(item, Mapping):
        return False
    return _is_answer(item) or bool({"id", "impact", "created_at", "incident_updates"} & item.keys())


def _take_answer(answer: Mapping[str, Any], place: _Place, reading: _Reading) -> None:
    page = answer.get("page")
    page = page if isinstance(page, Mapping) else {}
    name = next((page[key] for key in ("id", "name") if isinstance(page.get(key), str)), None)
    incidents = _list_of(answer, "incidents")
    views = _views(incidents, replace(place, field="incidents"), reading, name)
    planned = [
        {**item, "impact": "maintenance"} if isinstance(item, Mapping) else item
        for item in _list_of(answer, "scheduled_maintenances")
    ]
    maintenances = _views(planned, replace(place, field="scheduled_maintenances"), reading, name)
    ids = [item.get("id") if isinstance(item, Mapping) else None for item in incidents]
    at = _time_of(page, place, reading.parsed)
    newest = max((view.updated_at for view in views), default=None)
    as_a_whole = Listing(
        page=name or "",
        at=at or newest or _NEVER,
        file=place.file,
        is_answer="incidents" in answer and name is not None,
        ids=frozenset(key for key in ids if isinstance(key, str)),
        shown=_shown(views),
    )
    is_named = name is not None and all(isinstance(key, str) for key in ids)
    if at and is_named and not any(key in answer for key in _PARTIAL):
        reading.parsed.records.append(replace(as_a_whole, views=tuple(views), is_whole=True))
    else:
        reading.parsed.records += [*(_alone(view) for view in [*views, *maintenances]), as_a_whole]


def _list_of(answer: Mapping[str, Any], name: str) -> list[Any]:
    value = answer.get(name)
    return value if isinstance(value, list) else []


def _views(items: list[Any], place: _Place, reading: _Reading, page: str | None) -> list[IncidentSnapshot]:
    """The good records of a list of an answer, in its order; of an id that is there twice the first."""
    views: dict[str, IncidentSnapshot] = {}
    rejects = reading.parsed.rejects
    for index, item in enumerate(items):
        line = place.line if place.line > 1 else reading.lines.of(item)
        where = _Place(place.file, line, f"{place.field}[{index}]")
        if not isinstance(item, Mapping):
            rejects.append(where.reject(item.reason if isinstance(item, Fault) else _NO_INCIDENT, item))
            continue
        view = _view(item, where, reading.parsed, page)
        if view and views.setdefault(view.key, view) != view:
            rejects.append(where.reject(f"{view.key} is there twice, and differs", dict(item), "id"))
    return list(views.values())


def _alone(view: IncidentSnapshot) -> Listing:
    return Listing(page=view.page, at=view.updated_at, views=(view,))


def _shown(views: Iterable[IncidentSnapshot]) -> frozenset[str]:
    return frozenset(view.key for view in views if not view.is_maintenance)


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


def _view(
    item: Mapping[str, Any], place: _Place, parsed: Parsed[Listing], page: str | None = None
) -> IncidentSnapshot | None:
    try:
        view = view_of(item, page)
    except FieldError as error:
        parsed.rejects.append(place.reject(error.error, item, error.field))
        return None
    parsed.remarks.extend(f"{place.file}:{place.line}: {view.key}: {remark}" for remark in view.remarks)
    return view


def _sum_up(file: str, parsed: Parsed[Listing]) -> None:
    """What the single records of a file show together; of one that is there more than once the newest counts."""
    seen: dict[str, IncidentSnapshot] = {}
    views = [view for listing in parsed.records if not listing.is_answer for view in listing.views]
    for view in views:
        if seen.setdefault(view.key, view) != view:
            parsed.remarks.append(
                f"{file}: {view.key} is there more than once, and differs; the latest updated_at counts"
            )
    if views:
        newest = max(view.updated_at for view in views)
        parsed.records.append(Listing(page="", at=newest, file=file, shown=_shown(views)))


def _reason(error: JsonError) -> str:
    return f"{error.reason} at column {error.column}" if error.column else error.reason


def _written(record: Any) -> str:
    return record.written if isinstance(record, Fault) else written_json(record)
