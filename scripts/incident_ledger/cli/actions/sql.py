"""`incident-ledger sql`: one statement to the warehouse, its answer to the terminal."""

import sys

from incident_ledger.cli._console import err
from incident_ledger.cli._rows import print_answer
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


def sql(statement: str, output: str, max_rows: int) -> None:
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
    else:
        print_answer(answer, output, max_rows)


def _is_ddl(answer: QueryResult) -> bool:
    return (answer.statement_type or "").startswith(("CREATE", "DROP", "ALTER", "TRUNCATE"))


def _done(answer: QueryResult) -> str:
    what = (answer.statement_type or "statement").lower().replace("_", " ")
    return f"{what}: done" if answer.affected is None else f"{what}: {answer.affected:,} rows"
