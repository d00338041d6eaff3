"""`incident-ledger load`: lands the vendors' usage exports, and log entries where no sink writes them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from incident_ledger.cli._console import err, out, parse_time, to_json, write_text
from incident_ledger.errors import ExitCode
from incident_ledger.importers import Reject
from incident_ledger.importers.sinks import load_sink
from incident_ledger.importers.usage import LoadReport, load_usage
from incident_ledger.settings import load_settings
from incident_ledger.warehouse import connect

_SHOWN = 10


def usage(files: list[Path], source: str, exported_at: str | None, as_of: str | None, json: bool) -> None:
    """Load and say what was new, what is incomplete and what was refused."""
    loaded_at = parse_time(as_of, "--as-of")
    exported = None if exported_at is None else parse_time(exported_at, "--exported-at")
    report = load_usage(connect(load_settings()), source, files, loaded_at=loaded_at, exported_at=exported)
    if json:
        write_text(to_json(_as_json(report)))
    else:
        _print(report)
    if report.rejects:
        raise typer.Exit(int(ExitCode.REJECTS))


def _as_json(report: LoadReport) -> dict[str, Any]:
    fields = vars(report) | {"rejects": [vars(reject) for reject in report.rejects]}
    return fields | {name: list(fields[name]) for name in ("incomplete_days", "notes")}


def _print(report: LoadReport) -> None:
    period = f", {report.first_day} to {report.last_day}" if report.first_day else ""
    known = report.records - report.new
    out.print(
        f"{report.source}: {report.records} records{period}: {report.new} new or corrected, {known} known already.",
        soft_wrap=True,
    )
    if report.retracted:
        out.print(f"Taken back, since this export does not hold them any more: {report.retracted} without a name.")
    for note in report.notes:
        err.print(f"note: {note}", style="yellow", soft_wrap=True)
    _print_rejects(report.rejects)


def sink(name: str, files: list[Path], as_of: str | None, json: bool) -> None:
    """Load and say what was new, what came twice and what was refused."""
    report = load_sink(connect(load_settings()), name, files, loaded_at=parse_time(as_of, "--as-of"))
    if json:
        write_text(to_json(vars(report) | {"rejects": [vars(reject) for reject in report.rejects]}))
    else:
        known = report.entries - report.doubled - report.new
        text = f"{report.new} new, {known} known already, {report.doubled} twice in these files"
        out.print(f"{report.sink}: {report.entries} entries for {report.table}: {text}.", soft_wrap=True)
        if report.future:
            err.print(f"note: {report.future} have a time in the future, and count for nothing.", style="yellow")
        _print_rejects(report.rejects)
    if report.rejects:
        raise typer.Exit(int(ExitCode.REJECTS))


def _print_rejects(rejects: Sequence[Reject]) -> None:
    for reject in rejects[:_SHOWN]:
        err.print(f"rejected: {reject}", style="red", soft_wrap=True)
    if len(rejects) > _SHOWN:
        err.print(f"... and {len(rejects) - _SHOWN} more: incident-ledger rejects list", style="red")
