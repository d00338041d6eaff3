"""`incident-ledger ingest`: what other tools found."""

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command group `ingest`."""
    group = typer.Typer(no_args_is_help=True, help="Take in what other tools found wrong.")
    group.callback()(lambda: None)
    group.command("dbt", help="Results of any dbt project: models that failed, tests, freshness of sources.")(dbt)
    app.add_typer(group, name="ingest")


def dbt(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="TARGET...", help="dbt's target folder, or its run_results.json, sources.json, manifest.json."
        ),
    ],
    project: Annotated[
        str | None, typer.Option(help="The project's name; the manifest's, or that of most results, by default.")
    ] = None,
    as_of: Annotated[str | None, typer.Option(help="The time of this command, with its zone; now by default.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Take in and say what fails; the next tick opens, raises or resolves the incidents."""
    from incident_ledger.cli.actions import ingest as action

    action.dbt(paths, project, as_of, json)
