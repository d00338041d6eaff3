"""`incident-ledger demo`: the story of a morning, and one screen that says what came of it."""

from datetime import datetime
from typing import Any

import typer
from rich.table import Table

from incident_ledger.cli._console import Text, err, out
from incident_ledger.cli._incidents import lasted, severity
from incident_ledger.cli.run import job
from incident_ledger.response.run import RunReport
from incident_ledger.settings import load_settings
from incident_ledger.warehouse import Warehouse


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(help="Generate 90 days of data in the local warehouse, run the main job, show what came of it.")(demo)


def demo() -> None:
    """The story. Replaces only what an earlier demo made; raises `UserError` where there is anything else."""
    from incident_ledger.demo import story

    settings = load_settings()
    warehouse = story.begin(settings)
    err.print(f"A morning of incidents, on generated data ({story.DAYS} days, seed {story.SEED}).", highlight=False)

    def run(at: datetime, title: str) -> RunReport:
        err.print(f"\n[bold]{at:%H:%M} UTC[/]  {title}", markup=True)
        return job(warehouse, at, "run").run()

    last = story.tell(warehouse, run)
    _show(warehouse, last)
    worst = min(last.open_incidents, key=lambda item: (item.severity_level, item.detection_time))
    moment = f"--as-of {story.MORNING[-1]:%Y-%m-%dT%H:%MZ}"
    hints = (
        f"incident-ledger incident list --all {moment}",
        f"incident-ledger incident show {worst.incident_id} {moment}",
        f"incident-ledger quality check {moment}",
        "incident-ledger sql \"select * from rpt_mttr where period_grain = 'month'\"",
        f"{settings.local_path / 'outbox'}   the messages, one .eml each",
        f"{story.folder_of(settings)}   the generated files",
    )
    out.print(
        "\n[bold]Where to look next[/] (after `. .venv/bin/activate`, with the time of the generated morning)",
        markup=True,
    )
    for hint in hints:
        out.print(f"  {hint}", highlight=False, soft_wrap=True, markup=False)


def _show(warehouse: Warehouse, report: RunReport) -> None:
    """What broke, how bad, who was told, and how long such things take."""
    out.print("\n[bold]What is broken now, the worst first[/]", markup=True)
    out.print(_broken(report))
    out.print("\n[bold]Who was told this morning[/]", markup=True)
    out.print(_told(warehouse))
    out.print("\n[bold]Minutes from detection to resolution, 90 days[/]", markup=True)
    out.print(_mttr(warehouse))


def _broken(report: RunReport) -> Table:
    table = _table("severity", "open for", "what")
    for each in sorted(report.open_incidents, key=lambda item: (item.severity_level, item.detection_time)):
        back = f" (reopened {each.last_reopened_time:%H:%M})" if each.last_reopened_time else ""
        table.add_row(severity(each.severity_level), lasted(each, report.as_of), Text(each.title + back))
    return table


def _told(warehouse: Warehouse) -> Table:
    sql = f"""
        select sent_at, status, subject, audience
        from {warehouse.mart("fct_notifications")}
        order by sent_at, subject
    """  # noqa: S608 - only quoted table names are not parameters
    table = _table("at", "who", "what")
    for row in warehouse.rows(sql):
        at = f"{row['sent_at']:%H:%M}" if row["sent_at"] else row["status"]
        table.add_row(at, row["audience"], Text(row["subject"], overflow="ellipsis", no_wrap=True))
    return table


def _mttr(warehouse: Warehouse) -> Table:
    sql = f"""
        select
            severity_level, incidents, open_incidents, median_minutes, p90_minutes, mean_minutes
        from {warehouse.mart("rpt_mttr")}
        where period_grain = 'all'
        order by severity_level
    """  # noqa: S608
    table = _table("severity", "incidents", "open", "median", "p90", "mean")
    for row in warehouse.rows(sql):
        minutes = (row["median_minutes"], row["p90_minutes"], row["mean_minutes"])
        counts = (str(row["incidents"]), str(row["open_incidents"]))
        table.add_row(severity(row["severity_level"]), *counts, *(_minutes(value) for value in minutes))
    return table


def _minutes(value: float | None) -> str:
    return "-" if value is None else f"{value:,.1f}"


def _table(*headings: Any) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in headings:
        table.add_column(heading)
    return table
