"""The main job, whole processes on a warehouse of their own: twice, later, planned, and eight at once."""

import json
import os
import re
import subprocess
import sys
import time
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from conftest import PROJECT_DIR
from incident_ledger import policy
from incident_ledger.errors import LeaseHeldError
from incident_ledger.importers.usage.ingest import load_usage
from incident_ledger.runner.build import Builds
from incident_ledger.runner.job import Job
from incident_ledger.runner.lease import BUILD, with_lease
from incident_ledger.warehouse.rows import insert_rows
from incident_ledger.warehouse.tables import DBT_RESULTS
from run.environment import AS_OF, LATER, NextRun, Place, differences
from usage.answers import bucket, cost, page

SOON = "2026-03-02T09:04:00Z"  # before any clock falls due
CLOCKS = {"escalated", "update_due"}


def test_a_second_run_at_the_same_time_writes_nothing_but_its_own_record(undisturbed: Place) -> None:
    before = undisturbed.snapshot()
    # A P1 is open: no alarm for who asks for P0 alone.
    report = undisturbed.json("run", "--as-of", AS_OF, "--fail-on", "P0", expect=(0,))
    assert report["events"] == []
    assert report["delivered"] == []
    assert differences(before, undisturbed.snapshot()) == []
    # Two runs for one time are distinguished by who did them.
    warehouse = undisturbed.warehouse()
    runs = warehouse.rows(
        "select run_id, count(distinct holder) as runs, countif(step = 'plan') as plans "
        f"from {warehouse.mart('fct_run_steps')} group by run_id"
    )
    assert [row["runs"] == row["plans"] > 1 for row in runs] == [True]


def test_a_run_opens_incidents_by_the_bands_and_notifies_of_each_once(undisturbed: Place) -> None:
    found = {each["component"]: each["severity_level"] for each in undisturbed.json("incident", "list")}
    assert found["table:ai_usage_prod_staging.stg_anthropic__usage"] == "P1"
    assert found["table:ai_usage_prod_staging.stg_anthropic__claude_code"] == "P2"
    outbox = undisturbed.json("outbox", "list")
    assert len({row["incident_id"] for row in outbox}) == len(outbox) == len(found)
    assert {row["status"] for row in outbox} == {"sent"}


def test_what_was_dropped_comes_back_with_the_next_deploy_or_run(place: Place) -> None:
    before = place.snapshot()
    warehouse = place.warehouse()
    warehouse.execute(f"drop view {warehouse.mart('rpt_mttr')}")
    place.command("deploy", "--as-of", AS_OF)
    deployed = differences(before, place.snapshot())
    warehouse.execute(f"drop table {warehouse.name(warehouse.settings.staging_dataset, 'int_incidents_measured')}")
    place.command("run", "--as-of", AS_OF)
    differing = differences(before, place.snapshot())
    assert deployed == []
    assert differing == []


def test_a_later_run_without_news_writes_only_its_own_record_and_is_an_alarm_while_something_is_open(
    place: Place,
) -> None:
    before = place.snapshot()
    report = place.json("run", "--as-of", SOON, "--fail-on", "P1", expect=(1,))
    after = place.snapshot()
    assert report["events"] == report["delivered"] == []
    unchanged = ("incident_events", "notifications", "usage_records", "usage_loads", "fct_usage_daily", "outbox")
    assert [name for name in before if name.split(".")[-1] in unchanged and before[name] != after[name]] == []
    assert before.keys() == after.keys()  # no temporary table is left
    # Usage did not come and no incident changed: neither is built, nor is any view.
    details = {step["step"]: step["detail"] for step in report["steps"]}
    changed = {*details["build"]["changed"], *details["report"]["changed"]}
    assert not changed & {"usage_records", "usage_loads", "severities"}
    # No table changed: only the three suites in breach are checked, after the events that the first run wrote.
    suites = len(list((PROJECT_DIR / "tests" / "gx").glob("*.json")))
    assert details["check"]["unchanged"] == suites - 3
    built = {step["step"]: step["summary"] for step in report["steps"] if step["step"] in {"build", "report"}}
    assert all("unchanged" in each for each in built.values()), built
    assert {step: "; new in " in each for step, each in built.items()} == {
        step: bool(details[step]["changed"]) for step in built
    }


def test_a_run_judges_what_the_macro_of_the_dbt_package_wrote_and_opens_its_incident(place: Place) -> None:
    warehouse, time = place.warehouse(), datetime.fromisoformat(AS_OF)
    row: dict[str, Any] = dict.fromkeys(("invocation_id", "project_name", "node_name", "status", "component"), "x")
    row |= {"unique_id": "model.shop.gold", "project_name": "shop", "node_name": "gold", "status": "error"}
    row |= {"component": "dbt:shop.gold", "resource_type": "model", "completed_at": time, "ingested_at": time}
    insert_rows(warehouse, DBT_RESULTS, [row | {"manifest_node": {"parents": [], "data_nodes": 5}}])
    place.command("run", "--as-of", LATER)
    found = {each["component"]: each["severity_level"] for each in place.json("incident", "list")}
    (judged,) = warehouse.rows(f"select rule_id, manifest_node from {warehouse.raw('dbt_results')}")
    # One of five models: less than half of the project, which would be a P1.
    assert found["dbt:shop.gold"] == "P2"
    assert dict(judged) == {"rule_id": "dbt_node_failed", "manifest_node": None}


