"""What users of neighbouring tools met, with the right answer of each."""

from datetime import date, timedelta
from typing import Any

import pytest

from conftest import PROJECT_DIR
from incident_ledger.policy import load_files
from marts.conftest import BUSINESS_DAY_CASES, LATER, Cases
from marts.ledger import Ledger, utc


def test_n2_the_mean_does_not_hide_the_one_long_outage(cases: Cases) -> None:
    row = cases.first_one("rpt_mttr", period_grain="month", period_start=date(2026, 3, 1), severity_level="P0")
    assert (row["resolved_incidents"], row["open_incidents"], row["counted_incidents"]) == (7, 1, 7)
    assert row["median_minutes"] == 6.0
    assert row["p90_minutes"] == pytest.approx(735.4)
    assert row["mean_minutes"] == pytest.approx(1844 / 7)
    assert (row["longest_minutes"], row["oldest_open_minutes"]) == (1774.0, 600.0)


def test_n2_the_open_one_counts_as_at_least_its_age(cases: Cases) -> None:
    row = cases.first_one("rpt_mttr", period_grain="month", period_start=date(2026, 3, 1), severity_level="P0")
    assert row["lower_bound_median_minutes"] == 6.5  # of 4 5 5 6 7 43 600 1774
    assert row["lower_bound_mean_minutes"] == pytest.approx(2444 / 8)


def test_n7_a_reversed_pair_is_flagged_and_left_out(cases: Cases) -> None:
    rows = [row for row in cases.first("operational_metrics") if row["title"].startswith("N7")]
    assert {row["title"]: (row["mttr_minutes"], row["has_time_anomaly"]) for row in rows} == {
        "N7 ten": (10.0, False),
        "N7 twenty": (20.0, False),
        "N7 reversed": (-5.0, True),
    }
    summary = cases.first_one("rpt_mttr", period_grain="month", period_start=date(2026, 1, 1), severity_level="P1")
    assert (summary["mean_minutes"], summary["median_minutes"]) == (15.0, 15.0)
    assert (summary["incidents"], summary["counted_incidents"], summary["excluded_incidents"]) == (3, 2, 1)


def test_what_is_said_to_follow_the_resolution_is_flagged_and_left_out(cases: Cases) -> None:
    rows = {row["title"]: row for row in cases.first("operational_metrics")}
    names = ("mtta_minutes", "mttc_minutes", "mttr_minutes", "has_time_anomaly", "excluded_measures")
    assert {title: tuple(rows[title][name] for name in names) for title in ("late", "in order", "reopened")} == {
        "late": (11.0, 12.0, 10.0, True, ["mtta", "mttc"]),
        "in order": (4.0, 6.0, 20.0, False, []),
        "reopened": (6.0, 8.0, 30.0, False, []),
    }
    for measure, mean, counted in (("mtta", 5.0, 2), ("mttc", 7.0, 2), ("mttr", 20.0, 3)):
        summary = cases.first_one(
            "rpt_incident_durations",
            period_grain="month",
            period_start=date(2025, 9, 1),
            severity_level="P0",
            measure=measure,
        )
        assert (summary["mean_minutes"], summary["counted_incidents"]) == (mean, counted)
        assert summary["excluded_incidents"] == summary["incidents"] - counted


def test_n9_a_resolved_row_does_not_change_with_the_as_of_time(cases: Cases, later: Ledger) -> None:
    before = cases.first_one("operational_metrics", title="N9")
    assert before["mttr_minutes"] == 1.0
    assert before["age_minutes"] is None
    assert facts(later.row("operational_metrics", "title = 'N9'")) == facts(before)


def test_n9_no_resolved_row_changes(cases: Cases, later: Ledger) -> None:
    before = {row["incident_id"]: facts(row) for row in cases.first("operational_metrics", is_open=False)}
    after = {row["incident_id"]: facts(row) for row in later.rows("operational_metrics", "not is_open")}
    assert {name: after[name] for name in before} == before


