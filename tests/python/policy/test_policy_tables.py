"""The seeds in the warehouse: the same values there, the same refusals, and dbt's tests that fail when they should."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from incident_ledger.cli._app import app
from incident_ledger.dbt_runner import Dbt, NodeResult
from incident_ledger.errors import UserError
from incident_ledger.policy import differing, load, load_current, load_files
from incident_ledger.policy.seeds import policy_tables
from incident_ledger.settings import Settings
from incident_ledger.warehouse import connect

from .conftest import NOW, SEEDS, Spoil

PROJECT_DIR = SEEDS.parents[1]
Seed = Callable[..., list[NodeResult]]
# A model that is not built when policy is loaded: its test must not be run then either.
LATER = """
models:
  - name: later
    columns:
      - name: severity_level
        data_tests:
          - relationships: {arguments: {to: ref('severities'), field: severity_level}}
"""


@pytest.fixture
def project(settings: Settings, seeds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A dbt project of the seeds alone, a copy that a test may spoil, against datasets of its own."""
    folder = seeds.parents[1]
    (folder / "models").mkdir()
    (folder / "models" / "later.sql").write_text("select 'P0' as severity_level")
    (folder / "models" / "later.yml").write_text(LATER)
    for name in ("dbt_project.yml", "profiles.yml"):
        shutil.copy(PROJECT_DIR / name, folder / name)
    shutil.copy(PROJECT_DIR / "models" / "docs.md", folder / "models" / "docs.md")
    shutil.copytree(PROJECT_DIR / "macros", folder / "macros")
    shutil.copytree(PROJECT_DIR / "tests" / "dbt" / "generic", folder / "tests" / "dbt" / "generic")
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path / "target"))
    return settings.model_copy(update={"project_dir": folder})


@pytest.fixture
def seed(project: Settings) -> Seed:
    """Puts seeds into the warehouse by dbt, with the tests of those that are named, and says how each node ended."""

    def run(*tested: str) -> list[NodeResult]:
        dbt = Dbt(project, project.api_endpoint)
        return [*dbt.invoke(["seed"]), *(dbt.build(tested) if tested else [])]

    return run


