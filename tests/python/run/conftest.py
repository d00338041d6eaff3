"""Warehouses of a whole run's own: with data, and after an undisturbed run."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from incident_ledger.demo import usage
from incident_ledger.importers.usage.ingest import load_usage
from incident_ledger.ledger.setup import ensure_ledger
from run.environment import AS_OF, END_DAY, Place


@pytest.fixture(scope="session")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A warehouse with a week of usage, of which one table is broken by a third; its server is stopped."""
    place = Place(tmp_path_factory.mktemp("loaded") / "place")
    place.folder.mkdir()
    rates = usage.FaultRates(usage_without_output=0.3, claude_code_without_email=0.1)
    files = usage.generate(place.folder / "files", seed=3, end_day=END_DAY, days=7, rates=rates)
    warehouse = place.warehouse()
    with pytest.MonkeyPatch.context() as patch:
        # What dbt parsed is copied with the place.
        patch.setenv("DBT_TARGET_PATH", place.environment["DBT_TARGET_PATH"])
        ensure_ledger(warehouse)
    for source, paths in files.items():
        load_usage(warehouse, source, paths, loaded_at=datetime.fromisoformat("2026-03-02T07:00:00Z"))
    place.stop()
    return place


@pytest.fixture(scope="session")
def undisturbed(loaded: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """The same warehouse after one run."""
    place = loaded.copy_to(tmp_path_factory.mktemp("undisturbed") / "place")
    place.command("run", "--as-of", AS_OF)
    yield place
    place.stop()


@pytest.fixture
def fresh(loaded: Place, tmp_path: Path) -> Iterator[Place]:
    """A copy of the loaded warehouse for one test."""
    place = loaded.copy_to(tmp_path / "place")
    yield place
    place.stop()