def facts(row: dict[str, Any]) -> dict[str, Any]:
    """A row without the time that its build speaks of."""
    return {name: value for name, value in row.items() if name != "as_of"}


def test_n10_an_open_incident_has_an_age_and_no_mttr(cases: Cases) -> None:
    row = cases.first_one("operational_metrics", title="N10")
    assert (row["mttr_minutes"], row["age_minutes"], row["is_open"]) == (None, 1560.0, True)
    summary = cases.first_one("rpt_mttr", period_grain="month", period_start=date(2026, 3, 1), severity_level="P2")
    assert (summary["incidents"], summary["open_incidents"], summary["counted_incidents"]) == (1, 1, 0)
    assert (summary["median_minutes"], summary["mean_minutes"]) == (None, None)
    assert (summary["oldest_open_minutes"], summary["lower_bound_median_minutes"]) == (1560.0, 1560.0)


def test_n11_parts_of_a_second_are_kept_and_add_up(cases: Cases) -> None:
    rows = [row for row in cases.first("operational_metrics") if row["title"].startswith("N11")]
    assert sorted(round(row["mttr_minutes"], 3) for row in rows) == [0.333, 0.333, 0.348]
    summary = cases.first_one("rpt_mttr", period_grain="month", period_start=date(2026, 1, 1), severity_level="P3")
    assert round(summary["mean_minutes"], 3) == 0.338
    assert summary["total_minutes"] == pytest.approx(1.015, abs=1e-12)


def test_n13_a_new_policy_judges_no_closed_incident(cases: Cases, later: Ledger) -> None:
    before = cases.first_one("operational_metrics", title="N13")
    assert before["is_response_met"] is True
    after = later.row("operational_metrics", "title = 'N13'")
    assert (after["is_response_met"], after["response_deadline"]) == (True, utc("2025-11-05 10:15"))
    new = later.row("operational_metrics", "title = 'N13 new'")
    assert (new["is_response_met"], new["response_deadline"]) == (False, utc("2026-03-10 10:10"))


def test_n14_hours_without_a_check_are_neither_good_nor_bad(cases: Cases) -> None:
    day = cases.first_one("rpt_data_quality_daily", table_name="shop.orders", check_date=date(2026, 2, 28))
    assert (day["checks_run"], day["checks_failed"], day["failure_rate"]) == (21, 0, 0.0)
    assert (day["hours_due"], day["hours_checked"], day["hours_not_checked"]) == (24, 21, 3)
    without = cases.first_one("rpt_data_quality_daily", table_name="shop.orders", check_date=date(2026, 3, 1))
    assert (without["checks"], without["failure_rate"], without["hours_not_checked"]) == (0, None, 24)
    running = cases.first_one("rpt_data_quality_daily", table_name="shop.orders", check_date=date(2026, 3, 2))
    assert running["hours_due"] == 10  # from midnight to the hour that 09:00 begins


def test_each_day_of_data_is_a_row_however_many_a_check_looked_at(cases: Cases) -> None:
    """One check of 1 March looked at 90 days, of which ten are bad; one of them is clean an hour later."""
    days = cases.first("rpt_data_quality_by_data_day", table_name="shop.days")
    assert len(days) == 90
    assert len({row["data_day_id"] for row in cases.first("rpt_data_quality_by_data_day")}) == len(
        cases.first("rpt_data_quality_by_data_day")
    )
    bad = {row["data_date"] for row in days if row["is_bad"]}
    assert bad == {date(2026, 1, 1) + timedelta(days=number) for number in range(1, 10)}
    healed = next(row for row in days if row["data_date"] == date(2026, 1, 1))
    assert (healed["is_bad"], healed["worst_severity_level"], healed["checks_failed"]) == (False, "P1", 1)
    (checked,) = cases.first("rpt_data_quality_daily", table_name="shop.days", check_date=date(2026, 3, 1))
    assert (checked["checks"], checked["data_days_checked"], checked["data_days_failed"]) == (91, 90, 10)


