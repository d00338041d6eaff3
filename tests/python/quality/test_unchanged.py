"""Which suites give the same results for the same rows on the same day."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import PROJECT_DIR
from incident_ledger.quality.result_types import RuleResult
from incident_ledger.quality.unchanged import passes_until, reads_table_alone
from quality.helpers import not_null, rule


def fresh(column: str, span: str) -> dict[str, Any]:
    return rule("expect_column_max_to_be_between", column=column, min_value={"$PARAMETER": f"as_of - {span}"})


CTE = "with own as (select id from {batch}) select * from own where id < (select avg(id) from own)"
KEYS = ["type", "kwargs", "column", "min_value", "$PARAMETER", "row_condition", "unexpected_rows_query", "x"]
EXAMPLE = RuleResult(
    rule_id="r",
    type="expect_column_values_to_not_be_null",
    column="id",
    dimension=None,
    owner=None,
    gx_severity="critical",
    is_table_rule=False,
    success=True,
    examined=1,
    failed=0,
    observed=None,
    severity_level=None,
    threshold=None,
    error=None,
)
STEADY = [
    not_null("amount"),
    rule("unexpected_rows_expectation", unexpected_rows_query="select * from {batch} where id < 0"),
    rule("unexpected_rows_expectation", unexpected_rows_query=CTE),
    fresh("seen_at", "36 hours"),
    not_null("amount", row_condition={"type": "nullity", "column": {"name": "id"}, "is_null": False}),
]
BY_TIME_OR_OTHERS = [
    rule("expect_column_max_to_be_between", column="seen_at", min_value={"$PARAMETER": "as_of + 36 hours"}),
    rule("expect_column_max_to_be_between", column="seen_at", max_value={"$PARAMETER": "as_of - 36 hours"}),
    rule("expect_column_min_to_be_between", column="seen_at", min_value={"$PARAMETER": "as_of - 36 hours"}),
    not_null("amount", row_condition="seen_at < current_timestamp()"),
    *(
        rule("unexpected_rows_expectation", unexpected_rows_query=f"select * from {{batch}} where {condition}")
        for condition in (
            "seen_at > current_timestamp()",
            "day = current_date()",
            "seen_at > datetime_sub(current_datetime, interval 1 day)",
            "rand() < 0.5",
            "owner = session_user()",
            "id in (select id from raw.other)",
            "own.f(id)",
        )
    ),
    rule("unexpected_rows_expectation", unexpected_rows_query="with own as (select 1) select * from {batch}, raw.own"),
    rule("unexpected_rows_expectation", unexpected_rows_query="not a query of {batch}"),
    rule("unexpected_rows_expectation", unexpected_rows_query=5),
]


def suite(expectation: dict[str, Any]) -> dict[str, Any]:
    return {"name": "s", "meta": {"table": "t"}, "expectations": [not_null("id"), expectation]}


@pytest.mark.parametrize("expectation", STEADY, ids=json.dumps)
def test_rules_over_the_table_alone_are_steady(expectation: dict[str, Any]) -> None:
    assert reads_table_alone(suite(expectation))


@pytest.mark.parametrize("expectation", BY_TIME_OR_OTHERS, ids=json.dumps)
def test_a_rule_that_takes_the_time_or_reads_another_table_is_not(expectation: dict[str, Any]) -> None:
    assert not reads_table_alone(suite(expectation))


@pytest.mark.parametrize(
    ("newest", "until"),
    [
        (datetime(2026, 3, 1, 20, tzinfo=UTC), datetime(2026, 3, 2, 20, tzinfo=UTC)),
        (datetime(2026, 3, 1, 20), datetime(2026, 3, 2, 20, tzinfo=UTC)),  # noqa: DTZ001 - a DATETIME has no zone
        (date(2026, 3, 1), datetime(2026, 3, 2, 23, 59, 59, 999999, tzinfo=UTC)),
        (date(9999, 12, 31), datetime.max.replace(tzinfo=UTC)),
        (None, datetime.min.replace(tzinfo=UTC)),
    ],
)
def test_a_suite_passes_until_its_newest_record_is_too_old(newest: Any, until: datetime) -> None:
    """Of two rules of one column the stricter fails first; others do not count."""
    content = {"expectations": [fresh("seen_at", "2 days"), fresh("seen_at", "24 hours"), not_null("seen_at")]}
    result = replace(EXAMPLE, type="expect_column_max_to_be_between", column="seen_at", observed=newest)
    other = replace(EXAMPLE, type="expect_column_values_to_not_be_null", column="seen_at", observed=None)
    assert passes_until(content, [result, other]) == until
    # Only newer rows end a failure.
    assert passes_until(content, [replace(result, success=False), other]) is None


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.text(max_size=5)
        | st.sampled_from(["{batch}", "as_of - 9 days"]),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    )
)
def test_whatever_stands_in_a_suite_it_is_steady_or_not(content: Any) -> None:
    assert reads_table_alone({"expectations": content}) in {True, False}


def test_a_suite_without_a_freshness_rule_passes_as_long_as_its_table_stays() -> None:
    assert passes_until({"expectations": [not_null("id")]}, [EXAMPLE]) is None


def test_the_suites_that_come_with_the_project_are_all_steady() -> None:
    files = sorted((PROJECT_DIR / "tests" / "gx").glob("*.json"))
    assert [file.name for file in files if not reads_table_alone(json.loads(file.read_bytes()))] == []
    assert files
