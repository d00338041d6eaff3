"""`incident-ledger sql`: one statement to the warehouse, its answer to the terminal."""

from enum import StrEnum
from typing import Annotated

import typer


class Format(StrEnum):
    """How rows are written."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Add `sql`."""
    # A statement may begin with a comment, which looks like an option.
    app.command(name="sql", context_settings={"ignore_unknown_options": True})(sql)


def sql(
    statement: Annotated[str, typer.Argument(help="GoogleSQL; `-` reads it from standard input.")],
    output: Annotated[Format, typer.Option("--format", help="How rows are written.")] = Format.TABLE,
    max_rows: Annotated[int, typer.Option(min=1, help="Rows of the table; CSV and JSON have all.")] = 200,
) -> None:
    """Send a statement to the warehouse; never reads more than INCIDENT_LEDGER_MAXIMUM_BYTES_BILLED."""
    from incident_ledger.cli.actions import sql as action

    action.sql(statement, output.value, max_rows)
