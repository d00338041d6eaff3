"""Faults that users of neighbouring tools reported, tried here."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from conftest import SHARED_DATA
from usage.answers import bucket, cost, event, events, page, usage
from usage.conftest import Place, total
from usage.scenarios import Load, Outcome, story

CENTS = story(
    2011,
    Load("anthropic_cost", page(bucket("2011-03-01", cost("12345.00"), cost("2500.00")))),
    Load("anthropic_cost", page(bucket("2011-03-02", cost("123.78912")))),
    Load("anthropic_cost", page(bucket("2011-03-03", *(cost("0.1", description=f"{n % 7}") for n in range(1000))))),
)


def test_cents_are_cents(outcome: Outcome) -> None:
    """(12345.00 + 2500.00) / 100 = 148.45; 123.78912 / 100 = 1.2378912; 1,000 * 0.1 / 100 = 1.00."""
    costs = [row["cost_usd"] for row in outcome.first[CENTS]]
    assert costs == [Decimal("148.45"), Decimal("1.2378912"), Decimal("1.00")]


def _cached(key: str, **fields: Any) -> dict[str, Any]:
    return {"api_key_id": key, "model": "opus", "output_tokens": 1, **fields}


CACHES = story(
    2012,
    Load(
        "anthropic_usage",
        page(
            bucket(
                "2012-03-01",
                _cached("nested", cache_creation={"ephemeral_1h_input_tokens": 1000, "ephemeral_5m_input_tokens": 500}),
                _cached("missing"),
                _cached("plain", cache_creation=1500),
                _cached("unknown", cache_creation={"ephemeral_24h_input_tokens": 7}),
            )
        ),
    ),
)


def test_nested_cache_counts_are_never_a_silent_zero(outcome: Outcome) -> None:
    """1,000 + 500 = 1,500; missing is null; a plain number is read; an unknown member is refused by name."""
    assert {row["user_name"]: row["cache_creation_tokens"] for row in outcome.first[CACHES]} == {
        "nested": 1500,
        "missing": None,
        "plain": 1500,
    }
    (reject,) = outcome.reports[CACHES][0].rejects
    assert reject.field == "data[0].results[3].cache_creation"
    assert "ephemeral_24h_input_tokens" in reject.error


NUMBERED = [
    events(event(f"2013-03-01T1{number}:00:00Z", f"user{number}@example.com"), number=number, count=3)
    for number in (1, 2, 3)
]
FIRST_PAGE = story(
    2013,
    Load("cursor_events", NUMBERED[0]),
    then=[Load("cursor_events", NUMBERED[0], NUMBERED[1], NUMBERED[1], NUMBERED[2])],
)


def test_the_first_page_is_loaded_and_not_taken_for_the_whole(outcome: Outcome) -> None:
    first, whole = outcome.reports[FIRST_PAGE]
    assert first.incomplete_days == (date(2013, 3, 1),)
    assert "hasNextPage is true" in first.notes[0]
    assert [row["is_complete"] for row in outcome.first[FIRST_PAGE]] == [False]
    assert (whole.records, whole.new, whole.incomplete_days) == (3, 2, ())
    assert [row["is_complete"] for row in outcome.then[FIRST_PAGE]] == [True, True, True]
    assert total(outcome.then[FIRST_PAGE], "requests") == 3


UNNUMBERED = [page(bucket(f"2014-03-0{day}", usage("K", output_tokens=1)), has_more=day < 3) for day in (1, 2, 3)]
NO_NUMBERS = story(
    2014,
    Load("anthropic_usage", UNNUMBERED[0]),
    then=[Load("anthropic_usage", UNNUMBERED[0], UNNUMBERED[1], UNNUMBERED[1], UNNUMBERED[2])],
)


def test_pages_of_anthropic_have_no_number_and_end_with_one_that_says_so(outcome: Outcome) -> None:
    first, whole = outcome.reports[NO_NUMBERS]
    assert (first.incomplete_days, whole.incomplete_days) == ((date(2014, 3, 1),), ())
    assert [row["is_complete"] for row in outcome.first[NO_NUMBERS]] == [False]
    assert [row["is_complete"] for row in outcome.then[NO_NUMBERS]] == [True, True, True]


def test_today_is_unknown_until_the_export_comes_and_late_after_two_days(place: Place, outcome: Outcome) -> None:
    """At 07:00 the last event is of 15:25 the day before, 15 h 35 min ago; on day 8 still, 39 h 35 min ago."""
    del outcome  # its loads come first, so that these days are the newest
    first = datetime(2100, 3, 2, tzinfo=UTC)
    for day in (1, 7, 8):
        today = first + timedelta(days=day - 1)
        if day < 8:
            place.load("cursor_events", events(event((today - timedelta(hours=8, minutes=35)).isoformat())))
        place.build("fct_usage_freshness", as_of=today.replace(hour=7))
        (row,) = place.rows("fct_usage_freshness", "source = 'cursor_events'")
        assert row["hours_behind"] == pytest.approx(15 + 35 / 60 if day < 8 else 39 + 35 / 60)
        assert row["is_late"] is (day == 8)
        assert row["last_usage_date"] < today.date()  # today has no row: unknown, and not 0


TWO_DAYS = story(
    2015,
    Load(
        "anthropic_usage",
        page(
            bucket("2015-03-10", usage("K", output_tokens=300), days=2),
            bucket("2015-03-12", usage("K", output_tokens=1)),
        ),
    ),
)


def test_a_bucket_of_two_days_is_on_neither(outcome: Outcome) -> None:
    (reject,) = outcome.reports[TWO_DAYS][0].rejects
    assert (reject.line, reject.field) == (1, "data[0].ending_at")
    assert "belongs to no single day" in reject.error
    rows = outcome.first[TWO_DAYS]
    assert [(row["usage_date"], row["output_tokens"]) for row in rows] == [(date(2015, 3, 12), 1)]


def _charged(at: str, kind: str, charged: float, *, is_chargeable: bool, cents: float) -> dict[str, Any]:
    return event(at, cents=cents) | {"kind": kind, "isChargeable": is_chargeable, "chargedCents": charged}


CHARGED = story(
    2017,
    Load(
        "cursor_events",
        events(
            _charged("2017-03-01T10:00:00Z", "Usage-based", 21.18, is_chargeable=True, cents=20),
            _charged("2017-03-01T11:00:00Z", "Included in Business", 30, is_chargeable=False, cents=30),
            _charged("2017-03-01T12:00:00Z", "Errored, Not Charged", 0, is_chargeable=False, cents=5),
            event("2017-03-01T13:00:00Z", cents=10.5),
        ),
    ),
    then=[
        Load(
            "cursor_events",
            events(_charged("2017-03-01T12:00:00Z", "Usage-based", 5, is_chargeable=True, cents=5)),
            events(_charged("2017-03-02T10:00:00Z", "Usage-based", 1, is_chargeable=True, cents=5), number=2),
            events(event("2017-03-02T10:00:00Z", cents=5) | {"chargedCents": "much"}, number=3),
        )
    ],
)


def test_cursors_cost_is_what_is_charged_and_a_correction_of_it_is_no_new_event(outcome: Outcome) -> None:
    """21.18 + 0 + 0 + 10.5 cents, the last by its parts; then 5 more for the third, which was not charged before."""
    (row,) = outcome.first[CHARGED]
    assert (row["requests"], row["cost_usd"]) == (4, Decimal("0.3168"))
    assert [(row["requests"], row["cost_usd"]) for row in outcome.then[CHARGED]] == [
        (4, Decimal("0.3668")),
        (1, Decimal("0.01")),
    ]
    (reject,) = outcome.reports[CHARGED][1].rejects
    assert reject.field == "usageEvents[0].chargedCents"


EXPORTS = [SHARED_DATA / "field" / name for name in ("cursor_charged.json", "cursor_only_charged.json")]
EXPORTED = story(2026, *(Load("cursor_events", json.loads(file.read_text())) for file in EXPORTS if file.is_file()))


@pytest.mark.usefixtures("shared_data")
def test_exports_with_what_was_charged_cost_that(outcome: Outcome, place: Place) -> None:
    costs = {str(row["usage_date"]): row["cost_usd"] for row in outcome.first[EXPORTED]}
    assert costs == {
        "2026-09-01": Decimal("0.3168"),
        "2026-09-02": Decimal("0.105"),
        "2026-09-04": Decimal("0.068530798"),
    }
    unpriced = "is_token_based and cost_usd is null and extract(year from usage_date) = 2026"
    assert place.staged("stg_cursor__events", unpriced) == []
