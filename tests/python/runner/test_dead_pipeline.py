"""From the logs of a pipeline to a P0 that a tick alone raises, in its minute."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from detecting import Detectors
from incident_ledger.dbt_runner import Dbt
from incident_ledger.importers.sinks import load_sink
from incident_ledger.ledger.state import IncidentState, read_state
from incident_ledger.runner.job import Job
from incident_ledger.warehouse import Warehouse, connect
from reused import Reused

# The schedule of the policy: every day at 06:00 of Los Angeles, which is 14:00 UTC in winter.
MONDAY = datetime(2026, 3, 2, 14, 20, tzinfo=UTC)
DEAD = datetime(2026, 3, 3, 16, tzinfo=UTC)
MODELS = (
    "stg_cloud_logging__pipeline_logs",
    "fct_pipeline_runs",
    "int_signals__pipelines",
    "int_signals__pipeline_durations",
)
BACK = datetime(2026, 3, 3, 16, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def logs(reused: Reused, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return reused.like_new(tmp_path_factory.mktemp("logs"), **reused.sinks(pipeline_logs="pipeline_logs"))


@pytest.fixture(scope="module")
def build(logs: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., int]:
    """What a run does with new entries: how many signals changed."""
    detectors, folder = Detectors(logs, MODELS), tmp_path_factory.mktemp("entries")

    def at(time: datetime, **outcomes: datetime) -> int:
        entries = [
            {
                "insertId": f"{outcome}-{ended:%d%H%M}",
                "logName": "projects/p/logs/run",
                "timestamp": ended.isoformat(),
                "receiveTimestamp": time.isoformat(),
                "jsonPayload": {"operation": "run_daily_job", "status": outcome.rstrip("_")},
            }
            for outcome, ended in outcomes.items()
        ]
        if entries:
            path = folder / "entries.json"
            path.write_text(json.dumps(entries))
            load_sink(logs, "pipeline_logs", [path], loaded_at=time)
        return detectors.detect(time)

    return at


def incidents(logs: Warehouse, time: datetime) -> list[IncidentState]:
    Job(logs, time, command="tick").tick(wait=0)
    return read_state(logs)


def test_a_pipeline_without_a_successful_run_over_two_hours_after_its_schedule_is_a_p0(
    logs: Warehouse, build: Callable[..., int]
) -> None:
    assert build(MONDAY + timedelta(minutes=5), success=MONDAY) == 1
    # A failure on the day is no success; neither is an entry of the future. Nothing that a tick reads changes.
    late = DEAD - timedelta(minutes=50)
    assert build(DEAD - timedelta(minutes=45), failed=late, success=DEAD + timedelta(minutes=30)) == 0
    assert incidents(logs, DEAD) == []
    (incident,) = incidents(logs, DEAD + timedelta(seconds=1))
    assert (incident.severity_level, incident.rule_id) == ("P0", "complete_pipeline_failure")
    assert (
        incident.title
        == "run_daily_job: no run has succeeded since 2026-03-02 14:20 UTC; one was due at 2026-03-03 14:00 UTC"
    )
    assert incident.components == ("pipeline:run_daily_job",)
    # The next success ends it.
    assert build(BACK + timedelta(minutes=5), succeeded=BACK) == 1
    (incident,) = incidents(logs, BACK + timedelta(minutes=6))
    assert incident.resolution_time == BACK


def test_a_field_that_the_sink_does_not_have_is_null(logs: Warehouse) -> None:
    """A sink makes a column when the first entry has it."""
    settings = logs.settings.model_copy(update={"pipeline_logs": f"{logs.settings.raw_dataset}.young_logs"})
    young = connect(settings)
    young.execute(f"""
        create or replace table {young.raw("young_logs")} as
        select 'a' as insertId, 'l' as logName, timestamp '2026-03-02 14:00:00+00' as `timestamp`,
            timestamp '2026-03-02 14:00:01+00' as receiveTimestamp, 'ERROR' as severity,
            struct('run_daily_job' as operation) as jsonPayload
    """)
    dbt = Dbt(settings.model_copy(update={"dataset": f"{settings.dataset}_young"}), logs.endpoint)
    results = dbt.build(MODELS[:2], as_of=DEAD)
    assert "\n".join(each.message for each in results if not each.is_success) == ""
    (run,) = logs.rows(f"select outcome, run_id from {logs.name(settings.dataset + '_young', 'fct_pipeline_runs')}")
    assert dict(run) == {"outcome": "failed", "run_id": None}
