"""fct_usage_daily: what counts, and that a build by the days that changed equals a full one."""

import os
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from conftest import PROJECT_DIR
from usage.answers import bucket, code, cost, event, events, page, usage
from usage.conftest import START, Place, total


def without_key(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(r["usage_date"], r["product"], r["user_name"], r["model"], r["total_tokens"], r["cost_usd"]) for r in rows]


def test_the_first_build_on_an_empty_warehouse_makes_an_empty_table(place: Place) -> None:
    assert place.rows("fct_usage_daily", "usage_date < '2000-01-01'") == []


def test_tokens_are_of_the_usage_report_and_cost_is_of_the_cost_report(place: Place) -> None:
    """The example of the model's description: 3,700 tokens and 148.45 USD, not 72,510 and 150.31."""
    lifetimes = {"ephemeral_1h_input_tokens": 1000, "ephemeral_5m_input_tokens": 500}
    result = usage(
        "K", uncached_input_tokens=1500, cache_creation=lifetimes, cache_read_input_tokens=200, output_tokens=500
    )
    place.load("anthropic_usage", page(bucket("2001-03-01", result)))
    place.load("anthropic_cost", page(bucket("2001-03-01", cost("12345.00"), cost("2500.00", description="more"))))
    place.load("claude_code", page(code("2001-03-01", "ann@example.com", 68_810, 186)))
    place.build()
    rows = place.daily(2001)
    assert without_key(rows) == [
        (date(2001, 3, 1), "api", None, "opus", None, Decimal("148.45")),
        (date(2001, 3, 1), "api", "K", "opus", 3700, None),
    ]


def test_claude_code_counts_until_the_reports_of_its_day_come(place: Place) -> None:
    place.load("claude_code", page(code("2002-03-01", "ann@example.com", 1000, 186)))
    place.build()
    (row,) = place.daily(2002)
    assert (row["total_tokens"], row["cost_usd"], row["is_cost_estimated"]) == (1000, Decimal("1.86"), True)

    place.load("anthropic_cost", page(bucket("2002-03-01", cost("200"))))
    place.build()
    rows = place.daily(2002)
    assert total(rows, "total_tokens") == 1000
    assert total(rows, "cost_usd") == Decimal("2.00")
    assert not any(row["is_cost_estimated"] for row in rows)


def test_a_subscription_counts_its_tokens_beside_the_usage_report_and_no_cost(place: Place) -> None:
    place.load("anthropic_usage", page(bucket("2003-03-01", usage("K", output_tokens=10))))
    place.load("claude_code", page(code("2003-03-01", "bob@example.com", 1000, 186, customer="subscription")))
    place.build()
    rows = place.daily(2003)
    assert total(rows, "total_tokens") == 1010
    assert total(rows, "cost_usd") is None
    assert total(rows, "estimated_cost_usd") == Decimal("1.86")


def test_cursors_daily_report_counts_only_for_users_without_an_event(place: Place) -> None:
    day = int(datetime(2004, 3, 1, tzinfo=UTC).timestamp() * 1000)
    daily = [
        {"date": day, "email": email, "isActive": requests > 0, "composerRequests": requests, "chatRequests": 0}
        for email, requests in (("ann@example.com", 7), ("bob@example.com", 5), ("idle@example.com", 0))
    ]
    place.load("cursor_daily", {"data": daily, "period": {}})
    place.load("cursor_events", events(event("2004-03-01T10:00:00Z"), event("2004-03-01T11:00:00Z")))
    place.build()
    assert [(row["user_name"], row["requests"]) for row in place.daily(2004)] == [
        ("ann@example.com", 2),
        ("bob@example.com", 5),
    ]


def test_null_is_a_value_of_the_key(place: Place) -> None:
    place.load("anthropic_usage", page(bucket("2005-03-01", usage(None, None, output_tokens=1), usage("K", None))))
    for _ in range(2):
        place.build()
    assert [(row["user_name"], row["model"], row["output_tokens"]) for row in place.daily(2005)] == [
        (None, None, 1),
        ("K", None, 0),
    ]
    assert len({row["usage_key"] for row in place.daily(2005)}) == 2


def test_an_unknown_kind_of_token_is_null_and_adds_nothing(place: Place) -> None:
    place.load("anthropic_usage", page(bucket("2006-03-01", {"model": "opus", "output_tokens": 5})))
    place.build()
    (row,) = place.daily(2006)
    assert (row["cache_read_tokens"], row["output_tokens"], row["total_tokens"]) == (None, 5, 5)


