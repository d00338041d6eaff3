"""The one writer: appends events to `incident_events`, each once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from incident_ledger.encoding import find_fault, path_text
from incident_ledger.errors import UserError
from incident_ledger.ledger.events import CLOCKS_BEHIND, Event
from incident_ledger.ledger.settling import bring_back
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.rows import MAX_REQUEST_BYTES, merge_rows
from incident_ledger.warehouse.tables import INCIDENT_EVENTS


def append(
    warehouse: Warehouse, events: Sequence[Event], recorded_at: datetime, *, max_bytes: int = MAX_REQUEST_BYTES
) -> int:
    """Write the events that the ledger does not have yet, by one MERGE; how many were new.

    It looks for them from the first of their days on: no event is recorded before it happens. A copy that was recorded
    more than `CLOCKS_BEHIND` too early is not found, and harms nobody: who reads events takes each id once.

    Of a settled incident the other events are made current first. A batch is written whole or not at all. What does
    not fit into a request of `max_bytes` goes by a load job into a table of its own first. Raises `UserError` for a
    text that no warehouse keeps (NUL, half a surrogate pair).
    """
    for event in events:
        _check_texts(event)
    if not events:
        return 0
    current_since = bring_back(warehouse, events, recorded_at)
    since = min(recorded_at, *(event.occurred_at for event in events)) - CLOCKS_BEHIND
    return merge_rows(
        warehouse,
        INCIDENT_EVENTS,
        [_row(event, recorded_at, current_since) for event in events],
        on="target.recorded_at >= @since",
        params={"since": since},
        max_bytes=max_bytes,
    )


def _row(event: Event, recorded_at: datetime, current_since: datetime | None) -> dict[str, Any]:
    """As a copy where it is written with an earlier as-of time than current events have, so that it is one of them."""
    is_current = current_since is None or recorded_at >= current_since
    return {
        "event_id": event.event_id,
        "incident_id": event.incident_id,
        "event_type": event.event_type.value,
        "occurred_at": event.occurred_at,
        "recorded_at": recorded_at if is_current else current_since,
        "first_recorded_at": None if is_current else recorded_at,
        "actor": event.actor,
        "source": event.source,
        "source_key": event.source_key,
        "severity_level": event.severity_level,
        "payload": event.payload,
    }


def _check_texts(event: Event) -> None:
    where = f"{event.event_type.value} of {event.incident_id}"
    texts = {name: getattr(event, name) for name in ("actor", "source", "source_key", "payload")}
    if found := find_fault(texts):
        steps, fault = found
        raise UserError(f"{where}: {path_text(steps)}: {fault.reason}, which no warehouse keeps. Take it out.")
