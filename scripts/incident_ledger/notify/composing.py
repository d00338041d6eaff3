"""The messages of what is due: an incident has one for all of its clocks, or none where another names them. Pure."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from incident_ledger.ledger.events import Event
from incident_ledger.ledger.state import IncidentState
from incident_ledger.notify.clocks import is_running, main_event
from incident_ledger.notify.flapping import Due
from incident_ledger.notify.followers import is_acknowledgement
from incident_ledger.notify.likely_causes import possible_causes
from incident_ledger.notify.messages import Message, compose, template_for
from incident_ledger.notify.rendering import BUILT_IN, Templates
from incident_ledger.policy import Policy


def calling(dues: Sequence[Due], incidents: Mapping[str, IncidentState], policy: Policy, now: datetime) -> list[Due]:
    """Those that the policy has a message for. What fell due goes into its incident's other message, if any."""
    running = (each for due in dues for each in _running(due, incidents[due.event.incident_id]))
    found = [due for due in running if template_for(due.event, incidents[due.event.incident_id], policy, now)]
    clocks: dict[str, tuple[Event, ...]] = {due.event.incident_id: due.clocks for due in found if due.clocks}
    others: dict[str, list[Due]] = defaultdict(list)
    for due in found:
        if not due.clocks and not is_acknowledgement(due.event):  # which most channels do not get
            others[due.event.incident_id].append(due)
    return list(_merged(found, clocks, others))


def _running(due: Due, incident: IncidentState) -> Iterator[Due]:
    """What is due, of clocks those alone that still matter."""
    if not due.clocks:
        yield due
    elif clocks := tuple(event for event in due.clocks if is_running(event, incident)):
        yield replace(due, event=main_event(clocks), clocks=clocks)


def _merged(
    found: Sequence[Due], clocks: Mapping[str, tuple[Event, ...]], others: Mapping[str, Sequence[Due]]
) -> Iterator[Due]:
    for due in found:
        incident_id = due.event.incident_id
        if due.clocks and others[incident_id]:
            continue
        is_last = others[incident_id] and due is others[incident_id][-1]
        yield replace(due, clocks=clocks[incident_id]) if is_last and incident_id in clocks else due


def compose_due(
    dues: Sequence[Due],
    incidents: Mapping[str, IncidentState],
    policy: Policy,
    now: datetime,
    history: Mapping[str, Sequence[Event]],
    *,
    templates: Templates = BUILT_IN,
) -> list[Message]:
    """Their messages, in this order."""
    messages: list[Message] = []
    others = possible_causes(incidents.values(), policy, now)
    for due in calling(dues, incidents, policy, now):
        incident_id = due.event.incident_id
        messages += compose(
            due.event,
            incidents[incident_id],
            policy,
            now,
            history=history.get(incident_id, ()),
            flapping=due.flapping,
            clocks=due.clocks,
            others=others,
            templates=templates,
        )
    return messages