# dbt-bigquery asks a table for its partitioning by a property that Google's client will drop.
@pytest.mark.filterwarnings("ignore:This method will be deprecated:PendingDeprecationWarning")
def test_a_build_of_the_days_that_changed_equals_a_full_one(place: Place) -> None:
    """New days, a correction, a result that is gone, a day whose rows all went, a report that replaces another's."""
    place.load("anthropic_usage", page(*(bucket(f"2007-03-0{d}", usage("K", output_tokens=d)) for d in (1, 2, 3))))
    place.load("claude_code", page(code("2007-03-04", "ann@example.com", 40, 4)))
    place.load("cursor_events", events(event("2007-03-05T10:00:00Z", cents=5)))
    place.build()
    assert total(place.daily(2007), "output_tokens") == 1 + 2 + 3 + 40 + 100

    place.load("anthropic_usage", page(bucket("2007-03-01", usage("L", output_tokens=10), usage("M", output_tokens=1))))
    place.load("anthropic_usage", page(bucket("2007-03-02")))
    place.load("anthropic_usage", page(bucket("2007-03-04", usage("K", output_tokens=41))))
    place.load("cursor_events", events(event("2007-03-05T10:00:00Z", cents=7), event("2007-03-06T10:00:00Z", cents=1)))
    place.build()
    by_days = place.daily(2007)
    assert total(by_days, "output_tokens") == 11 + 3 + 41 + 200
    assert total(by_days, "cost_usd") == Decimal("0.12")  # 0.07 + 0.01, and the estimate of the 4th, 0.04
    assert {row["usage_date"].day for row in by_days} == {1, 3, 4, 5, 6}
    everything = place.rows("fct_usage_daily", order="usage_key")

    place.build(full_refresh=True)
    assert place.daily(2007) == by_days
    assert place.rows("fct_usage_daily", order="usage_key") == everything


def test_a_day_without_anything_new_writes_nothing_and_leaves_nothing(place: Place) -> None:
    place.load("anthropic_usage", page(bucket("2008-03-01", usage("K", output_tokens=1))))
    place.build()
    before = place.rows("fct_usage_daily", order="usage_key")
    for hours in (1, 25):
        place.build(as_of=START.replace(hour=hours % 24))
    assert place.rows("fct_usage_daily", order="usage_key") == before
    dataset = f"{place.warehouse.settings.project}.{place.warehouse.settings.dataset}"
    tables = {table.table_id for table in place.warehouse.client.list_tables(dataset, timeout=60)}
    assert not [name for name in tables if "__dbt_tmp" in name or name.startswith("batch_")]


def test_loads_are_seen_in_whatever_order_their_times_are(place: Place) -> None:
    """A replay loads with an earlier time than what the table holds."""
    place.load("cursor_events", events(event("2009-03-02T10:00:00Z")), at=datetime(2026, 9, 1, tzinfo=UTC))
    place.build()
    place.load("cursor_events", events(event("2009-03-01T10:00:00Z")), at=datetime(2009, 3, 2, tzinfo=UTC))
    place.build()
    assert [row["usage_date"].day for row in place.daily(2009)] == [1, 2]


def test_the_same_file_changed_and_loaded_at_the_same_time_is_seen(place: Place) -> None:
    at = datetime(2026, 9, 1, tzinfo=UTC)
    place.load("anthropic_usage", page(bucket("2010-03-01", usage("K", output_tokens=1))), name="same.json", at=at)
    place.build()
    place.load("anthropic_usage", page(bucket("2010-03-02", usage("K", output_tokens=2))), name="same.json", at=at)
    place.build()
    assert total(place.daily(2010), "output_tokens") == 3


def test_only_the_days_that_changed_are_read(place: Place) -> None:
    place.load("anthropic_usage", page(bucket("2011-03-01", usage("K")), bucket("2011-03-02", usage("K"))))
    place.build()
    place.load("anthropic_usage", page(bucket("2011-03-02", usage("K", output_tokens=2))))
    place.build()
    folder = PROJECT_DIR / os.environ.get("INCIDENT_LEDGER_DBT_TARGET_PATH", "target") / "compiled"
    (compiled,) = folder.rglob("fct_usage_daily.sql")
    filters = re.findall(r"where usage_date in \((.*)\)", compiled.read_text())
    assert len(filters) == 2
    assert all("2011-03-02" in days and "2011-03-01" not in days for days in filters)


def test_the_playbooks_query_runs_on_it(place: Place) -> None:
    table = place.warehouse.mart("fct_usage_daily")
    rows = place.warehouse.rows(f"SELECT COUNT(*) AS n FROM {table} WHERE DATE(usage_date) = CURRENT_DATE()")
    assert rows == [{"n": 0}]
