"""What a tick plans it need not read again: what it then sends is what a fresh look would send."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from incident_ledger.ledger.events import Event, EventType, incident_id
from incident_ledger.ledger.writer import append
from incident_ledger.notify.service import notify
from incident_ledger.policy import Policy, load
from incident_ledger.runner.look import Look, look_reading
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.reading import read
from incident_ledger.warehouse.rows import insert_rows
from incident_ledger.warehouse.tables import SIGNALS
from openings import open_incident

NOW = datetime(2026, 3, 2, 17, tzinfo=UTC)


def minute(number: float) -> datetime:
    return NOW + timedelta(minutes=number)


def signal(ledger: Warehouse, component: str, level: str = "P1", *, since: float = 0, **more: Any) -> None:
    row = {
        "source": "probe", "source_key": component, "rule_id": "complete_pipeline_failure", "component": component,
        "severity_level": level, "title": f"{component} fails", "started_at": minute(since), "ended_at": None,
        "observed_at": minute(since), "evidence": {},
    }  # fmt: skip
    insert_rows(ledger, SIGNALS, [row | more])


def person(key: str, kind: str, number: float, **payload: Any) -> Event:
    return Event(
        incident_id=incident_id("test", key, NOW), event_type=EventType(kind), occurred_at=minute(number), actor="ann",
        source="test", source_key=key, severity_level=None, payload=payload,
    )  # fmt: skip


def look(ledger: Warehouse, policy: Policy, number: float) -> Look:
    return read(ledger, look_reading(ledger, policy, minute(number), "tick"))


def shown(found: Look) -> tuple[list[Any], bool, list[str]]:
    """What would be sent, whether there is anything to do, and the incidents."""
    rows = [{**row, "created_at": None} for row in found.outlook.rows(found.state)]
    rows.sort(key=lambda row: (row["message_id"], row["channel"]))
    return rows, found.outlook.is_idle(found.state), [each.incident_id for each in found.state]


def opened(ledger: Warehouse, policy: Policy, *, is_sent: bool) -> None:
    """A P1 that somebody opened, of which a message was sent or none."""
    open_incident(ledger, "k", NOW, severity="P1")
    if is_sent:
        notify(ledger, policy, NOW)


def new_and_joined(ledger: Warehouse, _: Policy) -> None:
    signal(ledger, "pipeline:run_daily_job", "P0")
    signal(ledger, "usage:cursor", "P1")


def worse(ledger: Warehouse, policy: Policy) -> None:
    signal(ledger, "api:a", "P2")
    found = look(ledger, policy, 0)
    append(ledger, found.plan(policy, NOW), NOW)
    ledger.execute(f"update {ledger.raw('signals')} set severity_level = 'P0' where true")


SCENES: dict[str, tuple[Callable[[Warehouse, Policy], None], float, bool]] = {
    "a new incident and one that joins it": (new_and_joined, 1, True),
    "one that was opened and not sent": (lambda ledger, policy: opened(ledger, policy, is_sent=False), 1, True),
    "clocks of one that was sent": (lambda ledger, policy: opened(ledger, policy, is_sent=True), 16, False),
    "a step that nobody is notified of": (lambda ledger, policy: opened(ledger, policy, is_sent=True), 6, True),
    "hours of clocks of one that was not sent": (
        lambda ledger, policy: opened(ledger, policy, is_sent=False), 200, True,
    ),
    "one that gets worse before its message": (worse, 1, True),
    "one that is older than what alarms": (lambda ledger, _: signal(ledger, "api:a", since=-3000), 1, False),
}  # fmt: skip


@pytest.mark.parametrize("scene", SCENES)
def test_what_was_planned_need_not_be_read_again(ledger: Warehouse, scene: str) -> None:
    prepare, number, is_known = SCENES[scene]
    policy = load(ledger)
    prepare(ledger, policy)
    before = look(ledger, policy, number)
    events: Sequence[Event] = before.plan(policy, minute(number))
    assert events
    mine = before.with_written(events)
    assert (mine is not None) == is_known
    append(ledger, events, minute(number))
    if mine is not None:
        assert shown(mine) == shown(look(ledger, policy, number))
