"""`incident-ledger sql`: one statement to the warehouse, its answer to the terminal."""

import sys
from enum import StrEnum
from typing import Annotated

import typer

from incident_ledger.cli._console import err, write_lines
from incident_ledger.cli._rows import csv_lines, json_lines, print_table
from incident_ledger.errors import StatementError, UserError
from incident_ledger.settings import load_settings
from incident_ledger.warehouse import QueryResult, connect

# The service's own troubles; every other reason is about the statement.
_NOT_THE_STATEMENT = {
    "backendError",
    "internalError",
    "rateLimitExceeded",
    "quotaExceeded",
    "accessDenied",
    "jobBackendError",
    "jobInternalError",
    "jobRateLimitExceeded",
    "InternalServerError",
    "ServiceUnavailable",
    "BadGateway",
}


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
    text = sys.stdin.read() if statement == "-" else statement
    if not text.strip():
        raise UserError("The statement is empty.")
    warehouse = connect(load_settings())
    try:
        answer = warehouse.answer(text)
    except StatementError as error:
        if error.reason in _NOT_THE_STATEMENT:
            raise
        raise UserError(f"{error}\n{error.detail}".rstrip()) from error
    if not answer.columns or answer.affected is not None or _is_ddl(answer):
        err.print(_done(answer), style="dim")
    elif output is Format.TABLE:
        print_table(answer, max_rows)
    else:
        write_lines(csv_lines(answer) if output is Format.CSV else json_lines(answer))


def _is_ddl(answer: QueryResult) -> bool:
    return (answer.statement_type or "").startswith(("CREATE", "DROP", "ALTER", "TRUNCATE"))


def _done(answer: QueryResult) -> str:
    what = (answer.statement_type or "statement").lower().replace("_", " ")
    return f"{what}: done" if answer.affected is None else f"{what}: {answer.affected:,} rows"
