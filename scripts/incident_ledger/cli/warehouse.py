"""`incident-ledger warehouse`: the local warehouse's life, and files into tables."""

from pathlib import Path
from typing import Annotated

import typer

warehouse = typer.Typer(no_args_is_help=True, help="The local warehouse, and files into tables.")


def register(app: typer.Typer) -> None:
    """Add the group `warehouse`."""
    app.add_typer(warehouse, name="warehouse")


@warehouse.command()
def start() -> None:
    """Start the local warehouse; every command does so itself when it needs it."""
    from incident_ledger.cli.actions import warehouse as action

    action.start()


@warehouse.command()
def stop() -> None:
    """Stop the local warehouse; its data stay."""
    from incident_ledger.cli.actions import warehouse as action

    action.stop()


@warehouse.command()
def status(json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False) -> None:
    """Say whether the local warehouse runs, where, and what it holds. Exit code 3: it does not run."""
    from incident_ledger.cli.actions import warehouse as action

    action.status(json)


@warehouse.command()
def reset(yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False) -> None:
    """Delete everything that the local warehouse holds, and the outbox beside it."""
    from incident_ledger.cli.actions import warehouse as action

    action.reset(yes)


@warehouse.command()
def load(
    file: Annotated[Path, typer.Argument(help="CSV (.csv, .tsv), JSON lines (.jsonl, .ndjson, .json) or .parquet.")],
    table: Annotated[str, typer.Argument(metavar="DATASET.TABLE", help="A table that is there rules the types.")],
    strings: Annotated[bool, typer.Option("--strings", help="A new table: all columns are text.")] = False,
    replace: Annotated[bool, typer.Option("--replace", help="Replace the table's rows instead of adding.")] = False,
) -> None:
    """Load a file into a table: all of it, or nothing and the line that is wrong.

    CSV has a header; an empty field is NULL, and a quoted empty field is the empty text in a text column. Without a
    table of that name one is made, with types that all values fit (`007` and `1e5` stay text), and its dataset too.
    """
    from incident_ledger.cli.actions import warehouse as action

    action.load(file, table, strings, replace)
