"""fct_usage_daily: what counts, and that a build by the days that changed equals a full one."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from semantic_layer import ask
from usage.answers import bucket, code, cost, event, events, page, usage
from usage.conftest import Place, total
from usage.scenarios import Load, Outcome, Rows, story

LIFETIMES = {"ephemeral_1h_input_tokens": 1000, "ephemeral_5m_input_tokens": 500}
EXAMPLE = story(
    2001,
    Load(
        "anthropic_usage",
        page(
            bucket(
                "2001-03-01",
                usage(
                    "K",
                    uncached_input_tokens=1500,
                    cache_creation=LIFETIMES,
                    cache_read_input_tokens=200,
                    output_tokens=500,
                ),
            )
        ),
    ),
    Load("anthropic_cost", page(bucket("2001-03-01", cost("12345.00"), cost("2500.00", description="more")))),
    Load("claude_code", page(code("2001-03-01", "ann@example.com", 68_810, 186))),
)


def test_tokens_are_of_the_usage_report_and_cost_is_of_the_cost_report(outcome: Outcome) -> None:
    """The example of the model's description: 3,700 tokens and 148.45 USD, not 72,510 and 150.31."""
    assert shown(outcome.first[EXAMPLE]) == [
        (date(2001, 3, 1), "api", None, "opus", None, Decimal("148.45")),
        (date(2001, 3, 1), "api", "K", "opus", 3700, None),
    ]


UNTIL = story(
    2002,
    Load("claude_code", page(code("2002-03-01", "ann@example.com", 1000, 186))),
    then=[Load("anthropic_cost", page(bucket("2002-03-01", cost("200"))))],
)


def test_claude_code_counts_until_the_reports_of_its_day_come(outcome: Outcome) -> None:
    (row,) = outcome.first[UNTIL]
    assert (row["total_tokens"], row["cost_usd"], row["is_cost_estimated"]) == (1000, Decimal("1.86"), True)
    rows = outcome.then[UNTIL]
    assert (total(rows, "total_tokens"), total(rows, "cost_usd")) == (1000, Decimal("2.00"))
    assert not any(row["is_cost_estimated"] for row in rows)


SEAT = story(
    2003,
    Load("anthropic_usage", page(bucket("2003-03-01", usage("K", output_tokens=10)))),
    Load("claude_code", page(code("2003-03-01", "bob@example.com", 1000, 186, customer="subscription"))),
)


def test_a_subscription_counts_its_tokens_beside_the_usage_report_and_no_cost(outcome: Outcome) -> None:
    rows = outcome.first[SEAT]
    assert (total(rows, "total_tokens"), total(rows, "cost_usd")) == (1010, None)
    assert total(rows, "estimated_cost_usd") == Decimal("1.86")


DAILY_ONLY = story(
    2004,
    Load(
        "cursor_daily",
        {
            "data": [
                {
                    "date": int(datetime(2004, 3, 1, tzinfo=UTC).timestamp() * 1000),
                    "email": f"{name}@example.com",
                    "composerRequests": requests,
                }
                for name, requests in (("ann", 7), ("bob", 5), ("idle", 0))
            ]
        },
    ),
    Load("cursor_events", events(event("2004-03-01T10:00:00Z"), event("2004-03-01T11:00:00Z"))),
)


def test_cursors_daily_report_counts_only_for_users_without_an_event(outcome: Outcome) -> None:
    assert [(row["user_name"], row["requests"]) for row in outcome.first[DAILY_ONLY]] == [
        ("ann@example.com", 2),
        ("bob@example.com", 5),
    ]


NULLS = story(
    2005,
    Load("anthropic_usage", page(bucket("2005-03-01", usage(None, None, output_tokens=1), usage("K", None)))),
    then=[Load("anthropic_usage", page(bucket("2005-03-01", usage(None, None, output_tokens=2), usage("K", None))))],
)


def test_null_is_a_value_of_the_key(outcome: Outcome) -> None:
    rows = outcome.then[NULLS]
    assert [(row["user_name"], row["output_tokens"]) for row in rows] == [(None, 2), ("K", 0)]
    assert len({row["usage_key"] for row in rows}) == 2
    assert rows[0]["usage_key"] == outcome.first[NULLS][0]["usage_key"]


