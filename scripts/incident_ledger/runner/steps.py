"""The steps of a run: timed, shown as they go, recorded in the warehouse."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from incident_ledger.errors import IncidentLedgerError
from incident_ledger.interrupts import interrupt_noted
from incident_ledger.job_labels import labelled
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.reading import Reading, rows_of
from incident_ledger.warehouse.rows import insert_rows
from incident_ledger.warehouse.tables import RUN_STEPS

HEARTBEAT = timedelta(hours=1)


class Outcome(StrEnum):
    """How a step ended. `warning`: done, with something that a person should look at."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass
class Step:
    """One step; the code that runs it fills in `summary`, `outcome` and `detail`."""

    name: str
    position: int
    started_at: datetime
    seconds: float = 0.0
    finished_at: datetime | None = None
    outcome: Outcome = Outcome.OK
    summary: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


class Steps:
    """All steps of one run, in order. `on_begin` and `on_end` are called as it goes."""

    def __init__(self, on_begin: Callable[[Step], None], on_end: Callable[[Step], None]) -> None:
        self._on_begin, self._on_end = on_begin, on_end
        self.done: list[Step] = []

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Time a block. An `IncidentLedgerError` ends the step as failed and goes on to the caller."""
        step = Step(name=name, position=len(self.done) + 1, started_at=datetime.now(UTC))
        begin = time.perf_counter()
        self._on_begin(step)
        try:
            with labelled(step=name):
                yield step
        except IncidentLedgerError as error:
            step.outcome, step.summary = Outcome.FAILED, str(error).splitlines()[0]
            raise
        except BaseException as error:
            is_stopped = isinstance(error, KeyboardInterrupt)
            if is_stopped:
                interrupt_noted()
            step.outcome, step.summary = Outcome.FAILED, "stopped" if is_stopped else type(error).__name__
            raise
        finally:
            step.seconds = time.perf_counter() - begin
            step.finished_at = datetime.now(UTC)
            self.done.append(step)
            self._on_end(step)

    @property
    def has_failed(self) -> bool:
        """Whether any step failed."""
        return any(step.outcome is Outcome.FAILED for step in self.done)


def counted(count: int, what: str) -> str:
    """`1 event`, `2 events`."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def record(warehouse: Warehouse, *, run_id: str, holder: str, command: str, as_of: datetime, steps: Steps) -> None:
    """Append the steps to `run_steps`, by one statement. `holder` distinguishes two runs for one time."""
    run = {"run_id": run_id, "command": command, "as_of": as_of, "holder": holder}
    insert_rows(warehouse, RUN_STEPS, [run | _row(step) for step in steps.done])


def last_record_reading(warehouse: Warehouse, command: str, as_of: datetime) -> Reading[datetime | None]:
    """When this command left its last record within `HEARTBEAT`, by its as-of time and by the clock; None for not."""
    sql = f"""
        select max(least(started_at, as_of)) as recorded_at
        from {warehouse.raw(RUN_STEPS.name)}
        where command = @command and started_at >= @since and as_of > @first and as_of <= @as_of
    """  # noqa: S608
    params = {"command": command, "since": datetime.now(UTC) - HEARTBEAT, "first": as_of - HEARTBEAT, "as_of": as_of}
    (row,) = yield from rows_of(sql, params)
    recorded_at: datetime | None = row["recorded_at"]
    return recorded_at


def _row(step: Step) -> dict[str, Any]:
    return {
        "step": step.name,
        "position": step.position,
        "started_at": step.started_at,
        "finished_at": step.finished_at or step.started_at,
        "outcome": step.outcome.value,
        "detail": {"summary": step.summary, **step.detail},
    }
