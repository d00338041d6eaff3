"""The clocks of an open incident that have not fallen due, by what they are about. Pure."""

from collections.abc import Sequence
from datetime import datetime

from incident_ledger.ledger.events import Event, EventType
from incident_ledger.ledger.reducer import apply
from incident_ledger.ledger.state import IncidentState
from incident_ledger.policy import Policy
from incident_ledger.response.rules.clock_rules import clock_events, next_clock

_LOOKED_AT = 20  # times at which something falls due: updates alone would go on for hours


def with_clocks(incident: IncidentState, policy: Policy, now: datetime) -> IncidentState:
    """The incident as the next tick leaves it: with what fell due by now."""
    for event in clock_events(incident, policy, now):
        incident = apply(incident, event)
    return incident


def clocks_ahead(incident: IncidentState, policy: Policy, now: datetime, *, number: int) -> Sequence[Event]:
    """The events of the next clocks, unless something happens before; of updates the next alone."""
    found: list[Event] = []
    at: datetime | None = now
    for _ in range(_LOOKED_AT):
        at = next_clock(incident, policy, at) if at is not None else None
        if at is None or len(found) >= number:
            break
        for event in clock_events(incident, policy, at):
            is_update = event.event_type is EventType.UPDATE_DUE
            if event.occurred_at == at and not (
                is_update and any(each.event_type is EventType.UPDATE_DUE for each in found)
            ):
                found.append(event)
    return found[:number]
