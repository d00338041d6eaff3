"""`incident-ledger dashboard`: the dashboards of `analyses/dashboards/` as pages, and in Metabase."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="The dashboards as pages that need no server, and in Metabase.")


def register(parent: typer.Typer) -> None:
    """Add the group to the command line."""
    parent.add_typer(app, name="dashboard")


@app.command()
def render(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="[DIR]", help="A new folder, or one that has such pages; by default that of the setting."
        ),
    ] = None,
    is_opened: Annotated[bool, typer.Option("--open", help="Open the first page in your browser.")] = False,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="The time of the pages (2026-03-02T09:00Z); now by default.")
    ] = None,
) -> None:
    """Write the dashboards, an index and a page an incident as HTML. Nothing is built."""
    from incident_ledger.cli.actions import dashboard as action

    action.render_pages(folder, is_opened, as_of)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder, or one with an earlier export.")],
) -> None:
    """Write the dashboards as the YAML files that Metabase imports (its serialization). Nothing is asked or built."""
    from incident_ledger.cli.actions import metabase as action

    action.export_dashboards(folder)


@app.command()
def plan(
    overwrite: Annotated[bool, typer.Option("--overwrite", help="As publish would with this option.")] = False,
    columns: Annotated[bool, typer.Option("--columns", help="As publish would with this option.")] = False,
) -> None:
    """Show what `publish` would change in Metabase. Nothing is changed."""
    from incident_ledger.cli.actions import metabase as action

    action.publish_dashboards(is_plan=True, overwrite=overwrite, with_columns=columns)


@app.command()
def publish(
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace also what a person edited; without it that is named and stays.")
    ] = False,
    columns: Annotated[
        bool,
        typer.Option("--columns", help="Also descriptions and keys of the marts' columns; for an administrator's key."),
    ] = False,
) -> None:
    """Create or update the collection, its cards and dashboards in Metabase, by the key of the setting."""
    from incident_ledger.cli.actions import metabase as action

    action.publish_dashboards(is_plan=False, overwrite=overwrite, with_columns=columns)