@pytest.fixture
def command(project: Settings, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """`incident-ledger` with arguments, in this process; what it printed on stdout."""
    for name in ("project_dir", "api_endpoint", "local_dir", "dataset", "raw_dataset"):
        monkeypatch.setenv(f"INCIDENT_LEDGER_{name.upper()}", str(getattr(project, name)))

    def run(*args: str) -> str:
        result = CliRunner().invoke(app, list(args), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return str(result.stdout)

    return run


def test_every_seed_has_a_description_and_the_types_that_dbt_loads() -> None:
    for table in policy_tables().values():
        (seed,) = yaml.safe_load((SEEDS / f"{table.name}.yml").read_text())["seeds"]
        assert seed["name"] == table.name
        assert seed["description"].startswith("One row per ")
        expected = {column.name: column.kind.value for column in table.columns}
        assert seed["config"]["column_types"] == expected
        assert {column["name"]: column["data_type"] for column in seed["columns"]} == expected
        assert all(column["description"].strip() for column in seed["columns"])
    assert {path.stem for path in SEEDS.glob("*.csv")} == {table.name for table in policy_tables().values()}


def test_policy_of_a_warehouse_without_it_says_how_to_load_it(project: Settings) -> None:
    with pytest.raises(UserError, match="incident-ledger policy load"):
        load(connect(project), patience=0)


def test_texts_stay_texts_in_the_warehouse_and_in_policy_show(
    seed: Seed, change: Spoil, command: Callable[..., str]
) -> None:
    change("contacts", "", "SAT,1e5,sat@example.org,,0015550100")
    change("audiences", "", "P3,SAT,1e5,")
    assert [result for result in seed() if result.status not in {"success", "pass"}] == []
    contacts = json.loads(command("policy", "show", "contacts", "--json"))
    assert contacts[0] == {
        "contact_id": "SAT",
        "role": "1e5",
        "email_primary": "sat@example.org",
        "email_secondary": None,
        "phone": "0015550100",
    }
    rules = {row["severity_level"]: row for row in json.loads(command("policy", "show", "response_rules", "--json"))}
    assert rules["P3"]["response_minutes"] is None
    assert (rules["P3"]["escalation_minutes"], rules["P3"]["escalation"]) == (None, "As needed")
    shown = command("policy", "show", "contacts")
    assert " 0015550100 " in shown
    assert " 1e5 " in shown
    assert "SAT" in shown
    assert "null" not in shown.lower()


def test_the_word_null_is_refused_by_python_and_by_dbt(project: Settings, seed: Seed, change: Spoil) -> None:
    change("response_rules", "As needed", "null")
    with pytest.raises(UserError, match=r"response_rules\.csv:5: escalation: holds the word 'null'"):
        load_files(project.project_dir / "seeds" / "policy")
    (failed,) = [result.name for result in seed("response_rules") if result.is_failed_test]
    assert failed.startswith("no_word_null_response_rules_escalation")
    with pytest.raises(UserError, match=r"response_rules .*: escalation: "):
        load(connect(project), patience=0)


# What is done to the seeds, and the beginning of the name of the dbt test that must find it.
SPOILT = {
    "mutually_exclusive_ranges_quality_thresholds": (
        "quality_thresholds",
        "failed_record_rate,P1,20,false",
        "failed_record_rate,P1,15,false",
    ),
    "mutually_exclusive_ranges_escalation_matrix": ("escalation_matrix", "3,15,30,", "3,16,30,"),
    "unique_combination_of_columns_severity_caps": ("severity_caps", "", "warning,P3,"),
    "unique_contacts_contact_id": ("contacts", "", "finance_team,Money Team,money@samba.tv,,"),
    "not_null_contacts_email_primary": ("contacts", "sysadmin@samba.tv", ""),
    "no_word_null_contacts_role": ("contacts", "Security Team", "NULL"),
    "relationships_severities_severity_level__severity_level__ref_response_rules": (
        "response_rules",
        "P2,60,minutes,1 hour,240,minutes,resolved,4 hours,30,\n",
        "",
    ),
    "relationships_severities_severity_level__severity_level__ref_audiences": (
        "audiences",
        "P3,engineering_on_call,Engineering team,\nP3,engineering_lead,Engineering team,\n",
        "",
    ),
    "relationships_audiences_contact_id": ("audiences", "P1,finance_team", "P1,finance_taem"),
    "relationships_classification_rules_severity_level": (
        "classification_rules",
        "security_breach,P0",
        "security_breach,P7",
    ),
    "relationships_quality_thresholds_rule_id": ("quality_thresholds", "20,data_quality_issues", "20,data_issues"),
    "accepted_values_notification_rules_template": ("notification_rules", "detected,P0,critical", "detected,P0,alarm"),
}


def test_dbt_and_python_find_what_is_wrong_with_a_policy_in_the_warehouse(
    project: Settings, seed: Seed, change: Spoil
) -> None:
    for table, old, new in SPOILT.values():
        change(table, old, new)
    results = seed("path:seeds/policy")
    failed = {result.name for result in results if result.is_failed_test}
    missed = [expected for expected in SPOILT if not any(name.startswith(expected) for name in failed)]
    assert missed == []
    assert [result for result in results if result.is_error] == []
    with pytest.raises(UserError) as error:
        load(connect(project), patience=0)
    dataset = project.policy_dataset
    assert f"{dataset}.contacts (system_administrator): email_primary: is empty" in str(error.value)
    assert f"{dataset}.notification_rules (detected P0): template: 'alarm' is not one of" in str(error.value)
    assert f"{dataset}.quality_thresholds (failed_record_rate P1): lower_percent: overlaps" in str(error.value)


def test_load_show_and_what_was_valid_when(project: Settings, change: Spoil, command: Callable[..., str]) -> None:
    command("policy", "show", "severity_caps")
    change("severity_caps", "", "warning,P3,2026-03-01T00:00:00Z")
    assert "26 tables loaded" in command("policy", "load")
    loaded = load(connect(project))
    assert differing(load_files(project.project_dir / "seeds" / "policy"), loaded) == []
    assert load_current(connect(project), project.project_dir / "seeds" / "policy") is not None
    assert loaded.band("failed_record_rate", 5, 100, NOW) == "P2"
    change("severity_caps", "", "info,P2,2026-03-01T00:00:00Z")
    assert load_current(connect(project), project.project_dir / "seeds" / "policy") is None
    assert len(json.loads(command("policy", "show", "severity_caps", "--json"))) == 4
    assert len(json.loads(command("policy", "show", "severity_caps", "--json", "--files"))) == 5
    then = json.loads(command("policy", "show", "severity_caps", "--json", "--as-of", "2026-02-28T00:00:00Z"))
    later = json.loads(command("policy", "show", "severity_caps", "--json", "--as-of", "2026-03-02T00:00:00Z"))
    assert {row["gx_severity"]: row["severity_level"] for row in then}["warning"] == "P2"
    assert {row["gx_severity"]: row["severity_level"] for row in later}["warning"] == "P3"
