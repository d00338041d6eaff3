"""What `run` and `tick` would cost on BigQuery, by their requests: jobs, megabytes, dollars a month, seconds."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from benchmark import history
from benchmark.billing.api_calls import ApiCall, api_call
from benchmark.billing.charges import Bill, charge, total
from benchmark.billing.schedule import THREADS, elapsed
from benchmark.billing.table_sizes import read_sizes
from benchmark.figures import Part, Table
from benchmark.places import Place
from incident_ledger.ledger.events import Event, EventType, incident_id
from incident_ledger.ledger.writer import append

RUNS_A_MONTH = 4 * 24 * 30
TICKS_A_MONTH = 60 * 24 * 30
DAYS = 7
_HEADING = ("", "jobs", "of them cached", "DML", "metadata calls", "MB", "USD a month", "seconds")


@dataclass(frozen=True)
class Billed:
    """One command: what it is called, how often a month has it (None: not regularly), its bill, its seconds."""

    name: str
    times: int | None
    bill: Bill
    seconds: float

    def row(self) -> tuple[str, ...]:
        """A row of the table."""
        bill = self.bill
        usd = "" if self.times is None else f"{bill.usd(self.times):,.2f}"
        counts = (bill.jobs, bill.cached, bill.dml, bill.metadata)
        return (self.name, *(f"{count:,}" for count in counts), f"{bill.megabytes:,.0f}", usd, f"{self.seconds:,.0f}")


def measure(place: Place, files: Path) -> Part:
    """The commands of a first week, one after the other, in a place where nothing was before."""
    days = [history.END_DAY + timedelta(days=back) for back in range(1 - DAYS, 2)]
    for day in days[:-1]:
        history.new_day(place, files, day)
    morning, next_morning = (history.morning_after(day) for day in days[-2:])
    with place.counting(scans=False):
        counter = Counter(place)
        found = [counter.bill("`run`, first", None, lambda: place.run(morning))]
        counter.leave(lambda: place.run(morning + timedelta(hours=1)))  # builds what the first one recorded
        found.append(counter.bill("`run`, nothing new", RUNS_A_MONTH, lambda: place.run(morning + timedelta(hours=2))))
        counter.leave(lambda: history.new_day(place, files, days[-1]))
        found.append(counter.bill("`run`, one new day of each vendor", RUNS_A_MONTH, lambda: place.run(next_morning)))
        counter.leave(lambda: _tick(place, next_morning, 1))  # its heartbeat
        found.append(counter.bill("`tick`, idle", TICKS_A_MONTH, lambda: _tick(place, next_morning, 2)))
        counter.leave(lambda: _open_incident(place, next_morning))
        found.append(counter.bill("`tick`, one message", None, lambda: _tick(place, next_morning, 3)))
    return _part(found)


class Counter:
    """The bills of commands, by the requests that a place notes while they run."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._lines = 0
        self._before: list[ApiCall] = []

    def bill(self, name: str, times: int | None, command: Callable[[], object]) -> Billed:
        """Do it, and the bill of it."""
        before = list(self._before)
        self.leave(command)
        calls = self._before[len(before) :]
        charges = charge(calls, read_sizes(self._place.warehouse(), self._place.partitions()), before=before)
        self._read()  # the benchmark's own questions
        return Billed(name, times, total(charges), elapsed(charges))

    def leave(self, command: Callable[[], object]) -> None:
        """Do it without a bill."""
        self._read()
        command()
        self._before += self._read()

    def _read(self) -> list[ApiCall]:
        """The calls since the last look."""
        lines = self._place.requests.read_text(encoding="utf-8").splitlines()
        new, self._lines = lines[self._lines :], len(lines)
        return [call for line in new if (call := _call(line)) is not None]


def _call(line: str) -> ApiCall | None:
    request = json.loads(line)
    body = request.pop("body").encode()
    return api_call(**request, body=body)


def _tick(place: Place, after: datetime, minutes: int) -> None:
    place.ledger("tick", "--as-of", (after + timedelta(minutes=minutes)).isoformat())


def _open_incident(place: Place, at: datetime) -> None:
    event = Event(
        incident_id=incident_id("benchmark", "one", at),
        event_type=EventType.DETECTED,
        occurred_at=at,
        actor="benchmark",
        source="benchmark",
        source_key="one",
        severity_level="P2",
        payload={"title": "One incident"},
    )
    append(place.warehouse(), [event], at)


def _part(found: Sequence[Billed]) -> Part:
    notes = (
        "Counted from the requests that the commands sent to the local warehouse, dbt's and Great Expectations' too. "
        "Megabytes: 10 at least for each table that a statement references, views resolved; of a table by day the days "
        "that the statement's own constants leave; on demand, 6.25 USD a TiB.",
        "A month: `run` each quarter of an hour and `tick` each minute, as in `scripts/schedule`. Seconds by the "
        "latencies in `billing/charges.py` (a job 1.5 s, DML 2.5 s, a metadata call 0.2 s), "
        f"with {THREADS} threads of dbt: a model, not a measurement.",
    )
    return Part("The bill on BigQuery", (), (), notes, Table(_HEADING, tuple(each.row() for each in found)))
