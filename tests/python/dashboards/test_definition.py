"""A dashboard's definition is validated as it is read, by file and line; exposures are what the cards stand on."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from conftest import PROJECT_DIR
from incident_ledger.dashboards.definition import FOLDER, Dashboard, Place, load_dashboards
from incident_ledger.dbt_runner import Dbt
from incident_ledger.errors import UserError
from incident_ledger.settings import Settings

DASHBOARDS = load_dashboards(PROJECT_DIR)
NAMES = ["system-health", "incident-review", "data-quality", "compliance"]


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A project with one dashboard, to be broken."""
    shutil.copytree(PROJECT_DIR / FOLDER / "data-quality", tmp_path / FOLDER / "data-quality")
    return tmp_path


def edit(project: Path, old: str, new: str) -> int:
    """Replace the first of a text in the definition; the line that it stood on."""
    path = project / FOLDER / "data-quality" / "dashboard.yml"
    before, found, after = path.read_text().partition(old)
    assert found
    path.write_text(before + new + after)
    return before.count("\n") + 1


def faults(project: Path) -> list[str]:
    with pytest.raises(UserError) as raised:
        load_dashboards(project)
    return str(raised.value).splitlines()


def test_the_four_dashboards_are_valid() -> None:
    assert [each.name for each in DASHBOARDS] == NAMES


def test_an_unknown_key_is_named_with_its_line(copied: Path) -> None:
    line = edit(copied, "    chart: numbers", "    colour: red\n    chart: numbers")
    assert faults(copied) == [
        f"analyses/dashboards/data-quality/dashboard.yml:{line}: cards.0.colour: is not a key that there is"
    ]


def test_a_card_that_does_not_exist_and_a_query_without_a_card_are_named(copied: Path) -> None:
    line = edit(copied, "card: worst_rules", "card: best_rules")
    found = faults(copied)
    assert f"analyses/dashboards/data-quality/dashboard.yml:{line}: there is no best_rules.sql beside it" in found
    assert any(each.endswith("worst_rules.sql has no card here") for each in found)


def test_two_cards_on_one_place_are_named(copied: Path) -> None:
    line = edit(copied, "place: {row: 11,", "place: {row: 10,")
    assert faults(copied) == [
        f"analyses/dashboards/data-quality/dashboard.yml:{line}: the card worst_rules overlaps failed_rate_by_day"
    ]


def test_a_card_beyond_the_grid_is_named(copied: Path) -> None:
    line = edit(copied, "place: {row: 11, col: 0, size_x: 24,", "place: {row: 11, col: 1, size_x: 24,")
    (fault,) = faults(copied)
    assert fault.startswith(f"analyses/dashboards/data-quality/dashboard.yml:{line}: cards.2.place")
    assert fault.endswith("reaches column 25 of a grid of 24")


def test_an_axis_that_is_no_column_is_named(copied: Path) -> None:
    edit(copied, "x: batch_day", "x: month")
    (fault,) = faults(copied)
    assert fault.endswith("uses month, which is not among its columns")


def test_a_filter_that_the_dashboard_lacks_is_named(copied: Path) -> None:
    line = edit(copied, "filter_by: {component: rows}", "filter_by: {severity: rows}")
    assert faults(copied) == [
        f"analyses/dashboards/data-quality/dashboard.yml:{line}: the dashboard has no filter severity"
    ]


def test_a_decision_that_the_log_does_not_have_is_named(copied: Path) -> None:
    (copied / "analyses" / "README.md").write_text(
        "# Log\n\n## Rates of data quality\nText.\n\n## A rule's id\nText.\n"
    )
    load_dashboards(copied)
    line = edit(copied, "decisions: [Rates of data quality", "decisions: [Rates of quality")
    assert faults(copied) == [
        f"analyses/dashboards/data-quality/dashboard.yml:{line}: 'Rates of quality' is no heading of analyses/README.md"
    ]


def test_a_position_below_the_first_is_named(copied: Path) -> None:
    edit(copied, "position: 3", "position: 0")
    (fault,) = faults(copied)
    assert fault.endswith("position: Input should be greater than or equal to 1")


@pytest.mark.parametrize("text", ["", "- 1\n", "cards: [\n", "title: a\x00\n"])
def test_a_file_that_is_no_dashboard_is_named(text: str, copied: Path) -> None:
    (copied / FOLDER / "data-quality" / "dashboard.yml").write_text(text)
    found = faults(copied)
    assert found[0].startswith("analyses/dashboards/data-quality/dashboard.yml:")
    assert len(found) == 1


def test_a_folder_without_a_definition_and_a_project_without_dashboards_are_named(copied: Path) -> None:
    (copied / FOLDER / "data-quality" / "dashboard.yml").unlink()
    assert "dashboard.yml is missing" in faults(copied)[0]
    shutil.rmtree(copied / FOLDER)
    assert "There is no dashboard" in faults(copied)[0]


@pytest.mark.parametrize(
    ("other", "is_over"), [((2, 0, 12, 2), False), ((1, 11, 2, 2), True), ((0, 12, 2, 2), False), ((0, 0, 1, 1), True)]
)
def test_cards_overlap_where_they_share_a_cell(other: tuple[int, int, int, int], is_over: bool) -> None:
    row, col, size_x, size_y = other
    place = Place(row=0, col=0, size_x=12, size_y=2)
    assert place.overlaps(Place(row=row, col=col, size_x=size_x, size_y=size_y)) is is_over


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What dbt knows of the project."""
    folder = tmp_path_factory.mktemp("dbt")
    settings = Settings(
        project_dir=PROJECT_DIR,
        api_endpoint="http://127.0.0.1:1",
        local_dir=folder,
        dashboard_urls={"compliance": "https://metabase.example.com/dashboard/4?tab=1"},
    )
    parsed: dict[str, Any] = json.loads(json.dumps(Dbt(settings, None).manifest().to_dict(), default=str))
    return parsed


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=NAMES)
def test_an_exposure_depends_on_what_its_cards_read(dashboard: Dashboard, manifest: dict[str, Any]) -> None:
    (exposure,) = (each for each in manifest["exposures"].values() if each["name"] == dashboard.name.replace("-", "_"))
    cards = [manifest["nodes"][f"analysis.incident_ledger.{card.card}"] for card in dashboard.cards]
    assert set(exposure["depends_on"]["nodes"]) == {name for card in cards for name in card["depends_on"]["nodes"]}
    assert exposure["owner"] == {"name": dashboard.owner.name, "email": dashboard.owner.email}
    assert (exposure["label"], exposure["description"]) == (dashboard.title, dashboard.description)
    known = {"compliance": "https://metabase.example.com/dashboard/4?tab=1"}
    assert exposure["url"] == known.get(dashboard.name, f"https://metabase.samba.tv/dashboard/{dashboard.name}")


def test_cards_read_marts_and_the_policy_alone(manifest: dict[str, Any]) -> None:
    cards = [f"analysis.incident_ledger.{card.card}" for dashboard in DASHBOARDS for card in dashboard.cards]
    read = {name for card in cards for name in manifest["nodes"][card]["depends_on"]["nodes"]}
    layers = {tuple(manifest["nodes"][name]["fqn"][1:2]) for name in read}
    assert layers == {("marts",), ("policy",)}
    assert not [card for card in cards if "current_" in manifest["nodes"][card]["raw_code"]]
