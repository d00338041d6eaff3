"""Warehouses of whole runs' own, each made once and copied: with data, after its first run, and what comes later."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from benchmark.billing.schedule import THREADS
from incident_ledger.dbt_runner import Dbt
from incident_ledger.demo import usage
from incident_ledger.importers.usage.ingest import load_usage
from incident_ledger.ledger.setup import ensure_ledger
from incident_ledger.runner.settle_step import unsettle_for
from incident_ledger.warehouse import Warehouse
from relay import Delay, Relay, Request
from run.environment import AS_OF, END_DAY, LATER, THURSDAY, NextRun, Place, Runs, thursday_at


def make_ledger(place: Place) -> Warehouse:
    """The ledger of a new place. What dbt parsed is copied with the place."""
    warehouse = place.warehouse()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DBT_TARGET_PATH", place.environment["DBT_TARGET_PATH"])
        ensure_ledger(warehouse)
    return warehouse


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A warehouse with a week of usage, of which one table is broken by a third; its server is stopped."""
    place = Place(tmp_path_factory.mktemp("loaded") / "place")
    place.folder.mkdir()
    rates = usage.FaultRates(usage_without_output=0.3, claude_code_without_email=0.1)
    files = usage.generate(place.folder / "files", seed=3, end_day=END_DAY, days=7, rates=rates)
    warehouse = make_ledger(place)
    for source, paths in files.items():
        load_usage(warehouse, source, paths, loaded_at=datetime.fromisoformat("2026-03-02T07:00:00Z"))
    place.stop()
    return place


@pytest.fixture(scope="session")
def first_run(loaded: Place, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """The same warehouse after one run."""
    place = loaded.copy_to(tmp_path_factory.mktemp("first_run") / "place")
    endpoint = place.warehouse().endpoint
    assert endpoint is not None
    with Relay(endpoint) as relay:
        place.behind(relay.endpoint).command("run", "--as-of", AS_OF)
        requests = list(relay.requests)
    place.stop()
    return Runs(place, [requests])


@pytest.fixture(scope="session")
def undisturbed(first_run: Runs, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """It once more, for tests that leave it as it is."""
    place = first_run.place.copy_to(tmp_path_factory.mktemp("undisturbed") / "place")
    yield place
    place.stop()


@pytest.fixture
def place(first_run: Runs, tmp_path: Path) -> Iterator[Place]:
    """It once more, for one test."""
    place = first_run.place.copy_to(tmp_path / "place")
    yield place
    place.stop()


@pytest.fixture
def fresh(loaded: Place, tmp_path: Path) -> Iterator[Place]:
    """A copy of the loaded warehouse for one test."""
    place = loaded.copy_to(tmp_path / "place")
    yield place
    place.stop()


@pytest.fixture(scope="session")
def corrected(first_run: Runs, tmp_path_factory: pytest.TempPathFactory) -> NextRun:
    """The broken export comes again, corrected, to a ledger that is not settled yet; an hour later a run."""
    folder = tmp_path_factory.mktemp("corrected")
    before = first_run.place.copy_to(folder / "before")
    rates = usage.FaultRates(usage_without_output=0)
    files = usage.generate(folder / "files", seed=3, end_day=END_DAY, days=7, rates=rates)
    warehouse = before.warehouse()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DBT_TARGET_PATH", before.environment["DBT_TARGET_PATH"])
        dbt = Dbt(warehouse.settings, warehouse.endpoint)
        unsettle_for(dbt, warehouse, datetime.fromisoformat(AS_OF), is_all=True)
    loaded_at = datetime.fromisoformat("2026-03-02T09:30:00Z")
    load_usage(warehouse, "anthropic_usage", files["anthropic_usage"], loaded_at=loaded_at)
    before.stop()
    after = before.copy_to(folder / "after")
    # The P1 that was open ends, and is to be reviewed: what is left open is P2, and no alarm.
    report = after.json("run", "--as-of", LATER, "--fail-on", "P1")
    after.stop()
    return NextRun(before, after, report)


@pytest.fixture(scope="session")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Four runs on a Thursday, hour by hour, in which nothing is wrong; the fourth after a new export of one vendor."""
    place = Place(tmp_path_factory.mktemp("calm"))
    warehouse = make_ledger(place)
    rates = usage.FaultRates(claude_code_without_email=0, usage_without_output=0, cursor_days_late=0)

    def load(seed: int, days: int, hour: int, *reports: str) -> None:
        folder = place.folder / f"files{seed}"
        files = usage.generate(folder, seed=seed, end_day=THURSDAY - timedelta(days=1), days=days, rates=rates)
        for report in reports or files:
            load_usage(warehouse, report, files[report], loaded_at=thursday_at(hour))

    load(3, 7, 7)
    assert warehouse.endpoint is not None
    requests: list[list[Request]] = []
    with Relay(warehouse.endpoint) as relay:
        relayed = place.behind(relay.endpoint, threads=THREADS)
        for hour in (9, 10, 11, 12):
            if hour == 12:
                load(9, 1, hour, "anthropic_usage")
                # What is in flight together is so on BigQuery too, where an answer takes its time.
                relay.rule(lambda request: request.method == "GET" and "/tables/" in request.path, Delay(0.2))
                relay.rule(lambda request: bool(request.query), Delay(0.8))
            relay.requests.clear()
            report = relayed.json("run", "--as-of", thursday_at(hour).isoformat())
            assert report["open_incidents"] == []
            requests.append(list(relay.requests))
    place.stop()
    yield Runs(place, requests)
    place.stop()
