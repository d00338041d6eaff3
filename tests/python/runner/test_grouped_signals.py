"""In the warehouse: what a dead pipeline explains joins its incident, and no message is about it alone."""

from datetime import UTC, datetime, timedelta

import pytest

from incident_ledger.ledger.state import read_state
from incident_ledger.runner.job import Job
from incident_ledger.warehouse import Warehouse

DEAD = datetime(2026, 3, 3, 16, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
_FOUND = (
    ("pipeline", "pipeline:run_daily_job", "complete_pipeline_failure", "P0", "run_daily_job is dead"),
    ("usage_volume", "usage:cursor", "usage_volume_missing", "P1", "cursor is missing"),
    ("usage_volume", "usage:anthropic", "usage_volume_missing", "P1", "anthropic is missing"),
    ("probe", "api:cursor", "single_api_degradation", "P1", "cursor fails"),
)


@pytest.fixture
def ledger(ledger: Warehouse) -> Warehouse:
    columns = "source, component, rule_id, severity_level, title"
    for row in _FOUND:
        ledger.execute(
            f"insert into {ledger.raw('signals')} ({columns}, source_key, started_at, observed_at, evidence) "
            "values (@source, @component, @rule_id, @severity_level, @title, @component, @dead, @seen, json '{}')",
            {**dict(zip(columns.split(", "), row, strict=True)), "dead": DEAD, "seen": DEAD - 60 * MINUTE},
        )
    return ledger


def test_a_day_with_a_dead_pipeline_is_one_incident_and_the_rest_is_visible_in_it(ledger: Warehouse) -> None:
    for minutes in (1, 2):
        Job(ledger, DEAD + minutes * MINUTE, command="tick").tick(wait=0)
    states = {each.components[0]: each for each in read_state(ledger)}
    dead, other = states["pipeline:run_daily_job"], states["api:cursor"]
    assert (dead.is_open, other.is_open, other.merged_into) == (True, True, None)
    assert {states[f"usage:{vendor}"].merged_into for vendor in ("cursor", "anthropic")} == {dead.incident_id}
    events = ledger.rows(
        f"select incident_id, event_type, json_value(payload, '$.title') as title "
        f"from {ledger.raw('incident_events')} where event_type = 'joined' order by title"
    )
    assert [(row["incident_id"], row["title"]) for row in events] == [
        (dead.incident_id, "anthropic is missing"),
        (dead.incident_id, "cursor is missing"),
    ]
    messages = ledger.rows(f"select distinct incident_id from {ledger.raw('notifications')}")
    assert {row["incident_id"] for row in messages} == {dead.incident_id, other.incident_id}
    # All of it ends: the incident does. What ended first did not end it.
    back = DEAD + 30 * MINUTE
    for component, time in (("pipeline:run_daily_job", back), ("usage:cursor", back + MINUTE)):
        _end(ledger, component, time)
        Job(ledger, time + MINUTE, command="tick").tick(wait=0)
        assert {each.incident_id: each for each in read_state(ledger)}[dead.incident_id].is_open
    _end(ledger, "usage:anthropic", back + 5 * MINUTE)
    Job(ledger, back + 6 * MINUTE, command="tick").tick(wait=0)
    found = {each.incident_id: each for each in read_state(ledger)}[dead.incident_id]
    assert found.resolution_time == back + 5 * MINUTE


def _end(ledger: Warehouse, component: str, time: datetime) -> None:
    ledger.execute(
        f"update {ledger.raw('signals')} set ended_at = @time, observed_at = @time where component = @component",
        {"time": time, "component": component},
    )
