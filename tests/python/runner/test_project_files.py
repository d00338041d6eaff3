"""The checksum of what a warehouse is built from."""

import shutil
from pathlib import Path

import pytest

from conftest import PROJECT_DIR
from incident_ledger.runner.project_files import project_checksum
from incident_ledger.settings import Settings


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for name in ("models", "macros", "seeds", "tests/dbt"):
        shutil.copytree(PROJECT_DIR / name, tmp_path / name)
    for name in ("dbt_project.yml", "selectors.yml"):
        shutil.copy(PROJECT_DIR / name, tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    "name", ["models/marts/incidents/fct_mttr.sql", "models/docs.md", "macros/as_of.sql", "dbt_project.yml"]
)
def test_another_file_is_another_project(project: Path, name: str) -> None:
    before = project_checksum(Settings(project_dir=project))
    with (project / name).open("a") as file:
        file.write("\n")
    assert project_checksum(Settings(project_dir=project)) != before


def test_a_file_that_is_gone_or_renamed_is_another_project(project: Path) -> None:
    before = project_checksum(Settings(project_dir=project))
    model = project / "models" / "marts" / "incidents" / "fct_mttr.sql"
    model.rename(model.with_name("fct_other.sql"))
    renamed = project_checksum(Settings(project_dir=project))
    model.with_name("fct_other.sql").unlink()
    assert len({before, renamed, project_checksum(Settings(project_dir=project))}) == 3


def test_other_datasets_are_another_project_and_rows_of_seeds_are_not(project: Path) -> None:
    before = project_checksum(Settings(project_dir=project))
    assert project_checksum(Settings(project_dir=project, dataset="elsewhere")) != before
    with (project / "seeds" / "policy" / "severities.csv").open("a") as file:
        file.write("\n")
    assert project_checksum(Settings(project_dir=project)) == before
