"""What a tick would cost on BigQuery: statements, megabytes and seconds of the bill, from what goes over the wire."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from benchmark.billing.charges import Bill, total
from bills import charges
from incident_ledger.runner.job import Job
from incident_ledger.warehouse import Warehouse, connect
from openings import open_incident
from relay import Relay

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture
def relay(endpoint: str) -> Iterator[Relay]:
    with Relay(endpoint) as relay:
        yield relay


@pytest.fixture
def place(ledger: Warehouse, relay: Relay) -> Warehouse:
    """A ledger in which nothing was sent and nobody ran, by way of the relay."""
    for table in ("notifications", "run_steps", "leases"):
        ledger.execute(f"delete from {ledger.raw(table)} where true")
    return connect(ledger.settings.model_copy(update={"api_endpoint": relay.endpoint}))


def tick_bill(place: Warehouse, relay: Relay, ledger: Warehouse, minutes: float) -> Bill:
    """The bill of one tick; what the ticks before it asked may be in BigQuery's cache."""
    before = list(relay.requests)
    Job(place, NOW + timedelta(minutes=minutes), command="tick").tick(wait=0)
    return total(charges(relay.requests[len(before) :], ledger, before=before))


def test_an_idle_tick_costs_no_more_than_its_budget(place: Warehouse, relay: Relay, ledger: Warehouse) -> None:
    tick_bill(place, relay, ledger, 0)  # its heartbeat
    bill = tick_bill(place, relay, ledger, 1)
    assert bill.dml == 0
    assert 0 < bill.jobs <= 2, bill
    assert 0 < bill.megabytes <= 80, bill


def test_a_tick_that_sends_one_message_costs_no_more_than_its_budget(
    place: Warehouse, relay: Relay, ledger: Warehouse
) -> None:
    for minutes, key in enumerate(("first", "second")):
        open_incident(ledger, key, NOW)
        bill = tick_bill(place, relay, ledger, minutes)
    assert 0 < bill.dml <= 6, bill
    assert bill.jobs <= 8, bill
    assert bill.megabytes <= 120, bill
