"""One run at a time: the lease row, with real processes, a dead holder, and BigQuery's own conflicts put in."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from multiprocessing.synchronize import Barrier

import pytest

from incident_ledger.errors import LeaseHeldError, OutsideError
from incident_ledger.response.lease import Lease, hold
from incident_ledger.settings import Settings
from incident_ledger.warehouse import Warehouse, connect

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
    warehouse.execute(f"insert into {warehouse.raw('leases')} values ('run', '', timestamp_seconds(0))")
    assert first.take()
    assert not second.take()


def _compete(settings: Settings, barrier: Barrier, name: str, wins: "multiprocessing.Queue[tuple[int, str]]") -> None:
    warehouse = connect(settings)
    for turn in range(ROUNDS):
        lease = Lease(warehouse, f"round{turn}", seconds=30, holder=name)
        barrier.wait(timeout=60)
        if lease.take():
            wins.put((turn, name))


def test_of_eight_processes_exactly_one_wins_each_round(warehouse: Warehouse) -> None:
    for turn in range(ROUNDS):
        Lease(warehouse, f"round{turn}", seconds=30).ensure_row()
    context = multiprocessing.get_context("spawn")
    barrier, wins = context.Barrier(8), context.Queue()
    processes = [
        context.Process(target=_compete, args=(warehouse.settings, barrier, f"p{number}", wins)) for number in range(8)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(timeout=90)
        assert process.exitcode == 0
    won = [wins.get(timeout=5) for _ in range(ROUNDS)]
    assert sorted(turn for turn, _ in won) == list(range(ROUNDS))
    assert wins.empty()


def _hold_for_ever(settings: Settings, taken: "multiprocessing.Queue[bool]") -> None:
    with hold(connect(settings), "run", seconds=2, wait=0, holder="doomed"):
        taken.put(True)
        time.sleep(60)


def test_the_lease_of_a_killed_holder_passes_on(warehouse: Warehouse) -> None:
    context = multiprocessing.get_context("spawn")
    taken = context.Queue()
    process = context.Process(target=_hold_for_ever, args=(warehouse.settings, taken))
    process.start()
    assert taken.get(timeout=60)
    heir = lease_of(warehouse, "heir")
    time.sleep(3)  # longer than the lease: the holder lives and renews
    assert not heir.take()
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join(timeout=10)
    with hold(warehouse, "run", seconds=2, wait=10, holder="heir") as lease:
        lease.confirm()


def test_who_does_not_get_it_in_time_is_told_who_holds_it(warehouse: Warehouse) -> None:
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


@pytest.mark.parametrize(
    ("words", "outcome"),
    [
        ("Transaction is aborted due to concurrent update against table leases", "lost"),
        ("Could not serialize access to table leases due to concurrent update", "lost"),
        ("Access Denied: Table leases", "raised"),
    ],
)
def test_a_conflict_of_bigquery_is_a_lost_turn_and_nothing_else_is(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, words: str, outcome: str
) -> None:
    lease = lease_of(warehouse, "unlucky")

    def refuse(*_: object) -> Callable[..., int]:
        raise OutsideError(words)

    monkeypatch.setattr(warehouse, "execute", refuse)
    if outcome == "lost":
        assert not lease.take()
    else:
        with pytest.raises(OutsideError, match="Access Denied"):
            lease.take()