def test_a_dry_run_shows_what_the_run_then_writes_and_writes_nothing(corrected: NextRun, tmp_path: Path) -> None:
    """One incident would end, and a message of its end would be sent."""
    place = corrected.before.copy_to(tmp_path / "planned")
    before = place.snapshot()
    planned = place.json("run", "--as-of", LATER, "--dry-run")
    shown = place.command("run", "--as-of", LATER, "--dry-run").partition("open at P0 or P1 now:\n")
    written = differences(before, place.snapshot())
    opened = place.json("incident", "list")
    place.stop()
    assert written == []
    urgent = {each["incident_id"] for each in opened if each["severity_level"] in {"P0", "P1"}}
    assert {each["incident_id"] for each in planned["open_incidents"]} == urgent != set()
    assert shown[0].endswith(f"\n{len(urgent)} incident ")
    assert [line.split()[0] for line in shown[2].splitlines()[1:]] == sorted(urgent)
    report = corrected.report
    assert {each["severity_level"] for each in report["open_incidents"]} == {"P2"}
    types = [each["event_type"] for each in planned["events"]]
    assert [each for each in types if each not in CLOCKS] == ["resolved", "review_scheduled"]
    assert set(types) > CLOCKS
    assert planned["events"] == report["events"]
    assert [each["message_id"] for each in planned["messages"]] == [each["message_id"] for each in report["delivered"]]


def test_a_dry_run_shows_what_is_there_and_names_what_is_not(tmp_path: Path) -> None:
    """On an empty warehouse, and before the first run, no table that it will build is taken for a failed check."""
    place = Place(tmp_path / "empty")
    nothing = place.json("run", "--as-of", AS_OF, "--dry-run")
    assert (nothing["events"], nothing["messages"]) == ([], [])
    assert "no ledger" in nothing["notes"][0]
    assert list(place.warehouse().client.list_datasets(timeout=60)) == []

    place.command("incident", "open", "Odd figures", "--severity", "P2", "--component", "table:x", "--at", AS_OF)
    planned = place.json("run", "--as-of", LATER, "--dry-run")
    assert "ai_usage_prod.fct_usage_daily" in planned["notes"][0]
    report = place.json("tick", "--as-of", LATER)  # nothing is found by a run alone
    place.stop()
    assert planned["events"] == report["events"]
    assert {each["event_type"] for each in planned["events"]} == CLOCKS
    assert [each["message_id"] for each in planned["messages"]] == [each["message_id"] for each in report["delivered"]]


