"""`incident-ledger incident list` and `show`: what is known, with no more imports than that takes."""

from incident_ledger.cli import _incidents
from incident_ledger.cli._console import parse_time, to_json, write_text
from incident_ledger.ledger.lookup import find_incident, minutes_of
from incident_ledger.ledger.setup import with_ledger
from incident_ledger.ledger.state import read_events, read_state
from incident_ledger.settings import load_settings
from incident_ledger.warehouse import connect


def list_(everything: bool, json: bool, as_of: str | None) -> None:
    """The open incidents, the worst first; none that was detected after the as-of time."""
    now = parse_time(as_of, "--as-of")
    found = with_ledger(connect(load_settings()), lambda each: read_state(each, is_open=None if everything else True))
    found = [incident for incident in found if incident.detection_time <= now]
    if json:
        write_text(to_json([vars(incident) | minutes_of(incident, now) for incident in found]))
        return
    _incidents.print_list(found, now, everything=everything)


def show(incident: str, json: bool, as_of: str | None) -> None:
    """Everything that is known of one incident."""
    now, warehouse = parse_time(as_of, "--as-of"), connect(load_settings())
    state = with_ledger(warehouse, lambda each: find_incident(each, incident))
    events = read_events(warehouse, incident_ids=[state.incident_id])
    if json:
        written = [_incidents.as_json(item.event) | {"recorded_at": item.recorded_at} for item in events]
        write_text(to_json(vars(state) | minutes_of(state, now) | {"events": written}))
        return
    _incidents.print_one(state, events, now)
