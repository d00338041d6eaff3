"""`doctor` looks at Metabase: the key, the database that it knows, whether its datasets are the project's."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import PROJECT_DIR
from incident_ledger.doctor.findings import Finding, Grade
from incident_ledger.doctor.metabase_checks import check_metabase
from incident_ledger.metabase.api import MetabaseApi
from incident_ledger.metabase.content import Content
from incident_ledger.metabase.publishing import Publisher
from incident_ledger.settings import Settings
from metabase.server import KEY, Metabase, serving

LEFT_OUT = "leaves the dataset ai_usage_prod out"


@pytest.fixture
def metabase(shared_data: Path) -> Iterator[Metabase]:
    """A server that has synced the marts."""
    made = Metabase(shared_data / "metabase_api", "mbql5")
    made.tables[5] = {"id": 5, "db_id": 7, "name": "operational_metrics", "schema": "ai_usage_prod"}
    with serving(made) as made.url:
        yield made
    assert made.faults == []
    assert made.writes() == []


def findings(metabase: Metabase, **settings: Any) -> list[Finding]:
    named = {"metabase_url": metabase.url, "metabase_api_key": KEY, "project_dir": PROJECT_DIR} | settings
    return list(check_metabase(Settings(**named)))


def texts(found: list[Finding], grade: Grade) -> str:
    return "\n".join(f"{each.text} {each.remedy}" for each in found if each.grade is grade)


def test_a_metabase_that_is_ready_is_fine_and_asked_to_be_published_to(metabase: Metabase) -> None:
    found = findings(metabase)
    assert texts(found, Grade.WRONG) == ""
    assert "takes the key, and knows the database Warehouse" in texts(found, Grade.OK)
    assert "it has operational_metrics of the dataset ai_usage_prod" in texts(found, Grade.OK)
    assert "incident-ledger dashboard publish" in texts(found, Grade.WARN)


def test_a_published_collection_is_counted(shared_data: Path, content: Content) -> None:
    made = Metabase(shared_data / "metabase_api", "mbql5")
    with serving(made) as made.url:
        Publisher(MetabaseApi(made.url, KEY), content, database="", collection="Incident Ledger").run()
        assert "the collection Incident Ledger has 4 dashboards" in texts(findings(made), Grade.OK)


def test_a_key_that_is_refused_is_wrong(metabase: Metabase) -> None:
    assert "refuses the key" in texts(findings(metabase, metabase_api_key="mb_other"), Grade.WRONG)


@pytest.mark.parametrize(
    ("details", "words"),
    [
        ({"project-id": "another"}, "reads the project another, and not ai-workflows-459123"),
        ({"dataset-filters-type": "inclusion", "dataset-filters-patterns": "shop_*"}, LEFT_OUT),
        ({"dataset-filters-type": "exclusion", "dataset-filters-patterns": "x, ai_*"}, LEFT_OUT),
    ],
)
def test_a_database_of_something_else_is_wrong(details: dict[str, str], words: str, metabase: Metabase) -> None:
    metabase.databases[7]["details"] = details
    assert words in texts(findings(metabase), Grade.WRONG)


def test_a_key_that_goes_in_the_clear_to_another_machine_is_named(
    metabase: Metabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "in the clear" not in texts(findings(metabase), Grade.WARN)
    monkeypatch.setattr("incident_ledger.doctor.metabase_checks._OWN_MACHINE", ())
    assert "the key goes to 127.0.0.1 in the clear" in texts(findings(metabase), Grade.WARN)


def test_details_that_the_key_may_not_see_are_not_judged(metabase: Metabase) -> None:
    del metabase.databases[7]["details"]
    metabase.databases[7]["details"] = {}
    assert texts(findings(metabase), Grade.WRONG) == ""


def test_another_dataset_and_none_are_named(metabase: Metabase) -> None:
    metabase.tables[5]["schema"] = "staging"
    assert "it has operational_metrics of staging, and not of the dataset ai_usage_prod" in texts(
        findings(metabase), Grade.WARN
    )
    metabase.tables.clear()
    assert "it has no operational_metrics of the dataset ai_usage_prod yet" in texts(findings(metabase), Grade.WARN)


def test_an_address_of_no_dashboard_is_named_without_any_metabase() -> None:
    settings = Settings(project_dir=PROJECT_DIR, dashboard_urls={"compliances": "https://m.example.com/dashboard/1"})
    (found,) = check_metabase(settings)
    assert found.grade is Grade.WARN
    assert "has an address for compliances" in found.text
    assert list(check_metabase(Settings(project_dir=PROJECT_DIR))) == []
    pages = {"dictionary": "https://example.com/dictionary.html", "incident": "https://example.com/{incident_id}.html"}
    assert list(check_metabase(Settings(project_dir=PROJECT_DIR, dashboard_urls=pages))) == []


def test_a_key_without_an_address_is_wrong() -> None:
    (found,) = check_metabase(Settings(project_dir=PROJECT_DIR, metabase_api_key=KEY))
    assert "Set INCIDENT_LEDGER_METABASE_URL" in found.text
