"""Who acknowledged an incident."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from incident_ledger.ledger.events import MACHINES, Event, EventType
from incident_ledger.ledger.state import IncidentState, in_order
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.reading import Reading, rows_of

_EVENTS = "int_incident_events_sequenced"

Acknowledgements = Mapping[str, Sequence[tuple[datetime, str]]]
"""Of incidents by their id: when each was acknowledged and by whom, the first one first."""


def acknowledgement(state: IncidentState, effective: Iterable[Event]) -> Event | None:
    """The first that answers for us: what a vendor's page acknowledges does not."""
    given = [e for e in effective if e.event_type is EventType.ACKNOWLEDGED and _answers(state, e.actor)]
    return min(given, key=in_order, default=None)


def acknowledgements_reading(warehouse: Warehouse) -> Reading[Acknowledgements]:
    """Of the incidents that are not settled, to be read with their state; without what was superseded."""
    sql = f"""
        select incident_id, occurred_at, actor, event_order
        from {warehouse.name(warehouse.settings.staging_dataset, _EVENTS)}
        where event_type = @event_type
    """  # noqa: S608 - only the quoted table name is not a parameter
    rows = yield from rows_of(sql, {"event_type": EventType.ACKNOWLEDGED.value})
    found: dict[str, list[tuple[datetime, str]]] = {}
    for row in sorted(rows, key=lambda row: int(row["event_order"])):
        found.setdefault(row["incident_id"], []).append((row["occurred_at"], row["actor"]))
    return found


def acknowledged_by(states: Iterable[IncidentState], given: Acknowledgements) -> dict[str, str]:
    """By the ids of incidents: who acknowledged each first, without those that nobody has."""
    found: dict[str, str] = {}
    for state in states:
        actors = [actor for _, actor in given.get(state.incident_id, ()) if _answers(state, actor)]
        if state.our_acknowledged_time is not None and actors:
            found[state.incident_id] = actors[0]
    return found


def _answers(state: IncidentState, actor: str) -> bool:
    return state.detected_by != "vendor" or actor not in MACHINES
