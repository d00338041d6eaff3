"""From dbt's target folder to incidents, with real runs of dbt on the local warehouse."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from dbt_results.shop import Shop
from incident_ledger.cli._app import app
from incident_ledger.dbt_results import ingest
from incident_ledger.ledger.state import IncidentState, read_state
from incident_ledger.runner.job import Job
from incident_ledger.warehouse import Warehouse

NULL = "cast(null as string)"


@pytest.fixture(scope="module")
def targets(built_ledger: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Of one project a good run, one with a bad account, and one whose first model cannot be built."""
    shop = Shop(tmp_path_factory.mktemp("shops") / "shop", built_ledger)
    folders = {"good": shop.run(), "bad": shop.run(bad=NULL)}
    shop.run(bad=NULL, args=["run"])
    folders["tests"] = shop.run(bad=NULL, args=["test"])
    return {**folders, "broken": shop.run(bad="no_such_column"), "cured": shop.run()}


@pytest.fixture
def tick(ledger: Warehouse) -> Callable[[datetime], list[IncidentState]]:
    """The incidents after a tick at a time."""

    def at(time: datetime) -> list[IncidentState]:
        Job(ledger, time, command="tick").tick(wait=0)
        return sorted(read_state(ledger), key=lambda each: each.detection_time)

    return at


