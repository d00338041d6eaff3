"""`incident-ledger run` and `tick`, the two cadences, and `deploy`."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

import typer
from rich.markup import escape

from incident_ledger.cli._console import err, out, parse_time, to_json, write_text
from incident_ledger.cli._incidents import event_line, print_list
from incident_ledger.encoding import timestamp
from incident_ledger.ledger.events import Event
from incident_ledger.ledger.state import IncidentState
from incident_ledger.notify.channels.registry import require_channels
from incident_ledger.runner.job import Job
from incident_ledger.runner.run_report import RunReport
from incident_ledger.runner.steps import Outcome, Step, counted
from incident_ledger.settings import load_settings
from incident_ledger.warehouse import Warehouse, connect

if TYPE_CHECKING:
    from incident_ledger.runner.dry_run import DryRun

_MARKS = {Outcome.OK: "[green]✓[/]", Outcome.WARNING: "[yellow]![/]", Outcome.FAILED: "[red]✗[/]"}


def run(*, as_of: str | None, dry_run: bool, full: bool, wait: float | None, fail_on: str | None, json: bool) -> None:
    """The whole job."""
    time = parse_time(as_of, "--as-of")
    settings = load_settings()
    if dry_run:
        from incident_ledger.runner.dry_run import run_dry  # reads suites, which a tick does not

        _print_dry_run(run_dry(connect(settings), time), time, json=json)
        return
    require_channels(settings)
    work = job(connect(settings), time, "run", quiet=json, fail_on=fail_on, is_full=full)
    _finish(work.run(wait=wait), json=json)


def tick(as_of: str | None, wait: float | None, fail_on: str | None, json: bool) -> None:
    """The end of the job alone."""
    time = parse_time(as_of, "--as-of")
    settings = load_settings()
    require_channels(settings)
    _finish(job(connect(settings), time, "tick", quiet=json, fail_on=fail_on).tick(wait=wait), json=json)


def deploy(as_of: str | None, *, full: bool, wait: float | None) -> None:
    """The warehouse as the files say."""
    time = parse_time(as_of, "--as-of")
    report = job(connect(load_settings()), time, "deploy", is_full=full).deploy(wait=wait)
    raise typer.Exit(int(report.exit_code))


def job(
    warehouse: Warehouse,
    as_of: datetime,
    command: str,
    *,
    quiet: bool = False,
    fail_on: str | None = None,
    is_full: bool = False,
) -> Job:
    """A job that shows its steps as they go, on standard error, unless it is to be quiet."""
    fail_on = fail_on or warehouse.settings.fail_on or None
    if quiet:
        return Job(warehouse, as_of, command=command, fail_on=fail_on, is_full=is_full)

    def on_begin(step: Step) -> None:
        if err.is_terminal:
            err.print(f"  … {step.name}", style="dim", end="\r")

    def on_end(step: Step) -> None:
        err.print(
            f"  {_MARKS[step.outcome]} {step.name:<8} [dim]{step.seconds:6.1f} s[/]  {escape(step.summary)}",
            markup=True,
        )

    def on_wait(holder: str) -> None:
        err.print(f"  … waiting for {holder}", style="dim")

    return Job(
        warehouse,
        as_of,
        command=command,
        fail_on=fail_on,
        is_full=is_full,
        on_begin=on_begin,
        on_end=on_end,
        on_wait=on_wait,
    )


def _finish(report: RunReport, *, json: bool) -> None:
    """Print the result and exit with its code."""
    if json:
        write_text(to_json(_report_json(report)))
    else:
        print_report(report)
    raise typer.Exit(int(report.exit_code))


def print_report(report: RunReport) -> None:
    """What changed, who was notified, what is open."""
    for event in report.events:
        out.print(event_line(event), soft_wrap=True)
    sent = sum(1 for delivery in report.delivered if delivery.status == "sent")
    out.print(f"{counted(len(report.events), 'event')} written, {counted(sent, 'message')} sent.")
    print_list(report.open_incidents, report.as_of, everything=False)


def _print_dry_run(found: "DryRun", as_of: datetime, *, json: bool) -> None:
    """The events and the messages in full, which nobody is sent, and what is open at P0 or P1 all the same."""
    events, messages, urgent = found.events, found.messages, found.open_incidents
    if json:
        document = {"events": [event_json(each) for each in events], "messages": [vars(each) for each in messages]}
        document |= {"open_incidents": [_incident_json(each) for each in urgent]}
        write_text(to_json(document | {"notes": found.notes}))
        return
    out.print(
        f"A run would write {counted(len(events), 'event')} and send {counted(len(messages), 'message')}. "
        "Nothing was written.",
    )
    for note in found.notes:
        err.print(f"note: {note}", style="yellow", soft_wrap=True)
    for event in events:
        out.print(event_line(event), soft_wrap=True)
    for message in messages:
        head = f"\nTo: {', '.join(message.recipients)}\nSubject: {message.subject}\n\n"
        out.print(head + message.text, soft_wrap=True)
    if urgent:
        out.print(f"\n{counted(len(urgent), 'incident')} open at P0 or P1 now:")
        print_list(urgent, as_of, everything=False)


def event_json(event: Event) -> dict[str, Any]:
    """An event as `--json` shows it."""
    return {
        "event_id": event.event_id,
        "incident_id": event.incident_id,
        "event_type": event.event_type.value,
        "occurred_at": timestamp(event.occurred_at),
        "severity_level": event.severity_level,
        "actor": event.actor,
        "payload": dict(event.payload),
    }


def _report_json(report: RunReport) -> dict[str, Any]:
    return {
        "run_id": report.run_id,
        "as_of": report.as_of,
        "exit_code": int(report.exit_code),
        "steps": [
            {
                "step": step.name,
                "outcome": step.outcome.value,
                "seconds": round(step.seconds, 3),
                "summary": step.summary,
                "detail": step.detail,
            }
            for step in report.steps
        ],
        "events": [event_json(event) for event in report.events],
        "delivered": [
            {
                "message_id": delivery.message_id,
                "incident_id": delivery.incident_id,
                "template": delivery.template,
                "channel": delivery.channel,
                "status": delivery.status,
                "recipients": delivery.recipients,
            }
            for delivery in report.delivered
        ],
        "open_incidents": [_incident_json(incident) for incident in report.open_incidents],
    }


def _incident_json(incident: IncidentState) -> dict[str, Any]:
    return {
        "incident_id": incident.incident_id,
        "severity_level": incident.severity_level,
        "status": incident.status.value,
        "component": incident.component,
        "title": incident.title,
        "detection_time": incident.detection_time,
    }
