"""Threads of incidents on channels that have them: where what follows of an incident is answered."""

import json
from collections.abc import Mapping, Sequence

from incident_ledger.ledger.events import detected_at
from incident_ledger.notify.messages import first_message_id
from incident_ledger.notify.undelivered import Undelivered
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.rows import literal
from incident_ledger.warehouse.tables import NOTIFICATIONS


def read_threads(warehouse: Warehouse, rows: Sequence[Undelivered]) -> dict[str, dict[str, Mapping[str, str]]]:
    """By channel and incident the threads that messages before these began; one statement, none for beginnings alone.

    The last that was recorded has all targets of the channel.
    """
    later = [row for row in rows if row.message_id != first_message_id(row.incident_id) or row.attempts]
    if not later:
        return {}
    incident_ids = sorted({row.incident_id for row in later})
    sql = f"""
        select channel, incident_id, thread_id
        from {warehouse.raw(NOTIFICATIONS.name)}
        where
            created_at >= {literal(min(map(detected_at, incident_ids)))}
            and channel in unnest(@channels)
            and incident_id in unnest(@incident_ids)
            and thread_id is not null
        qualify row_number() over (partition by channel, incident_id order by last_attempt_at desc, message_id) = 1
    """  # noqa: S608 - a time and a name of our own
    found: dict[str, dict[str, Mapping[str, str]]] = {}
    params = {"channels": sorted({row.channel for row in later}), "incident_ids": incident_ids}
    for row in warehouse.rows(sql, params):
        found.setdefault(row["channel"], {})[row["incident_id"]] = json.loads(row["thread_id"])
    return found
