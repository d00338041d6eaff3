"""A backfill and a full refresh work through days in slices below the byte limit, and end as one statement would."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from conftest import fresh_settings
from incident_ledger.dbt_runner import Dbt
from incident_ledger.warehouse import connect
from incident_ledger.warehouse.tables import ensure_tables
from relay import Relay, Request, failed
from usage.answers import event, events
from usage.conftest import START, Place
from usage.scenarios import Rows

LIMIT = 10 * 1024**2  # 640 records
DAYS = 5
RECORDS = 250  # of a day, so that two days are a slice
THAT_WEEK = datetime(2026, 3, 6, tzinfo=UTC)


@pytest.fixture
def relay(endpoint: str) -> Iterator[Relay]:
    with Relay(endpoint) as relay:
        yield relay


@pytest.fixture
def place(endpoint: str, tmp_path: Path) -> Place:
    """Datasets of its own, whose statements may bill 10 MB."""
    settings = fresh_settings(endpoint, tmp_path).model_copy(update={"maximum_bytes_billed": LIMIT})
    warehouse = connect(settings)
    ensure_tables(warehouse)
    place = Place(warehouse, tmp_path)
    place.build("+fct_usage_daily", "+fct_usage_freshness")
    return place


def load(place: Place, requests: int) -> None:
    for day in range(1, DAYS + 1):
        times = [f"2026-03-0{day}T10:{n // 60:02}:{n % 60:02}Z" for n in range(requests)]
        found = [event(time, f"u{n % 3}@example.com") for n, time in enumerate(times)]
        place.load("cursor_events", events(*found))


def rows(place: Place) -> Rows:
    return place.daily().get(2026, [])


def whole(place: Place, folder: Path) -> Rows:
    """As one statement makes all days."""
    other = Place(connect(place.warehouse.settings.model_copy(update={"maximum_bytes_billed": 100 * 1024**3})), folder)
    other.build("fct_usage_daily", full_refresh=True)
    return rows(other)


def built(relay: Relay) -> list[list[str]]:
    """The days that each statement reads to fill the table, in order."""
    found = []
    for request in relay.requests:
        if "int_usage_reconciled" in request.query and re.search("merge into|create or replace table", request.query):
            days = re.findall(r"date '(2026-03-\d\d)'", request.query.split("),", 1)[0])
            found.append(list(dict.fromkeys(days)))  # of the lines, and of the reports that they are compared with
    return found


def slices(*days: int) -> list[str]:
    return [f"2026-03-0{day}" for day in days]


IN_SLICES = [slices(1, 2), slices(3, 4), slices(5)]


def through(place: Place, relay: Relay) -> Dbt:
    """dbt by way of the relay."""
    relay.requests.clear()
    return Dbt(place.warehouse.settings.model_copy(update={"api_endpoint": relay.endpoint}), relay.endpoint)


def build(dbt: Dbt, *more: str, as_of: datetime = START) -> list[Any]:
    results = dbt.invoke(["run", "--select", "fct_usage_daily", *more], as_of=as_of)
    return [(each.name, each.message) for each in results if not each.is_success]


@pytest.mark.parametrize("more", [(), ("--full-refresh",)])
def test_days_are_made_in_slices(place: Place, relay: Relay, tmp_path: Path, more: tuple[str, ...]) -> None:
    load(place, RECORDS)
    assert build(through(place, relay), *more) == []
    assert built(relay) == IN_SLICES
    made = rows(place)
    assert sum(row["requests"] for row in made) == DAYS * RECORDS
    assert made == whole(place, tmp_path)


@pytest.mark.parametrize(
    ("as_of", "days_ago"), [(START, 80), (THAT_WEEK, 7)], ids=["days of long ago", "days of the last week"]
)
def test_a_build_that_dies_between_slices_is_ended_by_the_next(
    place: Place, relay: Relay, tmp_path: Path, as_of: datetime, days_ago: int
) -> None:
    """Whenever its days were loaded."""
    load(place, RECORDS)
    loads = place.warehouse.raw("usage_loads")
    place.warehouse.execute(
        f"update {loads} set recorded_at = timestamp_sub(current_timestamp(), interval {days_ago} day) where true"
    )

    def is_second(request: Request) -> bool:
        return "2026-03-03" in request.query and "merge into" in request.query

    relay.rule(is_second, failed(400, "invalidQuery"), times=1)
    assert len(build(through(place, relay), "--full-refresh", as_of=as_of)) == 1
    assert {row["usage_date"].day for row in rows(place)} == {1, 2}
    assert build(through(place, relay), as_of=as_of) == []
    assert built(relay) == [slices(3, 4), slices(5)]
    assert rows(place) == whole(place, tmp_path)


def test_what_is_loaded_again_is_replaced_in_slices(place: Place, relay: Relay, tmp_path: Path) -> None:
    """A later export of every day: with what was loaded before each day is a slice by itself."""
    load(place, RECORDS)
    assert build(through(place, relay)) == []
    load(place, RECORDS + 100)
    assert build(through(place, relay)) == []
    assert built(relay) == [slices(day) for day in range(1, DAYS + 1)]
    made = rows(place)
    assert sum(row["requests"] for row in made) == DAYS * (RECORDS + 100)
    assert made == whole(place, tmp_path)
    assert build(through(place, relay)) == []
    assert built(relay) == [[]]  # nothing is new
