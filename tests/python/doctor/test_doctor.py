"""`incident-ledger doctor`: each thing that can be wrong is named, with what to do, and nothing is left behind."""

import importlib.metadata
import json
import os
import shutil
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from conftest import PROJECT_DIR, fresh_settings
from dbt_results.results import result
from incident_ledger import policy
from incident_ledger.cli._app import app
from incident_ledger.dbt_results import take_in
from incident_ledger.dbt_results.node_lineage import Lineage
from incident_ledger.doctor import diagnosis
from incident_ledger.doctor.channel_checks import check_channels, check_owed
from incident_ledger.doctor.findings import Finding, Grade, exit_code
from incident_ledger.doctor.page_checks import check_dashboards
from incident_ledger.doctor.pipeline_checks import check_pipelines
from incident_ledger.doctor.watch_checks import check_silences, check_watched
from incident_ledger.errors import ExitCode
from incident_ledger.probes import probe
from incident_ledger.response.silences import Scope
from incident_ledger.runner.silence_rows import add_silence
from incident_ledger.runner.steps import Outcome, Steps, record
from incident_ledger.settings import Settings
from incident_ledger.warehouse import Warehouse, connect
from incident_ledger.warehouse.tables import ensure_tables
from notify.helpers import detected, enqueue
from probes.targets import policy_of, target
from relay import Relay, failed

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SEEDS = PROJECT_DIR / "seeds" / "policy"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of whoever runs the tests (the token is the tests'), and no question to a cloud about who we are."""
    for name in [name for name in os.environ if name.startswith("INCIDENT_LEDGER_")]:
        if name != "INCIDENT_LEDGER_API_TOKEN":
            monkeypatch.delenv(name)
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("CLOUDSDK_CONFIG", "/nowhere")
    monkeypatch.setenv("INCIDENT_LEDGER_PROJECT_DIR", str(PROJECT_DIR))


@pytest.fixture(scope="module")
def relay(endpoint: str) -> Iterator[Relay]:
    """Answers in the warehouse's place where a test says so."""
    with Relay(endpoint) as relay:
        yield relay


def found(findings: Iterator[Finding], check: str, grade: Grade) -> list[Finding]:
    """Findings of one check and grade; a bad one says what to do, in its text or beside it."""
    return [finding for finding in findings if (finding.check, finding.grade) == (check, grade)]


def the(findings: Iterator[Finding], check: str, grade: Grade) -> Finding:
    """The only finding of one check and grade."""
    (one,) = found(findings, check, grade)
    return one


def run(*args: str, **variables: str) -> tuple[int, dict[str, list[dict[str, str]]]]:
    """`doctor --json` with these variables: its exit code and what it found."""
    result = CliRunner().invoke(app, ["doctor", "--json", *args], env=variables, catch_exceptions=False)
    content = json.loads(result.stdout)
    assert content["exit_code"] == result.exit_code
    return result.exit_code, content


def test_broken_setting_is_named_and_ends_with_2() -> None:
    code, content = run(INCIDENT_LEDGER_THREADS="none", INCIDENT_LEDGER_CHANNELS="secret")
    (finding,) = [finding for finding in content["findings"] if finding["grade"] == "wrong"]
    assert (code, finding["check"]) == (ExitCode.USER, "settings")
    assert "INCIDENT_LEDGER_THREADS: " in finding["text"]
    assert "secret" not in json.dumps(content)


def test_variable_that_is_no_setting_is_named() -> None:
    finding = the(diagnosis.check_variables({"INCIDENT_LEDGER_DATESET": "x", "HOME": "/"}), "settings", Grade.WARN)
    assert finding.text.startswith("INCIDENT_LEDGER_DATESET is not a setting")
    assert finding.remedy == "Name it INCIDENT_LEDGER_DATASET."


def test_variables_of_settings_are_known() -> None:
    variables = {f"INCIDENT_LEDGER_{name.upper()}": "x" for name in Settings.model_fields}
    assert list(diagnosis.check_variables(variables)) == []


def test_folder_without_the_project_is_named(tmp_path: Path) -> None:
    finding = diagnosis.check_project(Settings(project_dir=tmp_path))
    assert finding.grade is Grade.WRONG
    assert "dbt_project.yml" in finding.text
    assert "INCIDENT_LEDGER_PROJECT_DIR" in (finding.remedy or "")


def test_endpoint_that_is_not_there_is_found_in_seconds_and_ends_with_3() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    began = time.monotonic()
    findings = list(diagnosis.check_endpoint(Settings(api_endpoint=f"http://127.0.0.1:{port}")))
    assert time.monotonic() - began < 5
    finding = the(iter(findings), "endpoint", Grade.WRONG)
    assert f"nothing answers at http://127.0.0.1:{port}" in finding.text
    assert exit_code(findings) is ExitCode.OUTSIDE


def test_endpoint_that_never_answers_is_found_in_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diagnosis, "REACH_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        where = f"http://user:secret@127.0.0.1:{silent.getsockname()[1]}"
        finding = the(diagnosis.check_endpoint(Settings(api_endpoint=where)), "endpoint", Grade.WRONG)
    assert time.monotonic() - began < 5
    assert "ReadTimeout" in finding.text
    assert "secret" not in finding.text


def test_endpoint_that_is_no_address_is_the_users() -> None:
    code, content = run(INCIDENT_LEDGER_API_ENDPOINT="localhost:9050")
    (finding,) = [finding for finding in content["findings"] if finding["grade"] == "wrong"]
    assert (code, finding["check"]) == (ExitCode.USER, "settings")
    assert "write http://localhost:9050" in finding["text"]


def test_production_without_credentials_says_how_to_get_them() -> None:
    finding = the(diagnosis.check_endpoint(Settings(target="prod")), "endpoint", Grade.WRONG)
    assert finding.exit_code is ExitCode.USER
    assert "gcloud auth application-default login" in finding.text


def test_statement_that_is_refused_names_the_role_to_ask_for(relay: Relay, tmp_path: Path) -> None:
    settings = fresh_settings(relay.endpoint, tmp_path)
    relay.rule(lambda request: "select 1" in request.query, failed(403, "accessDenied", "no jobs.create"), times=1)
    finding = the(diagnosis.check_endpoint(settings), "endpoint", Grade.WRONG)
    assert "roles/bigquery.jobUser" in (finding.remedy or "")
    assert finding.exit_code is ExitCode.OUTSIDE


def test_missing_datasets_are_named_once(settings: Settings) -> None:
    findings = diagnosis.check_datasets(connect(settings))
    finding = the(findings, "datasets", Grade.WARN)
    for name in (settings.raw_dataset, settings.dataset, settings.staging_dataset, settings.policy_dataset):
        assert name in finding.text
    assert "incident-ledger run" in (finding.remedy or "")


def test_missing_dataset_of_production_has_a_command_that_makes_it(settings: Settings) -> None:
    there = connect(settings)
    there.settings = settings.model_copy(update={"target": "prod"})
    finding = the(diagnosis.check_datasets(there), "datasets", Grade.WARN)
    assert f"bq mk --location=US {settings.project}:{settings.raw_dataset}" in (finding.remedy or "")


def test_dataset_in_another_location_is_wrong(warehouse: Warehouse, settings: Settings) -> None:
    warehouse.settings = settings.model_copy(update={"location": "EU"})
    finding = found(diagnosis.check_datasets(warehouse), "datasets", Grade.WRONG)[0]
    assert f"{settings.raw_dataset} is in US, and INCIDENT_LEDGER_LOCATION is EU" in finding.text
    assert "INCIDENT_LEDGER_LOCATION=US" in (finding.remedy or "")


def test_rights_are_tried_with_a_table_that_is_gone_afterwards(warehouse: Warehouse, settings: Settings) -> None:
    findings = list(diagnosis.check_rights(warehouse, [settings.raw_dataset, settings.dataset]))
    assert [finding.grade for finding in findings] == [Grade.OK, Grade.OK]
    tables = warehouse.client.list_tables(f"{settings.project}.{settings.raw_dataset}", timeout=60)
    assert not [table.table_id for table in tables if "doctor" in table.table_id]


@pytest.mark.parametrize(
    ("statement", "failure"),
    [("create table", "make a table in"), ("insert into", "write to"), ("select n", "read from")],
)
def test_right_that_is_missing_is_named_with_its_role(
    relay: Relay, tmp_path: Path, statement: str, failure: str
) -> None:
    settings = fresh_settings(relay.endpoint, tmp_path)
    warehouse = connect(settings)
    ensure_tables(warehouse)
    relay.rule(lambda request: statement in request.query, failed(403, "accessDenied", "not yours"), times=1)
    finding = the(diagnosis.check_rights(warehouse, [settings.raw_dataset]), "permissions", Grade.WRONG)
    assert finding.text.startswith(f"could not {failure} {settings.raw_dataset}")
    assert f"roles/bigquery.dataEditor on {settings.raw_dataset}" in (finding.remedy or "")
    tables = warehouse.client.list_tables(f"{settings.project}.{settings.raw_dataset}", timeout=60)
    assert not [table.table_id for table in tables if "doctor" in table.table_id]


def test_raw_tables_are_compared_with_what_the_runner_writes(warehouse: Warehouse) -> None:
    assert diagnosis.check_raw_tables(warehouse).grade is Grade.OK
    warehouse.execute(f"drop table {warehouse.raw('leases')}")
    warehouse.execute(f"create table {warehouse.raw('leases')} (name string, holder int64)")
    warehouse.execute(f"drop table {warehouse.raw('run_steps')}")
    finding = diagnosis.check_raw_tables(warehouse)
    assert finding.grade is Grade.WARN
    assert "not there: run_steps" in finding.text
    assert "leases.holder" in finding.text
    assert "leases.until" in finding.text


def test_policy_that_is_not_loaded_is_named_with_the_command(settings: Settings) -> None:
    finding = the(diagnosis.check_policy_tables(connect(settings), None), "policy tables", Grade.WARN)
    assert "incident-ledger policy load" in (finding.remedy or "")


def test_policy_tables_that_differ_from_the_files_are_named(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in SEEDS.glob("*.csv"):
        text = path.read_text()
        (tmp_path / path.name).write_text(text.replace("P1,15,minutes,15 minutes", "P1,10,minutes,10 minutes"))
    monkeypatch.setattr(policy, "load", lambda *_, **__: policy.load_files(tmp_path))
    findings = list(diagnosis.check_policy_tables(connect(settings), policy.load_files(SEEDS)))
    assert [finding.grade for finding in findings] == [Grade.WARN, Grade.WARN]
    assert "response_rules" in findings[0].text
    assert "judged again" in findings[1].text


def test_bad_policy_file_is_named_by_line(tmp_path: Path) -> None:
    folder = tmp_path / "seeds" / "policy"
    folder.mkdir(parents=True)
    for path in SEEDS.glob("*.csv"):
        (folder / path.name).write_text(path.read_text().replace("P1,15,", "P1,fifteen,"))
    findings = diagnosis.check_policy_files(Settings(project_dir=tmp_path), NOW)
    assert "response_rules.csv:3: response_minutes" in the(findings, "policy files", Grade.WRONG).text


def test_end_of_the_holidays_is_named_in_time() -> None:
    late = datetime(2028, 11, 1, tzinfo=UTC)
    assert not [text for text in policy_warnings(NOW) if "holidays" in text]
    (warning,) = [text for text in policy_warnings(late) if "holidays" in text]
    assert "2028-12-25" in warning


def test_contacts_whom_no_clock_can_reach_are_named() -> None:
    """As the playbook has them: no address of management and of executives."""
    named = [text for text in policy_warnings(NOW) if "no address" in text]
    assert [text.split()[2] for text in named] == ["Executives", "Management"]


def test_severities_without_a_rate_of_money_are_named() -> None:
    (warning,) = [text for text in policy_warnings(NOW) if "rate" in text]
    assert warning == "no rate is given of P0, P1: the money at stake is not estimated"


def test_quiet_hours_of_what_is_to_be_answered_within_minutes_are_named(tmp_path: Path) -> None:
    assert not [text for text in policy_warnings(NOW) if "quiet" in text]
    with (Path(shutil.copytree(SEEDS, tmp_path / "seeds" / "policy")) / "quiet_hours.csv").open("a") as file:
        file.write("P1,20:00:00,08:00:00,\n")
    (warning,) = [text for text in policy_warnings(NOW, tmp_path) if "quiet" in text]
    assert warning == "quiet hours hold messages of P1, which is to be answered within 15 minutes"


def policy_warnings(now: datetime, project_dir: Path = PROJECT_DIR) -> list[str]:
    """The texts of what `doctor` warns of in a project's policy, by default in the project's own."""
    findings = diagnosis.check_policy_files(Settings(project_dir=project_dir), now)
    return [finding.text for finding in found(findings, "policy files", Grade.WARN)]


def test_bad_channel_is_named_and_no_secret_is_shown() -> None:
    channels = "good=mailtos://me:hunter2@example.com,bad=nothing://hunter2@host\nno url hunter2"
    settings = Settings(channels=channels, mail_from="ledger@example.com")
    findings = list(check_channels(settings))
    assert the(iter(findings), "channels", Grade.OK).text.startswith("good: ")
    wrong = found(iter(findings), "channels", Grade.WRONG)
    assert [finding.text.split(":")[0] for finding in wrong] == ["bad", "channel-3"]
    assert "hunter2" not in str(findings)
    assert exit_code(findings) is ExitCode.USER


def test_mail_from_localhost_is_warned_of() -> None:
    finding = the(check_channels(Settings(channels="mailtos://me:x@example.com")), "channels", Grade.WARN)
    assert "INCIDENT_LEDGER_MAIL_FROM" in (finding.remedy or "")


def test_outbox_is_named_when_there_is_no_channel(tmp_path: Path) -> None:
    finding = the(check_channels(Settings(local_dir=tmp_path / "new" / "local")), "channels", Grade.OK)
    assert str(tmp_path / "new" / "local" / "outbox") in finding.text
    assert not (tmp_path / "new").exists()


def test_messages_for_a_channel_that_is_no_longer_set_are_counted(warehouse: Warehouse, settings: Settings) -> None:
    files = policy.load_files(SEEDS)
    assert list(check_owed(warehouse, files, NOW)) == []
    gone = settings.model_copy(update={"channels": SecretStr("gone=json://127.0.0.1:9")})
    enqueue(Warehouse(warehouse.client, gone, warehouse.endpoint), [detected()], NOW)
    finding = the(check_owed(warehouse, files, NOW), "outbox", Grade.WARN)
    assert finding.text == "1 to be sent by gone, which the settings no longer name"


def test_outbox_that_cannot_be_written_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    finding = the(check_channels(Settings(local_dir=tmp_path / "file")), "channels", Grade.WRONG)
    assert "INCIDENT_LEDGER_LOCAL_DIR" in (finding.remedy or "")


def test_suites_folder_that_is_not_there_is_wrong(tmp_path: Path) -> None:
    finding = the(diagnosis.check_suites(Settings(suites=str(tmp_path / "none"))), "suites", Grade.WRONG)
    assert "INCIDENT_LEDGER_SUITES" in (finding.remedy or "")


def test_signals_that_cannot_be_read_are_a_finding_and_before_the_first_run_there_are_none(
    relay: Relay, tmp_path: Path
) -> None:
    warehouse = connect(fresh_settings(relay.endpoint, tmp_path))
    ensure_tables(warehouse)
    assert found(diagnosis.check_suites(warehouse.settings, warehouse), "suites", Grade.WRONG) == []
    warehouse.execute(f"create table {warehouse.mart('fct_signals')} (component string)")
    relay.rule(
        lambda request: "json_value(evidence" in request.query, failed(403, "accessDenied", "not yours"), times=1
    )
    finding = the(diagnosis.check_suites(warehouse.settings, warehouse), "suites", Grade.WRONG)
    assert "not yours" in finding.text


def test_a_pipeline_with_a_schedule_is_watched_once_a_run_of_it_was_taken_in(warehouse: Warehouse) -> None:
    files = policy.load_files(SEEDS)
    finding = the(check_pipelines(warehouse, files, NOW), "pipelines", Grade.WARN)
    assert finding.text.startswith("run_daily_job has a schedule and is not watched")
    built = [result("model.jobs.a", "success", completed_at=NOW)]
    take_in(warehouse, built, Lineage("run_daily_job"), files, ingested_at=NOW)
    finding = the(check_pipelines(warehouse, files, NOW), "pipelines", Grade.OK)
    assert "an incident opens at 2026-03-02 16:00 UTC unless it runs before" in finding.text
    finding = the(check_pipelines(warehouse, files, NOW + timedelta(hours=8)), "pipelines", Grade.WARN)
    assert finding.text == "run_daily_job is watched, and missing since 2026-03-02 16:00 UTC"


def test_what_dbt_finds_is_no_breach_of_a_suite(ledger: Warehouse) -> None:
    files = policy.load_files(SEEDS)
    take_in(ledger, [result("model.shop.a", "error")], Lineage("shop"), files, ingested_at=NOW)
    assert found(diagnosis.check_suites(ledger.settings, ledger), "suites", Grade.WARN) == []


def test_suites_that_say_what_nobody_knows_are_warned_of_with_the_nearest_known(tmp_path: Path) -> None:
    rule = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "a"}, "meta": {"dimention": "validity"}}
    meta = {"table": "t", "day_colum": "day", "owner": "finance_taem"}
    (tmp_path / "s.json").write_text(json.dumps({"meta": meta, "expectations": [rule]}), encoding="utf-8")
    findings = list(diagnosis.check_suites(Settings(suites=str(tmp_path)), owners=["finance_team", "engineering_lead"]))
    warnings = " ".join(finding.text for finding in findings if finding.grade is Grade.WARN)
    assert all(f"did you mean '{name}'" in warnings for name in ("day_column", "finance_team", "dimension"))


