"""`incident-ledger ingest dbt`: takes in the artifacts of a dbt project."""

from dataclasses import asdict
from pathlib import Path

from incident_ledger.cli._console import err, out, parse_time, to_json, write_text
from incident_ledger.dbt_results import IngestReport, ingest
from incident_ledger.settings import load_settings
from incident_ledger.warehouse import connect

_SHOWN = 10


def dbt(paths: list[Path], project: str | None, as_of: str | None, json: bool) -> None:
    """Take in and say what fails."""
    report = ingest(connect(load_settings()), paths, ingested_at=parse_time(as_of, "--as-of"), project=project)
    if json:
        write_text(to_json(asdict(report)))
    else:
        _print(report)


def _print(report: IngestReport) -> None:
    known = report.results - report.new
    out.print(
        f"dbt {report.project}: {report.results} results, {report.new} new, {known} known already; "
        f"{report.failures} failed or warned.",
        soft_wrap=True,
        markup=False,
    )
    for severity_level, title in report.open[:_SHOWN]:
        out.print(f"  {severity_level}  {title}", soft_wrap=True, markup=False)
    if len(report.open) > _SHOWN:
        out.print(f"  ... and {len(report.open) - _SHOWN} more")
    for title in report.ended[:_SHOWN]:
        out.print(f"  over: {title}", soft_wrap=True, markup=False)
    if not report.has_lineage:
        err.print(
            "note: without manifest.json nobody knows what depends on what: all failing tests are one incident.",
            style="yellow",
            soft_wrap=True,
        )
    if report.open or report.ended:
        out.print("The next tick opens or resolves the incidents: incident-ledger tick", soft_wrap=True)
