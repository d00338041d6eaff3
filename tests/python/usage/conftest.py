"""One set of datasets for all tests of usage; each test has its own year, so that none sees another's days."""

import itertools
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from conftest import fresh_settings
from incident_ledger.importers.usage import LoadReport, load_usage
from incident_ledger.transform import Dbt, NodeResult
from incident_ledger.warehouse import Warehouse, connect
from incident_ledger.warehouse.tables import ensure_tables

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
        moment = at or START + timedelta(minutes=number)
        return load_usage(self.warehouse, source, [path], loaded_at=moment, exported_at=exported_at)

    def build(self, *select: str, as_of: datetime | None = None, full_refresh: bool = False) -> list[NodeResult]:
        """Build models, without their tests; all must work."""
        more = ["--full-refresh"] if full_refresh else []
        chosen = select or ("fct_usage_daily",)
        results = self.dbt.invoke(["run", "--select", *chosen, *more], as_of=as_of or START)
        assert [(r.name, r.message) for r in results if r.status not in {"success", "pass"}] == []
        return results

    def daily(self, year: int) -> list[dict[str, Any]]:
        """Rows of fct_usage_daily of a year, in order."""
        return self.rows(
            "fct_usage_daily", f"extract(year from usage_date) = {year}", "usage_date, product, user_name, model"
        )

    def rows(self, table: str, where: str = "true", order: str = "1") -> list[dict[str, Any]]:
        """Rows of a mart."""
        return self.warehouse.rows(f"select * from {self.warehouse.mart(table)} where {where} order by {order}")

    def staged(self, view: str, where: str = "true") -> list[dict[str, Any]]:
        """Rows of a staging view."""
        name = self.warehouse.name(self.warehouse.settings.staging_dataset, view)
        return self.warehouse.rows(f"select * from {name} where {where}")


@pytest.fixture(scope="module")
def place(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Datasets with every usage model built, without a row."""
    folder = tmp_path_factory.mktemp("usage")
    warehouse = connect(fresh_settings(endpoint, folder))
    ensure_tables(warehouse)
    place = Place(warehouse, folder)
    place.build("+fct_usage_daily", "+fct_usage_freshness", "stg_cursor__spend")
    yield place


def total(rows: Sequence[dict[str, Any]], column: str) -> Any:
    """The sum of what is known; None when nothing is."""
    known = [row[column] for row in rows if row[column] is not None]
    return sum(known) if known else None
