"""`incident-ledger ask`."""

from incident_ledger.asking.question_files import ask_question, questions_page, read_questions
from incident_ledger.cli._console import Text, parse_time, print_rows, write_text
from incident_ledger.cli._rows import print_answer
from incident_ledger.dbt_runner import Dbt
from incident_ledger.settings import load_settings
from incident_ledger.warehouse import connect


def show_questions(*, is_page: bool) -> None:
    """The questions with their names; as Markdown where a page is wanted."""
    questions = read_questions(load_settings().project_dir)
    if is_page:
        write_text(questions_page(questions), end="")
        return
    rows = [[Text(each.name), Text(each.words)] for each in questions]
    print_rows(["name", "question"], rows, first=[0])


def answer_question(name: str, as_of: str | None, output: str, max_rows: int) -> None:
    """The rows that answer one, at a time."""
    time = parse_time(as_of, "--as-of")
    warehouse = connect(load_settings())
    print_answer(ask_question(warehouse, Dbt(warehouse.settings, warehouse.endpoint), name, time), output, max_rows)
