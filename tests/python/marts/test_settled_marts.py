"""What marts keep of settled incidents is what all events come to, whatever was settled, came again or is new."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from incident_ledger.ledger.events import Event, EventType
from incident_ledger.ledger.settling import VIEW, current_since, monday, rescue, settle
from incident_ledger.warehouse import Warehouse
from ledger.factories import T0, after
from ledger.test_reducer import random_lives
from marts.ledger import Ledger

WEEK = timedelta(weeks=1)
FIRST = monday(T0 + 6 * WEEK)
NOW = FIRST + 5 * WEEK
MARTS = (
    "operational_metrics",
    "fct_mttr",
    "bridge_incident_components",
    "incident_deadlines",
    "fct_response_sla",
    "fct_post_incident_tasks",
    "fct_escalations",
    "fct_incident_impact",
    "rpt_mttr",
)
FOLDERS = ("staging/ledger", "intermediate/incidents", "intermediate/response", "marts/incidents", "marts/response")
BUILT = (*(f"path:models/{folder}" for folder in FOLDERS), "int_build_time", "fct_data_quality")
KEEPERS = ("int_incidents_measured", "int_incident_sla_deadlines", "int_incident_sla_clocks_unioned")


@pytest.fixture
def ledger(ledger: Warehouse) -> Ledger:
    return Ledger(ledger)


def rows(ledger: Ledger) -> Mapping[str, list[str]]:
    """Of each mart the rows as texts, in order."""
    return {mart: sorted(repr(_written(row)) for row in ledger.rows(mart)) for mart in MARTS}


def _written(row: Mapping[str, Any]) -> dict[str, Any]:
    """A sum of FLOAT64, as in a p-value, depends in its last digits on the order in which a table has its rows."""
    return {name: f"{value:.12g}" if isinstance(value, float) else value for name, value in row.items()}


def settled(ledger: Ledger, before: datetime, now: datetime) -> int:
    """As a run does it, after the marts were built."""
    found = settle(ledger.warehouse, before, now)
    ledger.dbt.current_since = before
    ledger.build(now, VIEW)
    rescue(ledger.warehouse, before, now)
    assert current_since(ledger.warehouse) == before
    return found


def of_all(ledger: Ledger, as_of: datetime) -> Mapping[str, list[str]]:
    """The rows where every incident is computed from its events."""
    ledger.dbt.current_since, ledger.dbt.needs_all_incidents = None, True
    ledger.build(as_of, *BUILT)
    ledger.dbt.needs_all_incidents = False
    return rows(ledger)


def test_a_build_of_what_is_current_gives_the_marts_of_all_events(ledger: Ledger) -> None:
    chance, lives = random.Random(2), random_lives()
    for number, life in enumerate(lives):
        if number % 3:
            end = replace(life[0], event_type=EventType.RESOLVED, occurred_at=after(9), severity_level=None, payload={})
            life.append(end)
    late = [number for number in range(len(lives)) if chance.random() < 0.2]
    first = {number: chance.randint(1, len(life)) for number, life in enumerate(lives) if number % 9}
    ledger.events = [each for number, count in first.items() for each in lives[number][:count]]
    ledger.write(T0 + timedelta(hours=1))
    ledger.build(NOW - WEEK, *BUILT)
    assert settled(ledger, FIRST, NOW - WEEK) > 20
    kept = len(ledger.rows("operational_metrics"))

    # Of what is settled, what is not, and what nobody knew of; some of it dated weeks later.
    ledger.events = [each for number in late for each in lives[number]]
    ledger.events += [*new_incidents(20)]
    ledger.write(NOW)
    ledger.build(NOW, *BUILT)
    assert current_since(ledger.warehouse) == FIRST
    built = rows(ledger)
    assert len(built["operational_metrics"]) >= kept + 20 - len(late)
    assert built == of_all(ledger, NOW)


def new_incidents(many: int) -> Sequence[Event]:
    """Detected now, an hour apart; every second one is over."""
    found: list[Event] = []
    for number in range(many):
        at = NOW - timedelta(hours=number + 1)
        detected = Event(
            incident_id=f"INC-{at:%Y%m%dT%H%M%SZ}-{number:08x}",
            event_type=EventType.DETECTED,
            occurred_at=at,
            actor="ann",
            source="test",
            source_key=f"new {number}",
            severity_level=f"P{number % 4}",
            payload={"title": f"new {number}", "components": ["api"]},
        )
        found.append(detected)
        if number % 2:
            end = replace(detected, event_type=EventType.RESOLVED, occurred_at=at + timedelta(minutes=30))
            found.append(replace(end, severity_level=None, payload={}))
    return found


def test_a_table_that_would_lack_settled_incidents_is_not_made(ledger: Ledger) -> None:
    ledger.incident("over", "P1", T0, ("resolved", timedelta(minutes=5)))
    ledger.write(T0)
    ledger.build(NOW, *BUILT)
    assert settled(ledger, FIRST, NOW) == 1
    before = rows(ledger)
    for keeper in KEEPERS:
        results = ledger.dbt.invoke(["run", "--select", keeper, "--full-refresh"], as_of=NOW)
        assert ["would be made without 1 incidents that are settled" in result.message for result in results] == [True]
    assert rows(ledger) == before
    assert state_of(ledger.warehouse) == {"over": True}
    ledger.dbt.current_since = None
    ledger.dbt.invoke(["run", "--select", *BUILT, "--full-refresh"], as_of=NOW)
    assert rows(ledger) == before


def state_of(warehouse: Warehouse) -> dict[str, Any]:
    """Whether each incident is over, as the mart has it."""
    return {
        row["title"]: not row["is_open"]
        for row in warehouse.rows(f"select * from {warehouse.mart('operational_metrics')}")
    }