def test_eight_runs_and_a_tick_loop_give_the_ledger_of_one_run_and_each_message_once(
    fresh: Place, undisturbed: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ticks take what the runs have left so far, and none waits for a build."""
    monkeypatch.setenv("DBT_TARGET_PATH", fresh.environment["DBT_TARGET_PATH"])
    processes = [fresh.begin("run", "--as-of", AS_OF, "--wait", "30") for _ in range(8)]
    warehouse, beside_build = fresh.warehouse(), 0
    while any(process.poll() is None for process in processes):
        held = f"select holder from {warehouse.raw('leases')} where name = 'build' and until > current_timestamp()"
        try:
            Job(warehouse, datetime.fromisoformat(AS_OF), command="tick").tick(wait=0)
        except LeaseHeldError as error:
            assert "Another run or tick is at work" in str(error)
        else:
            beside_build += bool(warehouse.rows(held))
        time.sleep(4)
    codes = []
    for process in processes:
        with process:
            process.communicate(timeout=900)
        codes.append(process.returncode)
    assert 0 in codes
    assert set(codes) <= {0, 4}  # did the job, or found another at work for too long
    assert beside_build > 0
    assert differences(undisturbed.snapshot(), fresh.snapshot()) == []


@pytest.mark.filterwarnings("ignore:This method will be deprecated:PendingDeprecationWarning")
def test_a_load_that_becomes_visible_after_a_runs_build_is_checked_by_the_next(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It begins before the run, is written when the run has built what the checks read, and looks like an old one."""
    monkeypatch.setenv("DBT_TARGET_PATH", str(place.folder / "target"))
    warehouse, at = place.warehouse(), datetime.fromisoformat(LATER)
    export = tmp_path / "costs.json"
    export.write_text(json.dumps(page(bucket("2026-02-26", cost("12.00")))))
    build = Builds.build

    def build_and_load(builds: Builds, selector: str, **options: Any) -> Any:
        built = build(builds, selector, **options)
        if selector == "feeds":
            load_usage(warehouse, "anthropic_cost", [export], loaded_at=at - timedelta(minutes=5))
        return built

    with monkeypatch.context() as delayed:
        delayed.setattr(Builds, "build", build_and_load)
        assert Job(warehouse, at, command="run").run().exit_code == 0
    assert Job(warehouse, at + timedelta(hours=1), command="run").run().exit_code == 0
    checked = warehouse.rows(
        f"select run_id, day from {warehouse.raw('quality_batches')} "
        f"where table_name = 'ai_usage_prod_staging.stg_anthropic__costs' and checked_at >= timestamp '{LATER}' "
        "and day is not null"
    )
    assert [(row["run_id"], row["day"]) for row in checked] == [("run-2026-03-02T11:00:00.000000Z", date(2026, 2, 26))]


def test_dbt_is_run_by_the_command_and_by_hand_with_the_exports_that_readme_gives(
    undisturbed: Place, tmp_path: Path
) -> None:
    """One view, one of its rows by a bare `dbt show`, and the documentation of all models."""
    warehouse = undisturbed.warehouse()
    report = warehouse.mart("rpt_mttr")
    warehouse.execute(f"drop view {report}")
    undisturbed.command("dbt", "run", "--select", "rpt_mttr")
    assert warehouse.rows(f"select count(*) as n from {report} where period_grain = 'all'")[0]["n"] > 0

    readme = " ".join((PROJECT_DIR / "README.md").read_text(encoding="utf-8").split())
    (token,) = re.findall(r"`(export INCIDENT_LEDGER_API_TOKEN=[^`]+)`", readme)
    (endpoint, command) = re.findall(
        r"`(INCIDENT_LEDGER_API_ENDPOINT)` as `(incident-ledger [^`]+)` prints it", readme
    )[0]
    status = undisturbed.command(*command.split()[1:])
    address = next(line.split()[1] for line in status.splitlines() if line.startswith("endpoint"))
    (tmp_path / ".local").symlink_to(undisturbed.folder / "local")
    script = f'{token}; export {endpoint}={address}; exec dbt "$@"'
    folders = dict.fromkeys(("DBT_PROJECT_DIR", "DBT_PROFILES_DIR"), str(PROJECT_DIR))
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    shown = subprocess.run(
        ["bash", "-c", script, "dbt", "show", "--inline", "select 41 + count(*) as n from {{ ref('dim_severities') }}"],
        cwd=tmp_path, env=undisturbed.environment | folders | {"PATH": path}, capture_output=True, text=True,
        check=False, timeout=300,
    )  # fmt: skip
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "| 45 |" in shown.stdout

    undisturbed.command("dbt", "docs", "generate")
    target = undisturbed.folder / "target"
    manifest = json.loads((target / "manifest.json").read_bytes())
    names = {node["name"] for node in manifest["nodes"].values()}
    switched_off = {node["name"] for nodes in manifest["disabled"].values() for node in nodes}
    switched_off &= {file.stem for file in (PROJECT_DIR / "models").rglob("*.sql")}
    compiled = {file.stem for file in (target / "compiled").rglob("*.sql")}
    models = {file.stem for file in (PROJECT_DIR / "models").rglob("*.sql")}
    assert models - switched_off <= names & compiled
    of_sinks = {"stg_cloud_logging__pipeline_logs", "fct_pipeline_runs", "int_signals__pipelines"}
    of_sinks.add("int_signals__pipeline_durations")
    of_sinks |= {"stg_cloud_logging__audit_logs", "fct_admin_activity", "int_signals__exposures"}
    of_sinks |= {"fct_secret_access", "int_signals__accesses", "fct_circuit_breaker_states", "int_secret_reads_derived"}
    of_sinks |= {"int_audited_accesses_derived", "int_log_arrivals_aggregated", "int_signals__arrivals"}
    of_sinks |= {"stg_assets__keys", "fct_key_rotation", "int_signals__rotations"}
    assert switched_off == {"stg_bigquery__jobs", "fct_warehouse_costs", *of_sinks}
    assert (target / "index.html").stat().st_size > 100_000
    assert "nodes" in json.loads((target / "catalog.json").read_bytes())


def test_a_second_run_says_who_is_at_work_and_exits_with_its_own_code(undisturbed: Place) -> None:
    warehouse = undisturbed.warehouse()
    rules = policy.load(warehouse)
    with with_lease(warehouse, BUILD, rules, datetime.fromisoformat(AS_OF), who="run-of-somebody"):
        process = undisturbed.begin("run", "--as-of", AS_OF, "--wait", "0")
        _, err = process.communicate(timeout=300)
    assert process.returncode == 4
    assert "Another run is at work: run-of-somebody on " in err
