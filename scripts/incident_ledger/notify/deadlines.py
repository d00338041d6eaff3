"""Until when an incident is to be answered, and by which command. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from incident_ledger.encoding import one_line
from incident_ledger.ledger.answers import acknowledgement
from incident_ledger.ledger.events import Event, EventType
from incident_ledger.ledger.state import IncidentState, in_order
from incident_ledger.notify.formatting import utc, whole_minutes
from incident_ledger.policy import Policy

_MINUTE = timedelta(minutes=1)


def answer(
    state: IncidentState, policy: Policy, now: datetime, effective: Sequence[Event]
) -> tuple[tuple[str, str], ...]:
    """Labels and texts: who acknowledged it, or until when and how to; nothing for what is over.

    `effective` are the incident's events that are not superseded.
    """
    if not state.is_open:
        return ()
    first = acknowledgement(state, effective)
    if first is not None:
        return (("Acknowledged", f"{utc(first.occurred_at)} by {one_line(first.actor)}"),)
    if not state.has_sla:  # a vendor's, on which nobody here has acted
        return ()
    if state.our_acknowledged_time is not None:  # its event is not at hand
        return (("Acknowledged", utc(state.our_acknowledged_time)),)
    command = f"incident-ledger incident ack {state.incident_id}"
    if state.last_resolution_time is not None or any(each.event_type is EventType.RESOLVED for each in effective):
        return (("To acknowledge", command),)  # its first resolution answered it; a reopening starts no clock
    return (("Acknowledge by", _until(response_deadline(state, policy, effective), now)), ("To acknowledge", command))


def response_deadline(state: IncidentState, policy: Policy, effective: Sequence[Event]) -> datetime:
    """When the first answer is due, as `incident_deadlines` has it of what is not answered yet.

    Each severity that held starts a clock when it begins to hold, by the policy at detection; the earliest end counts.
    """
    changes = sorted((each for each in effective if each.event_type is EventType.SEVERITY_CHANGED), key=in_order)
    starts = [(state.initial_severity_level, state.detection_time)]
    starts += [(each.severity_level, each.occurred_at) for each in changes if each.severity_level]
    return min(policy.response_deadline(level, state.detection_time, since=since) for level, since in starts)


def _until(deadline: datetime, now: datetime) -> str:
    if deadline < now - _MINUTE:
        return f"{utc(deadline)}, which was {whole_minutes(now - deadline)} ago"
    return utc(deadline)
