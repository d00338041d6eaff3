"""Periods as they are typed, and the arithmetic of a figure."""

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_ledger.asking.arithmetic import mean, percentile, rate
from incident_ledger.asking.periods import Period, read_period
from incident_ledger.errors import UserError


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("all", Period("all")),
        ("2026", Period("year", date(2026, 1, 1), date(2027, 1, 1))),
        ("2026-Q4", Period("quarter", date(2026, 10, 1), date(2027, 1, 1))),
        ("2026-Q1", Period("quarter", date(2026, 1, 1), date(2026, 4, 1))),
        ("2026-12", Period("month", date(2026, 12, 1), date(2027, 1, 1))),
        ("2026-W01", Period("week", date(2025, 12, 29), date(2026, 1, 5))),
    ],
)
def test_a_period_is_its_days(text: str, period: Period) -> None:
    assert read_period(text) == period


@pytest.mark.parametrize(
    "text", ["", "2026-13", "2026-00", "2026-Q5", "2026-W54", "2026-1", "March", "0000", "2026-03-02"]
)
def test_what_is_no_period_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="is no period"):
        read_period(text)


@given(st.dates(date(1970, 1, 1), date(2100, 1, 1)))
def test_months_and_weeks_leave_no_day_out(day: date) -> None:
    year, week, _ = day.isocalendar()
    for text in (f"{day:%Y-%m}", f"{year}-W{week:02}", f"{day:%Y}"):
        period = read_period(text)
        assert period.start is not None
        assert period.end is not None
        assert period.start <= day <= period.end - timedelta(days=1)


def test_the_worked_example_of_the_decision_log() -> None:
    minutes = [1774.0, 43.0, 4.0, 5.0, 6.0, 7.0, 5.0]
    assert percentile("median", minutes, Fraction(1, 2)).value == 6
    p90 = percentile("p90", minutes, Fraction(9, 10))
    assert p90.value == pytest.approx(735.4)
    assert p90.how == "rank 0.9 x 6 = 5.4 of the sorted, from 0: 43.000 + 0.4 x (1,774.000 - 43.000)"
    assert mean(minutes).how == "1,844.000 / 7"


def test_nothing_has_no_figure() -> None:
    assert mean([]).value is percentile("median", [], Fraction(1, 2)).value is rate("kept", 0, 0).value is None
    assert rate("kept", 1, 4, percent=True).value == 25
