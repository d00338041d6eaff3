"""A fault of the warehouse while dbt builds, put in by a relay."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import PROJECT_DIR
from incident_ledger.dbt_runner import Dbt
from incident_ledger.errors import ExitCode
from incident_ledger.ledger.events import EventType
from incident_ledger.runner.build import Builds
from incident_ledger.runner.job import Job
from incident_ledger.runner.run_report import RunReport
from incident_ledger.runner.steps import Outcome
from incident_ledger.settings import Settings
from incident_ledger.warehouse import Warehouse, connect
from relay import Answer, Relay, Request
from run.environment import Place, Runs, thursday_at

FAILURE = {"reason": "backendError", "message": "An internal error occurred; made up by the relay."}
# A job that is done, and failed for a reason that may pass: no error of HTTP.
FAILED_JOB = Answer(
    200,
    {
        "kind": "bigquery#job",
        "jobReference": {"projectId": "ai-workflows-459123", "jobId": "made-up", "location": "US"},
        "configuration": {"jobType": "QUERY", "query": {"query": "select 1"}},
        "statistics": {},
        "status": {"state": "DONE", "errorResult": FAILURE, "errors": [FAILURE]},
    },
)


def makes_dim_components(request: Request) -> bool:
    """The job that makes the mart."""
    text = request.query.lower()
    return request.method == "POST" and "create or replace table" in text and "`dim_components`" in text


@pytest.fixture
def place(calm: Runs, tmp_path: Path) -> Iterator[Place]:
    """Nothing is wrong, nothing is new, and one mart is to be built again."""
    place = calm.place.copy_to(tmp_path / "place")
    warehouse = place.warehouse()
    warehouse.execute(f"drop table {warehouse.mart('dim_components')}")
    yield place
    place.stop()


@pytest.fixture
def relay(place: Place) -> Iterator[Relay]:
    endpoint = place.warehouse().endpoint
    assert endpoint is not None
    with Relay(endpoint) as relay:
        yield relay


@pytest.fixture
def warehouse(place: Place, relay: Relay, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    behind = place.behind(relay.endpoint)
    monkeypatch.setenv("DBT_TARGET_PATH", behind.environment["DBT_TARGET_PATH"])
    monkeypatch.setenv("INCIDENT_LEDGER_API_TOKEN", behind.token)
    return connect(Settings(project_dir=PROJECT_DIR, local_dir=place.folder / "local", api_endpoint=relay.endpoint))


def run(warehouse: Warehouse, minute: int) -> RunReport:
    return Job(warehouse, thursday_at(12, minute), command="run").run()


def tick(warehouse: Warehouse, minute: int) -> list[tuple[str, str]]:
    """The events that a tick wrote of what begins and ends."""
    report = Job(warehouse, thursday_at(12, minute), command="tick").tick()
    return [
        (each.event_type.value, each.source_key)
        for each in report.events
        if each.event_type in (EventType.DETECTED, EventType.RESOLVED)
    ]


def test_a_lasting_fault_fails_its_step_and_a_passing_one_is_retried_in_the_same_run(
    relay: Relay, warehouse: Warehouse
) -> None:
    lasting = [True]
    relay.rule(lambda request: lasting[0] and makes_dim_components(request), FAILED_JOB)
    report = run(warehouse, 5)
    (step,) = (step for step in report.steps if step.name == "report")
    assert step.outcome is Outcome.FAILED
    assert "dim_components" in step.summary
    assert report.exit_code is ExitCode.OUTSIDE
    # No incident of data quality; one of the model, once it has lasted: the next run may cure it.
    assert run(warehouse, 20).events == []
    assert tick(warehouse, 24) == []
    assert tick(warehouse, 25) == [("detected", "dbt:incident_ledger.dim_components")]

    lasting[0] = False
    relay.rule(makes_dim_components, FAILED_JOB, times=1)
    report = run(warehouse, 35)
    assert [step.outcome for step in report.steps] == [Outcome.OK] * len(report.steps)
    assert report.exit_code is ExitCode.OK
    assert warehouse.table_exists(warehouse.settings.dataset, "dim_components")
    assert tick(warehouse, 36) == [("resolved", "dbt:incident_ledger.dim_components")]
    assert not Builds(
        warehouse, Dbt(warehouse.settings, warehouse.endpoint), thursday_at(13), is_full=False
    ).failed_before
