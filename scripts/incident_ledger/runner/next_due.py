"""When a tick will have something to do though no table changes. Pure.

A tick that found nothing asks, so that `watch` need not look again before. The answer is never too late and mostly
exact:

- signals: the first of their times (with what their rules make them wait for, and the times of silences) at which the
  planner gives events;
- messages: the end of a wait after a failed attempt or of the interval between messages of what flaps (`notify` knows);
- clocks: when the next falls due of an incident that is open;
- the policy: when its next row begins to hold, whatever that changes (a tick that finds nothing, once a new row);
- events of the future, which only a source with a wrong clock has: at once, so a tick at every look until the last of
  them has happened. The state of an incident does not say when the others do.

A rule of the planner that depends on the clock in another way adds its times here.
"""

from collections.abc import Sequence
from datetime import datetime

from incident_ledger.ledger.state import IncidentState
from incident_ledger.policy import Policy
from incident_ledger.response.planner import next_clock_due, plan
from incident_ledger.response.rules.signal_rules import begins_at
from incident_ledger.response.signals import Signal
from incident_ledger.response.silences import Silence


def next_due(
    state: Sequence[IncidentState],
    signals: Sequence[Signal],
    policy: Policy,
    now: datetime,
    *,
    messages_due: datetime | None = None,
    silences: Sequence[Silence] = (),
) -> datetime | None:
    """The first time at which there may be something to do, when there is nothing at `now`; None for never.

    `messages_due` is that of messages alone.
    """
    if any(each.last_event_time > now for each in state):
        return now
    clock_due = next_clock_due(state, policy, now)
    times = (messages_due, next_version(policy, now), _next_plan(state, signals, policy, now, silences), clock_due)
    return min((time for time in times if time is not None), default=None)


def next_version(policy: Policy, now: datetime) -> datetime | None:
    """When the next row of a policy table begins to hold; None when all do."""
    begins = (row.valid_from for rows in policy.tables.values() for row in rows)
    return min((time for time in begins if time is not None and time > now), default=None)


def _next_plan(
    state: Sequence[IncidentState],
    signals: Sequence[Signal],
    policy: Policy,
    now: datetime,
    silences: Sequence[Silence],
) -> datetime | None:
    times = {time for each in signals for time in (begins_at(each, policy), each.observed_at, each.ended_at)}
    times |= {each.ends_at for each in silences}
    ahead = sorted(time for time in times if time is not None and time > now)
    return next((time for time in ahead if plan(state, signals, policy, time, silences)), None)
