"""What an incident is now, as the view `incident_state` derives it from the events."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from incident_ledger.errors import OutsideError
from incident_ledger.ledger.events import Event, EventType, Status, recorded_since
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.reading import Reading, read, rows_of

CURRENT = "int_current_incidents_derived"
"""The part of `incident_state` that is not settled, in bounded time."""


@dataclass(frozen=True, kw_only=True)
class IncidentState:
    """One row of `incident_state`. Times are UTC; what is not known is None."""

    incident_id: str
    source: str
    source_key: str
    title: str
    severity_level: str
    initial_severity_level: str
    status: Status
    is_open: bool
    detection_time: datetime
    last_event_time: datetime
    # The worst by its detector; a person may have lowered `severity_level` below it.
    worst_detected_severity_level: str
    detected_by: str = "check"  # or `person`, `vendor`
    has_sla: bool = True  # a vendor's incident has none until a person here acts on it
    is_retracted: bool = False
    merged_into: str | None = None
    rule_id: str | None = None
    description: str | None = None
    component: str | None = None
    components: tuple[str, ...] = ()
    start_time: datetime | None = None
    acknowledged_time: datetime | None = None  # by whomever
    our_acknowledged_time: datetime | None = None  # of a vendor's incident the first by a person here, else the first
    identified_time: datetime | None = None
    contained_time: datetime | None = None
    resolution_time: datetime | None = None
    last_resolution_time: datetime | None = None  # stays when the incident is reopened
    closed_time: datetime | None = None
    last_reopened_time: datetime | None = None
    reopen_count: int = 0
    reopened_gap_microseconds: int = 0  # from each resolution to the reopening after it, summed
    root_cause_category: str | None = None
    incident_commander: str | None = None
    war_room_url: str | None = None
    estimated_resolution_time: datetime | None = None
    user_impact: str | None = None
    financial_impact: str | None = None
    services: tuple[str, ...] = ()
    evidence: Mapping[str, Any] = field(default_factory=dict)
    event_count: int = 1
    clock_history: tuple[str, ...] = ()  # what its clocks depend on; see `ledger.clock_history`

    def age(self, as_of: datetime) -> timedelta | None:
        """From detection to `as_of` without the times in which it was resolved, as `age_minutes` of the marts.

        None when it is not open, or was not detected yet.
        """
        if not self.is_open or as_of < self.detection_time:
            return None
        return max(as_of - self.detection_time - timedelta(microseconds=self.reopened_gap_microseconds), timedelta())


_ID_PART = (
    "(starts_with(lower(incident_id), @id_part) or starts_with(lower(incident_id), concat('inc-', @id_part))"
    " or starts_with(substr(lower(incident_id), 22), @id_part))"
)


_NEAR = "source = @source and ((@is_open and is_open) or last_resolution_time >= @ended_since)"


def read_state(
    warehouse: Warehouse,
    *,
    is_open: bool | None = None,
    incident_ids: Sequence[str] | None = None,
    id_part: str | None = None,
    source: str | None = None,
    source_keys: Sequence[str] | None = None,
    merged_into: str | None = None,
    is_newest: bool = False,
) -> list[IncidentState]:
    """The incidents that meet all conditions given, oldest detection first; one query.

    `id_part` is a prefix of the id, with or without its `INC-`, or a prefix of the eight digits at its end, in any
    case.
    `is_newest`: of these the last that was detected, an open one before all that are not.
    An empty sequence selects nothing. Retracted and merged incidents are included unless `is_open` is True.
    """
    if any(chosen is not None and not chosen for chosen in (incident_ids, source_keys)):
        return []
    reading = state_reading(
        warehouse,
        is_open=is_open,
        incident_ids=incident_ids,
        id_part=id_part,
        source=source,
        source_keys=source_keys,
        merged_into=merged_into,
        is_newest=is_newest,
    )
    return read(warehouse, reading)


def state_reading(
    warehouse: Warehouse,
    *,
    is_open: bool | None = None,
    incident_ids: Sequence[str] | None = None,
    id_part: str | None = None,
    source: str | None = None,
    source_keys: Sequence[str] | None = None,
    merged_into: str | None = None,
    is_newest: bool = False,
    is_current: bool = False,
) -> Reading[list[IncidentState]]:
    """`read_state`, to be read with others. `is_current`: of the incidents that are not settled alone."""
    conditions: dict[str, tuple[str, Any]] = {
        "is_open": ("is_open = @is_open", is_open),
        "incident_ids": ("incident_id in unnest(@incident_ids)", _listed(incident_ids)),
        "id_part": (_ID_PART, id_part.lower() if id_part is not None else None),
        "source": ("source = @source", source),
        "source_keys": ("source_key in unnest(@source_keys)", _listed(source_keys)),
        "merged_into": ("merged_into = @merged_into", merged_into),
    }
    used = {name: pair for name, pair in conditions.items() if pair[1] is not None}
    where = " and ".join(condition for condition, _ in used.values()) or "true"
    one = "order by is_open desc, detection_time desc, incident_id desc limit 1" if is_newest else ""
    # What is open is current.
    view = current_view(warehouse) if is_current or is_open else warehouse.mart("incident_state")
    sql = f"select * from {view} where {where} {one}"  # noqa: S608
    rows = yield from rows_of(sql, {name: value for name, (_, value) in used.items()})
    return sorted(map(to_state, rows), key=lambda each: (each.detection_time, each.incident_id))


def current_view(warehouse: Warehouse) -> str:
    """The name of the view of incidents that are not settled."""
    return warehouse.name(warehouse.settings.staging_dataset, CURRENT)


@dataclass(frozen=True, kw_only=True)
class RecordedEvent:
    """An event of the ledger with what only the ledger knows: its id there, and when it was written."""

    event_id: str
    recorded_at: datetime
    event: Event


def read_events(
    warehouse: Warehouse,
    *,
    incident_ids: Sequence[str] | None = None,
    source: str | None = None,
    source_keys: Sequence[str] = (),
    from_incident_id: str | None = None,
    is_open: bool = False,
    ended_since: datetime | None = None,
) -> list[RecordedEvent]:
    """Events in the order in which they happened, each once; also those that were superseded. One query.

    Of incidents with one of `incident_ids`; or of a source, those with one of its keys, with an id not below
    `from_incident_id` (ids begin with the time of detection), open, or resolved at `ended_since` or later.
    """
    reading = events_reading(
        warehouse,
        incident_ids=incident_ids,
        source=source,
        source_keys=source_keys,
        from_incident_id=from_incident_id,
        is_open=is_open,
        ended_since=ended_since,
    )
    return read(warehouse, reading)


def events_reading(
    warehouse: Warehouse,
    *,
    incident_ids: Sequence[str] | None = None,
    source: str | None = None,
    source_keys: Sequence[str] = (),
    from_incident_id: str | None = None,
    is_open: bool = False,
    ended_since: datetime | None = None,
) -> Reading[list[RecordedEvent]]:
    """`read_events`, to be read with others."""
    if incident_ids is not None:
        params: dict[str, Any] = {"incident_ids": list(incident_ids), "since": recorded_since(incident_ids)}
        where = "incident_id in unnest(@incident_ids) and recorded_at >= @since"
    else:
        lowest = "~" if from_incident_id is None else from_incident_id  # no id is as high as a tilde
        params = {"source": source, "source_keys": list(source_keys), "lowest": lowest}
        where = "source = @source and (source_key in unnest(@source_keys) or incident_id >= @lowest)"
        if is_open or ended_since:
            params |= {"is_open": is_open, "ended_since": ended_since or datetime.max.replace(tzinfo=UTC)}
            where = f"({where}) or incident_id in (select incident_id from {warehouse.mart('incident_state')} where {_NEAR})"  # noqa: E501, S608
    return (yield from recorded_events(select_events(warehouse, where), params))


def select_events(warehouse: Warehouse, where: str) -> str:
    """The statement that reads events, each once: the first copy of each counts, from when the event was recorded."""
    return f"""
        select
            event_id, incident_id, event_type, occurred_at, coalesce(first_recorded_at, recorded_at) as recorded_at,
            actor, source, source_key, severity_level, payload
        from {warehouse.raw("incident_events")} as events
        where {where}
        qualify row_number() over (
            partition by event_id order by coalesce(events.first_recorded_at, events.recorded_at), events.recorded_at
        ) = 1
    """  # noqa: S608 - only the quoted table name is not a parameter


def recorded_events(sql: str, params: Mapping[str, Any]) -> Reading[list[RecordedEvent]]:
    """What `select_events` reads, by incident in the order in which it happened."""
    rows = yield from rows_of(sql, dict(params))
    recorded = [_recorded(row) for row in rows]
    return sorted(recorded, key=lambda item: (item.event.incident_id, in_order(item.event)))


def in_order(event: Event) -> tuple[datetime, int, str]:
    """The order of an incident's events: by time, of one microsecond by the natural order of types, then by id."""
    return event.occurred_at, list(EventType).index(event.event_type), event.event_id


