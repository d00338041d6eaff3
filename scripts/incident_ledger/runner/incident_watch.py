"""The events of one incident as they come: a look asks when the ledger was modified, which is free, and reads then."""

from collections.abc import Callable, Iterator

from incident_ledger.errors import OutsideError
from incident_ledger.ledger.state import RecordedEvent, read_events
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.modified import last_modified
from incident_ledger.warehouse.tables import INCIDENT_EVENTS


def new_events(
    warehouse: Warehouse,
    incident_id: str,
    *,
    wait: Callable[[], bool],
    known: set[str],
    on_error: Callable[[OutsideError], None] = lambda _: None,
) -> Iterator[RecordedEvent]:
    """Events that are not among the ids `known`, until `wait` returns that it is enough.

    `on_error` gets what a look failed of, once until one succeeds; the next one tries again.
    """
    table, read_at, is_failing = (warehouse.settings.raw_dataset, INCIDENT_EVENTS.name), None, False
    while not wait():
        try:
            # Asked before the events are read: what is written meanwhile makes the next look read again.
            modified = last_modified(warehouse, [table])[table]
            events = read_events(warehouse, incident_ids=[incident_id]) if modified != read_at or not modified else []
        except OutsideError as error:
            if not is_failing:
                on_error(error)
            is_failing = True
            continue
        read_at, is_failing = modified, False
        for item in events:
            if item.event_id not in known:
                known.add(item.event_id)
                yield item
