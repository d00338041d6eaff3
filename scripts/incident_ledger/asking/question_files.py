"""The questions of `analyses/questions/`: one SQL file each, whose first comment is the question in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from pathlib import Path

from incident_ledger.dbt_runner import Dbt
from incident_ledger.errors import UserError
from incident_ledger.job_labels import labelled_model
from incident_ledger.warehouse import QueryResult, Warehouse

FOLDER = Path("analyses") / "questions"
_PAGE = """# What analysts ask

Each question is a query of this folder over the marts, for the time `@as_of`. `incident-ledger ask` lists them,
`incident-ledger ask NAME` answers one (`--format csv` or `json` for other programs, `--as-of` for another time).
A new file here is a new question; `incident-ledger ask --page` writes this page.

| question | name |
| --- | --- |
"""


@dataclass(frozen=True)
class Question:
    """A question in words (one line), by the name of its file."""

    name: str
    words: str


def read_questions(project_dir: Path) -> list[Question]:
    """All questions by name. Raises `UserError` for a file that does not begin with its question."""
    return [_read(file) for file in sorted((project_dir / FOLDER).glob("*.sql"))]


def questions_page(questions: Sequence[Question]) -> str:
    """The list as Markdown."""
    lines = [f"| {each.words} | [`{each.name}`]({each.name}.sql) |\n" for each in questions]
    return _PAGE + "".join(lines)


def ask_question(warehouse: Warehouse, dbt: Dbt, name: str, as_of: datetime) -> QueryResult:
    """The rows that answer a question at a time. Raises `UserError` where there is none of that name, or it is off."""
    names = [question.name for question in read_questions(warehouse.settings.project_dir)]
    if name not in names:
        near = get_close_matches(name, names, n=3)
        hint = f"Is {' or '.join(near)} meant?" if near else "`incident-ledger ask` lists them."
        raise UserError(f"There is no question {name!r} in {FOLDER}/. {hint}")
    compiled = dbt.analyses((FOLDER / f"{name}.sql").as_posix())
    if name not in compiled:
        raise UserError(
            f"The question {name} is off: its mart is not built with these settings ({FOLDER}/_questions.yml)."
        )
    with labelled_model(name):
        return warehouse.answer(compiled[name], {"as_of": as_of})


def _read(file: Path) -> Question:
    first = file.read_text(encoding="utf-8").partition("\n")[0]
    words = first.removeprefix("--").strip()
    if not first.startswith("--") or not words.endswith("?"):
        raise UserError(f"{file} does not begin with its question: a comment of one line that ends with `?`.")
    return Question(file.stem, words)
