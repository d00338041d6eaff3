"""`incident-ledger dashboard`."""

import webbrowser
from pathlib import Path

import typer

from incident_ledger.cli._console import err, out, parse_time
from incident_ledger.dashboards.render import render
from incident_ledger.dbt_runner import Dbt
from incident_ledger.errors import ExitCode
from incident_ledger.settings import load_settings
from incident_ledger.warehouse import connect


def render_pages(folder: Path | None, is_opened: bool, as_of: str | None) -> None:
    """Write the pages. Exits with 3 when a card could not be computed: the pages are there, and say which."""
    time, settings = parse_time(as_of, "--as-of"), load_settings()
    warehouse = connect(settings)
    folder = folder or settings.pages_dir or settings.local_path / "pages"
    rendered = render(warehouse, Dbt(warehouse.settings, warehouse.endpoint), folder, time)
    for name, error in rendered.failed.items():
        err.print(f"error: {name} could not be computed: {error}", style="red", soft_wrap=True)
    for each in rendered.warnings:
        err.print(f"warning: {each}", soft_wrap=True)
    out.print(f"{rendered.files} pages, beginning with {rendered.index}", soft_wrap=True)
    if is_opened:
        webbrowser.open(rendered.index.as_uri())
    if rendered.failed:
        raise typer.Exit(int(ExitCode.OUTSIDE))
