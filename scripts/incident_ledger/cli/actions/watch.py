"""`incident-ledger watch`: ticks in one warm process."""

import re
from contextlib import ExitStack
from datetime import timedelta

from incident_ledger.cli._console import err, out, print_error
from incident_ledger.cli._incidents import event_line
from incident_ledger.encoding import TimeError, parse_span
from incident_ledger.errors import UserError
from incident_ledger.interrupts import StopRequests
from incident_ledger.notify.channels.registry import require_channels
from incident_ledger.runner.run_report import RunReport
from incident_ledger.runner.steps import Outcome, counted
from incident_ledger.runner.watch import Watch
from incident_ledger.runner.watch_server import serving
from incident_ledger.settings import load_settings
from incident_ledger.warehouse import connect

_SHORTEST, _LONGEST = timedelta(seconds=1), timedelta(hours=1)
_ADDRESS = re.compile(r"(?:(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+):)?(?P<port>[0-9]{1,5})")
_LAST_PORT = 65535
_THIS_MACHINE = "127.0.0.1"


def watch(every: str, listen: str) -> None:
    """Tick until a signal."""
    interval, address, settings = parse_interval(every), parse_address(listen), load_settings()
    require_channels(settings)
    watching = Watch(
        lambda: connect(settings),
        every=interval,
        on_report=_Printer().show,
        on_error=print_error,
        on_recovery=lambda: err.print("The warehouse answers again."),
    )
    with StopRequests() as stop, ExitStack() as server:
        answers = ""
        if address:
            url = server.enter_context(serving(watching, *address))
            answers = f" {url}/healthz and {url}/metrics say how it is."
        err.print(f"Looking every {interval.total_seconds():g} s.{answers} Ctrl-C ends it.", soft_wrap=True)
        watching.run(stop.wait)
    err.print("Stopped.")


def parse_interval(text: str) -> timedelta:
    """`60s`, `2m`, `0.5h` or a number of seconds. Raises `UserError` for anything else, and out of its limits."""
    try:
        interval = parse_span(text)
    except TimeError:
        interval = timedelta()
    if not _SHORTEST <= interval <= _LONGEST:
        raise UserError(f"--every {text!r} is not a time from 1s to 1h. Write it as 60s or 2m.")
    return interval


def parse_address(text: str) -> tuple[str, int] | None:
    """Host and port; None for `none`. Raises `UserError` for what is neither."""
    if text == "none":
        return None
    found = _ADDRESS.fullmatch(text)
    if found is None or int(found["port"]) > _LAST_PORT:
        raise UserError(f"--listen {text!r} is not an address. Write it as {_THIS_MACHINE}:9464, as 9464, or none.")
    return (found["host"] or _THIS_MACHINE).strip("[]"), int(found["port"])


class _Printer:
    """A line for each event and each tick that did something, and one for each new fault of a channel."""

    def __init__(self) -> None:
        self._faults = ""

    def show(self, report: RunReport) -> None:
        """Print what a tick did; nothing of one that was idle."""
        for event in report.events:
            out.print(event_line(event), soft_wrap=True)
        if report.events or report.delivered:
            sent = sum(1 for delivery in report.delivered if delivery.status == "sent")
            out.print(
                f"{report.as_of:%Y-%m-%d %H:%M:%S} UTC: {counted(len(report.events), 'event')} written, "
                f"{counted(sent, 'message')} sent, {counted(len(report.open_incidents), 'incident')} open.",
                soft_wrap=True,
            )
        faults = "; ".join(step.summary for step in report.steps if step.outcome is Outcome.FAILED)
        if faults and faults != self._faults:
            print_error(faults)
        self._faults = faults
