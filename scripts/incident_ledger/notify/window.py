"""Which part of the outbox a tick reads: from a literal day on, and never less than what may be owed.

What an older day has is over: no message of it is owed or was attempted lately, and no event that was recorded before
lacks its message. From when on that is so, `pending_since`, is kept with the lease `respond`, under which alone
messages are written: nobody can know it before the statement that reads it. So a look reads the days of the policy's
longest window, and `pending_since` beside them; where that lies before, or an incident of before has a new event, it
looks once more, from there on.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from incident_ledger.policy import Policy
from incident_ledger.warehouse.rows import literal

_WINDOWS = ("notification_window_hours", "reopening_window_hours", "deadline_window_hours")


@dataclass(frozen=True, kw_only=True)
class Window:
    """Messages are read that were written at `since` or later.

    `considered_until` is SQL: of which time on events may lack the message that they ask for; `@now` is the look's.
    """

    since: datetime
    considered_until: str

    @property
    def lowest_id(self) -> str:
        """What the ids of incidents whose messages are all read are not below: they begin with the detection."""
        return f"INC-{self.since.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def first_day(policy: Policy, now: datetime) -> datetime:
    """The beginning of the day on which the policy's longest window at `now` began."""
    hours = max(float(policy.limit(name, now)) for name in _WINDOWS)
    return datetime.combine((now - timedelta(hours=hours)).astimezone(UTC).date(), time(), tzinfo=UTC)


def written_since(since: datetime | None) -> str:
    """A condition on messages: those of `since` or later, all of them for None."""
    return "true" if since is None else f"created_at >= {literal(since)}"