def _listed(values: Sequence[str] | None) -> list[str] | None:
    return None if values is None else list(values)


def to_state(row: Mapping[str, Any]) -> IncidentState:
    """A row of the view. Raises `OutsideError` for one of another version's view."""
    missing = [item.name for item in fields(IncidentState) if item.name not in row]
    if missing:
        raise OutsideError(
            f"The view incident_state has no {', '.join(missing)}: it was built by another version. Build it again: "
            "incident-ledger run"
        )
    known = {item.name: row[item.name] for item in fields(IncidentState)}
    known["status"] = Status(row["status"])
    known["components"] = tuple(row["components"] or ())
    known["services"] = tuple(row["services"] or ())
    known["clock_history"] = tuple(row["clock_history"] or ())
    known["evidence"] = json.loads(row["evidence"] or "{}")
    return IncidentState(**known)


def _recorded(row: Mapping[str, Any]) -> RecordedEvent:
    payload = row["payload"]
    event = Event(
        incident_id=row["incident_id"],
        event_type=EventType(row["event_type"]),
        occurred_at=row["occurred_at"],
        actor=row["actor"],
        source=row["source"],
        source_key=row["source_key"],
        severity_level=row["severity_level"],
        payload=json.loads(payload) if isinstance(payload, str) else payload or {},
    )
    return RecordedEvent(event_id=row["event_id"], recorded_at=row["recorded_at"], event=event)
