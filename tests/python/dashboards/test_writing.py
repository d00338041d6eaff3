"""A folder of pages is replaced whole or not at all; what fails in a run is its last step alone."""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from conftest import PROJECT_DIR
from incident_ledger.dashboards.render import MARK, write_folder
from incident_ledger.dbt_runner import Dbt
from incident_ledger.errors import UserError
from incident_ledger.runner.page_step import write_pages
from incident_ledger.runner.steps import Outcome, Steps
from incident_ledger.settings import Settings
from incident_ledger.warehouse import connect


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_folder_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "pages"
    write_folder(folder, {"a.html": "1", "b.html": "1"})
    write_folder(folder, {"a.html": "2"})
    assert names(folder) == {"a.html", MARK}
    assert (folder / "a.html").read_text() == "2"
    assert names(folder.parent) == {"pages"}


def test_a_folder_is_as_it_was_when_writing_fails(tmp_path: Path) -> None:
    folder = tmp_path / "pages"
    write_folder(folder, {"a.html": "1"})
    with pytest.raises(UserError, match="cannot be written"):
        write_folder(folder, {"a.html": "2", "no/such/folder.html": "2"})
    assert (folder / "a.html").read_text() == "1"
    assert names(tmp_path) == {"pages"}


def test_a_folder_is_as_it_was_when_the_new_one_cannot_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "pages"
    write_folder(folder, {"a.html": "1"})
    rename = Path.rename

    def failing(self: Path, target: Path) -> Path:
        if self.suffix == ".new":
            raise OSError("no space")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(UserError, match="no space"):
        write_folder(folder, {"a.html": "2"})
    assert (folder / "a.html").read_text() == "1"
    assert names(tmp_path) == {"pages"}


def test_what_a_killed_run_left_is_removed_and_one_at_work_is_left_alone(tmp_path: Path) -> None:
    for name, age in ((".pages.a.new", 2), (".pages.b.old", 2), (".pages.c.new", 0)):
        (tmp_path / name).mkdir()
        then = time.time() - age * 3600
        os.utime(tmp_path / name, (then, then))
    write_folder(tmp_path / "pages", {"a.html": "1"})
    assert names(tmp_path) == {"pages", ".pages.c.new"}


@pytest.mark.parametrize("pages", ["", "own"])
def test_pages_that_cannot_be_written_fail_a_step_and_nothing_else(pages: str, tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "thesis.txt").write_text("mine")
    settings = Settings(
        project_dir=PROJECT_DIR,
        api_endpoint="http://127.0.0.1:1",
        local_dir=tmp_path / "local",
        pages=str(tmp_path / pages) if pages else "",
    )
    steps = Steps(lambda _: None, lambda _: None)
    write_pages(steps, connect(settings), Dbt(settings, settings.api_endpoint), datetime(2026, 3, 2, tzinfo=UTC))
    if not pages:
        assert steps.done == []
        return
    (step,) = steps.done
    assert (step.name, step.outcome) == ("pages", Outcome.FAILED)
    assert "holds other files" in step.summary
    assert names(tmp_path / "own") == {"thesis.txt"}
