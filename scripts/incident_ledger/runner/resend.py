"""Messages sent again by hand, by one process at a time."""

from datetime import datetime

from incident_ledger.notify import service
from incident_ledger.notify.delivery import Delivery
from incident_ledger.notify.outbox import requeue
from incident_ledger.policy import Policy
from incident_ledger.runner.lease import RESPOND, with_lease
from incident_ledger.warehouse import Warehouse


def resend(
    warehouse: Warehouse, policy: Policy, now: datetime, *, message_id: str | None = None, channel: str | None = None
) -> tuple[int, list[Delivery]]:
    """How many messages were put back (see `requeue`), and what became of all that was due."""
    with with_lease(warehouse, RESPOND, policy, now, who="outbox retry") as lease:
        lease.forget_pending_since()
        count = requeue(warehouse, message_id=message_id, channel=channel)
        return count, service.notify(warehouse, policy, now)
