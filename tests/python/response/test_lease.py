"""One run at a time: the lease row, with real processes, a dead holder, and BigQuery's own conflicts put in."""

import os
import signal
import time
from datetime import UTC, datetime, timedelta
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from typing import Any

import pytest

from incident_ledger.encoding import timestamp
from incident_ledger.errors import LeaseHeldError, OutsideError
from incident_ledger.runner.lease import Lease, hold, lease_reading, pending_since, token_reading
from incident_ledger.runner.steps import Steps, record
from incident_ledger.settings import Settings
from incident_ledger.warehouse import Warehouse, connect
from incident_ledger.warehouse.reading import read
from warm import FORKS

ROUNDS = 5


def lease_of(warehouse: Warehouse, holder: str, seconds: float = 30) -> Lease:
    lease = Lease(warehouse, "run", seconds=seconds, holder=holder)
    lease.ensure_row()
    return lease


def test_only_one_of_two_holds_the_lease(warehouse: Warehouse) -> None:
    first, second = lease_of(warehouse, "first"), lease_of(warehouse, "second")
    assert first.take()
    assert not second.take()
    assert first.take()  # its own renewal
    first.release()
    assert second.take()


def test_a_doubled_row_is_still_one_lease(warehouse: Warehouse) -> None:
    first, second = lease_of(warehouse, "first"), lease_of(warehouse, "second")
    warehouse.execute(
        f"insert into {warehouse.raw('leases')} (name, holder, until) values ('run', '', timestamp_seconds(0))"
    )
    assert first.take()
    assert not second.take()


def _compete(settings: Settings, barrier: Barrier, name: str, wins: "Queue[tuple[int, str]]") -> None:
    warehouse = connect(settings)
    for turn in range(ROUNDS):
        lease = Lease(warehouse, f"round{turn}", seconds=30, holder=name)
        barrier.wait(timeout=60)
        if lease.take():
            wins.put((turn, name))


def test_of_eight_processes_exactly_one_wins_each_round(warehouse: Warehouse) -> None:
    for turn in range(ROUNDS):
        Lease(warehouse, f"round{turn}", seconds=30).ensure_row()
    barrier, wins = FORKS.Barrier(8), FORKS.Queue()
    processes = [
        FORKS.Process(target=_compete, args=(warehouse.settings, barrier, f"p{number}", wins)) for number in range(8)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=90)
        assert process.exitcode == 0
    won = [wins.get(timeout=5) for _ in range(ROUNDS)]
    assert sorted(turn for turn, _ in won) == list(range(ROUNDS))
    assert wins.empty()


def _hold_for_ever(settings: Settings, taken: "Queue[bool]") -> None:
    with hold(connect(settings), "run", seconds=2, wait=0, holder="doomed"):
        taken.put(True)
        time.sleep(60)


def test_the_lease_of_a_killed_holder_passes_on(warehouse: Warehouse) -> None:
    taken = FORKS.Queue()
    process = FORKS.Process(target=_hold_for_ever, args=(warehouse.settings, taken))
    process.start()
    assert taken.get(timeout=60)
    heir = lease_of(warehouse, "heir")
    time.sleep(3)  # longer than the lease: the holder lives and renews
    assert not heir.take()
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join(timeout=10)
    with hold(warehouse, "run", seconds=2, wait=10, holder="heir") as lease:
        lease.confirm()


def test_who_does_not_get_it_in_time_learns_who_holds_it(warehouse: Warehouse) -> None:
    assert lease_of(warehouse, "the-first-run").take()
    with (
        pytest.raises(LeaseHeldError, match="the-first-run until"),
        hold(warehouse, "run", seconds=30, wait=0.5, holder="second"),
    ):
        pytest.fail("the lease was held")


def test_a_holder_that_slept_too_long_writes_nothing_more(warehouse: Warehouse) -> None:
    sleeper = lease_of(warehouse, "sleeper", seconds=0.2)
    assert sleeper.take()
    time.sleep(0.5)
    assert lease_of(warehouse, "next").take()
    with pytest.raises(LeaseHeldError, match="lost its lease to next"):
        sleeper.confirm()


CONFLICTS = [
    "Transaction is aborted due to concurrent update against table leases",
    "Could not serialize access to table leases",
]


