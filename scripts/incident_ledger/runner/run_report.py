"""What a run did and what is open after it."""

from dataclasses import dataclass, field
from datetime import datetime

from incident_ledger.errors import ExitCode
from incident_ledger.ledger.events import Event
from incident_ledger.ledger.state import IncidentState
from incident_ledger.notify.delivery import Delivery
from incident_ledger.runner.steps import Outcome, Step


@dataclass
class RunReport:
    """What a run did and what is open after it.

    Of a tick that had nothing to do (`is_idle`): the messages that are owed, and when there will be something to do
    though nothing happens; None while that is not known. No message from before `messages_since` is owed.
    """

    run_id: str
    as_of: datetime
    steps: list[Step] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    delivered: list[Delivery] = field(default_factory=list)
    open_incidents: list[IncidentState] = field(default_factory=list)
    is_alarm: bool = False
    is_idle: bool = False
    undelivered: int | None = None
    messages_since: datetime | None = None
    next_due: datetime | None = None

    @property
    def exit_code(self) -> ExitCode:
        """3 when a step failed, else 1 when an alarm was asked for and there is one, else 0."""
        if any(step.outcome is Outcome.FAILED for step in self.steps):
            return ExitCode.OUTSIDE
        return ExitCode.ALARM if self.is_alarm else ExitCode.OK
