"""A tick beside a build: it waits for none, and writes nothing when nothing is to be done."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from incident_ledger.errors import LeaseHeldError
from incident_ledger.runner import job
from incident_ledger.runner.job import Job
from incident_ledger.runner.lease import BUILD, RESPOND, hold
from incident_ledger.warehouse import Warehouse
from openings import open_incident

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


def tick(place: Warehouse, minutes: float = 0, wait: float = 0) -> list[str]:
    """The types of the events that it wrote, and how many messages it sent."""
    report = Job(place, NOW + timedelta(minutes=minutes), command="tick").tick(wait=wait)
    assert [step.name for step in report.steps] == ["plan", "notify"]
    return [*(event.event_type.value for event in report.events), *("message" for _ in report.delivered)]


def detected(place: Warehouse) -> None:
    open_incident(place, "k", NOW, severity="P0")


def changing(statements: list[str]) -> list[str]:
    return [sql.split()[0].lower() for sql in statements if not sql.lower().startswith(("select", "with"))]


def records(place: Warehouse) -> int:
    return len(place.rows(f"select distinct holder, as_of from {place.raw('run_steps')}"))


def test_a_tick_sends_while_a_run_builds(place: Warehouse) -> None:
    detected(place)
    with hold(place, BUILD, seconds=60, wait=0, holder="a run"):
        assert "message" in tick(place, minutes=1)


def test_an_idle_tick_takes_no_lease_and_writes_nothing(place: Warehouse, sent: list[str]) -> None:
    tick(place)  # its heartbeat
    sent.clear()
    with hold(place, RESPOND, seconds=60, wait=0, holder="another"):
        sent.clear()
        assert tick(place, minutes=1) == []
        assert changing(sent) == []
    assert len(sent) - 1 <= 2  # the other lease's release is one


def test_an_idle_tick_leaves_a_heartbeat_once_an_hour(place: Warehouse) -> None:
    for minutes in (0, 1, 59):
        tick(place, minutes=minutes)
    assert records(place) == 1
    tick(place, minutes=61)
    assert records(place) == 2


def test_a_tick_with_something_to_say_waits_for_another_that_responds(place: Warehouse) -> None:
    detected(place)
    with hold(place, RESPOND, seconds=60, wait=0, holder="another"), pytest.raises(LeaseHeldError, match="another"):
        tick(place, minutes=1)
    assert records(place) == 0
    assert "message" in tick(place, minutes=1)


def test_what_another_tick_sent_between_a_look_and_the_lease_is_not_sent_again(
    place: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    detected(place)
    original = job.with_lease
    others: list[str] = []

    def late(*args: Any, **options: Any) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(job, "with_lease", original)
            others.extend(tick(place, minutes=1))
        return original(*args, **options)

    monkeypatch.setattr(job, "with_lease", late)
    assert "message" not in tick(place, minutes=1)
    assert others.count("message") == 1
    assert [row["attempts"] for row in place.rows(f"select attempts from {place.raw('notifications')}")] == [1]


def test_what_failed_is_sent_by_the_next_tick_that_may_and_not_before(place: Warehouse) -> None:
    detected(place)
    assert "message" in tick(place)
    table = place.raw("notifications")
    place.execute(
        f"update {table} set status = 'failed', attempts = 1, not_before = @at where true",
        {"at": NOW + timedelta(minutes=5)},
    )
    assert "message" not in tick(place, minutes=4)
    assert "message" in tick(place, minutes=6)
