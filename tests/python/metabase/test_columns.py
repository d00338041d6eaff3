"""Descriptions and keys of columns in Metabase, by dbt-metabase: what is there of a person stays."""

import copy
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import PROJECT_DIR
from incident_ledger.dbt_runner import Dbt
from incident_ledger.metabase.api import MetabaseApi
from incident_ledger.metabase.columns import publish_columns
from incident_ledger.metabase.publishing import Published
from incident_ledger.settings import Settings
from metabase.server import KEY, Metabase, serving

ORDINARY = {
    **{"semantic_type": None, "fk_target_field_id": None, "description": None, "visibility_type": "normal"},
    **{"has_field_values": "none", "coercion_strategy": None, "settings": None},
}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("dbt")
    return Settings(project_dir=PROJECT_DIR, api_endpoint="http://127.0.0.1:1", local_dir=folder)


@pytest.fixture(scope="module")
def dbt(settings: Settings) -> Dbt:
    """The project, parsed once."""
    made = Dbt(settings, settings.api_endpoint)
    made.manifest()
    return made


@pytest.fixture
def metabase(shared_data: Path, dbt: Dbt, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Metabase]:
    """A server that has synced the marts as dbt has them, by their aliases, without descriptions."""
    monkeypatch.setattr("dbtmetabase._models._SYNC_PERIOD", 0)
    made = Metabase(shared_data / "metabase_api", "mbql5")
    for node in dbt.manifest().nodes.values():
        if node.resource_type == "model" and node.schema == settings.dataset:
            ident = len(made.tables) + 1
            made.tables[ident] = {
                **{"id": ident, "db_id": 7, "name": node.alias, "schema": node.schema, "description": None},
                **{"display_name": node.alias.replace("_", " ").title(), "visibility_type": None},
            }
            for name in node.columns:
                field = len(made.fields) + 1
                shown = name.replace("_", " ").title()
                made.fields[field] = ORDINARY | {
                    "id": field, "table_id": ident, "name": name, "display_name": shown
                }  # fmt: skip
    with serving(made) as made.url:
        yield made
    assert made.faults == []


def run(metabase: Metabase, settings: Settings, dbt: Dbt, **options: Any) -> Published:
    return publish_columns(MetabaseApi(metabase.url, KEY, sleep=lambda _: None), settings, dbt, **options)


def column(metabase: Metabase, table: str, name: str) -> dict[str, Any]:
    (ident,) = (key for key, each in metabase.tables.items() if each["name"] == table)
    (field,) = (each for each in metabase.fields.values() if (each["table_id"], each["name"]) == (ident, name))
    return field


def test_descriptions_and_keys_are_set_once(metabase: Metabase, settings: Settings, dbt: Dbt) -> None:
    planned = run(metabase, settings, dbt, is_plan=True)
    assert metabase.writes() == []
    done = run(metabase, settings, dbt)
    assert done.changes == planned.changes
    assert done.left == []
    target = column(metabase, "operational_metrics", "incident_id")
    refers = column(metabase, "fct_notifications", "incident_id")
    assert target["semantic_type"] == "type/PK"
    assert (refers["semantic_type"], refers["fk_target_field_id"]) == ("type/FK", target["id"])
    assert target["description"]
    assert all(each["description"] for each in metabase.tables.values())
    sent = len(metabase.writes())
    assert run(metabase, settings, dbt).changes == []
    assert len(metabase.writes()) == sent


def test_what_a_person_wrote_named_or_hid_stays(metabase: Metabase, settings: Settings, dbt: Dbt) -> None:
    field = column(metabase, "fct_notifications", "subject")
    field |= {"description": "Mine", "display_name": "My name", "visibility_type": "details-only"}
    key = column(metabase, "fct_notifications", "incident_id")
    key |= {"semantic_type": "type/FK", "fk_target_field_id": 1}
    before = copy.deepcopy((field, key | {"description": None}))
    done = run(metabase, settings, dbt)
    assert {(each.name, each.text) for each in done.left} == {
        ("fct_notifications.subject", "has another description in Metabase"),
        ("fct_notifications.incident_id", "has another key in Metabase"),
    }
    assert (field, key | {"description": None}) == before
    run(metabase, settings, dbt, overwrite=True)
    assert field["description"] != "Mine"
    assert (field["display_name"], field["visibility_type"]) == ("My name", "details-only")


def test_a_mart_with_an_alias_is_found_by_it_and_one_that_is_not_there_is_named(
    metabase: Metabase, settings: Settings, dbt: Dbt, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    node = dbt.manifest().nodes["model.incident_ledger.rpt_mttr"]
    (table,) = (each for each in metabase.tables.values() if each["name"] == "rpt_mttr")
    table["name"] = "mean_times"
    monkeypatch.setattr(node, "alias", "mean_times")
    (gone,) = (each for each in metabase.tables.values() if each["name"] == "fct_mttr")
    del metabase.tables[gone["id"]]
    done = run(metabase, settings, dbt)
    assert table["description"] == node.description
    assert [(each.name, each.text) for each in done.left] == [
        ("ai-workflows-459123.ai_usage_prod.fct_mttr", "is not in Metabase yet, or has another shape there")
    ]
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger("dbtmetabase").propagate
