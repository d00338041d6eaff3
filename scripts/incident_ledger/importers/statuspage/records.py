"""One incident as a status page shows it at one time, checked field by field."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from incident_ledger import encoding
from incident_ledger.encoding import Fault, shortened

SEVERITIES = {"critical": "P0", "major": "P1", "minor": "P2", "none": "P3"}
STATUSES = {"investigating": "investigating", "identified": "identified", "monitoring": "resolving"}
_CLOSED = {"resolved", "postmortem"}
_MAINTENANCE = {"scheduled", "in_progress", "verifying", "completed"}
_KNOWN_STATUSES = {*STATUSES, *_CLOSED, *_MAINTENANCE}


class FieldError(ValueError):
    """A field that cannot be taken as it is."""

    def __init__(self, field: str, error: str) -> None:
        super().__init__(error)
        self.field = field
        self.error = error


@dataclass(frozen=True, kw_only=True)
class Update:
    """One update of an incident. `at` is the page's `display_at`: when it happened by the page.

    `key` is its id, or time and status where the copy has no ids (`is_named` is false).
    """

    key: str
    status: str
    text: str
    at: datetime
    is_named: bool = True

    @property
    def nameless_key(self) -> str:
        """By what it is known in a copy without ids."""
        return f"{self.at.isoformat()} {self.status}"


@dataclass(frozen=True, kw_only=True)
class IncidentSnapshot:
    """An incident as a page shows it. `updated_at` is the page's own time of the last change to it."""

    key: str
    page: str
    title: str
    impact: str
    status: str
    created_at: datetime
    updated_at: datetime
    start_time: datetime | None
    resolved_at: datetime | None
    components: tuple[str, ...]
    updates: tuple[Update, ...]
    remarks: tuple[str, ...] = ()

    @property
    def is_maintenance(self) -> bool:
        """Planned work, which is no incident."""
        return self.impact == "maintenance" or self.status in _MAINTENANCE

    @property
    def severity(self) -> str:
        """Our severity; only of what is no maintenance."""
        return SEVERITIES[self.impact]

    @property
    def closing(self) -> Update | None:
        """The update that announced the resolution."""
        closed = [update for update in self.updates if update.status == "resolved"]
        return closed[-1] if closed and self.resolved_at else None


def view_of(body: Mapping[str, Any], page: str | None = None) -> IncidentSnapshot:
    """The view in a record as the API gives it. Raises `FieldError` naming the first field that is wrong."""
    key, title = _text(body, "id"), _text(body, "name")
    impact = _choice(body, "impact", {*SEVERITIES, "maintenance"})
    status = _choice(body, "status", _KNOWN_STATUSES)
    created_at = _needed(body, "created_at")
    started_at, resolved_at = _time(body, "started_at"), _time(body, "resolved_at")
    updates = _updates(body)
    closed = [update.at for update in updates if update.status == "resolved"]
    remarks = []
    if status in _CLOSED and resolved_at is None:
        if not closed:
            raise FieldError("resolved_at", f"is missing, although the status is {status}")
        resolved_at = closed[-1]
        remarks.append(
            f"resolved_at is missing although the status is {status}; "
            "taken as resolved at its last update that is resolved"
        )
    times = [created_at, *(update.at for update in updates), *([resolved_at] if resolved_at else [])]
    page_name = _text(body, "page_id") if body.get("page_id") is not None else page or "page"
    if resolved_at and resolved_at < created_at:
        remarks.append("resolved_at is before created_at; taken in, and flagged as has_time_anomaly")
    if resolved_at and status in STATUSES:
        remarks.append(f"resolved_at is set although the status is {status}; taken as resolved")
    return IncidentSnapshot(
        key=key,
        page=page_name,
        title=title,
        impact=impact,
        status=status,
        created_at=created_at,
        updated_at=_time(body, "updated_at") or max(times),
        start_time=started_at if started_at and started_at <= created_at else None,
        resolved_at=resolved_at,
        components=_components(body, page_name),
        updates=updates,
        remarks=tuple(remarks),
    )


def parse_time(value: Any, field: str) -> datetime:
    """A time of the API, in UTC. Raises `FieldError` when it is not a time or has no zone."""
    if not isinstance(value, str):
        raise _mistyped(field, value, "a time")
    try:
        return encoding.parse_time(value)
    except encoding.TimeError as error:
        raise FieldError(field, f"is {show(value)}, which {error}") from None


def show(value: Any) -> str:
    """A value in a message: short, on one line."""
    return shortened(repr(value), 60)


def _mistyped(field: str, value: Any, wanted: str) -> FieldError:
    return FieldError(field, value.reason if isinstance(value, Fault) else f"is {show(value)}, not {wanted}")


def _updates(body: Mapping[str, Any]) -> tuple[Update, ...]:
    """Every update once, oldest first; the last of an id counts, or of a time and status without one."""
    found: dict[str, Update] = {}
    for index, item in enumerate(_list(body, "incident_updates")):
        where = f"incident_updates[{index}]"
        if not isinstance(item, Mapping):
            raise _mistyped(where, item, "an object")
        at = next((name for name in ("display_at", "created_at") if item.get(name) is not None), "display_at")
        try:
            key = None if item.get("id") is None else _text(item, "id")
            update = Update(
                key=key or "",
                status=_choice(item, "status", _KNOWN_STATUSES),
                text=_text(item, "body", may_be_empty=True),
                at=_needed(item, at),
                is_named=key is not None,
            )
        except FieldError as error:
            raise FieldError(f"{where}.{error.field}", error.error) from None
        if key is None:
            update = replace(update, key=update.nameless_key)
        found[update.key] = update
    return tuple(sorted(found.values(), key=lambda update: (update.at, update.key)))


def _components(body: Mapping[str, Any], page: str) -> tuple[str, ...]:
    """`statuspage:<page id>/<component's name>`, each once. The id of the page is in archives and polls alike."""
    names = []
    for index, item in enumerate(_list(body, "components")):
        where = f"components[{index}]"
        if not isinstance(item, Mapping):
            raise _mistyped(where, item, "an object")
        try:
            names.append(f"statuspage:{page}/{_text(item, 'name').strip()}")
        except FieldError as error:
            raise FieldError(f"{where}.{error.field}", error.error) from None
    return tuple(dict.fromkeys(names))


def _list(body: Mapping[str, Any], name: str) -> list[Any]:
    value = body.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise _mistyped(name, value, "a list")
    return value


def _text(body: Mapping[str, Any], name: str, *, may_be_empty: bool = False) -> str:
    value = body.get(name)
    if value is None and may_be_empty:
        return ""
    if value is None:
        raise FieldError(name, "is missing")
    if not isinstance(value, str):
        raise _mistyped(name, value, "text")
    if "\0" in value:
        raise FieldError(name, "holds a NUL character (U+0000), which no warehouse keeps")
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise FieldError(name, "holds half a surrogate pair, which is no text")
    if not value.strip() and not may_be_empty:
        raise FieldError(name, "is empty")
    return value


def _choice(body: Mapping[str, Any], name: str, known: set[str]) -> str:
    value = _text(body, name)
    if value not in known:
        raise FieldError(name, f"{show(value)} is unknown; known are {', '.join(sorted(known))}")
    return value


def _time(body: Mapping[str, Any], name: str) -> datetime | None:
    value = body.get(name)
    return None if value is None else parse_time(value, name)


def _needed(body: Mapping[str, Any], name: str) -> datetime:
    time = _time(body, name)
    if time is None:
        raise FieldError(name, "is missing")
    return time