def test_n14_a_check_that_could_not_run_is_no_pass(cases: Cases) -> None:
    day = cases.first_one("rpt_data_quality_daily", table_name="shop.broken", check_date=date(2026, 3, 1))
    assert (day["checks"], day["checks_run"], day["checks_errored"], day["failure_rate"]) == (1, 0, 1, None)


def test_i12_doubled_events_policy_and_checks_double_no_row(cases: Cases, later: Ledger) -> None:
    before = len(cases.first("operational_metrics")) + 1  # one is new
    assert len(later.rows("operational_metrics")) == before
    assert sum(row["incidents"] for row in later.rows("fct_mttr")) == before
    assert len(later.rows("dim_severities")) == 4
    assert len(later.rows("fct_data_quality")) == len(cases.first("fct_data_quality")) + 1
    assert len(later.rows("fct_quality_rules")) == len(cases.first("fct_quality_rules"))


def test_i12_a_doubled_policy_row_is_a_failed_test_that_names_it(later: Ledger) -> None:
    results = later.dbt.invoke(["test", "--select", "severities"])
    failed = [result.unique_id for result in results if result.is_failed_test]
    assert any("unique_severities_severity_level" in name for name in failed)


def test_i12_a_component_named_twice_is_one_row(cases: Cases) -> None:
    row = cases.first_one("operational_metrics", title="twice")
    named = cases.first("bridge_incident_components", incident_id=row["incident_id"])
    assert sorted((item["component"], item["is_primary"]) for item in named) == [("api", True), ("console", False)]
    assert (row["component"], row["component_count"]) == ("api", 2)


def test_d4_rates_are_not_rounded(cases: Cases) -> None:
    third = cases.first_one("fct_data_quality", data_quality_id="third")
    assert third["failed_validation_percent"] == pytest.approx(100 / 3)
    one = cases.first_one("fct_quality_rules", quality_rule_id="D4 one")
    assert one["failed_record_percent"] == pytest.approx(100 / 1864458)
    assert one["failed_record_percent"] > 0


def test_d4_a_rule_that_examined_nothing_has_no_rate(cases: Cases) -> None:
    none = cases.first_one("fct_quality_rules", quality_rule_id="D4 none")
    assert (none["failed_record_rate"], none["failed_record_percent"]) == (None, None)


def test_d6_last_full_week_ends_before_this_monday(cases: Cases) -> None:
    (week,) = cases.first("rpt_mttr", period_grain="week", severity_level="P1", is_last_complete=True)
    assert (week["period_start"], week["period_end"]) == (date(2026, 2, 23), date(2026, 3, 1))
    assert week["incidents"] == 2
    running = cases.first_one("rpt_mttr", period_grain="week", severity_level="P1", period_start=date(2026, 3, 2))
    assert (running["incidents"], running["is_complete"]) == (1, False)


def test_d6_every_week_begins_on_a_monday(cases: Cases) -> None:
    assert {row["period_start"].weekday() for row in cases.first("rpt_mttr", period_grain="week")} == {0}


def test_d7_both_breaches_have_their_own_rate(cases: Cases) -> None:
    rates = {
        row["quality_rule_id"]: (round(row["failed_record_percent"], 2), row["severity_level"])
        for row in cases.first("fct_quality_rules")
        if row["rule_id"].startswith("D7")
    }
    assert rates == {"D7 first": (21.85, "P1"), "D7 second": (10.0, "P2")}


def month(cases: Cases, severity: str, number: int) -> tuple[object, ...]:
    row = cases.first_one("rpt_mttr", period_grain="month", severity_level=severity, period_start=date(2025, number, 1))
    return (row["median_change_minutes"], row["median_change_percent"], row["comparison"])


def test_d8_too_few_incidents_give_minutes_and_say_so(cases: Cases) -> None:
    assert month(cases, "P2", 6) == (None, None, "nothing to compare with")
    assert month(cases, "P2", 7) == (60.0, None, "too few incidents to compare")
    assert month(cases, "P2", 8) == (-30.0, None, "too few incidents to compare")


