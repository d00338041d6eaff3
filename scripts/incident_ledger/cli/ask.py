"""`incident-ledger ask`: the questions of `analyses/questions/`, and their answers."""

from typing import Annotated

import typer

from incident_ledger.cli.sql import Format


def register(app: typer.Typer) -> None:
    """Add `ask`."""
    app.command(name="ask")(ask)


def ask(
    question: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A question; without it, the list.")] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="The time that it is asked for (2026-03-02T09:00Z); now by default.")
    ] = None,
    output: Annotated[Format, typer.Option("--format", help="How rows are written.")] = Format.TABLE,
    max_rows: Annotated[int, typer.Option(min=1, help="Rows of the table; CSV and JSON have all.")] = 200,
    page: Annotated[bool, typer.Option("--page", help="Print the list as Markdown.")] = False,
) -> None:
    """Answer a question that analysts ask, from what is built. Nothing is built."""
    from incident_ledger.cli.actions import ask as action

    if question is None:
        action.show_questions(is_page=page)
    else:
        action.answer_question(question, as_of, output.value, max_rows)
