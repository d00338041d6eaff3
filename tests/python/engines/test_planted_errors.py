"""An error in a model that the local warehouse takes and BigQuery would not is refused, and named."""

import shutil
from pathlib import Path

import pytest

from conftest import PROJECT_DIR
from engines.googlesql import RefusedError, analyze
from engines.project import Analysis, Project, analyze_project, compile_project
from engines.recorder import expected_to_be_refused
from incident_ledger.settings import Settings
from incident_ledger.warehouse import Warehouse

MODEL = "stg_ledger__incident_events"
LAST = "select * from final"
PLANTED = {
    "a number compared with a text": "select * from final where '1' = 1",
    "a text column compared with a number": "select * from final where event_type = 1",
    "an aggregate with a filter": "select count(*) filter (where event_type = 'x') as n from final",
    "an alias used beside its definition": "select 1 as one, one + 1 as two from final",
    "a set of another type": "select event_id in (1, 2) as is_one from final",
    "a text as a condition": "select event_id from final where 'true'",
    "an operator of the engine below": "select payload ->> 'title' as title from final",
    "distinct on": "select distinct on (incident_id) event_id from final",
    "types that do not meet": "select nullif(occurred_at, event_id) as t from final",
    "a star of the engine below": "select * exclude (event_id) from final",
}


@pytest.fixture
def model(project: Project) -> str:
    """The compiled text of the model that gets the error."""
    [query] = [query for query in project.queries if query.node.endswith(f".{MODEL}")]
    assert query.sql.rstrip().endswith(LAST)
    return query.sql


@pytest.mark.parametrize("error", PLANTED)
def test_an_error_that_only_the_local_warehouse_takes_is_refused(
    error: str, model: str, analysis: Analysis, warehouse: Warehouse, compiled_settings: Settings
) -> None:
    planted = model.rstrip().removesuffix(LAST) + PLANTED[error]
    with expected_to_be_refused():
        warehouse.rows(planted.replace(f"`{compiled_settings.raw_dataset}`", f"`{warehouse.settings.raw_dataset}`"))
    with pytest.raises(RefusedError):
        analyze(planted, analysis.catalog)
    analyze(model, analysis.catalog)


def test_an_error_in_a_file_of_the_project_is_named_with_its_file(compiled_settings: Settings, tmp_path: Path) -> None:
    copy = tmp_path / "project"
    copy.mkdir()
    for name in (
        "dbt_project.yml",
        "profiles.yml",
        "models",
        "macros",
        "seeds",
        "tests/dbt",
        "analyses",
        "selectors.yml",
    ):
        source = PROJECT_DIR / name
        if source.is_dir():
            shutil.copytree(source, copy / name)
        elif source.is_file():
            shutil.copy(source, copy / name)
    [file] = copy.rglob(f"{MODEL}.sql")
    file.write_text(file.read_text().rstrip().removesuffix(LAST) + PLANTED["a text column compared with a number"])

    settings = compiled_settings.model_copy(update={"project_dir": copy, "local_dir": tmp_path / "local"})
    planted = analyze_project(compile_project(settings, tmp_path / "compiled", model=MODEL), settings)

    told = planted.told("model")
    assert str(file.relative_to(copy)) in told
    assert "No matching signature for operator = for argument types: STRING, INT64" in told
