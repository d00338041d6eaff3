"""An incident of the playbook's kind, its events, and the messages that they call for."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from conftest import PROJECT_DIR
from incident_ledger.ledger.events import Event, EventType, Status, incident_id
from incident_ledger.ledger.state import IncidentState
from incident_ledger.notify.channels.registry import channel_names
from incident_ledger.notify.messages import Message, compose
from incident_ledger.notify.outbox import earliest, new_rows, write
from incident_ledger.policy import Policy, load_files
from incident_ledger.warehouse import Warehouse

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
POLICY: Policy = load_files(PROJECT_DIR / "seeds" / "policy")
SOURCE, KEY = "quality", "table:ai_usage_prod.fct_usage_daily"
ID = incident_id(SOURCE, KEY, START)
TITLE = "21.85 % of ai_usage_prod.fct_usage_daily break cost_not_null"


def event(kind: str, *, at: datetime = START, severity: str | None = None, key: str = KEY, **payload: Any) -> Event:
    """One event of the incident, or of another one when `key` is given."""
    return Event(
        incident_id=incident_id(SOURCE, key, START),
        event_type=EventType(kind),
        occurred_at=at,
        actor="tester",
        source=SOURCE,
        source_key=key,
        severity_level=severity,
        payload=payload,
    )


def incident(severity: str = "P1", *, key: str = KEY, **more: Any) -> IncidentState:
    """The incident, open since `START`."""
    values: dict[str, Any] = {
        "incident_id": incident_id(SOURCE, key, START),
        "source": SOURCE,
        "source_key": key,
        "title": TITLE,
        "severity_level": severity,
        "initial_severity_level": severity,
        "worst_detected_severity_level": severity,
        "status": Status.INVESTIGATING,
        "is_open": True,
        "detection_time": START,
        "last_event_time": START,
        "components": (key,),
    }
    return IncidentState(**(values | more))


def detected(severity: str = "P1", **more: Any) -> Message:
    """The message of a beginning."""
    state = incident(severity, **more)
    cause = event("detected", severity=severity, key=state.source_key, title=state.title)
    return compose(cause, state, POLICY, START)[0]


def resolved(severity: str = "P1", *, at: datetime = START + 23 * MINUTE, **more: Any) -> Message:
    """The message of an end."""
    state = incident(severity, **more)
    cause = event("resolved", at=at, key=state.source_key, solution="Loaded the day again.", verification="0 of 1,000.")
    return compose(cause, state, POLICY, at)[0]


def policy_with(**limits: str) -> Policy:
    """The policy with other limits of the runner."""
    rows = tuple(
        type(row)(row.table, row.where, {**row.values, "value": Decimal(limits.get(row["limit_name"], row["value"]))})
        for row in POLICY.tables["runtime_limits"]
    )
    return Policy({**POLICY.tables, "runtime_limits": rows})


def enqueue(warehouse: Warehouse, found: Sequence[Message], now: datetime) -> int:
    """Write messages for every channel, as a delivery does that dies before it claims one; how many rows are new."""
    rows = new_rows(found, channel_names(warehouse.settings), {}, POLICY, now)
    return write(warehouse, rows, since=min(map(earliest, rows), default=now))
