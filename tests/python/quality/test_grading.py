"""Rates to severities, on real counts."""

import pytest

from incident_ledger.policy import Policy
from incident_ledger.quality.rates import percent_text
from incident_ledger.warehouse import Warehouse
from quality.helpers import broken_of, check_one, make_table, not_null, only, rule

BANDS = [(49, None), (50, "P2"), (51, "P2"), (199, "P2"), (200, "P2"), (201, "P1")]


@pytest.mark.parametrize(("broken", "severity"), BANDS)
def test_a_rate_of_broken_records_gives_its_band(
    bare: Warehouse, policy: Policy, broken: int, severity: str | None
) -> None:
    table = broken_of(bare, "t", broken, 1000)
    batch = check_one(bare, policy, table, not_null("amount"))
    assert (only(batch).examined, only(batch).failed) == (1000, broken)
    assert only(batch).severity_level == severity
    assert batch.severity_level == severity


def test_a_warning_is_never_more_than_p2_and_an_info_than_p3(bare: Warehouse, policy: Policy) -> None:
    for broken, band in BANDS:
        table = broken_of(bare, "t", broken, 1000)
        warning = check_one(bare, policy, table, not_null("amount", severity="warning"))
        info = check_one(bare, policy, table, not_null("amount", severity="info"))
        assert warning.severity_level == ("P2" if band else None)
        assert info.severity_level == ("P3" if band else None)


@pytest.mark.parametrize(("rules", "severity"), [(19, None), (20, "P2")])
def test_one_failed_rule_counts_from_twenty_rules_on(
    bare: Warehouse, policy: Policy, rules: int, severity: str | None
) -> None:
    """One record of 1,000 breaks one rule: no rate of records worth a word, but 1 of 20 rules is 5 %."""
    table = broken_of(bare, "t", 1, 1000)
    good = [not_null("id", f"id_{number}") for number in range(rules - 1)]
    batch = check_one(bare, policy, table, not_null("amount"), *good)
    assert (batch.rules_ran, batch.rules_failed) == (rules, 1)
    assert batch.severity_level == severity
    assert batch.worst_rule_id == ("failed_validation_rate" if severity else None)


def test_the_rate_of_failed_rules_is_capped_by_the_highest_cap_of_the_failed(bare: Warehouse, policy: Policy) -> None:
    """Six of 20 rules failed, by one record each: 30 % is P1, but the failed rules may raise P3 and P2 at most."""
    table = broken_of(bare, "t", 1, 1000)
    good = [not_null("id", f"id_{number}") for number in range(14)]
    info = [not_null("amount", f"info_{number}", "info") for number in range(6)]
    assert check_one(bare, policy, table, *good, *info).severity_level == "P3"
    mixed = [*info[:5], not_null("amount", "warned", "warning")]
    assert check_one(bare, policy, table, *good, *mixed).severity_level == "P2"


def test_a_rule_about_the_table_raises_its_cap_and_has_no_rate(bare: Warehouse, policy: Policy) -> None:
    table = broken_of(bare, "t", 0, 10)
    counted = rule("expect_table_row_count_to_be_between", "rows", "warning", min_value=11)
    highest = rule("expect_column_max_to_be_between", "highest", "critical", column="amount", max_value=9)
    batch = check_one(bare, policy, table, counted, highest)
    assert [result.severity_level for result in batch.rules] == ["P2", "P1"]
    assert [result.failed_record_rate for result in batch.rules] == [None, None]
    assert [result.observed for result in batch.rules] == [10, 10]
    assert all(result.is_table_rule for result in batch.rules)


def test_a_rule_that_examined_no_record_raises_nothing_and_the_volume_rule_fails(
    bare: Warehouse, policy: Policy
) -> None:
    table = make_table(bare, "t", "select 1 as id, 1 as amount limit 0")
    volume = rule("expect_table_row_count_to_be_between", "rows", min_value=1)
    mean = rule("expect_column_mean_to_be_between", "mean", column="amount", min_value=1)
    batch = check_one(bare, policy, table, not_null("amount"), volume, mean)
    assert [result.severity_level for result in batch.rules] == [None, "P1", None]
    assert (batch.rules_ran, batch.rules_failed) == (1, 1)


def test_mostly_decides_success_and_the_policy_the_severity(bare: Warehouse, policy: Policy) -> None:
    table = broken_of(bare, "t", 100, 1000)
    kept = check_one(bare, policy, table, not_null("amount", mostly=0.9))
    missed = check_one(bare, policy, table, not_null("amount", mostly=0.901))
    assert (only(kept).success, only(missed).success) == (True, False)
    assert (kept.severity_level, missed.severity_level) == ("P2", "P2")


@pytest.mark.parametrize(
    ("part", "whole", "text"),
    [
        (9999, 200000, "4.9995 %"),
        (40001, 200003, "20.0002 %"),
        (1, 3, "33.33 %"),
        (2, 3, "66.67 %"),
        (1, 1864458, "under 0.01 %"),
        (1, 20, "5 %"),
        (0, 20, "0 %"),
        (1864457, 1864458, "99.9999 %"),
        (3316, 15179, "21.85 %"),
    ],
)
def test_a_rate_is_never_shown_as_another_whole_number(part: int, whole: int, text: str) -> None:
    from fractions import Fraction

    assert percent_text(Fraction(100 * part, whole)) == text
