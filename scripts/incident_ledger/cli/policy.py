"""`incident-ledger policy`: the playbook's tables, shown, checked and put into the warehouse."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="The playbook's tables: show, check, load.")


def register(parent: typer.Typer) -> None:
    """Add the group to the command line."""
    parent.add_typer(app, name="policy")


@app.command()
def show(
    table: Annotated[str | None, typer.Argument(help="One table; all when it is left out.", show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For machines: every column, empty cells as null.")] = False,
    as_of: Annotated[str | None, typer.Option("--as-of", help="Only the rows that held then (ISO 8601).")] = None,
    files: Annotated[bool, typer.Option("--files", help="The seed files, not what the warehouse holds.")] = False,
) -> None:
    """Show what holds: the policy tables of the warehouse, or the seed files as long as those are not loaded."""
    from incident_ledger.cli.actions import policy as action

    action.show(table, as_json, as_of, files)


@app.command()
def check(
    folder: Annotated[Path | None, typer.Argument(help="Another folder of seed files.", show_default=False)] = None,
) -> None:
    """Check the seed files; every wrong cell and row is named by file, line and column (exit code 2)."""
    from incident_ledger.cli.actions import policy as action

    action.check(folder)


@app.command()
def load() -> None:
    """Put the seed files into the warehouse, once they have passed all checks here and dbt's tests there."""
    from incident_ledger.cli.actions import policy as action

    action.load()
