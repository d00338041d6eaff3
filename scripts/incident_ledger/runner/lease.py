"""Who may build, respond or act for a person: one row each, taken with an UPDATE.

Statements that change the same row conflict in BigQuery, and one of them then changes none and is tried again. The
warehouse's clock decides, so that a machine with a wrong one cannot take what is held; the row says how long the lease
is, so that an end that the clock wrote before it was put right holds nobody up. A holder renews in the background; one
that died stops doing so, and the lease passes on when its time is over.

A job ends with its record in `run_steps`, which names the holder: that gives the lease back, without a statement of
its own (`leave_to_record`). What the next holder must know is in the record, until it is in the row again.
"""

# ruff: noqa: S608 -- names of tables and literal times are not parameters, and are our own; values are bound

import logging
import math
import os
import random
import secrets
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from incident_ledger.errors import LeaseHeldError, OutsideError
from incident_ledger.policy import Policy
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.reading import Reading, rows_of
from incident_ledger.warehouse.rows import literal, merge_rows, update_where
from incident_ledger.warehouse.tables import LEASES, RUN_STEPS

log = logging.getLogger(__name__)

BUILD = "build"  # who holds it may build and check; a run does
RESPOND = "respond"  # who holds it may write what follows from signals, and send, for seconds; a run and a tick do
COMMANDS = "command"  # who holds it may write what depends on what an incident is now, for seconds
PENDING_SINCE = "pending_since"
"""In the detail of a step that a holder records: from when on the next holder must read."""
_WORK = {BUILD: "run", RESPOND: "run or tick", COMMANDS: "command"}  # what another holder of it does, in a message

# What BigQuery says when two statements change the same row at once: one of them changed nothing and may try again.
_CONFLICTS = ("concurrent update", "could not serialize access")
_WAITS = (0.1, 0.2, 0.4, 0.8)  # seconds between the attempts of one statement
# Records are looked for so far back: who holds a lease for longer without one renews it, or it is over.
_RECORDS = timedelta(days=1)


