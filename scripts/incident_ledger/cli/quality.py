"""`incident-ledger quality`: tables checked by Great Expectations suites, now and by hand."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Check tables with Great Expectations suites.")
_OWNER = "engineering_lead"


def register(root: typer.Typer) -> None:
    """Put the group below the root command."""
    root.add_typer(app, name="quality")


@app.command()
def check(
    *,
    table: Annotated[str | None, typer.Option(help="Only this table: DATASET.TABLE, or TABLE of the marts.")] = None,
    suite: Annotated[
        Path | None, typer.Option(help="A suite by hand (with --table, unless its meta names one).")
    ] = None,
    all_days: Annotated[
        bool, typer.Option("--all-days", help="Each day that a table has, not only changed ones.")
    ] = False,
    as_of: Annotated[str | None, typer.Option(help="The as-of time, ISO 8601 with a zone; now by default.")] = None,
    record: Annotated[bool, typer.Option("--record", help="Write the results, as `run` does.")] = False,
    fail_on: Annotated[
        str | None,
        typer.Option(help="P0 to P3: exit code 1 when something is in breach at it or worse.", metavar="SEVERITY"),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Check by the suites of the settings, or any table with any suite.

    Without --suite: each suite's table, on the days that changed since the last recorded check. With --suite: the whole
    table as one batch (--all-days: each day). Nothing is written without --record.
    """
    from incident_ledger.cli.actions import quality as action

    action.check(table=table, suite=suite, all_days=all_days, as_of=as_of, record=record, fail_on=fail_on, json_=json_)


@app.command()
def docs(
    *,
    all_days: Annotated[
        bool, typer.Option("--all-days", help="Each day that a table has, not only changed ones.")
    ] = False,
    as_of: Annotated[str | None, typer.Option(help="The as-of time, ISO 8601 with a zone; now by default.")] = None,
) -> None:
    """Check and build Great Expectations' Data Docs under target/ (its pages load styles from the network)."""
    from incident_ledger.cli.actions import quality as action

    action.docs(all_days=all_days, as_of=as_of)


@app.command()
def lint(
    files: Annotated[list[Path] | None, typer.Argument(help="Suites; those of the settings by default.")] = None,
) -> None:
    """Say what is wrong in suites, as far as can be known without their tables.

    Exit code 2 when one cannot be evaluated; a key, an owner or a dimension that nobody knows is named alone.
    """
    from incident_ledger.cli.actions import suites as action

    action.lint(files)


@app.command()
def new(
    table: Annotated[str, typer.Argument(help="DATASET.TABLE, or TABLE of the marts.")],
    *,
    file: Annotated[Path | None, typer.Option(help="Where to; the first folder of suites by default.")] = None,
    owner: Annotated[str, typer.Option(help="Who answers for it: a contact of the policy.")] = _OWNER,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is there.")] = False,
) -> None:
    """Write a first suite from a table's columns, for a person to edit: keys, types, volume, freshness."""
    from incident_ledger.cli.actions import suites as action

    action.new(table, file=file, owner=owner, force=force)
