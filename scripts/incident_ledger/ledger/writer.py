"""The one writer: appends events to `incident_events`, each once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from incident_ledger.errors import UserError
from incident_ledger.ledger.events import Event, canonical, timestamp
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.scratch import MAX_REQUEST_BYTES, batch

_MERGE = """
    merge {table} as ledger
    using (
        select
            json_value(item, '$.event_id') as event_id,
            json_value(item, '$.incident_id') as incident_id,
            json_value(item, '$.event_type') as event_type,
            timestamp(json_value(item, '$.occurred_at')) as occurred_at,
            json_value(item, '$.actor') as actor,
            json_value(item, '$.source') as source,
            json_value(item, '$.source_key') as source_key,
            json_value(item, '$.severity_level') as severity_level,
            parse_json(json_value(item, '$.payload')) as payload
        from {items}
    ) as said
    on ledger.event_id = said.event_id
    when not matched then insert (
        event_id, incident_id, event_type, occurred_at, recorded_at, actor, source, source_key, severity_level,
        payload
    )
    values (
        said.event_id, said.incident_id, said.event_type, said.occurred_at, @recorded_at, said.actor, said.source,
        said.source_key, said.severity_level, said.payload
    )
"""


def append(
    warehouse: Warehouse, events: Sequence[Event], recorded_at: datetime, *, max_bytes: int = MAX_REQUEST_BYTES
) -> int:
    """Write the events that the ledger does not have yet, by one MERGE; how many were new.

    A batch is written whole or not at all. What does not fit into a request of `max_bytes` goes by a load job into a
    table of its own first. Raises `UserError` for a text that no warehouse keeps (NUL, half a surrogate pair).
    """
    for event in events:
        _check_texts(event)
    rows = {event.event_id: canonical(_row(event)) for event in events}
    if not rows:
        return 0
    table = warehouse.raw("incident_events")
    with batch(warehouse, list(rows.values()), max_bytes) as (items, params):
        return warehouse.execute(_MERGE.format(table=table, items=items), {"recorded_at": recorded_at, **params})


def _row(event: Event) -> dict[str, Any]:
    return {
        "event_id": event.event_id,
        "incident_id": event.incident_id,
        "event_type": event.event_type.value,
        "occurred_at": timestamp(event.occurred_at),
        "actor": event.actor,
        "source": event.source,
        "source_key": event.source_key,
        "severity_level": event.severity_level,
        "payload": canonical(event.payload),
    }


def _check_texts(event: Event) -> None:
    where = f"{event.event_type.value} of {event.incident_id}"
    texts = {"actor": event.actor, "source": event.source, "source_key": event.source_key}
    for name, value in [*texts.items(), ("payload", canonical(event.payload))]:
        if "\x00" in value or (name == "payload" and _has_nul(event.payload)):
            raise UserError(f"{where}: {name} holds a NUL character (U+0000), which no warehouse keeps. Take it out.")
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise UserError(
                f"{where}: {name} holds {value[error.start]!r}, half a surrogate pair, which is no text. Take it out."
            ) from None


def _has_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any(_has_nul(part) for pair in value.items() for part in pair)
    if isinstance(value, list | tuple):
        return any(_has_nul(part) for part in value)
    return False
