"""Ticks in one warm process: one when a table that a tick reads was modified or something is due, else none.

Each look asks the tables API, which is free, when those tables were last modified, before the tick: what is written
meanwhile makes the next look tick again, as do the tick's own writes, once.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from incident_ledger import policy
from incident_ledger.errors import ExitCode, LeaseHeldError, OutsideError, UserError
from incident_ledger.ledger.setup import VIEWS, ensure_ledger
from incident_ledger.notify.undelivered import undelivered
from incident_ledger.policy import Policy
from incident_ledger.policy.seeds import policy_tables
from incident_ledger.runner.job import Job
from incident_ledger.runner.run_report import RunReport
from incident_ledger.runner.watch_status import TickOutcome, WatchStatus
from incident_ledger.settings import Settings
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.modified import FullName, last_modified_below
from incident_ledger.warehouse.tables import NOTIFICATIONS

COMMAND = "watch"
LONGEST_BACKOFF = timedelta(minutes=5)

Modified = Mapping[FullName, str | None]


class Reason(StrEnum):
    """Why a look makes a tick."""

    FIRST = "first"
    CHANGED = "changed"
    DUE = "due"


def reason_to_tick(seen: Modified | None, found: Modified, next_due: datetime | None, now: datetime) -> Reason | None:
    """Why to tick at `now`, None for not.

    `seen` are the times that were read before the last tick that ended, None when none has; `found` are those of now.
    """
    if seen is None:
        return Reason.FIRST
    if found != seen:
        return Reason.CHANGED
    return Reason.DUE if next_due is not None and next_due <= now else None


def next_look(
    begun: datetime, now: datetime, *, every: timedelta, next_due: datetime | None = None, failures: int = 0
) -> datetime:
    """When to look again after the look that began at `begun`, not before `now`.

    After an interval, or when something is due if that is sooner. After failures in a row the interval doubles, up to
    `LONGEST_BACKOFF`.
    """
    if failures:
        doubled = every * (1 << min(failures - 1, 12))  # an hour doubled twelve times is a number yet
        return max(now, begun + min(doubled, max(every, LONGEST_BACKOFF)))
    ahead = begun + every
    if next_due is not None and next_due > begun:
        ahead = min(ahead, next_due)
    return max(now, ahead)


def watched_relations(settings: Settings) -> list[tuple[str, str]]:
    """What a tick reads, without what lies below views: the ledger's views, the outbox and the policy.

    Without the records of runs, of which its heartbeat alone reads its own, and the leases.
    """
    return [
        *((settings.dataset, view) for view in VIEWS),
        (settings.raw_dataset, NOTIFICATIONS.name),
        *((settings.policy_dataset, table) for table in policy_tables()),
    ]


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Watch:
    """Looks, and ticks where there is a reason to. `status` is what is known of it, from any thread.

    `connect` is called again after an error of the warehouse. `on_report` gets each tick's report, `on_error` each new
    error of the warehouse once, and `on_recovery` is called when the next look succeeds.
    """

    def __init__(
        self,
        connect: Callable[[], Warehouse],
        *,
        every: timedelta,
        clock: Callable[[], datetime] = _utc_now,
        on_report: Callable[[RunReport], None] = lambda _: None,
        on_error: Callable[[str], None] = lambda _: None,
        on_recovery: Callable[[], None] = lambda: None,
    ) -> None:
        self.every = every
        self.status = WatchStatus()
        self._connect = connect
        self._clock = clock
        self._on_report, self._on_error, self._on_recovery = on_report, on_error, on_recovery
        self._warehouse: Warehouse | None = None
        self._policy: Policy | None = None
        self._policy_modified: Modified = {}
        self._seen: Modified | None = None
        self._next_due: datetime | None = None
        self._failures = 0
        self._error: str | None = None

    @property
    def is_healthy(self) -> bool:
        """Whether the last success is recent."""
        return self.status.is_healthy(self._clock(), self.every)

    def run(self, wait: Callable[[float], bool]) -> None:
        """Look until `wait`, which waits for seconds, says that it is to end.

        Raises `UserError` for a setting that is wrong at the start; later that is an error of the warehouse, which may
        be set right while this goes on.
        """
        seconds = 0.0
        while not wait(seconds):
            begun = self._clock()
            self.look()
            now = self._clock()
            ahead = next_look(begun, now, every=self.every, next_due=self._next_due, failures=self._failures)
            seconds = (ahead - now).total_seconds()
        self._disconnect()

    def look(self) -> Reason | None:
        """One look, and the tick that follows from it; why there was one."""
        reason: Reason | None = None
        try:
            warehouse = self._connected()
            found = last_modified_below(warehouse, watched_relations(warehouse.settings))
            reason = reason_to_tick(self._seen, found, self._next_due, self._clock())
            if reason is None:
                self.status = self.status.after_skip(self._clock())
            else:
                self._tick(warehouse, found)
        except LeaseHeldError:
            self.status = self.status.after_busy()
        except (OutsideError, UserError) as error:
            if isinstance(error, UserError) and self.status.last_success_at is None:
                raise
            self._failed(str(error), is_tick=reason is not None)
            return reason
        if self._failures:
            self._failures, self._error = 0, None
            self._on_recovery()
        return reason

    def _tick(self, warehouse: Warehouse, found: Modified) -> None:
        begin = time.perf_counter()
        rules = self._current_policy(warehouse, found)
        as_of = self._clock()
        report = Job(warehouse, as_of, command=COMMAND).tick(wait=0, rules=rules)
        seconds = time.perf_counter() - begin
        owed = report.undelivered
        if owed is None:
            owed = len(undelivered(warehouse, rules, as_of, since=report.messages_since))
        # What a tick that did something leaves to do is found by another look, also where it changed no table.
        self._seen, self._next_due = found, report.next_due if report.is_idle else as_of
        open_now = Counter(incident.severity_level for incident in report.open_incidents)
        self.status = self.status.after_tick(
            _outcome(report),
            self._clock(),
            seconds=seconds,
            open_incidents={each.severity_level: open_now[each.severity_level] for each in rules.severities},
            undelivered=owed,
        )
        self._on_report(report)

    def _current_policy(self, warehouse: Warehouse, found: Modified) -> Policy:
        """Read once, and again when one of its tables was modified."""
        modified = {name: at for name, at in found.items() if name[1] == warehouse.settings.policy_dataset}
        if self._policy is None or modified != self._policy_modified:
            ensure_ledger(warehouse)
            self._policy, self._policy_modified = policy.load(warehouse), modified
        return self._policy

    def _failed(self, text: str, *, is_tick: bool) -> None:
        self._failures += 1
        self.status = self.status.after_error(is_tick=is_tick)
        self._disconnect()
        if text != self._error:
            self._error = text
            self._on_error(text)

    def _connected(self) -> Warehouse:
        if self._warehouse is None:
            self._warehouse = self._connect()
        return self._warehouse

    def _disconnect(self) -> None:
        if self._warehouse is not None:
            self._warehouse.close()
            self._warehouse = None


def _outcome(report: RunReport) -> TickOutcome:
    if report.is_idle:
        return TickOutcome.IDLE
    return TickOutcome.FAILED if report.exit_code is ExitCode.OUTSIDE else TickOutcome.DONE