@pytest.fixture
def command(ledger: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """What `incident-ledger ingest dbt` prints."""
    for name in ("project_dir", "api_endpoint", "local_dir", "dataset", "raw_dataset"):
        monkeypatch.setenv(f"INCIDENT_LEDGER_{name.upper()}", str(getattr(ledger.settings, name)))

    def invoke(*args: str) -> str:
        result = CliRunner().invoke(app, ["ingest", "dbt", *args])
        assert result.exit_code == 0, result.output
        return result.stdout

    return invoke


def ended(target: Path) -> datetime:
    """When the last node of a run was done."""
    results = json.loads((target / "run_results.json").read_text())["results"]
    times = [timing["completed_at"] for each in results for timing in each["timing"]]
    return max(datetime.fromisoformat(time) for time in times).astimezone(UTC)


def minutes(number: float) -> timedelta:
    return timedelta(minutes=number)


def count(ledger: Warehouse, table: str) -> int:
    return int(ledger.rows(f"select count(*) as n from {ledger.raw(table)}")[0]["n"])


def test_one_bad_account_in_three_layers_is_one_incident(
    ledger: Warehouse, targets: dict[str, Path], tick: Callable[[datetime], list[IncidentState]]
) -> None:
    report = ingest(ledger, [targets["tests"]], ingested_at=ended(targets["tests"]))
    assert (report.results, report.failures) == (4, 3)
    (incident,) = tick(ended(targets["tests"]) + minutes(20))
    assert incident.title == "dbt shop: test not_null_bronze_account failed, and 2 more nodes with it"
    # No table was built in this invocation: nobody knows of how many rows these are.
    assert (incident.severity_level, incident.rule_id) == ("P2", "dbt_test_failed")


def test_a_failed_test_opens_an_incident_and_a_good_one_ends_it(
    ledger: Warehouse, targets: dict[str, Path], tick: Callable[[datetime], list[IncidentState]]
) -> None:
    bad = ended(targets["bad"])
    report = ingest(ledger, [targets["bad"]], ingested_at=bad)
    # In dbt's own order what is below a failed test is skipped: neither good nor bad.
    assert (report.project, report.results, report.failures, len(report.open)) == ("shop", 7, 1, 1)
    # 1 of 4 rows is over 20 percent: worse than the rule of a failed test, which would wait for a retry.
    (incident,) = tick(bad + minutes(1))
    assert (incident.source, incident.source_key, incident.severity_level) == ("dbt", "dbt:shop.bronze", "P1")
    assert incident.title == "dbt shop: test not_null_bronze_account failed"
    assert incident.evidence["owner"] == "sales@example.com"
    (failed,) = incident.evidence["failed_nodes"]
    assert (failed["failed"], failed["examined"]) == (1, 4)
    assert "account is null" in failed["query"]
    ingest(ledger, [targets["cured"]], ingested_at=ended(targets["cured"]))
    (incident,) = tick(ended(targets["cured"]) + minutes(30))
    assert incident.resolution_time is not None
    assert incident.resolution_time >= incident.detection_time


def test_what_a_retry_cures_in_time_opens_nothing(
    ledger: Warehouse, targets: dict[str, Path], tick: Callable[[datetime], list[IncidentState]]
) -> None:
    ingest(ledger, [targets["broken"]], ingested_at=ended(targets["broken"]))
    assert tick(ended(targets["broken"]) + minutes(9)) == []
    ingest(ledger, [targets["cured"]], ingested_at=ended(targets["cured"]))
    assert tick(ended(targets["cured"]) + minutes(60)) == []


def test_what_no_retry_cures_opens_once_it_has_lasted(
    ledger: Warehouse, targets: dict[str, Path], tick: Callable[[datetime], list[IncidentState]]
) -> None:
    ingest(ledger, [targets["broken"]], ingested_at=ended(targets["broken"]))
    (incident,) = tick(ended(targets["broken"]) + minutes(10))
    assert incident.title == "dbt shop: model bronze could not be built"
    # Nothing of the project was built: over half of it.
    assert (incident.severity_level, incident.rule_id) == ("P1", "partial_pipeline_failure")
    assert incident.start_time is not None
    assert incident.detection_time - incident.start_time == minutes(10)


def test_the_same_folder_again_changes_nothing(ledger: Warehouse, targets: dict[str, Path]) -> None:
    first = ingest(ledger, [targets["broken"]], ingested_at=ended(targets["broken"]))
    before = [ledger.rows(f"select * from {ledger.raw(table)} order by 1, 2") for table in ("dbt_results", "signals")]
    again = ingest(ledger, [targets["broken"]], ingested_at=ended(targets["broken"]) + minutes(5))
    assert (first.new, again.new, again.open, again.ended) == (first.results, 0, (), ())
    assert [
        ledger.rows(f"select * from {ledger.raw(name)} order by 1, 2") for name in ("dbt_results", "signals")
    ] == before


def test_a_failure_that_comes_late_opens_nothing_that_is_good_since(
    ledger: Warehouse, targets: dict[str, Path]
) -> None:
    ingest(ledger, [targets["cured"]], ingested_at=ended(targets["cured"]))
    report = ingest(ledger, [targets["bad"]], ingested_at=ended(targets["cured"]))
    assert (report.new, report.open) == (report.results, ())
    assert count(ledger, "signals") == 0


def test_results_are_in_the_mart_as_dbt_wrote_them(ledger: Warehouse, targets: dict[str, Path]) -> None:
    for name in ("good", "broken"):
        ingest(ledger, [targets[name]], ingested_at=ended(targets[name]))
    rows = ledger.rows(f"select status, count(*) as n from {ledger.raw('dbt_results')} group by status order by status")
    assert {row["status"]: row["n"] for row in rows} == {"error": 1, "pass": 4, "skipped": 6, "success": 3}


def test_a_target_folder_without_its_manifest_still_raises(
    ledger: Warehouse, targets: dict[str, Path], tmp_path: Path
) -> None:
    shutil.copy(targets["bad"] / "run_results.json", tmp_path)
    report = ingest(ledger, [tmp_path], ingested_at=ended(targets["bad"]))
    assert (report.project, report.has_lineage) == ("shop", False)
    # Without the manifest nobody knows what the test counts, nor who owns it.
    assert report.open == (("P2", "dbt shop: test not_null_bronze_account failed"),)


def test_a_name_from_outside_is_text_on_the_screen(command: Callable[..., str], targets: dict[str, Path]) -> None:
    first, second, _ = command(str(targets["bad"]), "--project", "[/red]\n\x1b[31m<b>").splitlines()
    assert first.startswith("dbt [/red] [31m<b>: 7 results")
    assert second == "  P1  dbt [/red] [31m<b>: test not_null_bronze_account failed"


def test_the_command_says_what_fails_and_what_to_do(command: Callable[..., str], targets: dict[str, Path]) -> None:
    assert command(str(targets["bad"])).splitlines() == [
        "dbt shop: 7 results, 7 new, 0 known already; 1 failed or warned.",
        "  P1  dbt shop: test not_null_bronze_account failed",
        "The next tick opens or resolves the incidents: incident-ledger tick",
    ]
    body: dict[str, Any] = json.loads(command(str(targets["cured"]), "--json"))
    assert (body["failures"], body["ended"]) == (0, ["dbt shop: test not_null_bronze_account failed"])