class Lease:
    """A lease by name. `seconds` is how long it outlives its holder."""

    def __init__(
        self,
        warehouse: Warehouse,
        name: str,
        *,
        seconds: float,
        holder: str | None = None,
        as_of: datetime | None = None,
    ) -> None:
        self._warehouse = warehouse
        self._name = name
        self._seconds = seconds
        self.holder = holder or f"{uuid.uuid4()}"
        self.is_unbroken = False  # nobody else had it since its token was read
        self.pending_since: datetime | None = None  # from when on the next holder must read, where that is known
        self._as_of = as_of  # of a job, which leaves a record
        self._is_left = False
        self._stop = threading.Event()
        self._lost = False
        self._taken_at = -math.inf
        self._renewer: threading.Thread | None = None

    def take(self, token: int | None = None) -> bool:
        """Take it, or renew it; False when another holds it, or had it since `token` was read (see `token_reading`).

        An end further off than the lease is long was written before the warehouse's clock was put back: nobody's.
        """
        begun = _now()
        values = {
            "fencing_token": "coalesce(fencing_token, 0) + if(holder = @holder, 0, 1)",
            "holder": "@holder",
            "milliseconds": "@milliseconds",
            "until": "timestamp_add(current_timestamp(), interval @milliseconds millisecond)",
        }
        free = """
            holder = @holder
            or until <= current_timestamp()
            or until > timestamp_add(current_timestamp(), interval coalesce(milliseconds, @milliseconds) millisecond)
        """
        params = {"name": self._name, "holder": self.holder, "milliseconds": int(self._seconds * 1000)}
        if self._as_of is not None:  # what it writes has this time, which may be long ago
            known = pending_since(self._warehouse, self._name)
            values["pending_since"] = f"if({known} > @as_of, @as_of, {known})"
            params["as_of"] = self._as_of
            free += f" or holder in (select records.holder from ({_records(self._warehouse)}) as records)"
        where = f"name = @name and ({free})"
        if token is not None:
            # Of all rows alike: a row may be doubled.
            where += f" and @token = {_token(self._warehouse)}"
            params["token"] = token
        is_taken = self._write(values, where, params) > 0
        if is_taken:
            self._taken_at = begun
        return is_taken

    def release(self) -> None:
        """Let the next one have it at once, whatever any clock says. Does nothing when another holds it."""
        values = {"holder": "''", "until": "timestamp_seconds(0)"}
        if self.pending_since is not None:
            values["pending_since"] = literal(self.pending_since)
        try:
            self._write(values, "name = @name and holder = @holder", {"name": self._name, "holder": self.holder})
        except OutsideError as error:
            log.warning("the lease was not given back; it ends by itself (reason: %s)", str(error).splitlines()[0])

    def leave_to_record(self) -> None:
        """Let the record that its holder is about to write give it back, unless the block ends with an error."""
        self._is_left = True

    def forget_pending_since(self) -> None:
        """Make whoever looks next read everything. Called by its holder before older messages are owed again."""
        where = "name = @name and holder = @holder"
        self._write({"pending_since": "null"}, where, {"name": self._name, "holder": self.holder})

    def _write(self, values: Mapping[str, str], where: str, params: Mapping[str, Any]) -> int:
        """The number of rows changed. A conflict is no loss, it is tried again; `OutsideError` when it does not end."""
        for wait in _WAITS:
            try:
                return update_where(self._warehouse, LEASES, values, where, params)
            except OutsideError as error:
                if not is_conflict(error):
                    raise
            time.sleep(random.uniform(0.5, 1) * wait)  # noqa: S311 - apart from the others
        return update_where(self._warehouse, LEASES, values, where, params)

    def ensure_row(self) -> None:
        """Make the row on first use. Two processes may both insert it: every UPDATE then changes both rows alike."""
        free = {"name": self._name, "holder": "", "until": datetime.fromtimestamp(0, UTC)}
        merge_rows(self._warehouse, LEASES, [free])

    def held_by(self) -> str:
        """Who holds it and until when, in words."""
        sql = f"select holder, until from {self._warehouse.raw('leases')} where name = @name"
        row = next(iter(self._warehouse.rows(sql, {"name": self._name})), None)
        return f"{row['holder']} until {row['until']:%H:%M:%S} UTC" if row and row["holder"] else "nobody"

    def confirm(self) -> None:
        """Raise `LeaseHeldError` when it was lost meanwhile (this process slept too long). Called before each write.

        Nobody is asked while less than a third of its time has passed since it was taken or renewed: the warehouse
        gives it to nobody else before all of it has.
        """
        is_fresh = _now() - self._taken_at < self._seconds / 3
        if self._lost or not (is_fresh or self.take()):
            self._lost = True
            raise LeaseHeldError(f"This run lost its lease to {self.held_by()}; it wrote nothing more. Run it again.")

    def __enter__(self) -> Self:
        self._renewer = threading.Thread(target=self._renew, name="lease", daemon=True)
        self._renewer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._renewer is not None:
            self._renewer.join(timeout=self._seconds)
        if error is not None or not self._is_left:
            self.release()

    def _renew(self) -> None:
        while not self._stop.wait(self._seconds / 3):
            try:
                if not self.take():
                    self._lost = True
                    return
            except OutsideError as error:
                log.warning("the lease was not renewed (reason: %s)", str(error).splitlines()[0])


@dataclass(frozen=True, kw_only=True)
class LeaseState:
    """What is known of a lease at a time.

    `token`: how often it passed to another holder, while nobody has it; None when somebody has, or nobody ever had.
    `pending_since`: from when on there may be work that its holders left; None when that is not known.
    """

    token: int | None
    pending_since: datetime | None


def lease_reading(warehouse: Warehouse, name: str) -> Reading[LeaseState]:
    """A lease as it is."""
    sql = f"""
        select
            max(coalesce(leases.fencing_token, 0)) as token,
            logical_and(
                leases.holder = '' or leases.until <= current_timestamp() or records.holder is not null
            ) as is_free,
            -- Of rows that are doubled one may not have it.
            if(
                logical_and(coalesce(records.pending_since, leases.pending_since) is not null),
                min(coalesce(records.pending_since, leases.pending_since)),
                null
            ) as pending_since
        from {warehouse.raw(LEASES.name)} as leases
        left join ({_records(warehouse)}) as records on leases.holder = records.holder
        where leases.name = @name
    """
    (row,) = yield from rows_of(sql, {"name": name})
    return LeaseState(token=int(row["token"]) if row["is_free"] else None, pending_since=row["pending_since"])


