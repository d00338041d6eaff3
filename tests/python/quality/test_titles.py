"""Titles say in words what broke."""

from datetime import UTC, datetime
from typing import Any

import pytest

from incident_ledger.quality.result_types import RuleResult
from incident_ledger.quality.titles import what_broke, what_is_wrong


def broken(kind: str, **more: Any) -> RuleResult:
    values: dict[str, Any] = {
        "rule_id": "some_rule", "type": kind, "column": "amount", "dimension": None, "owner": None,
        "gx_severity": "critical", "is_table_rule": False, "success": False, "examined": 16, "failed": 5,
        "observed": None, "severity_level": "P1", "threshold": None, "error": None,
    }  # fmt: skip
    return RuleResult(**(values | more))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("not_be_null", "amount is missing"),
        ("be_unique", "amount is there more than once"),
        ("be_in_set", "amount has no known value"),
        ("match_regex", "amount has not its form"),
        ("be_between", "amount is out of range"),
    ],
)
def test_a_broken_record_rule_says_what_is_wrong_and_with_how_many(kind: str, words: str) -> None:
    rule = broken(f"expect_column_values_to_{kind}")
    assert what_broke(rule) == f"{words}: 31.25 % (5 of 16 records)"
    assert what_is_wrong(rule) == words


def test_another_rule_says_what_its_description_wants_up_to_its_first_stop() -> None:
    rule = broken("unexpected_rows_expectation", description="Tokens add up: all four kinds. Not one less.")
    assert what_broke(rule) == "not so: Tokens add up: 31.25 % (5 of 16 records)"


def test_a_rule_without_a_description_is_named() -> None:
    rule = broken("unexpected_rows_expectation", label="a label")
    assert what_broke(rule) == "a label does not hold: 31.25 % (5 of 16 records)"
    assert what_broke(broken("x")) == "some_rule does not hold: 31.25 % (5 of 16 records)"


@pytest.mark.parametrize(
    ("kind", "observed", "words"),
    [
        ("expect_table_row_count_to_be_between", 1200, "1,200 rows, which is out of range"),
        (
            "expect_column_max_to_be_between",
            datetime(2026, 3, 2, 15, 20, tzinfo=UTC),
            "the newest amount is 2026-03-02 15:20 UTC, which is out of range",
        ),
        ("expect_column_max_to_be_between", 7, "not so: Fresh enough (found 7)"),
        ("expect_column_mean_to_be_between", None, "not so: Fresh enough"),
    ],
)
def test_a_rule_about_the_table_says_what_was_found(kind: str, observed: Any, words: str) -> None:
    rule = broken(kind, examined=None, failed=None, observed=observed, description="Fresh enough.", is_table_rule=True)
    assert what_broke(rule) == words
