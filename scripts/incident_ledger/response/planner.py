"""What follows from what is known: state, signals and policy in, events out. No clock, no file, no network."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from incident_ledger.ledger.events import Event, EventType
from incident_ledger.ledger.reducer import apply, opened
from incident_ledger.ledger.state import IncidentState
from incident_ledger.policy import Policy
from incident_ledger.response.rules.clock_rules import clock_events, next_clock
from incident_ledger.response.rules.grouping_rules import grouping_events
from incident_ledger.response.rules.merger_rules import merger_events
from incident_ledger.response.rules.review_rules import history_before, next_review, review_events
from incident_ledger.response.rules.signal_rules import signal_events
from incident_ledger.response.signals import Signal
from incident_ledger.response.silences import Silence


def plan(
    state: Sequence[IncidentState],
    signals: Iterable[Signal],
    policy: Policy,
    now: datetime,
    silences: Sequence[Silence] = (),
) -> list[Event]:
    """The events that are called for at `now`, in a fixed order; empty when the ledger already has them all.

    A chain of rules, each applied to the state that those before it left: first what the signals say, then what
    explains what is new, what that does to incidents that others were merged into, the clocks of what is open after
    that, and the reviews of what is over. The events of an incident are in the order in which they are to be written.
    """
    known = {incident.incident_id for incident in state}
    events = [
        event
        for event in signal_events(state, signals, policy, now, silences)
        # What a person retracted or merged is not detected again while the same trouble goes on.
        if event.event_type is not EventType.DETECTED or event.incident_id not in known
    ]
    events += grouping_events(after(state, events), events, policy)
    events += merger_events(after(state, events), policy)
    history = history_before(policy, now)
    for incident in after(state, events):
        events += clock_events(incident, policy, now)
        if incident.resolution_time and incident.resolution_time >= history:
            events += review_events(incident, policy, now)
    return events


def after(state: Sequence[IncidentState], events: Iterable[Event]) -> list[IncidentState]:
    """The incidents as they are once these events of the planner are written, the oldest detection first."""
    incidents = {incident.incident_id: incident for incident in state}
    for event in events:
        known = incidents.get(event.incident_id)
        if known is not None:
            incidents[event.incident_id] = apply(known, event)
        elif event.event_type is EventType.DETECTED:
            incidents[event.incident_id] = opened(event)
    return sorted(incidents.values(), key=lambda each: (each.detection_time, each.incident_id))


def next_clock_due(state: Sequence[IncidentState], policy: Policy, now: datetime) -> datetime | None:
    """When the next clock falls due, of incidents of which all that fell due by `now` is written; None for never."""
    history = history_before(policy, now)
    ended = (each for each in state if each.resolution_time and each.resolution_time >= history)
    times = [next_clock(each, policy, now) for each in state] + [next_review(each, policy, now) for each in ended]
    return min((time for time in times if time is not None), default=None)
