"""`incident-ledger incident list`, `show` and `timeline`: what is known, with no more imports than that takes."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from incident_ledger.cli import _incidents
from incident_ledger.cli._console import err, parse_time, to_json, write_text
from incident_ledger.encoding import iso_time
from incident_ledger.errors import UserError
from incident_ledger.ledger.answers import acknowledged_by, acknowledgement, acknowledgements_reading
from incident_ledger.ledger.known_at import read_known_at, states_known_at
from incident_ledger.ledger.lookup import find_incident, minutes_of
from incident_ledger.ledger.overdue import overdue
from incident_ledger.ledger.reducer import effective
from incident_ledger.ledger.setup import with_ledger
from incident_ledger.ledger.state import IncidentState, RecordedEvent, read_events, read_state, state_reading
from incident_ledger.settings import load_settings
from incident_ledger.warehouse import Warehouse, connect
from incident_ledger.warehouse.reading import both, read

_AHEAD = 3  # clocks that fall due next


def list_(everything: bool, json: bool, as_of: str | None, known_at: str | None) -> None:
    """The open incidents, the worst first; none that was detected after the as-of time."""
    known_by = _known_at(known_at)
    now = parse_time(as_of, "--as-of") if as_of or known_by is None else known_by
    warehouse = connect(load_settings())
    found, answers = with_ledger(warehouse, lambda each: _listed(each, everything, known_by))
    found = [incident for incident in found if incident.detection_time <= now]
    with_due = _with_due(warehouse, found, now)
    if json:
        documents = [_document(*each, now) for each in zip(found, with_due, strict=True)]
        write_text(to_json([each | {"acknowledged_by": answers.get(each["incident_id"])} for each in documents]))
        return
    _incidents.print_list(with_due, now, everything=everything, acknowledged_by=answers)
    if found and not everything:
        first = min(with_due, key=_incidents.urgency)
        err.print(f"More: incident-ledger incident show {first.incident_id}", style="dim")


def show(incident: str, json: bool, as_of: str | None, known_at: str | None) -> None:
    """Everything that is known of one incident."""
    known_by = _known_at(known_at)
    now = parse_time(as_of, "--as-of") if as_of or known_by is None else known_by
    warehouse = connect(load_settings())
    state, events = with_ledger(warehouse, lambda each: _read(each, incident, known_by))
    if json:
        written = [_incidents.as_json(item.event) | {"recorded_at": item.recorded_at} for item in events]
        (with_due,) = _with_due(warehouse, [state], now)
        write_text(to_json(_document(state, with_due, now) | {"events": written}))
        return
    _print_one(warehouse, state, events, now)


def timeline(incident: str, json: bool, known_at: str | None) -> None:
    """What happened, in the order of time."""
    known_by = _known_at(known_at)
    state, events = with_ledger(connect(load_settings()), lambda each: _read(each, incident, known_by))
    if json:
        write_text(to_json(_lines(state, events)))
        return
    _incidents.print_timeline(state, events)


def _with_due(warehouse: Warehouse, states: Sequence[IncidentState], now: datetime) -> Sequence[IncidentState]:
    """Incidents with what fell due by now, also where no tick has recorded it; as recorded where no policy is loaded.

    Nothing is asked of the warehouse for what is over.
    """
    if not any(state.is_open and state.has_sla for state in states):
        return states
    from incident_ledger import policy
    from incident_ledger.response.clocks_ahead import with_clocks

    try:
        rules = policy.load(warehouse, patience=0)
    except UserError:
        return states
    return [with_clocks(state, rules, now) for state in states]


def _document(state: IncidentState, with_due: IncidentState, now: datetime) -> dict[str, Any]:
    """An incident for machines, as it is recorded; what is overdue is that of `with_due`."""
    waiting = [{"what": each.what, "since": each.since} for each in overdue(with_due)]
    return vars(state) | minutes_of(state, now) | {"overdue": waiting}


def _print_one(warehouse: Warehouse, state: IncidentState, events: Sequence[RecordedEvent], now: datetime) -> None:
    from incident_ledger import policy
    from incident_ledger.cli._incident_screen import print_one
    from incident_ledger.notify.summary import summary
    from incident_ledger.response.clocks_ahead import clocks_ahead, with_clocks

    rules = policy.load(warehouse)
    state = with_clocks(state, rules, now)
    history = [item.event for item in events]
    depends = state.is_open and rules.dependencies(state.detection_time).depend(state.components)
    others = read_state(warehouse, is_open=True) if depends else ()
    known = summary(state, history, rules, now, others)
    print_one(state, events, known, clocks_ahead(state, rules, now, number=_AHEAD), now)


def _lines(state: IncidentState, events: Sequence[RecordedEvent]) -> list[dict[str, Any]]:
    corrected = _incidents.superseded(events)
    return [
        _incidents.as_json(item.event)
        | {
            "recorded_at": item.recorded_at,
            "minutes_since_detection": _incidents.minutes_since(item.event.occurred_at, state.detection_time),
            "is_superseded": item.event_id in corrected,
        }
        for item in events
    ]


def _known_at(text: str | None) -> datetime | None:
    """The time of `--known-at`; None without it."""
    if text is None:
        return None
    time, now = parse_time(text, "--known-at"), datetime.now(UTC)
    if time > now:
        raise UserError(f"--known-at {text} is in the future (it is {iso_time(now)}).")
    return time


def _listed(
    warehouse: Warehouse, everything: bool, known_by: datetime | None
) -> tuple[list[IncidentState], dict[str, str]]:
    """The incidents, and by their ids who acknowledged them; of what is settled that is not read."""
    if known_by is None:
        is_open = None if everything else True
        states, given = read(
            warehouse, both(state_reading(warehouse, is_open=is_open), acknowledgements_reading(warehouse))
        )
        return states, acknowledged_by(states, given)
    events = read_known_at(warehouse, known_by, everything=everything)
    known = states_known_at(events, known_by, _ranks(warehouse))
    found = [(state, items) for state, items in known if everything or state.is_open]
    firsts = ((state, acknowledgement(state, effective(item.event for item in items))) for state, items in found)
    return [state for state, _ in found], {state.incident_id: first.actor for state, first in firsts if first}


def _read(warehouse: Warehouse, part: str, known_by: datetime | None) -> tuple[IncidentState, Sequence[RecordedEvent]]:
    state = find_incident(warehouse, _incidents.given_id(warehouse, part))
    events = read_events(warehouse, incident_ids=[state.incident_id])
    if known_by is None:
        return state, events
    known = states_known_at(events, known_by, _ranks(warehouse))
    if not known:
        first = min(item.recorded_at for item in events)
        raise UserError(f"The ledger did not know {state.incident_id} yet: it was recorded at {iso_time(first)}.")
    return known[0]


def _ranks(warehouse: Warehouse) -> dict[str, int]:
    from incident_ledger import policy

    return {each.severity_level: each.severity_rank for each in policy.load(warehouse).severities}
