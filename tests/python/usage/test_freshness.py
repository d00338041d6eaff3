"""fct_usage_freshness goes on from what it knew, and is what a build of all loads would give."""

import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

from conftest import fresh_settings
from incident_ledger.dbt_runner import Dbt
from usage.answers import code, event, events, page
from usage.conftest import Place
from usage.scenarios import Rows

NOON = datetime(2098, 5, 4, 12, tzinfo=UTC)


def built(place: Place, as_of: datetime, *, full_refresh: bool = False) -> Rows:
    """Its rows after a build, without the clock."""
    with warnings.catch_warnings():
        # dbt-bigquery asks a table for its partitioning by a property that Google's client will drop.
        warnings.filterwarnings("ignore", "This method will be deprecated", PendingDeprecationWarning)
        place.build("fct_usage_freshness", as_of=as_of, full_refresh=full_refresh)
    rows = place.rows("fct_usage_freshness", order="source")
    for row in rows:
        del row["built_at"]
    return rows


def test_the_model_compiles_where_nothing_was_built(endpoint: str, tmp_path: Path) -> None:
    """`dbt docs generate` and `dbt compile` are what people try first."""
    settings = fresh_settings(endpoint, tmp_path)
    _, query = Dbt(settings, endpoint).compiled(["fct_usage_freshness"])["fct_usage_freshness"]
    assert "date '1970-01-01'" in query


def test_a_build_from_what_was_known_equals_one_of_all_loads(place: Place) -> None:
    """A silent report keeps its day, a new day counts once it is no longer ahead, and an earlier time knows less."""
    place.load("cursor_events", events(event("2098-05-02T10:00:00Z"), event("2098-05-06T10:00:00Z")))
    place.load("claude_code", page(code("2098-05-01", "ann@example.com", 10, 1)))
    first = built(place, NOON, full_refresh=True)
    place.load("claude_code", page(code("2098-05-03", "ann@example.com", 10, 1)))
    then = built(place, NOON + timedelta(hours=1))
    ahead = built(place, NOON + timedelta(days=3))
    back = built(place, NOON + timedelta(hours=1))  # of all loads, since the table has a later time

    assert [days(rows) for rows in (first, then, ahead)] == [
        {"claude_code": 1, "cursor_events": 2},
        {"claude_code": 3, "cursor_events": 2},
        {"claude_code": 3, "cursor_events": 6},
    ]
    assert then == back
    assert ahead == built(place, NOON + timedelta(days=3), full_refresh=True)


def days(rows: Rows) -> dict[str, int]:
    """Of the reports with usage in May 2098, its newest day."""
    return {row["source"]: row["last_usage_date"].day for row in rows if row["last_usage_date"].year == NOON.year}


def test_a_table_of_an_older_version_gets_the_columns_that_it_lacks(place: Place) -> None:
    """And one that has them all gets its rows without a table in between."""
    place.load("claude_code", page(code("2099-05-01", "ann@example.com", 10, 1)))
    before = built(place, NOON.replace(year=2099))
    client, table = place.warehouse.client, place.warehouse.mart("fct_usage_freshness").strip("`")
    columns = {field.name for field in client.get_table(table).schema}
    place.warehouse.execute(f"create table `{table}_older` as select * except (hours_behind) from `{table}`")
    place.warehouse.execute(f"create or replace table `{table}` as select * from `{table}_older`")
    place.warehouse.execute(f"drop table `{table}_older`")
    assert built(place, NOON.replace(year=2099)) == before
    assert {field.name for field in client.get_table(table).schema} == columns
    assert _tables_between(place) > 0
    seen = _tables_between(place)
    assert built(place, NOON.replace(year=2099)) == before
    assert _tables_between(place) == seen


def _tables_between(place: Place) -> int:
    """How many statements of dbt made a table for the new rows of the model."""
    jobs = place.warehouse.client.list_jobs(max_results=500, all_users=True, timeout=60)
    return sum("fct_usage_freshness__dbt_tmp" in getattr(job, "query", "") for job in jobs)
