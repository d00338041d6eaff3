"""What `watch` knows of itself: counts, what is open, and whether it is healthy. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

HEALTHY_INTERVALS = 3
"""So many intervals without a success, and `/healthz` is 503."""


class TickOutcome(StrEnum):
    """How a tick of `watch` ended."""

    IDLE = "idle"  # there was nothing to do
    DONE = "done"
    FAILED = "failed"  # done, but a channel refused a message
    BUSY = "busy"  # another run or tick holds the lease; tried again at the next look
    ERROR = "error"  # the warehouse failed; tried again at the next look


@dataclass(frozen=True, kw_only=True)
class WatchStatus:
    """What happened since the start. Each change is a new object, so that another thread reads one of one time.

    A success is a tick that ended (also one whose channel refused a message: that is seen by what is undelivered), or
    a look that found nothing changed and nothing due.
    """

    last_success_at: datetime | None = None
    ticks: Mapping[TickOutcome, int] = field(default_factory=lambda: dict.fromkeys(TickOutcome, 0))
    skipped_looks: int = 0
    warehouse_errors: int = 0
    open_incidents: Mapping[str, int] = field(default_factory=dict)
    """By severity; each severity of the policy is there once a tick has ended."""
    undelivered: int = 0
    tick_seconds: float | None = None

    def after_skip(self, now: datetime) -> "WatchStatus":
        """After a look that made no tick."""
        return replace(self, last_success_at=now, skipped_looks=self.skipped_looks + 1)

    def after_tick(
        self,
        outcome: TickOutcome,
        now: datetime,
        *,
        seconds: float,
        open_incidents: Mapping[str, int],
        undelivered: int,
    ) -> "WatchStatus":
        """After a tick that came to its end."""
        return replace(
            self._counted(outcome),
            last_success_at=now,
            tick_seconds=seconds,
            open_incidents=open_incidents,
            undelivered=undelivered,
        )

    def after_busy(self) -> "WatchStatus":
        """After a tick that did not get the lease: neither a success nor an error."""
        return self._counted(TickOutcome.BUSY)

    def after_error(self, *, is_tick: bool) -> "WatchStatus":
        """After an error of the warehouse, in a tick or in the look before it."""
        counted = self._counted(TickOutcome.ERROR) if is_tick else self
        return replace(counted, warehouse_errors=self.warehouse_errors + 1)

    def is_healthy(self, now: datetime, every: timedelta) -> bool:
        """Whether the last success is recent."""
        return self.last_success_at is not None and now - self.last_success_at <= HEALTHY_INTERVALS * every

    def _counted(self, outcome: TickOutcome) -> "WatchStatus":
        return replace(self, ticks={**self.ticks, outcome: self.ticks[outcome] + 1})
