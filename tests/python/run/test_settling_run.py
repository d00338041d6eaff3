"""A run settles once a week, under the lease, and what it copies is no news to anybody."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from conftest import fresh_settings
from incident_ledger.errors import OutsideError
from incident_ledger.ledger.events import Event, EventType
from incident_ledger.ledger.settling import current_since
from incident_ledger.ledger.setup import ensure_ledger
from incident_ledger.ledger.state import read_state
from incident_ledger.ledger.writer import append
from incident_ledger.runner import settle_step
from incident_ledger.runner.job import Job
from incident_ledger.runner.run_report import RunReport
from incident_ledger.runner.steps import Outcome
from incident_ledger.warehouse import Warehouse, connect
from openings import open_incident

NOW = datetime(2026, 3, 2, 17, tzinfo=UTC)
WEEK = timedelta(weeks=1)


@pytest.fixture(scope="module")
def place(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """An incident that stays open and one that is over, both with their messages."""
    warehouse = connect(fresh_settings(endpoint, tmp_path_factory.mktemp("settled")))
    ensure_ledger(warehouse)
    for key in ("open", "over"):
        open_incident(warehouse, key, NOW)
    tick(warehouse, NOW)
    (over,) = [each for each in read_state(warehouse) if each.source_key == "over"]
    at = NOW + timedelta(minutes=1)
    resolved = Event(
        incident_id=over.incident_id,
        event_type=EventType.RESOLVED,
        occurred_at=at,
        actor="ann",
        source=over.source,
        source_key=over.source_key,
    )
    append(warehouse, [resolved], at)
    tick(warehouse, NOW + timedelta(minutes=30))  # its end has lasted
    return warehouse


def tick(place: Warehouse, at: datetime) -> RunReport:
    return Job(place, at, command="tick").tick(wait=0)


def run(place: Warehouse, at: datetime, *, is_full: bool = False) -> dict[str, str]:
    """What the steps of a run say."""
    report = Job(place, at, command="run", is_full=is_full).run(wait=0)
    assert report.exit_code == 0, report.steps
    return {step.name: step.summary for step in report.steps}


def outbox(place: Warehouse) -> int:
    return len(list((place.settings.local_path / "outbox").glob("*.eml")))


def test_a_settling_that_fails_keeps_nobody_from_the_reports(place: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> int:
        raise OutsideError("no quota")

    with monkeypatch.context() as failing:
        failing.setattr(settle_step, "settle", fail)
        report = Job(place, NOW + 5 * WEEK, command="run").run(wait=0)
    outcomes = {step.name: step.outcome for step in report.steps}
    assert (outcomes["settle"], outcomes["report"]) == (Outcome.FAILED, Outcome.OK)
    assert report.exit_code == 3
    assert current_since(place) is None


def test_a_run_settles_once_a_week_and_a_full_one_again(place: Warehouse) -> None:
    later = NOW + 5 * WEEK + timedelta(minutes=1)
    steps = run(place, later)
    monday = datetime(2026, 3, 30, tzinfo=UTC)
    assert steps["settle"] == "1 incident settled; current is since 2026-03-30"
    assert current_since(place) == monday
    state = read_state(place)
    sent = outbox(place)
    for minutes in (10, 20):  # reviews and clocks of what is open, whatever they are
        tick(place, later + timedelta(minutes=minutes))
    again = outbox(place)
    assert "settle" not in run(place, later + timedelta(minutes=30))
    tick(place, later + timedelta(minutes=31))
    assert outbox(place) == again
    assert again - sent <= 1
    assert {each.source_key: each.is_open for each in state} == {"open": True, "over": False}
    assert run(place, later + timedelta(minutes=40), is_full=True)["settle"].startswith("1 incident settled")
    assert [each for each in read_state(place) if not each.is_open] == [each for each in state if not each.is_open]
    kept = kept_rows(place)
    assert {row["title"] for row in kept} == {"open", "over"}
    place.execute(f"drop table {place.name(place.settings.staging_dataset, 'int_incident_sla_deadlines')}")
    assert "settle" in run(place, later + timedelta(minutes=50))  # all are computed again, from their events
    assert kept_rows(place) == kept


def kept_rows(place: Warehouse) -> list[dict[str, Any]]:
    """What the mart has of each incident that does not depend on the time."""
    columns = "title, status, detection_time, resolution_time, mttr_minutes, response_severity_level, response_deadline"
    return place.rows(f"select {columns} from {place.mart('operational_metrics')} order by title")