def test_d8_no_percentage_against_zero(cases: Cases) -> None:
    assert month(cases, "P1", 5) == (60.0, None, "in minutes only")


def test_d8_enough_incidents_give_a_percentage(cases: Cases) -> None:
    assert month(cases, "P3", 5) == (60.0, 600.0, "in percent")


def test_retracted_and_merged_incidents_are_in_no_count(cases: Cases) -> None:
    titles = {row["title"] for row in cases.first("operational_metrics")}
    assert titles.isdisjoint({"gone", "double"})


def test_an_incident_detected_after_the_as_of_time_has_no_age(cases: Cases) -> None:
    assert cases.first_one("operational_metrics", title="now")["age_minutes"] is None


@pytest.mark.parametrize(("number", "detected"), list(enumerate(BUSINESS_DAY_CASES)))
def test_the_next_business_day_is_that_of_the_policy(cases: Cases, number: int, detected: str) -> None:
    policy = load_files(PROJECT_DIR / "seeds" / "policy")
    row = cases.first_one("operational_metrics", title=f"business day {number}")
    assert row["response_deadline"] == policy.response_deadline("P3", utc(detected))
    assert row["is_response_met"] is False


def test_checks_are_added_once_and_only_when_new(later: Ledger) -> None:
    before = later.rows("fct_data_quality")
    later.build(utc("2026-04-01 10:00") + timedelta(days=1), "fct_data_quality", "fct_quality_rules")
    assert later.rows("fct_data_quality") == before
    assert "late.batch" in {row["data_quality_id"] for row in before}


# Marts with an as-of time, and the tables of which each has its clock.
CLOCKED = ("operational_metrics", "fct_mttr", "rpt_incident_durations", "dim_severities", "dim_components")
CLOCKS = ("int_build_time", "int_incident_durations_aggregated+", "dim_severities", "dim_components")


def test_the_marts_of_one_clock_have_one_time(later: Ledger) -> None:
    """Each clock by itself, a day later: the ages of all that has it are of the time that the rows say."""
    before = {row["incident_id"]: row for row in later.rows("operational_metrics")}
    again = LATER + timedelta(days=1)
    try:
        later.build(again, "int_build_time")
        rows = later.rows("operational_metrics")
        assert {row["as_of"] for row in rows} == {again}
        open_ones = [row for row in rows if row["is_open"] and row["detection_time"] <= again]
        assert open_ones
        for row in open_ones:
            assert row["age_minutes"] == pytest.approx((again - row["detection_time"]) / timedelta(minutes=1))
            assert row["age_minutes"] - before[row["incident_id"]]["age_minutes"] == pytest.approx(24 * 60)
            assert row["is_response_met"] is (None if again <= row["response_deadline"] else False)
        (summary,) = later.rows("rpt_mttr", "period_grain = 'all' and severity_level = 'all'")
        assert summary["as_of"] == LATER  # not built: it says so

        later.build(again, "int_incident_durations_aggregated+")
        (summary,) = later.rows("rpt_mttr", "period_grain = 'all' and severity_level = 'all'")
        assert summary["as_of"] == again
        assert summary["oldest_open_minutes"] == pytest.approx(max(row["age_minutes"] for row in open_ones))
        days = later.rows("fct_mttr")
        assert {row["as_of"] for row in days} == {again}
        assert sum(row["open_age_total_minutes"] for row in days) == pytest.approx(
            sum(row["age_minutes"] for row in open_ones)
        )
    finally:
        later.build(LATER, *CLOCKS)


def test_a_view_says_the_time_of_the_last_build(later: Ledger) -> None:
    assert {row["as_of"] for row in later.rows("rpt_data_quality_daily")} == {LATER}
    assert {row["as_of"] for mart in CLOCKED for row in later.rows(mart)} == {LATER}
