"""Rows that are valid from a time on: the past is judged by what was valid then."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from incident_ledger.errors import UserError
from incident_ledger.policy import RESPONSE_OVERDUE, load_files, rewritten
from incident_ledger.response.rules.clock_rules import clock_events
from simulated import Ledger

from .conftest import SEEDS, Spoil

CHANGE = datetime(2026, 3, 1, tzinfo=UTC)
BEFORE, AFTER = CHANGE - timedelta(microseconds=1), CHANGE + timedelta(days=1)


def test_a_new_response_time_leaves_closed_incidents_as_they_were_judged(seeds: Path, change: Spoil) -> None:
    change("response_rules", "", "P1,10,minutes,10 minutes,30,minutes,contained,30 minutes,30,2026-03-01T00:00:00Z")
    policy = load_files(seeds)
    acknowledged = timedelta(minutes=12)
    assert BEFORE + acknowledged <= policy.response_deadline("P1", BEFORE)
    assert policy.response_deadline("P1", CHANGE) == CHANGE + timedelta(minutes=10)
    assert AFTER + acknowledged > policy.response_deadline("P1", AFTER)
    assert policy.response_deadline("P2", AFTER) == AFTER + timedelta(hours=1)


def test_n13_the_clocks_of_an_incident_are_those_of_its_detection(seeds: Path, change: Spoil) -> None:
    change("response_rules", "", "P1,10,minutes,10 minutes,30,minutes,contained,30 minutes,30,2026-03-01T00:00:00Z")
    policy = load_files(seeds)
    overdue: dict[datetime, list[float]] = {}
    for detected in (BEFORE, AFTER):
        ledger = Ledger("P1", start=detected).add("acknowledged", 12)
        events = clock_events(ledger.state(), policy, AFTER + timedelta(days=1))
        late = [each for each in events if each.payload.get("step_id") == RESPONSE_OVERDUE]
        overdue[detected] = [(each.occurred_at - detected) / timedelta(minutes=1) for each in late]
    assert overdue == {BEFORE: [], AFTER: [10]}


def test_a_row_changed_in_its_place_is_named_as_a_change_of_the_past(seeds: Path, change: Spoil) -> None:
    loaded = load_files(SEEDS)
    change("response_rules", "P1,15,minutes,15 minutes", "P1,10,minutes,10 minutes")
    (line,) = rewritten(load_files(seeds), loaded)
    assert "response_rules.csv:3" in line
    assert "add one with valid_from" in line


def test_a_row_added_with_a_later_beginning_changes_no_past(seeds: Path, change: Spoil) -> None:
    change("response_rules", "", "P1,10,minutes,10 minutes,30,minutes,contained,30 minutes,30,2026-03-01T00:00:00Z")
    assert rewritten(load_files(seeds), load_files(SEEDS)) == []


def test_a_time_in_another_zone_is_the_same_instant(seeds: Path, change: Spoil) -> None:
    change(
        "response_rules", "", "P1,10,minutes,10 minutes,30,minutes,contained,30 minutes,30,2026-03-01T05:30:00+05:30"
    )
    policy = load_files(seeds)
    assert policy.response_rule("P1", BEFORE).response_minutes == 15
    assert policy.response_rule("P1", CHANGE).response_minutes == 10


def test_new_bands_replace_all_bands_of_their_measure_and_no_other(seeds: Path, change: Spoil) -> None:
    change(
        "quality_thresholds",
        "",
        "failed_record_rate,P1,50,true,100,true,1,data_quality_failures,2026-03-01T00:00:00Z",
    )
    policy = load_files(seeds)
    assert policy.band("failed_record_rate", 10, 100, BEFORE) == "P2"
    assert policy.band("failed_record_rate", 10, 100, AFTER) is None
    assert policy.band("failed_record_rate", 50, 100, AFTER) == "P1"
    assert policy.band("failed_validation_rate", 10, 100, AFTER) == "P2"


def test_a_new_audience_replaces_the_old_one_of_its_severity(seeds: Path, change: Spoil) -> None:
    change("audiences", "", "P3,finance_team,Finance team,2026-03-01T00:00:00Z")
    policy = load_files(seeds)
    assert len(policy.recipients("P3", BEFORE)) == 2
    assert [contact.contact_id for contact in policy.recipients("P3", AFTER)] == ["finance_team"]
    assert len(policy.recipients("P2", AFTER)) == 2


def test_a_team_can_switch_a_message_off(seeds: Path, change: Spoil) -> None:
    change("notification_rules", "", "resolved,P3,,2026-03-01T00:00:00Z")
    policy = load_files(seeds)
    assert policy.template("resolved", "P3", BEFORE) == "resolution"
    assert policy.template("resolved", "P3", AFTER) is None


def test_a_cap_and_a_limit_have_versions_too(seeds: Path, change: Spoil) -> None:
    change("severity_caps", "", "warning,P3,2026-03-01T00:00:00Z")
    change("runtime_limits", "", "reopening_window_hours,2.5,hours,Tried out,2026-03-01T00:00:00Z")
    policy = load_files(seeds)
    assert (policy.cap("warning", BEFORE), policy.cap("warning", AFTER)) == ("P2", "P3")
    assert policy.reopening_window(BEFORE) == timedelta(hours=24)
    assert policy.reopening_window(AFTER) == timedelta(hours=2, minutes=30)


def test_a_rule_that_is_not_valid_yet_is_an_error_with_its_time(seeds: Path, change: Spoil) -> None:
    change("classification_rules", "performance_issues,P2", "slow_queries,P2")
    change("classification_rules", "slow_queries", "performance_issues")
    change("classification_rules", "", "slow_queries,P2,Slow queries,performance,,,,,,,,,,,2026-03-01T00:00:00Z")
    policy = load_files(seeds)
    assert policy.classification_rule("slow_queries", AFTER).severity_level == "P2"
    with pytest.raises(UserError, match=r"No slow_queries .*2026-02-28T23:59:59"):
        policy.classification_rule("slow_queries", BEFORE)
