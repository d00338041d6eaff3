"""Sending at once what a command wrote: a tick, which may fail without harm to what was written."""

from dataclasses import dataclass
from datetime import UTC, datetime

from incident_ledger import policy
from incident_ledger.errors import ExitCode, IncidentLedgerError, LeaseHeldError
from incident_ledger.ledger.events import Event
from incident_ledger.notify.channels.registry import require_channels
from incident_ledger.notify.delivery import Delivery
from incident_ledger.notify.flapping import due, next_change
from incident_ledger.notify.pending import read_candidates
from incident_ledger.notify.queries import messages
from incident_ledger.runner.job import Job
from incident_ledger.warehouse import Warehouse

_WAIT = 20.0  # seconds for another run or tick to end: what it does not send, this one does


@dataclass(frozen=True, kw_only=True)
class Sent:
    """What was sent of one incident, or why nothing could be."""

    deliveries: tuple[Delivery, ...] = ()
    problem: str | None = None
    exit_code: ExitCode = ExitCode.OK
    held_until: datetime | None = None  # the end of the quiet hours that hold its messages


def sent_at(warehouse: Warehouse, event: Event) -> datetime | None:
    """When an event is sent by a tick, unless something else happens: now at the earliest; None for never."""
    now = datetime.now(UTC)
    candidates = read_candidates(warehouse, policy.load(warehouse), now)
    events = candidates.events.get(event.incident_id, ())
    notified, interval = candidates.notified.get(event.incident_id, {}), candidates.interval
    if any(each.event.event_id == event.event_id for each in due(events, notified, interval, now)):
        return now
    return next_change(events, notified, interval, now)


def notify_now(warehouse: Warehouse, incident_id: str) -> Sent:
    """Tick, and report what it sent of an incident. Raises nothing that the next tick makes good."""
    try:
        require_channels(warehouse.settings)
        report = Job(warehouse, datetime.now(UTC), command="tick").tick(wait=_WAIT)
    except LeaseHeldError as error:
        return Sent(problem=f"{error} The next tick sends it.", exit_code=error.exit_code)
    except IncidentLedgerError as error:
        return Sent(problem=f"Nobody was notified. {error}", exit_code=ExitCode.OUTSIDE)
    own = tuple(each for each in report.delivered if each.incident_id == incident_id)
    held = () if own else messages(warehouse, statuses=("pending",), incident=incident_id, limit=1)
    return Sent(deliveries=own, exit_code=report.exit_code, held_until=next((row["not_before"] for row in held), None))
