"""A morning on which everything breaks: a thousand incidents opened by one tick, beside ten."""

from datetime import datetime, timedelta
from pathlib import Path

from benchmark import history
from benchmark.bill import Counter
from benchmark.figures import Comparison, Part, Series
from benchmark.places import Place, Taken
from incident_ledger.quality.result_types import BatchResult
from incident_ledger.quality.results import record

FEW = 10
_WAIT = timedelta(minutes=10)


def measure(place: Place, files: Path, *, many: int) -> Part:
    """One tick after `FEW` breaches and one after `many`, in a place with one day of usage."""
    morning = history.morning_after(history.END_DAY)
    history.new_day(place, files, history.END_DAY)
    place.run(morning)
    with place.counting(scans=False):
        counter = Counter(place)
        counter.leave(lambda: _tick(place, morning))
        few, all_ = (
            _opened(place, counter, count, morning + n * _WAIT) for n, count in enumerate((FEW, many), start=1)
        )
    comparisons = tuple(
        Comparison(f"{what} a tick that opens {many:,} incidents, beside {FEW}", measured, beside)
        for what, measured, beside in zip(("time of", "statements of", "DML of", "messages of"), all_, few, strict=True)
    )
    note = "All events of a tick are written by one MERGE, and messages beyond `digest_messages` are one."
    return Part("Many incidents at once", comparisons, (), (note,))


def _opened(place: Place, counter: Counter, count: int, at: datetime) -> tuple[Series, ...]:
    """So many tables break at a time, and a tick follows: its seconds, statements, DML and messages."""
    taken: list[Taken] = []
    counter.leave(lambda: _break(place, count, at))
    bill = counter.bill("", None, lambda: taken.append(_tick(place, at))).bill
    name = f"a tick that opens {count:,} incidents"
    counts = (("statements", bill.jobs), ("DML", bill.dml), ("messages", _sent(place, at)))
    seconds = Series(f"time of {name}", "s", (taken[0].seconds,))
    return seconds, *(Series(f"{what} of {name}", "", (float(value),)) for what, value in counts)


def _tick(place: Place, at: datetime) -> Taken:
    return place.ledger("tick", "--as-of", (at + timedelta(minutes=1)).isoformat())


def _break(place: Place, count: int, at: datetime) -> None:
    """Results of checks of so many tables, each in breach."""
    batches = [
        BatchResult(
            table=f"ai_usage_prod.storm_{count}_{number}",
            suite=f"storm_{count}_{number}.json",
            owner=None,
            day=None,
            examined=100,
            rules=(),
            severity_level="P2",
            worst_rule_id="given",
            check_severity_level=None,
            title=f"given is missing: 10 % in storm_{number}",
            value=0.1,
            threshold="from 5 to 20 %",
        )
        for number in range(count)
    ]
    record(place.warehouse(), batches, f"storm-{count}", at)


def _sent(place: Place, at: datetime) -> int:
    """Messages that left since a time."""
    warehouse = place.warehouse()
    sql = f"select count(*) as sent from {warehouse.raw('notifications')} where sent_at > @at and status = 'sent'"  # noqa: S608
    return int(warehouse.rows(sql, {"at": at})[0]["sent"])