def test_suites_folder_without_a_suite_is_warned_of(tmp_path: Path) -> None:
    assert the(diagnosis.check_suites(Settings(suites=str(tmp_path))), "suites", Grade.WARN).text.startswith(
        "no suite in"
    )


def test_file_that_is_no_suite_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.json").write_text("{")
    finding = the(diagnosis.check_suites(Settings(suites=str(tmp_path))), "suites", Grade.WRONG)
    assert "broken.json" in finding.text


def test_a_dashboard_that_cannot_be_read_is_named_by_file_and_line(tmp_path: Path) -> None:
    folder = tmp_path / "analyses" / "dashboards" / "mine"
    folder.mkdir(parents=True)
    (folder / "dashboard.yml").write_text("title: Mine\ncolour: red\n")
    settings = Settings(project_dir=tmp_path)
    wrong = found(check_dashboards(settings, None, NOW), "dashboards", Grade.WRONG)
    assert "analyses/dashboards/mine/dashboard.yml:2: colour: is not a key that there is" in {
        each.text for each in wrong
    }
    assert list(check_dashboards(Settings(project_dir=tmp_path / "none"), None, NOW)) == []


def test_cards_that_the_last_run_could_not_compute_are_named(warehouse: Warehouse, tmp_path: Path) -> None:
    settings = warehouse.settings.model_copy(update={"pages": str(tmp_path / "pages")})
    located = Warehouse(warehouse.client, settings, warehouse.endpoint)
    steps = Steps(lambda _: None, lambda _: None)

    def last_run(failed: dict[str, str], at: datetime) -> list[Finding]:
        steps.done.clear()
        with steps.step("pages") as step:
            step.detail["failed"], step.outcome = failed, Outcome.FAILED if failed else Outcome.OK
        step.started_at = at
        record(located, run_id=f"run-{at:%H}", holder="h", command="run", as_of=at, steps=steps)
        return found(check_dashboards(settings, located, NOW), "dashboards", Grade.WARN)

    assert last_run({}, NOW - timedelta(hours=3)) == []
    (finding,) = last_run({"clocks_kept": "no such table"}, NOW - timedelta(hours=2))
    assert finding.text == "clocks_kept could not be computed for the pages by the last run: no such table"
    assert last_run({}, NOW - timedelta(hours=1)) == []


def test_a_folder_of_other_files_is_not_one_for_pages(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    finding = the(
        check_dashboards(Settings(project_dir=PROJECT_DIR, pages=str(tmp_path)), None, NOW), "dashboards", Grade.WRONG
    )
    assert "holds other files" in finding.text


def test_other_version_of_a_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.metadata.version
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "1.4.9" if name == "duckdb" else real(name))
    finding = the(diagnosis.check_versions(), "versions", Grade.WRONG)
    assert finding.text.startswith("duckdb is 1.4.9, wanted ==1.5.5")
    assert finding.remedy == "Install the pinned versions: make setup"


def test_installed_versions_are_those_that_are_asked_for() -> None:
    assert the(diagnosis.check_versions(), "versions", Grade.OK).text.startswith("Python 3.")


def test_a_fresh_warehouse_has_nothing_wrong(settings: Settings) -> None:
    variables = ("project_dir", "api_endpoint", "local_dir", "dataset", "raw_dataset")
    environment = {f"INCIDENT_LEDGER_{name.upper()}": str(getattr(settings, name)) for name in variables}
    code, content = run(**environment)
    assert code == ExitCode.OK
    assert {finding["check"] for finding in content["findings"]} >= {
        "versions",
        "settings",
        "policy files",
        "channels",
        "credentials",
        "endpoint",
        "datasets",
        "policy tables",
        "suites",
    }
    shown = CliRunner().invoke(app, ["doctor"], env=environment, catch_exceptions=False)
    assert shown.exit_code == ExitCode.OK
    assert "0 wrong" in shown.stdout
    assert "→ The first `incident-ledger run` makes what is missing." in shown.stdout


def test_what_nobody_probes_is_not_watched_and_never_called_well(ledger: Warehouse) -> None:
    keyed = target("http://127.0.0.1:1/", "anthropic", key_variable="A_KEY", key_header="x-api-key")
    files = policy_of([keyed, target(None, "bigquery", kind="warehouse", timeout_seconds=20.0)])
    findings = list(check_watched(ledger, files, NOW, {}))
    assert found(iter(findings), "probes", Grade.OK) == []
    first, second = found(iter(findings), "probes", Grade.WARN)
    assert first.text == "anthropic is not watched: no probe of it has ever arrived"
    assert (first.remedy or "").startswith("A_KEY is not set here: ")
    assert second.text == "bigquery is not watched: no probe of it has ever arrived"
    rules = [each.text for each in found(iter(findings), "rules", Grade.WARN)]
    assert {text.split()[0] for text in rules} == {
        "all_dashboards_unavailable", "probes_missing", "api_authentication_failures", "single_api_degradation",
        "non_critical_alert", "performance_issues", "security_breach", "usage_volume_missing",
        "financial_data_loss", "key_rotation_due", "logs_missing",
    }  # fmt: skip
    with_sink = connect(ledger.settings.model_copy(update={"pipeline_logs": "logs.run_googleapis_com_stdout"}))
    assert not any("performance_issues" in each.text for each in check_watched(with_sink, files, NOW, {}))


def test_what_is_probed_is_watched_until_probes_stay_away(ledger: Warehouse) -> None:
    files = policy_of([target(None, "bigquery", kind="warehouse", timeout_seconds=20.0)])
    probe(ledger, now=NOW, environ={}, policy=files)
    soon = list(check_watched(ledger, files, NOW + timedelta(minutes=2), {}))
    assert the(iter(soon), "probes", Grade.OK).text == "bigquery is watched, and answered well at 2026-03-02 09:00 UTC"
    assert not any("single_api_degradation" in each.text for each in soon)
    late = list(check_watched(ledger, files, NOW + timedelta(minutes=16), {}))
    assert the(iter(late), "probes", Grade.WARN).text == (
        "bigquery is not watched: no probe of it has arrived since 2026-03-02 09:00 UTC"
    )
    (nothing,) = found(check_watched(ledger, policy_of([]), NOW, {}), "probes", Grade.WARN)
    assert nothing.text.startswith("no API and no dashboard is watched")


def test_a_silence_that_is_on_is_named_with_its_end(ledger: Warehouse) -> None:
    assert list(check_silences(ledger, NOW)) == []
    end, rules = NOW + timedelta(hours=2), policy.load(ledger)
    add_silence(
        ledger,
        rules,
        scope=Scope.COMPONENT,
        value="api:*",
        starts_at=NOW,
        ends_at=end,
        reason="New keys",
        actor="bob",
        now=NOW,
    )
    (finding,) = check_silences(ledger, NOW)
    assert finding.text == "component api:* is silenced until 2026-03-02 11:00 UTC by bob: New keys"
    assert list(check_silences(ledger, end)) == []