class Failing:
    """Fails in these words so many times, then does as the warehouse does."""

    def __init__(self, warehouse: Warehouse, words: str, times: int) -> None:
        self._execute = warehouse.execute
        self._words = words
        self.left = times

    def __call__(self, sql: str, params: Any = None) -> int:
        if self.left > 0 and sql.lstrip().startswith("update"):
            self.left -= 1
            raise OutsideError(self._words)
        return self._execute(sql, params)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("incident_ledger.runner.lease._WAITS", (0.01,) * 4)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("words", CONFLICTS)
def test_a_conflict_is_no_loss(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    lease = lease_of(warehouse, "unlucky")
    failing = Failing(warehouse, words, times=3)
    monkeypatch.setattr(warehouse, "execute", failing)
    assert lease.take()
    failing.left = 3
    lease.confirm()
    failing.left = 3
    lease.release()
    assert lease.held_by() == "nobody"


@pytest.mark.usefixtures("quick")
def test_a_conflict_at_a_renewal_does_not_lose_the_lease(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    with hold(warehouse, "run", seconds=3, wait=0, holder="busy") as lease:
        failing = Failing(warehouse, CONFLICTS[0], times=7)  # more than one renewal tries
        monkeypatch.setattr(warehouse, "execute", failing)
        deadline = time.monotonic() + 20
        while failing.left:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        lease.confirm()


@pytest.mark.usefixtures("quick")
def test_a_conflict_that_does_not_end_is_waited_for(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    lease_of(warehouse, "any")
    monkeypatch.setattr(warehouse, "execute", Failing(warehouse, CONFLICTS[1], times=7))
    with hold(warehouse, "run", seconds=30, wait=20, holder="patient", sleep=lambda _: None) as lease:
        assert lease.held_by().startswith("patient until")


def test_any_other_fault_is_raised(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    lease = lease_of(warehouse, "unlucky")
    monkeypatch.setattr(warehouse, "execute", Failing(warehouse, "Access Denied: Table leases", times=1))
    with pytest.raises(OutsideError, match="Access Denied"):
        lease.take()


def _set_clock_back(warehouse: Warehouse, minutes: int) -> None:
    """What a clock that was so far ahead, and is right again, has left behind."""
    warehouse.execute(
        f"update {warehouse.raw('leases')} set until = timestamp_add(until, interval @minutes minute) where true",
        {"minutes": minutes},
    )


def test_a_lease_of_a_clock_that_was_put_back_is_nobodys(warehouse: Warehouse) -> None:
    assert lease_of(warehouse, "first").take()
    _set_clock_back(warehouse, 60)
    second = lease_of(warehouse, "second")
    assert second.take()
    assert not lease_of(warehouse, "third").take()


def test_a_lease_given_back_under_a_clock_ahead_is_free(warehouse: Warehouse) -> None:
    first = lease_of(warehouse, "first")
    assert first.take()
    first.release()
    (row,) = warehouse.rows(f"select holder, until from {warehouse.raw('leases')}")
    assert (row["holder"], row["until"].timestamp()) == ("", 0)
    assert first.held_by() == "nobody"


def test_a_longer_lease_than_ones_own_counts_all_the_same(warehouse: Warehouse) -> None:
    assert lease_of(warehouse, "long", seconds=7200).take()
    assert not lease_of(warehouse, "short", seconds=5).take()


def test_a_row_of_an_older_version_is_judged_by_ones_own_length(warehouse: Warehouse) -> None:
    lease = lease_of(warehouse, "new")
    set_until = f"update {warehouse.raw('leases')} set holder = 'old', until = timestamp_add(current_timestamp(), "
    warehouse.execute(set_until + "interval 10 second) where true")
    assert not lease.take()
    warehouse.execute(set_until + "interval 3600 second) where true")
    assert lease.take()


def test_a_lease_is_unbroken_while_nobody_else_had_it_since_its_token_was_read(warehouse: Warehouse) -> None:
    lease_of(warehouse, "any")
    token = read(warehouse, token_reading(warehouse, "run"))
    assert token is not None
    with hold(warehouse, "run", seconds=30, wait=0, holder="first", token=token) as lease:
        assert lease.is_unbroken
        assert read(warehouse, token_reading(warehouse, "run")) is None  # somebody has it
        assert lease.take()  # its renewal
    later = read(warehouse, token_reading(warehouse, "run"))
    with hold(warehouse, "run", seconds=30, wait=0, holder="second", token=token) as lease:
        assert not lease.is_unbroken  # the first had it and gave it back
    assert later != token


def test_a_lease_that_a_dead_holder_had_meanwhile_is_broken(warehouse: Warehouse) -> None:
    lease_of(warehouse, "any")
    token = read(warehouse, token_reading(warehouse, "run"))
    assert lease_of(warehouse, "doomed", seconds=0.2).take()
    time.sleep(0.5)
    after = read(warehouse, token_reading(warehouse, "run"))
    assert after is not None
    assert not lease_of(warehouse, "next").take(token)
    assert lease_of(warehouse, "next").take(after)


def test_a_doubled_row_of_two_tokens_is_taken_as_a_whole_or_not_at_all(warehouse: Warehouse) -> None:
    first = lease_of(warehouse, "first")
    assert first.take()
    first.release()
    warehouse.execute(
        f"insert into {warehouse.raw('leases')} (name, holder, until) values ('run', '', timestamp_seconds(0))"
    )
    token = read(warehouse, token_reading(warehouse, "run"))
    assert token == 1
    assert not lease_of(warehouse, "late").take(0)
    assert lease_of(warehouse, "second").take(token)
    assert not lease_of(warehouse, "third").take()


def test_nobody_is_asked_while_the_lease_is_fresh(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh, stale = lease_of(warehouse, "holder", seconds=3600), lease_of(warehouse, "holder", seconds=0.01)
    assert fresh.take()
    assert stale.take()
    time.sleep(0.1)
    failing = Failing(warehouse, "Access Denied: Table leases", times=1)
    monkeypatch.setattr(warehouse, "execute", failing)
    fresh.confirm()
    assert failing.left == 1
    with pytest.raises(OutsideError, match="Access Denied"):
        stale.confirm()


RECORDED = datetime(2026, 3, 2, 9, tzinfo=UTC)


def record_of(warehouse: Warehouse, holder: str, **detail: Any) -> None:
    steps = Steps(lambda _: None, lambda _: None)
    with steps.step("notify") as step:
        step.detail |= detail
    record(warehouse, run_id="tick-1", holder=holder, command="tick", as_of=RECORDED, steps=steps)


def job_lease(warehouse: Warehouse, holder: str) -> Lease:
    return Lease(warehouse, "run", seconds=30, holder=holder, as_of=RECORDED)


def test_the_record_of_its_holder_gives_the_lease_back(warehouse: Warehouse) -> None:
    lease_of(warehouse, "any")
    with hold(warehouse, "run", seconds=30, wait=0, holder="first", as_of=RECORDED) as lease:
        record_of(warehouse, "another")
        record_of(warehouse, "")
        lease.leave_to_record()
    assert read(warehouse, token_reading(warehouse, "run")) is None
    assert not job_lease(warehouse, "second").take()
    record_of(warehouse, "first")
    assert (token := read(warehouse, token_reading(warehouse, "run"))) is not None
    assert job_lease(warehouse, "second").take(token)
    assert not job_lease(warehouse, "third").take()


def test_a_lease_is_given_back_without_a_record_where_the_block_ends_with_an_error(warehouse: Warehouse) -> None:
    lease_of(warehouse, "any")
    with (
        pytest.raises(OutsideError),
        hold(warehouse, "run", seconds=30, wait=0, holder="first", as_of=RECORDED) as lease,
    ):
        lease.leave_to_record()
        raise OutsideError("gone")
    assert lease.held_by() == "nobody"


def test_what_the_next_holder_must_know_is_taken_from_the_record(warehouse: Warehouse) -> None:
    """As of the record, or of the next holder's own time where that is earlier; null stays null."""
    lease_of(warehouse, "any")

    def known() -> datetime | None:
        return read(warehouse, lease_reading(warehouse, "run")).pending_since

    with hold(warehouse, "run", seconds=30, wait=0, holder="first", as_of=RECORDED) as lease:
        record_of(warehouse, "first")
        lease.leave_to_record()
    assert known() is None
    with hold(warehouse, "run", seconds=30, wait=0, holder="second", as_of=RECORDED) as lease:
        assert known() is None
        record_of(warehouse, "second", pending_since=timestamp(RECORDED + timedelta(hours=2)))
        lease.leave_to_record()
    (row,) = warehouse.rows(f"select {pending_since(warehouse, 'run')} as pending_since")
    assert known() == row["pending_since"] == RECORDED + timedelta(hours=2)
    assert job_lease(warehouse, "third").take()
    (row,) = warehouse.rows(f"select pending_since from {warehouse.raw('leases')} where name = 'run'")
    assert known() == row["pending_since"] == RECORDED
