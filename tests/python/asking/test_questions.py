"""The questions are listed, in words, where people look; what they answer is compared in `engines`."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from conftest import PROJECT_DIR
from incident_ledger.asking.question_files import FOLDER, ask_question, questions_page, read_questions
from incident_ledger.errors import UserError
from marts.conftest import AS_OF

QUESTIONS = read_questions(PROJECT_DIR)


def test_there_are_twenty_questions_and_the_page_lists_them_all() -> None:
    assert len(QUESTIONS) >= 20
    assert len({each.words for each in QUESTIONS}) == len(QUESTIONS)
    page = (PROJECT_DIR / FOLDER / "README.md").read_text(encoding="utf-8")
    assert page == questions_page(QUESTIONS), "incident-ledger ask --page writes it"


def test_a_name_that_is_none_is_answered_with_the_nearest() -> None:
    warehouse: Any = SimpleNamespace(settings=SimpleNamespace(project_dir=PROJECT_DIR))
    with pytest.raises(UserError, match="Is root_causes meant"):
        ask_question(warehouse, cast(Any, None), "root_cause", AS_OF)


@pytest.mark.parametrize("text", ["select 1\n", "-- One row per incident.\nselect 1\n", ""])
def test_a_file_without_its_question_is_named(text: str, tmp_path: Path) -> None:
    folder = tmp_path / FOLDER
    folder.mkdir(parents=True)
    (folder / "why.sql").write_text(text)
    with pytest.raises(UserError, match=r"why\.sql does not begin with its question"):
        read_questions(tmp_path)
