"""What the ledger had recorded by a time: what people went by then, whatever was written since."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

from incident_ledger.ledger.reducer import replay
from incident_ledger.ledger.state import IncidentState, RecordedEvent, recorded_events, select_events
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.reading import read


def recorded_by(events: Iterable[RecordedEvent], at: datetime) -> list[RecordedEvent]:
    """Those of them that had been written by then."""
    return [item for item in events if item.recorded_at <= at]


def states_known_at(
    events: Iterable[RecordedEvent], at: datetime, ranks: Mapping[str, int]
) -> list[tuple[IncidentState, list[RecordedEvent]]]:
    """The incidents that the ledger knew then, as it knew them, each with its events; the oldest detection first."""
    by_incident: dict[str, list[RecordedEvent]] = defaultdict(list)
    for item in recorded_by(events, at):
        by_incident[item.event.incident_id].append(item)
    found = [(replay((item.event for item in items), ranks), items) for items in by_incident.values()]
    known = [(state, items) for state, items in found if state is not None]
    return sorted(known, key=lambda each: (each[0].detection_time, each[0].incident_id))


def read_known_at(warehouse: Warehouse, at: datetime, *, everything: bool) -> list[RecordedEvent]:
    """The events recorded by then of all incidents, or of those that may have been open: one statement.

    An incident that was open by what was recorded then, and is not by what is recorded now, has an event that was
    recorded since.
    """
    where = "recorded_at <= @at"
    if not everything:
        where += f"""
            and (
                incident_id in (select incident_id from {warehouse.mart("incident_state")} where is_open)
                or incident_id in (
                    select incident_id from {warehouse.raw("incident_events")} where recorded_at > @at
                )
            )
        """  # noqa: S608 - only the quoted table names are not parameters
    return read(warehouse, recorded_events(select_events(warehouse, where), {"at": at}))