def token_reading(warehouse: Warehouse, name: str) -> Reading[int | None]:
    """The `token` of `LeaseState`."""
    lease = yield from lease_reading(warehouse, name)
    return lease.token


def pending_since(warehouse: Warehouse, name: str) -> str:
    """The `pending_since` of a lease as an expression of SQL."""
    return f"""(
        select min(coalesce(records.pending_since, leases.pending_since))
        from {warehouse.raw(LEASES.name)} as leases
        left join ({_records(warehouse)}) as records on leases.holder = records.holder
        where leases.name = '{name}'
    )"""


def _records(warehouse: Warehouse) -> str:
    """A query of the holders that have left their record lately, each once, with the `pending_since` in it.

    From the beginning of a day on, so that the statement is the same all day.
    """
    since = (datetime.now(UTC) - _RECORDS).replace(hour=0, minute=0, second=0, microsecond=0)
    return f"""
        select holder, min(timestamp(json_value(detail, '$.{PENDING_SINCE}'))) as pending_since
        from {warehouse.raw(RUN_STEPS.name)}
        where started_at >= {literal(since)} and holder != ''
        group by holder
    """


def _token(warehouse: Warehouse) -> str:
    table = warehouse.raw(LEASES.name)
    return f"(select max(coalesce(leases.fencing_token, 0)) from {table} as leases where leases.name = @name)"


def _now() -> float:
    """Seconds of a clock that also counts while the machine sleeps, where there is one."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def is_conflict(error: OutsideError) -> bool:
    """Whether another statement was changing the same row."""
    return any(words in str(error).lower() for words in _CONFLICTS)


def _got(lease: Lease, token: int | None = None) -> bool:
    """Whether the lease was taken; a conflict that does not end is one more reason to wait."""
    try:
        return lease.take(token)
    except OutsideError as error:
        if is_conflict(error):
            return False
        raise


def with_lease(
    warehouse: Warehouse,
    name: str,
    policy: Policy,
    now: datetime,
    *,
    who: str,
    wait: float | None = None,
    on_wait: Callable[[str], None] = lambda _: None,
    token: int | None = None,
) -> AbstractContextManager[Lease]:
    """Hold a lease as long, and wait for it as long, as the policy at `now` says; `wait` seconds if it is given.

    `who` names the holder in messages. The holder is this process alone: two runs may have one name, since
    it follows from the as-of time. Raises what `hold` raises.
    """
    return hold(
        warehouse,
        name,
        seconds=float(policy.limit("lease_seconds", now)),
        wait=float(policy.limit("lease_wait_seconds", now)) if wait is None else wait,
        holder=f"{who} on {socket.gethostname()}, process {os.getpid()}, {secrets.token_hex(2)}",
        on_wait=on_wait,
        token=token,
        as_of=now,
    )


@contextmanager
def hold(
    warehouse: Warehouse,
    name: str,
    *,
    seconds: float,
    wait: float,
    holder: str,
    on_wait: Callable[[str], None] = lambda _: None,
    sleep: Callable[[float], None] = time.sleep,
    token: int | None = None,
    as_of: datetime | None = None,
) -> Iterator[Lease]:
    """Hold the lease for the time of a block, waiting `wait` seconds for it at most.

    `as_of` is the time of what its holder writes. With `token` the lease `is_unbroken` when nobody has had it since
    that was read.

    Raises `LeaseHeldError` naming the holder when it is not to be had in that time.
    """
    lease = Lease(warehouse, name, seconds=seconds, holder=holder, as_of=as_of)
    end = time.monotonic() + wait
    has_reported = False
    lease.is_unbroken = token is not None and _got(lease, token)
    is_held = lease.is_unbroken or _got(lease)
    if not is_held:
        lease.ensure_row()  # nobody has it where its row is not there yet
    while not is_held and not _got(lease):
        if time.monotonic() >= end:
            work = _WORK.get(name, name)
            raise LeaseHeldError(
                f"Another {work} is at work: {lease.held_by()}. Try again later (run and tick wait as long as --wait "
                f"says); the lease of a {work} that died passes on within {seconds:.0f} seconds."
            )
        if not has_reported:
            on_wait(lease.held_by())
            has_reported = True
        sleep(random.uniform(0.3, 0.8))  # noqa: S311 - apart from others who wait
    with lease:
        yield lease
