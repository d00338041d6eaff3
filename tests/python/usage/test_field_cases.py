"""Faults that users of neighbouring tools reported, tried here."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from usage.answers import bucket, cost, event, events, page, usage
from usage.conftest import Place, total


def test_u4_cents_are_cents(place: Place) -> None:
    """(12345.00 + 2500.00) / 100 = 148.45; 123.78912 / 100 = 1.2378912; 1,000 * 0.1 / 100 = 1.00."""
    many = [cost("0.1", description=f"line {number % 7}") for number in range(1000)]
    place.load("anthropic_cost", page(bucket("2011-03-01", cost("12345.00"), cost("2500.00"))))
    place.load("anthropic_cost", page(bucket("2011-03-02", cost("123.78912"))))
    place.load("anthropic_cost", page(bucket("2011-03-03", *many)))
    place.build()
    assert [row["cost_usd"] for row in place.daily(2011)] == [Decimal("148.45"), Decimal("1.2378912"), Decimal("1.00")]


def test_u5_nested_cache_counts_are_never_a_silent_zero(place: Place) -> None:
    """1,000 + 500 = 1,500; missing is null; a plain number is read; an unknown member is refused by name."""
    nested = {"ephemeral_1h_input_tokens": 1000, "ephemeral_5m_input_tokens": 500}
    missing = usage("missing")
    del missing["cache_creation"]
    unknown = usage("unknown", cache_creation={"ephemeral_24h_input_tokens": 7})
    results = [usage("nested", cache_creation=nested), missing, usage("plain", cache_creation=1500), unknown]
    report = place.load("anthropic_usage", page(bucket("2012-03-01", *results)))
    place.build()
    assert {row["user_name"]: row["cache_creation_tokens"] for row in place.daily(2012)} == {
        "nested": 1500,
        "missing": None,
        "plain": 1500,
    }
    (reject,) = report.rejects
    assert reject.field == "data[0].results[3].cache_creation"
    assert "ephemeral_24h_input_tokens" in reject.error


def test_u8_the_first_page_is_loaded_and_not_taken_for_the_whole(place: Place) -> None:
    first, second, third = (
        events(event(f"2013-03-01T1{number}:00:00Z", f"user{number}@example.com"), number=number, count=3)
        for number in (1, 2, 3)
    )
    report = place.load("cursor_events", first)
    assert report.incomplete_days == (date(2013, 3, 1),)
    assert "hasNextPage is true" in report.notes[0]
    place.build()
    assert [row["is_complete"] for row in place.daily(2013)] == [False]

    report = place.load("cursor_events", first, second, second, third)
    assert (report.records, report.new, report.incomplete_days) == (3, 2, ())
    place.build()
    assert [row["is_complete"] for row in place.daily(2013)] == [True, True, True]
    assert total(place.daily(2013), "requests") == 3


def test_u8_pages_of_anthropic_have_no_number_and_end_with_one_that_says_so(place: Place) -> None:
    pages = [page(bucket(f"2014-03-0{day}", usage("K", output_tokens=1)), has_more=day < 3) for day in (1, 2, 3)]
    assert place.load("anthropic_usage", pages[0]).incomplete_days == (date(2014, 3, 1),)
    assert place.load("anthropic_usage", pages[0], pages[1], pages[1], pages[2]).incomplete_days == ()
    place.build()
    assert [row["is_complete"] for row in place.daily(2014)] == [True, True, True]


def test_u9_today_is_unknown_until_the_export_comes_and_late_after_two_days(place: Place) -> None:
    """Each day at 07:00 the last event is of 15:25 the day before, 15 h 35 min ago; on day 8, 39 h 35 min ago."""
    first = datetime(2100, 3, 2, tzinfo=UTC)
    for day in (1, 7, 8):
        today = first + timedelta(days=day - 1)
        if day < 8:
            place.load("cursor_events", events(event((today - timedelta(hours=8, minutes=35)).isoformat())))
        place.build("fct_usage_daily", "fct_usage_freshness", as_of=today.replace(hour=7))
        assert place.rows("fct_usage_daily", f"usage_date = '{today:%Y-%m-%d}'") == []
        (row,) = place.rows("fct_usage_freshness", "source = 'cursor_events'")
        assert row["hours_behind"] == pytest.approx(15 + 35 / 60 if day < 8 else 39 + 35 / 60)
        assert row["is_late"] is (day == 8)


def test_u10_a_bucket_of_two_days_is_on_neither(place: Place) -> None:
    two = bucket("2015-03-10", usage("K", output_tokens=300), days=2)
    report = place.load("anthropic_usage", page(two, bucket("2015-03-12", usage("K", output_tokens=1))))
    (reject,) = report.rejects
    assert (reject.line, reject.field) == (1, "data[0].ending_at")
    assert "belongs to no single day" in reject.error
    place.build()
    assert [(row["usage_date"], row["output_tokens"]) for row in place.daily(2015)] == [(date(2015, 3, 12), 1)]
