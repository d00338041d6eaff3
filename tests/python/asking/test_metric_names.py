"""What people type as names and filters of metrics: a wrong one gets the nearest, and what is no filter none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_ledger.asking.metric_names import Condition, condition, dimension, known
from incident_ledger.errors import UserError

NAMES = (
    "incident__component",
    "incident__severity_level",
    "incident__team",
    "sla__clock__team",
    "sla_clock__component",
)
METRICS = ("incidents",)


def test_a_wrong_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UserError, match=r"There is no metric 'mttr'. Near it: mttr_minutes"):
        known("mttr", ["mttr_minutes", "usage"], "metric")
    with pytest.raises(UserError, match="Near it: severity_level"):
        dimension("severity", NAMES, METRICS)
    with pytest.raises(UserError, match="metrics list"):
        dimension("zzz", NAMES, METRICS)


def test_the_last_part_is_enough_where_it_is_one() -> None:
    assert dimension("severity_level", NAMES, METRICS) == "incident__severity_level"
    assert dimension("month", NAMES, METRICS) == dimension("metric_time__month", NAMES, METRICS) == "metric_time__month"
    assert dimension("team", NAMES, METRICS) == "incident__team"
    with pytest.raises(UserError, match="incident__component or sla_clock__component"):
        dimension("component", NAMES, METRICS)


@pytest.mark.parametrize(
    ("text", "values", "is_negated"),
    [
        ("severity_level=P0, P1", ("P0", "P1"), False),
        ("incident__severity_level != P3", ("P3",), True),
        ("severity_level=", (), False),
        ("severity_level=x' or true or '", ("x' or true or '",), False),
        ("severity_level={{ 7 * 7 }}", ("{{ 7 * 7 }}",), False),
        ("{{ Dimension('incident__severity_level') }} = 'P0, P1'", ("P0, P1",), False),
    ],
)
def test_a_filter_is_a_known_name_and_values(text: str, values: tuple[str, ...], is_negated: bool) -> None:
    assert condition(text, NAMES, METRICS) == Condition("incident__severity_level", values, is_negated)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "true",
        "1=1",
        "severity_level",
        "severity_level > 'P1'",
        "(select 1)=1",
        "{{ Dimension('incident__severity_level') }} = 'P0' or true",
        "{{ ''.__class__ }}",
        "{{ Dimension('x', self.__init__) }} = 'P0'",
        "metric_time=2026-01-01",
        "month=2026-01-01",
    ],
)
def test_what_is_no_filter_is_refused(text: str) -> None:
    with pytest.raises(UserError):
        condition(text, NAMES, METRICS)


@given(st.text())
def test_whatever_is_typed_is_a_filter_of_a_known_name_or_refused(text: str) -> None:
    try:
        found = condition(text, NAMES, METRICS)
    except UserError:
        return
    assert found.dimension in NAMES
