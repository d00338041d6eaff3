"""What `run` and `tick` read of the tables that grow: from some day on, by constants, but for what is listed here."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from benchmark.billing.charges import Charge, charge
from benchmark.billing.table_sizes import read_sizes
from benchmark.billing.unbounded import Offender, unbounded, unlisted
from bills import calls
from incident_ledger.demo import usage
from incident_ledger.importers.sinks import SINKS, load_sink
from incident_ledger.importers.usage import load_usage
from incident_ledger.runner.job import Job
from incident_ledger.warehouse import Warehouse, connect
from openings import open_incident
from relay import Relay
from reused import Reused

DAY = date(2026, 3, 1)
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)

STATE = "`incident_state` has those that are settled: a row each, and none of their events"
# Of each table who reads it whole, and why. Who is bounded by days is taken off: no entry may be without an offender.
OF_RUN: Mapping[Offender, str] = {
    Offender("settled_incidents", "test_incident_ledger_*incident_state*"): STATE,
}


@pytest.fixture(scope="module")
def relay(endpoint: str) -> Iterator[Relay]:
    with Relay(endpoint) as relay:
        yield relay


@pytest.fixture(scope="module")
def charges(reused: Reused, relay: Relay, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Sequence[Charge]]:
    """By command what it sent: a `run` with a new day of usage and a new incident, and ticks with and without news."""
    folder = tmp_path_factory.mktemp("growing")
    warehouse = reused.like_new(folder, **reused.sinks())
    place = connect(warehouse.settings.model_copy(update={"api_endpoint": relay.endpoint}))
    load(warehouse, folder, DAY, NOW)
    log(warehouse, folder, NOW)
    Job(warehouse, NOW, command="run").run(wait=0)
    load(warehouse, folder, DAY + timedelta(days=1), NOW + 24 * HOUR)
    log(warehouse, folder, NOW + 24 * HOUR)
    open_incident(warehouse, "first", NOW + 24 * HOUR)
    Job(place, NOW + 25 * HOUR, command="run").run(wait=0)
    of_run = calls(relay.requests)
    relay.requests.clear()
    open_incident(warehouse, "second", NOW + 26 * HOUR)
    for hours in (26, 27):
        Job(place, NOW + hours * HOUR, command="tick").tick(wait=0)
    of_tick = calls(relay.requests)
    relations = read_sizes(warehouse, {}, is_weighed=False)
    return {"run": charge(of_run, relations), "tick": charge(of_tick, relations)}


def log(warehouse: Warehouse, folder: Path, at: datetime) -> None:
    """An entry in the table of each sink."""
    entries = folder / "entries.json"
    times = dict.fromkeys(("timestamp", "receiveTimestamp"), at.isoformat())
    key = {"name": "//x/key", "readTime": at.isoformat()}
    entries.write_text(json.dumps([{"insertId": at.isoformat(), "logName": "projects/p/logs/x", **times, **key}]))
    for sink in SINKS:
        load_sink(warehouse, sink, [entries], loaded_at=at)


def load(warehouse: Warehouse, folder: Path, day: date, at: datetime) -> None:
    """One day of each vendor's usage."""
    for source, paths in usage.generate(folder / f"{day}", seed=1, end_day=day, days=1).items():
        load_usage(warehouse, source, paths, loaded_at=at)


@pytest.mark.parametrize(("command", "known"), [("run", OF_RUN), ("tick", {})])
def test_what_is_read_of_a_growing_table_begins_at_some_day(
    command: str, known: Mapping[Offender, str], charges: dict[str, Sequence[Charge]]
) -> None:
    assert len(charges[command]) > 5
    assert unlisted(unbounded(charges[command]), known) == []
