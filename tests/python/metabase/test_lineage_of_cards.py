"""Cards over a mart with an alias, and a card that refers to nothing: lineage, what is sent, what is warned of."""

import shutil
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from conftest import PROJECT_DIR
from incident_ledger.cli._app import app
from incident_ledger.dashboards.definition import FOLDER
from incident_ledger.dbt_runner import Dbt
from incident_ledger.settings import Settings
from metabase.server import KEY, Metabase, serving

PARTS = ("analyses", "macros", "models", "seeds", "tests/dbt")
FILES = ("dbt_project.yml", "profiles.yml", "selectors.yml")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project, in which a mart has an alias, and a card refers to nothing."""
    folder = tmp_path / "project"
    for name in PARTS:
        shutil.copytree(PROJECT_DIR / name, folder / name)
    for name in FILES:
        shutil.copy(PROJECT_DIR / name, folder / name)
    model = folder / "models" / "marts" / "response" / "fct_incident_recurrence.yml"
    text = model.read_text(encoding="utf-8")
    model.write_text(text.replace("    config:\n", "    config:\n      alias: what_came_back\n", 1), encoding="utf-8")
    dashboard = folder / FOLDER / "compliance" / "dashboard.yml"
    card = {
        "card": "by_hand",
        "title": "By hand",
        "description": "A number that a person typed.",
        "chart": "numbers",
        "empty": "Nothing.",
        "place": {"row": 90, "col": 0, "size_x": 6, "size_y": 2},
        "columns": [{"column": "answer", "title": "Answer", "format": "integer"}],
    }
    listed = yaml.safe_dump([card], sort_keys=False).replace("\n", "\n  ")
    dashboard.write_text(f"{dashboard.read_text(encoding='utf-8')}\n  {listed.rstrip()}\n", encoding="utf-8")
    query = "-- One row: a number.\nwith\n\nfinal as (\n\n    select 42 as answer\n\n)\n\nselect * from final\n"
    (dashboard.parent / "by_hand.sql").write_text(query, encoding="utf-8")
    return folder


def test_d5_a_mart_with_an_alias_and_a_card_without_a_table_are_published_and_the_card_is_warned_of(
    project: Path, shared_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(project_dir=project, api_endpoint="http://127.0.0.1:1", local_dir=tmp_path / "local")
    manifest = Dbt(settings, settings.api_endpoint).manifest()  # it parses
    model = manifest.nodes["model.incident_ledger.fct_incident_recurrence"]
    assert (model.alias, model.name) == ("what_came_back", "fct_incident_recurrence")
    exposure = manifest.exposures["exposure.incident_ledger.incident_review"]
    assert model.unique_id in exposure.depends_on.nodes

    server = Metabase(shared_data / "metabase_api", "mbql5")
    with serving(server) as url:
        values = {"METABASE_URL": url, "METABASE_API_KEY": KEY, "PROJECT_DIR": str(project)}
        for name, value in (values | {"API_ENDPOINT": "http://127.0.0.1:1", "LOCAL_DIR": str(tmp_path)}).items():
            monkeypatch.setenv(f"INCIDENT_LEDGER_{name}", value)
        done = CliRunner().invoke(app, ["dashboard", "publish"], catch_exceptions=False, env={"COLUMNS": "200"})
    assert (done.exit_code, server.faults) == (0, [])
    assert "warning: the card by_hand of compliance refers to no table (`ref`)" in done.stderr
    assert done.stderr.count("warning:") == 1
    cards = {each["name"]: each for each in server.cards.values()}
    assert cards["By hand"]["description"].endswith("Definition: analyses/README.md")
    assert "`what_came_back`" in str(cards["Repeat incidents"]["dataset_query"])
    assert "fct_incident_recurrence`" not in str(cards["Repeat incidents"]["dataset_query"])
    assert "Data: fct_incident_recurrence, operational_metrics," in cards["Repeat incidents"]["description"]
