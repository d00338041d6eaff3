"""`incident-ledger demo`: the story of a morning, and one screen that says what came of it."""

from datetime import UTC, date, datetime
from typing import Any

from rich.padding import Padding
from rich.table import Table

from incident_ledger import policy
from incident_ledger.cli._console import Text, err, out
from incident_ledger.cli._incidents import lasted, severity
from incident_ledger.cli.actions.run import job
from incident_ledger.dashboards.render import render
from incident_ledger.dbt_runner import Dbt
from incident_ledger.demo import screen
from incident_ledger.encoding import screen_line
from incident_ledger.errors import UserError
from incident_ledger.ledger.events import MACHINES, Event, EventType
from incident_ledger.ledger.review_commands import completed_tasks
from incident_ledger.ledger.state import IncidentState, read_events, read_state
from incident_ledger.response.rules.review_rules import asked_phases
from incident_ledger.runner.run_report import RunReport
from incident_ledger.settings import load_settings
from incident_ledger.warehouse import Warehouse

_FIRST_DAY = date(2020, 4, 1)


def demo(on: str | None) -> None:
    """The story. Replaces only what an earlier demo made; raises `UserError` where there is anything else."""
    from incident_ledger.demo import story

    settings = load_settings()
    day = _day(on) if on else story.day_of(datetime.now(UTC))
    warehouse = story.begin(settings)
    about = f"The morning of {day}, on generated data ({story.DAYS} days, seed {story.SEED})."
    err.print(about)

    def run(at: datetime, title: str) -> RunReport:
        err.print(f"\n[bold]{at:%H:%M} UTC[/]  {title}", markup=True)
        return job(warehouse, at, "run").run()

    last = story.play(warehouse, day, run)
    out.print("")
    _show(warehouse, last)
    worst = min(last.open_incidents, key=lambda item: (item.severity_level, item.detection_time))
    as_of = f" --as-of {last.as_of:%Y-%m-%dT%H:%MZ}" if on else ""
    pages = render(warehouse, Dbt(warehouse.settings, warehouse.endpoint), settings.local_path / "pages", last.as_of)
    hints = (
        f"{pages.index}   the dashboards, for a browser",
        f"incident-ledger incident list{as_of}",
        f"incident-ledger incident show {worst.incident_id}{as_of}",
        "incident-ledger describe operational_metrics",
        f'incident-ledger sql "{screen.MONTHS}"',
        f"{settings.local_path / 'outbox'}   the messages, one .eml each",
        f"{story.folder_of(settings)}   the generated files",
    )
    out.print("\n[bold]Where to look next[/] (after `. .venv/bin/activate`)", markup=True)
    for hint in hints:
        out.print(f"  {hint}", soft_wrap=True)


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise UserError(f"--date {text!r} is not a day. Write it as 2026-03-05.") from None
    if not _FIRST_DAY <= day <= datetime.now(UTC).date():
        raise UserError(f"--date {text} is not between {_FIRST_DAY} and today.")
    return day


def _show(warehouse: Warehouse, report: RunReport) -> None:
    """What broke, who answers, who was notified, what caused such things, and how long they take."""
    out.print("[bold]What is broken now, the worst first[/]", markup=True)
    _print_broken(warehouse, report)
    out.print("\n[bold]Who was notified this morning[/]", markup=True)
    out.print(_notified(warehouse))
    out.print("\n[bold]What is to be done after the last ones[/]", markup=True)
    _print_tasks(warehouse, report.as_of)
    out.print("\n[bold]What caused the incidents of the last 90 days[/]", markup=True)
    out.print(_causes(warehouse))
    out.print("\n[bold]Minutes from detection to resolution, 90 days[/]", markup=True)
    out.print(_mttr(warehouse))


def _print_broken(warehouse: Warehouse, report: RunReport) -> None:
    """Two lines an incident: which it is and who answers, and what broke in words."""
    ids = [each.incident_id for each in report.open_incidents]
    answered = {
        item.event.incident_id: item.event
        for item in read_events(warehouse, incident_ids=ids)
        if item.event.event_type is EventType.ACKNOWLEDGED and item.event.actor not in MACHINES
    }
    deadlines = screen.response_deadlines(warehouse)
    for each in sorted(report.open_incidents, key=lambda item: (item.severity_level, item.detection_time)):
        back = f", reopened {each.last_reopened_time:%H:%M}" if each.last_reopened_time else ""
        state, style = _answer(each, answered.get(each.incident_id), deadlines.get(each.incident_id), report.as_of)
        head = Text.assemble(severity(each.severity_level), f"  {each.incident_id}  open {lasted(each, report.as_of)}")
        out.print(Text.assemble(head, f"{back}, ", (state, style)), soft_wrap=True)
        out.print(Padding(Text(screen_line(each.title, 200)), (0, 0, 0, 4), expand=False))


def _answer(
    incident: IncidentState, answered: Event | None, deadline: datetime | None, now: datetime
) -> tuple[str, str]:
    """Who answered and when, or until when somebody had to; and the style in which that is shown."""
    if answered:
        late = ", late" if deadline and answered.occurred_at > deadline else ""
        return f"acknowledged {answered.occurred_at:%H:%M} by {answered.actor}{late}", "green"
    if not incident.has_sla:
        return "the vendor is at work on it", "dim"
    if deadline and deadline < now:
        return f"not acknowledged: OVERDUE since {deadline:%H:%M}", "bold red"
    return f"not acknowledged: due {deadline:%H:%M}" if deadline else "not acknowledged", "yellow"


def _notified(warehouse: Warehouse) -> Table:
    table = _table("at", "who", "what")
    for row in screen.notifications(warehouse):
        at = f"{row['sent_at']:%H:%M}" if row["sent_at"] else row["status"]
        table.add_row(at, row["audience"], Text(row["subject"], overflow="ellipsis", no_wrap=True))
    return table


def _print_tasks(warehouse: Warehouse, now: datetime) -> None:
    """Of each incident that is over and was not reviewed, by when what is to be done."""
    rules = policy.load(warehouse)
    for state in read_state(warehouse, is_open=False):
        phases = asked_phases(state, rules, now)
        if phases:
            title = f"  {screen_line(state.title, 200)}"
            out.print(Text.assemble(severity(state.severity_level), f"  {state.incident_id}", title), soft_wrap=True)
        completed = completed_tasks(state)
        for phase in phases:
            left = sum(task.task_id not in completed for task in phase.tasks)
            words = f"{left} of {len(phase.tasks)} tasks left" if phase.tasks else "not held"
            is_late = phase.due_at <= now
            when = f"{'LATE since' if is_late else 'due'} {phase.due_at:%Y-%m-%d %H:%M}"
            style = "bold red" if is_late else ""
            out.print(Text.assemble(f"    {phase.title}: {words}, ", (when, style)), soft_wrap=True)


def _causes(warehouse: Warehouse) -> Table:
    table = _table("cause", "incidents", "open")
    for row in screen.causes(warehouse):
        table.add_row(row["cause"] or "not named", str(row["incidents"]), str(row["open_incidents"]))
    return table


def _mttr(warehouse: Warehouse) -> Table:
    table = _table("severity", "incidents", "open", "median", "p90", "mean")
    for row in screen.minutes_to_resolution(warehouse):
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
