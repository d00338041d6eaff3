"""`incident-ledger incident watch`: the timeline of an incident as it grows."""

from incident_ledger.cli import _incidents
from incident_ledger.cli._console import err, print_error
from incident_ledger.cli.actions.watch import parse_interval
from incident_ledger.interrupts import StopRequests
from incident_ledger.ledger.lookup import find_incident
from incident_ledger.ledger.setup import with_ledger
from incident_ledger.ledger.state import read_events
from incident_ledger.runner.incident_watch import new_events
from incident_ledger.settings import load_settings
from incident_ledger.warehouse import connect


def watch(incident: str, every: str) -> None:
    """Events until a signal."""
    seconds, warehouse = parse_interval(every).total_seconds(), connect(load_settings())
    state = with_ledger(warehouse, lambda each: find_incident(each, _incidents.given_id(each, incident)))
    events = read_events(warehouse, incident_ids=[state.incident_id])
    _incidents.print_timeline(state, events)
    known = {item.event_id for item in events}
    with StopRequests() as stop:
        err.print(f"Looking every {seconds:g} s. Ctrl-C ends it.", style="dim", soft_wrap=True)
        coming = new_events(
            warehouse,
            state.incident_id,
            wait=lambda: stop.wait(seconds),
            known=known,
            on_error=lambda error: print_error(str(error)),
        )
        for item in coming:
            _incidents.print_timeline_event(state, item)
