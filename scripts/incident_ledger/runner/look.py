"""What there is to do: all that a tick decides on, read by one statement, or by two where old messages are owed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from incident_ledger.ledger.events import CLOCKS_BEHIND, Event
from incident_ledger.ledger.state import IncidentState, state_reading
from incident_ledger.notify.queries import ChannelFinding, channel_findings_reading
from incident_ledger.notify.service import Outlook, outlook_reading
from incident_ledger.notify.window import Window, first_day
from incident_ledger.policy import Policy
from incident_ledger.response.planner import after, plan
from incident_ledger.response.signals import Signal
from incident_ledger.response.silences import Silence
from incident_ledger.runner.channel_signals import channel_signals
from incident_ledger.runner.lease import RESPOND, LeaseState, lease_reading, pending_since
from incident_ledger.runner.signal_rows import signals_reading
from incident_ledger.runner.silence_rows import silences_reading
from incident_ledger.runner.steps import last_record_reading
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.reading import Reading, both


@dataclass(frozen=True, kw_only=True)
class Look:
    """What was seen at once. While nobody else takes the lease `respond`, whose state is `lease`, this stays true.

    `is_wide`: more was read than the policy's longest window.
    """

    signals: Sequence[Signal]
    silences: Sequence[Silence]
    state: Sequence[IncidentState]
    outlook: Outlook
    findings: Sequence[ChannelFinding]
    last_record: datetime | None
    lease: LeaseState
    is_wide: bool = False

    def plan(self, policy: Policy, now: datetime) -> list[Event]:
        """The events that are called for."""
        return plan(self.state, self.signals, policy, now, self.silences)

    def with_written(self, events: Sequence[Event]) -> "Look | None":
        """What would be seen once these events of its plan are in the ledger; None where that must be read."""
        state = after(self.state, events)
        outlook = self.outlook.with_written(events, state)
        return replace(self, state=state, outlook=outlook) if outlook else None

    @property
    def needs_since(self) -> datetime | None:
        """From when on messages are to be read, so that none that is owed is missing; None for all."""
        if self.lease.pending_since is None:
            return None
        return min(self.lease.pending_since, self.outlook.candidates.detected_since or self.lease.pending_since)


def look_reading(warehouse: Warehouse, policy: Policy, now: datetime, command: str) -> Reading[Look]:
    """What a `command` finds at `now`: in the policy's longest window, and once more from before where it must."""
    since: datetime | None = first_day(policy, now)
    look = yield from _look_reading(warehouse, policy, now, command, since)
    while since is not None and ((wanted := look.needs_since) is None or wanted < since):
        since = wanted
        look = replace((yield from _look_reading(warehouse, policy, now, command, since)), is_wide=True)
    return look


def _look_reading(
    warehouse: Warehouse, policy: Policy, now: datetime, command: str, since: datetime | None
) -> Reading[Look]:
    # A look at a time long ago considers what was recorded since then.
    behind = f"timestamp_sub(@now, interval {CLOCKS_BEHIND // timedelta(seconds=1)} second)"
    considered_until = f"least({pending_since(warehouse, RESPOND)}, {behind})"
    window = Window(since=since, considered_until=considered_until) if since else None
    ((signals, silences), state), ((outlook, findings), (last_record, lease)) = yield from both(
        both(
            both(signals_reading(warehouse), silences_reading(warehouse, now)),
            state_reading(warehouse, is_current=True),
        ),
        both(
            both(
                outlook_reading(warehouse, policy, now, window=window),
                channel_findings_reading(warehouse, warehouse.settings, policy, now, since=since),
            ),
            both(last_record_reading(warehouse, command, now), lease_reading(warehouse, RESPOND)),
        ),
    )
    return Look(
        signals=[*signals, *channel_signals(findings, policy, now)],
        silences=silences,
        state=state,
        outlook=outlook,
        findings=[each for each in findings if each.is_failing],
        last_record=last_record,
        lease=lease,
    )