UNKNOWN = story(2006, Load("anthropic_usage", page(bucket("2006-03-01", {"model": "opus", "output_tokens": 5}))))


def test_an_unknown_kind_of_token_is_null_and_adds_nothing(outcome: Outcome) -> None:
    (row,) = outcome.first[UNKNOWN]
    assert (row["cache_read_tokens"], row["output_tokens"], row["total_tokens"]) == (None, 5, 5)
    assert (row["unknown_token_records"], row["is_complete"]) == (1, False)


def _without(name: str, record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if key != name}


PARTS = story(
    2018,
    Load(
        "anthropic_usage",
        page(
            bucket(
                "2018-03-04",
                *(_without("output_tokens", usage(f"K{number}", uncached_input_tokens=7)) for number in range(5)),
            ),
            bucket("2018-03-05", usage("K0", output_tokens=5), usage("K0", output_tokens=7, service_tier="batch")),
        ),
    ),
    Load(
        "cursor_events",
        events(event("2018-03-06T10:00:00Z"), _without("cursorTokenFee", event("2018-03-06T11:00:00Z"))),
    ),
    Load(
        "cursor_daily",
        {
            "data": [
                {
                    "date": int(datetime(2018, 3, 7, tzinfo=UTC).timestamp() * 1000),
                    "email": "ann@example.com",
                    "composerRequests": 7,
                }
            ]
        },
    ),
    then=[
        Load(
            "anthropic_usage",
            page(bucket("2018-03-04", *(usage(f"K{n}", uncached_input_tokens=7, output_tokens=n) for n in range(5)))),
        ),
        Load("cursor_events", events(event("2018-03-06T12:00:00Z") | {"tokenUsage": {"outputTokens": 1}})),
    ],
)


def test_a_sum_of_which_a_part_is_unknown_says_so_until_it_is_known(outcome: Outcome) -> None:
    names = ("total_tokens", "unknown_token_records", "unknown_request_records", "unknown_cost_records", "is_complete")
    first = [(row["usage_date"].day, *(row[name] for name in names)) for row in outcome.first[PARTS]]
    assert first == [
        *((4, 7, 1, 0, 0, False) for _ in range(5)),
        (5, 12, 0, 0, 0, True),
        (6, 200, 0, 0, 0, True),
        (7, None, 0, 1, 0, False),
    ]
    then = [(row["usage_date"].day, *(row[name] for name in names)) for row in outcome.then[PARTS]]
    assert then == [
        *((4, 7 + number, 0, 0, 0, True) for number in range(5)),
        (5, 12, 0, 0, 0, True),
        (6, 201, 1, 0, 1, False),
        (7, None, 0, 1, 0, False),
    ]


def test_metrics_count_what_their_sums_do_not_know(outcome: Outcome, place: Place) -> None:
    """By day of 2018: five records of 7 and 0 to 4 tokens, two of 5 and 7, three of Cursor, and a daily report."""
    sums = ["usage_tokens", "usage_requests"]
    unknown = ["unknown_token_records", "unknown_request_records", "unknown_cost_records", "incomplete_usage_rows"]
    assert {name for name in outcome.then[PARTS][0] if name.startswith("unknown_")} <= {*unknown}
    asked = ask(place, [*sums, *unknown], "metric_time__day")
    assert {
        (row["metric_time__day"].day, *(row[name] for name in (*sums, *unknown)))
        for row in asked
        if row["metric_time__day"].year == PARTS
    } == {
        (4, 5 * 7 + 10, None, 0, 0, 0, 0),
        (5, 12, None, 0, 0, 0, 0),
        (6, 201, 3, 1, 0, 1, 1),
        (7, None, 7, 0, 1, 0, 1),
    }


CHANGES = story(
    2007,
    Load("anthropic_usage", page(*(bucket(f"2007-03-0{day}", usage("K", output_tokens=day)) for day in (1, 2, 3)))),
    Load("claude_code", page(code("2007-03-04", "ann@example.com", 40, 4))),
    Load("cursor_events", events(event("2007-03-05T10:00:00Z", cents=5))),
    then=[
        Load("anthropic_usage", page(bucket("2007-03-01", usage("L", output_tokens=10), usage("M", output_tokens=1)))),
        Load("anthropic_usage", page(bucket("2007-03-02"))),
        Load("anthropic_usage", page(bucket("2007-03-04", usage("K", output_tokens=41)))),
        Load("cursor_events", events(event("2007-03-05T10:00:00Z", cents=7), event("2007-03-06T10:00:00Z", cents=1))),
    ],
)


