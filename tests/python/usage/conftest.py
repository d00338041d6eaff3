"""One set of datasets for all tests of usage; each test has its own days, so that none sees another's."""

import itertools
import json
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from conftest import fresh_settings
from incident_ledger.dbt_runner import Dbt
from incident_ledger.importers.usage import LoadReport, load_usage
from incident_ledger.warehouse import Warehouse, connect
from incident_ledger.warehouse.tables import ensure_tables
from usage.scenarios import STORIES, Load, Outcome, Rows

START = datetime(2026, 6, 1, tzinfo=UTC)


class Place:
    """Datasets to load into, and dbt to build with."""

    def __init__(self, warehouse: Warehouse, folder: Path) -> None:
        self.warehouse = warehouse
        self.folder = folder
        self.dbt = Dbt(warehouse.settings, warehouse.endpoint)
        self._numbers = itertools.count(1)

    def load(
        self,
        source: str,
        *answers: Any,
        name: str | None = None,
        at: datetime | None = None,
        exported_at: datetime | None = None,
    ) -> LoadReport:
        """Load one file with these answers, one a line; later by a minute than the load before."""
        number = next(self._numbers)
        path = self.folder / (name or f"{number}.jsonl")
        path.write_text("".join(json.dumps(answer) + "\n" for answer in answers))
        time = at or START + timedelta(minutes=number)
        return load_usage(self.warehouse, source, [path], loaded_at=time, exported_at=exported_at)

    def build(self, *select: str, as_of: datetime | None = None, full_refresh: bool = False) -> None:
        """Build models, without their tests; all must work."""
        more = ["--full-refresh"] if full_refresh else []
        results = self.dbt.invoke(["run", "--select", *select, *more], as_of=as_of or START)
        assert [(r.name, r.message) for r in results if r.status != "success"] == []

    def daily(self) -> dict[int, Rows]:
        """Rows of fct_usage_daily by year, in order."""
        rows = self.rows("fct_usage_daily", order="usage_date, product, user_name, model")
        for row in rows:
            del row["built_at"]  # the clock of a build, no fact
        return {year: list(members) for year, members in itertools.groupby(rows, lambda row: row["usage_date"].year)}

    def rows(self, table: str, where: str = "true", order: str = "1") -> Rows:
        """Rows of a mart."""
        return self.warehouse.rows(f"select * from {self.warehouse.mart(table)} where {where} order by {order}")

    def staged(self, view: str, where: str = "true") -> Rows:
        """Rows of a staging view."""
        name = self.warehouse.name(self.warehouse.settings.staging_dataset, view)
        return self.warehouse.rows(f"select * from {name} where {where}")


@pytest.fixture(scope="session")
def place(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Datasets with every usage model built, without a row."""
    folder = tmp_path_factory.mktemp("usage")
    warehouse = connect(fresh_settings(endpoint, folder))
    ensure_tables(warehouse)
    place = Place(warehouse, folder)
    place.build("+fct_usage_daily", "+fct_usage_freshness", "stg_cursor__spend")
    assert place.rows("fct_usage_daily") == []  # the first build on an empty warehouse makes an empty table
    return place


@pytest.fixture(scope="session")
def outcome(place: Place) -> Outcome:
    """The outcome of every story."""
    reports: dict[int, list[Any]] = {story.year: [] for story in STORIES}

    def build(loads: Sequence[tuple[int, Load]], *, full_refresh: bool = False) -> dict[int, Rows]:
        for year, load in loads:
            reports[year].append(place.load(load.source, *load.answers, name=load.name, at=load.at))
        place.build("fct_usage_daily", full_refresh=full_refresh)
        return place.daily()

    first = build([(story.year, load) for story in STORIES for load in story.first])
    then = build([(story.year, load) for story in STORIES for load in story.then])
    statements = _statements(place.warehouse)
    nothing_new = build([])
    with warnings.catch_warnings():
        # dbt-bigquery asks a table for its partitioning by a property that Google's client will drop.
        warnings.filterwarnings("ignore", "This method will be deprecated", PendingDeprecationWarning)
        everything = build([], full_refresh=True)
    return Outcome(first, then, nothing_new, everything, reports, statements)


def _statements(warehouse: Warehouse) -> list[str]:
    """What dbt sent to fill the table, newest first."""
    jobs = warehouse.client.list_jobs(max_results=200, all_users=True, timeout=60)
    queries = [getattr(job, "query", "") for job in jobs]
    return [query for query in queries if "fct_usage_daily" in query and "merge into" in query.lower()]


def total(rows: Rows, column: str) -> Any:
    """The sum of what is known; None when nothing is."""
    known = [row[column] for row in rows if row[column] is not None]
    return sum(known) if known else None
