"""The files for Metabase's import: valid by its own validator, the same each time, and wired to the cards' queries."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import PROJECT_DIR
from incident_ledger.dashboards.definition import Card, load_dashboards
from incident_ledger.errors import UserError
from incident_ledger.metabase.card_sql import card_sql
from incident_ledger.metabase.content import Content
from incident_ledger.metabase.questions import FOLDER, load_questions
from incident_ledger.metabase.serialization import export_files, write_files

VALIDATOR = PROJECT_DIR / "tests" / "npm" / "node_modules" / "@metabase" / "representations" / "dist" / "bin" / "cli.js"
NODE = shutil.which("node")
needs_validator = pytest.mark.skipif(
    NODE is None or not VALIDATOR.is_file(),
    reason="npm's packages are not here: npm ci --prefix tests/npm --ignore-scripts",
)
DASHBOARDS = load_dashboards(PROJECT_DIR)


@pytest.fixture
def exported(content: Content, tmp_path: Path) -> Path:
    """A folder with the export."""
    write_files(tmp_path / "export", export_files(content, "Incident Ledger", "Warehouse"))
    return tmp_path / "export"


def documents(folder: Path) -> dict[str, dict[str, Any]]:
    """Every document by its entity's id."""
    read = [yaml.safe_load(path.read_text()) for path in folder.rglob("*.yaml")]
    return {each["entity_id"]: each for each in read}


def validate(folder: Path) -> "subprocess.CompletedProcess[str]":
    command = [str(NODE), str(VALIDATOR), "validate-schema", "--folder", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@needs_validator
def test_metabase_accepts_the_files(exported: Path) -> None:
    done = validate(exported)
    assert done.returncode == 0, done.stderr
    assert f"{len(documents(exported))} passed, 0 failed" in done.stdout


@needs_validator
def test_the_validator_refuses_a_file_that_is_wrong(exported: Path) -> None:
    path = next(exported.rglob("system_health.yaml"))
    path.write_text(path.read_text().replace("size_x: 24", "size_x: 25"))
    assert validate(exported).returncode == 1


def test_an_export_is_the_same_each_time_and_replaces_its_own_files_alone(exported: Path, content: Content) -> None:
    files = export_files(content, "Incident Ledger", "Warehouse")
    before = {path: path.read_bytes() for path in exported.rglob("*.yaml")}
    write_files(exported, files)
    assert {path: path.read_bytes() for path in exported.rglob("*.yaml")} == before
    (exported / "collections" / "main" / "own.yaml").write_text("mine")
    with pytest.raises(UserError, match=r"holds collections/main/own\.yaml"):
        write_files(exported, files)


def test_every_reference_leads_to_a_file_and_every_filter_to_a_tag(exported: Path) -> None:
    known = documents(exported)
    dashboards = [each for each in known.values() if each["serdes/meta"][-1]["model"] == "Dashboard"]
    assert {each["name"] for each in dashboards} == {each.title for each in DASHBOARDS}
    for dashboard in dashboards:
        parameters = {each["id"]: each for each in dashboard["parameters"]}
        for parameter in parameters.values():
            is_other = (dashboard["name"], parameter["slug"]) == ("Data quality", "component")
            choices = "checked table" if is_other else parameter["slug"]
            assert known[parameter["values_source_config"]["card_id"]]["name"] == f"Choices: {choices}"
        for placed in dashboard["dashcards"]:
            (stage,) = known[placed["card_id"]]["dataset_query"]["stages"]
            tags = {tag["name"] for tag in stage.get("template-tags", [])}
            wired = {mapping["target"][1][1] for mapping in placed["parameter_mappings"]}
            assert wired == tags == set(re.findall(r"{{(\w+)}}", stage["native"]))
            assert {mapping["parameter_id"] for mapping in placed["parameter_mappings"]} <= set(parameters)


def test_a_click_passes_values_that_the_question_takes(exported: Path) -> None:
    known = documents(exported)
    links = []

    def find(value: Any) -> None:
        if isinstance(value, dict):
            links.extend([value["click_behavior"]] if "click_behavior" in value else [])
            for each in value.values():
                find(each)
        elif isinstance(value, list):
            for each in value:
                find(each)

    for each in known.values():
        find(each.get("dashcards"))
    assert {known[link["targetId"]]["name"] for link in links} == {"Incidents behind a bar", "Timeline of an incident"}
    for link in links:
        tags = {tag["name"] for tag in known[link["targetId"]]["dataset_query"]["stages"][0]["template-tags"]}
        assert {each["target"]["id"] for each in link["parameterMapping"].values()} <= tags


def test_every_card_reads_the_target_by_the_clock_and_keeps_its_order(content: Content) -> None:
    for card in content.cards:
        assert "@" not in card.sql.replace("'@'", ""), card.key
        assert "`ai-workflows-459123`.`ai_usage_prod" in card.sql, card.key
        is_one_row = card.key.endswith(("_numbers", "health_glance"))
        _, _, outside = card.sql.partition("select * from final\n)\n")
        assert "\norder by" in f"\n{outside}" or is_one_row, card.key


def test_a_share_has_no_fixed_number_of_decimals(content: Content) -> None:
    settings = [
        values
        for card in content.cards
        for values in card.settings.get("column_settings", {}).values()
        if values.get("suffix") == " %"
    ]
    assert settings
    assert not [each for each in settings if "decimals" in each]


def test_a_query_that_metabase_would_read_otherwise_is_refused() -> None:
    card = next(card for dashboard in DASHBOARDS for card in dashboard.cards if card.chart == "table")
    with pytest.raises(UserError, match=r"has \[\[, which Metabase takes for its own"):
        card_sql(card, "select [[1]]")


def test_a_sentence_is_escaped_and_says_what_stands_for_nothing() -> None:
    card = next(card for dashboard in DASHBOARDS for card in dashboard.cards if card.chart == "sentence")
    changed = Card.model_validate(card.model_dump() | {"empty": "It's \\ nothing"})
    assert "'It\\'s \\\\ nothing'" in card_sql(changed, "select 1")


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A project with the questions alone, to be broken."""
    shutil.copytree(PROJECT_DIR / FOLDER, tmp_path / FOLDER)
    return tmp_path


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("title: Timeline", "colour: red\n    title: Timeline", "colour"),
        ("name: cause, ", "name: reason, ", "passes on cause, which incidents_behind does not ask for"),
        ("question: incident_timeline", "question: timeline", "has no question incident_timeline"),
        ("question: filter_choices", "question: other_choices", "there is no other_choices.sql beside it"),
        ("questions:\n", "questions: [\n", "cannot be read"),
    ],
)
def test_a_fault_of_the_questions_is_named(copied: Path, old: str, new: str, fault: str) -> None:
    path = copied / FOLDER / "questions.yml"
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(UserError, match=re.escape(fault)):
        load_questions(copied, DASHBOARDS)
