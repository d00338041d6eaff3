"""`incident-ledger import`: incidents of other systems."""

from datetime import UTC, datetime

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from incident_ledger.cli._console import err, out, to_json, write_text
from incident_ledger.errors import ExitCode
from incident_ledger.importers.pipeline import ImportReport, take_in
from incident_ledger.importers.sources import read_documents
from incident_ledger.importers.statuspage import RetractionRule, StatuspageImporter
from incident_ledger.settings import load_settings
from incident_ledger.warehouse import connect

_SHOWN = 10


def statuspage(places: list[str], complete: bool, json: bool) -> None:
    """Import and say what was new, what was known and what was refused (exit code 5)."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("reading", total=2 * len(places) + 1)
        documents = read_documents(places, on_read=lambda _: progress.advance(task))
        progress.update(task, description="importing")
        report = take_in(
            connect(load_settings()),
            StatuspageImporter(RetractionRule(is_complete=complete)),
            documents,
            datetime.now(UTC),
            on_parsed=lambda: progress.advance(task),
        )
        progress.advance(task)
    if json:
        write_text(to_json(vars(report) | {"rejects": [vars(reject) for reject in report.rejects]}))
    else:
        _print(report)
    if report.rejects:
        raise typer.Exit(int(ExitCode.REJECTS))


def _print(report: ImportReport) -> None:
    left_out = f", {report.left_out} maintenance left out" if report.left_out else ""
    out.print(
        f"{report.source}: {report.read} records read: {report.new_incidents} new incidents, "
        f"{report.new_events} new events, {report.unchanged} unchanged{left_out}, {len(report.rejects)} rejected.",
        soft_wrap=True,
    )
    for style, what, lines in (
        ("yellow", "note", report.remarks),
        ("red", "rejected", tuple(str(reject) for reject in report.rejects)),
    ):
        for line in lines[:_SHOWN]:
            err.print(f"{what}: {line}", style=style, soft_wrap=True)
        if len(lines) > _SHOWN:
            err.print(f"... and {len(lines) - _SHOWN} more of these", style=style)
    if report.rejects:
        err.print("See them again: incident-ledger rejects list", style="dim")
