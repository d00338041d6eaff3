"""What there is to do: all that a tick decides on, read by one statement."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from incident_ledger.ledger.state import IncidentState, state_reading
from incident_ledger.notify.queries import ChannelFinding, channel_findings_reading
from incident_ledger.notify.service import Outlook, outlook_reading
from incident_ledger.policy import Policy
from incident_ledger.response.signals import Signal
from incident_ledger.runner.lease import RESPOND, token_reading
from incident_ledger.runner.signal_rows import signals_reading
from incident_ledger.runner.steps import last_record_reading
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.reading import Reading, both


@dataclass(frozen=True, kw_only=True)
class Look:
    """What was seen at once. `token` is that of the lease `respond`: while nobody else takes it, this stays true."""

    signals: Sequence[Signal]
    state: Sequence[IncidentState]
    outlook: Outlook
    findings: Sequence[ChannelFinding]
    last_record: datetime | None
    token: int | None


def look_reading(warehouse: Warehouse, policy: Policy, now: datetime, command: str) -> Reading[Look]:
    """What a `command` finds at `now`."""
    (signals, state), ((outlook, findings), (last_record, token)) = yield from both(
        both(signals_reading(warehouse), state_reading(warehouse)),
        both(
            both(
                outlook_reading(warehouse, policy, now),
                channel_findings_reading(warehouse, warehouse.settings, policy, now),
            ),
            both(last_record_reading(warehouse, command, now), token_reading(warehouse, RESPOND)),
        ),
    )
    return Look(signals=signals, state=state, outlook=outlook, findings=findings, last_record=last_record, token=token)