def test_corrections_new_days_and_days_whose_rows_all_went_arrive(outcome: Outcome) -> None:
    assert total(outcome.first[CHANGES], "output_tokens") == 1 + 2 + 3 + 40 + 100
    rows = outcome.then[CHANGES]
    assert total(rows, "output_tokens") == 11 + 3 + 41 + 200
    assert total(rows, "cost_usd") == Decimal("0.12")  # 0.07 + 0.01, and the estimate of the 4th, 0.04
    assert {row["usage_date"].day for row in rows} == {1, 3, 4, 5, 6}


def test_a_build_of_the_days_that_changed_equals_a_full_one(outcome: Outcome) -> None:
    assert outcome.then == outcome.everything


def test_a_day_without_anything_new_writes_nothing_and_leaves_nothing(outcome: Outcome, place: Place) -> None:
    assert outcome.nothing_new == outcome.then
    project, dataset, raw = (getattr(place.warehouse.settings, name) for name in ("project", "dataset", "raw_dataset"))
    for name in (dataset, raw):
        tables = {table.table_id for table in place.warehouse.client.list_tables(f"{project}.{name}", timeout=60)}
        assert not [table for table in tables if "__dbt_tmp" in table or table.startswith("batch_")]


def test_only_the_days_that_changed_are_read_and_replaced(outcome: Outcome) -> None:
    """By literal dates, so that BigQuery prunes: the second build names the days of the second loads alone."""
    statement = outcome.statements[0]
    assert "int_usage_reconciled" in statement
    assert "date '2007-03-06'" in statement
    assert "2007-03-03" not in statement
    assert "2001-03-01" not in statement


REPLAY = story(
    2009,
    Load("cursor_events", events(event("2009-03-02T10:00:00Z")), at=datetime(2026, 9, 1, tzinfo=UTC)),
    then=[Load("cursor_events", events(event("2009-03-01T10:00:00Z")), at=datetime(2009, 3, 2, tzinfo=UTC))],
)


def test_loads_are_seen_in_whatever_order_their_times_are(outcome: Outcome) -> None:
    """A replay loads with an earlier time than what the table holds."""
    assert [row["usage_date"].day for row in outcome.then[REPLAY]] == [1, 2]


AT = datetime(2026, 9, 1, tzinfo=UTC)
SAME_NAME = story(
    2010,
    Load("anthropic_usage", page(bucket("2010-03-01", usage("K", output_tokens=1))), name="same.json", at=AT),
    then=[Load("anthropic_usage", page(bucket("2010-03-01", usage("K", output_tokens=2))), name="same.json", at=AT)],
)


def test_the_same_file_changed_and_loaded_at_the_same_time_is_seen(outcome: Outcome) -> None:
    assert total(outcome.first[SAME_NAME], "output_tokens") == 1
    assert total(outcome.then[SAME_NAME], "output_tokens") == 2


def test_the_playbooks_query_runs_on_it(place: Place) -> None:
    table = place.warehouse.mart("fct_usage_daily")
    rows = place.warehouse.rows(f"SELECT COUNT(*) AS n FROM {table} WHERE DATE(usage_date) = CURRENT_DATE()")
    assert rows == [{"n": 0}]


def shown(rows: Rows) -> list[tuple[object, ...]]:
    """What most tests look at."""
    names = ("usage_date", "product", "user_name", "model", "total_tokens", "cost_usd")
    return [tuple(row[name] for name in names) for row in rows]


@pytest.mark.parametrize("model", ["int_cursor_usage_unioned", "int_usage_unioned", "int_usage_reconciled"])
def test_each_line_of_the_reports_together_has_a_key_of_its_own(model: str, outcome: Outcome, place: Place) -> None:
    assert outcome.everything
    keys = [row["line_key"] for row in place.staged(model)]
    assert None not in keys
    assert len(set(keys)) == len(keys) > 0
