"""Seeds that cannot be used: each is refused with file, line, column and what to do, and all faults at once."""

from pathlib import Path

import pytest

from incident_ledger.errors import ExitCode, UserError
from incident_ledger.policy import load_files

from .conftest import Spoil

# name: (table, what is replaced ('' appends), by what, what the message says)
FAULTS = {
    "overlapping_bands": (
        "quality_thresholds",
        "failed_record_rate,P1,20,false",
        "failed_record_rate,P1,15,false",
        "quality_thresholds.csv:3: lower_percent: overlaps the band of",
    ),
    "bands_that_share_their_end": (
        "quality_thresholds",
        "failed_record_rate,P1,20,false",
        "failed_record_rate,P1,20,true",
        "quality_thresholds.csv:3: lower_percent: overlaps the band of",
    ),
    "bands_with_a_gap": (
        "quality_thresholds",
        "failed_record_rate,P1,20,false",
        "failed_record_rate,P1,20.1,false",
        "quality_thresholds.csv:3: lower_percent: leaves a gap",
    ),
    "bands_that_both_leave_out_their_end": (
        "quality_thresholds",
        "failed_record_rate,P2,5,true,20,true",
        "failed_record_rate,P2,5,true,20,false",
        "quality_thresholds.csv:3: lower_percent: leaves a gap",
    ),
    "bands_that_end_too_early": (
        "quality_thresholds",
        "failed_record_rate,P1,20,false,100",
        "failed_record_rate,P1,20,false,99",
        "quality_thresholds.csv:3: upper_percent: the highest band must end at 100 inclusive",
    ),
    "empty_band": (
        "quality_thresholds",
        "failed_record_rate,P2,5,true,20,true",
        "failed_record_rate,P2,20,true,5,true",
        "quality_thresholds.csv:2: upper_percent: the band from 20 to 5 is empty",
    ),
    "a_higher_rate_that_is_milder": (
        "quality_thresholds",
        "failed_record_rate,P1,20",
        "failed_record_rate,P3,20",
        "quality_thresholds.csv:3: severity_level: P3 is no worse than P2",
    ),
    "quiet_hours_without_an_end": (
        "quiet_hours",
        "20:00:00,08:00:00",
        "20:00:00,20:00:00",
        "quiet_hours.csv:2: ends_at: ends when it begins, at 20:00:00",
    ),
    "a_rate_that_earns_money": (
        "money_rates",
        "P0,,,USD",
        "P0,,-5,USD",
        "money_rates.csv:2: amount_per_hour: -5 is no",
    ),
    "a_rate_in_no_currency": ("money_rates", "P1,,,USD", "P1,,5,$", "money_rates.csv:3: currency: '$' is no currency"),
    "quiet_hours_of_no_severity": (
        "quiet_hours",
        "P3,20",
        "P9,20",
        "quiet_hours.csv:2: severity_level: 'P9' is no severity",
    ),
    "a_rate_below_nothing": (
        "quality_thresholds",
        "failed_record_rate,P2,5,",
        "failed_record_rate,P2,-5,",
        "quality_thresholds.csv:2: lower_percent: -5 is no percentage",
    ),
    "band_of_an_unknown_rule": (
        "quality_thresholds",
        "1,data_quality_issues",
        "1,data_issues",
        "quality_thresholds.csv:2: rule_id: 'data_issues' is no rule",
    ),
    "min_examined_of_nothing": (
        "quality_thresholds",
        "true,1,data_quality_issues",
        "true,0,data_quality_issues",
        "quality_thresholds.csv:2: min_examined: must be at least 1",
    ),
    "measure_without_bands": (
        "quality_thresholds",
        "failed_validation_rate,P2,5,true,20,true,20,data_quality_issues,\n"
        "failed_validation_rate,P1,20,false,100,true,20,data_quality_failures,\n",
        "",
        "quality_thresholds.csv: measure: failed_validation_rate has no row",
    ),
    "unknown_severity": (
        "classification_rules",
        "security_breach,P0",
        "security_breach,P7",
        "classification_rules.csv:4: severity_level: 'P7' is no severity; severities.csv has P0, P1, P2, P3",
    ),
    "unknown_severity_in_a_list": (
        "escalation_matrix",
        "P0 P1,15-30",
        "P0/P1,15-30",
        "escalation_matrix.csv:4: severity_levels: 'P0/P1' is no severity",
    ),
    "same_key_twice": (
        "response_rules",
        "",
        "P1,10,minutes,10 minutes,30,minutes,contained,30 minutes,30,",
        "response_rules.csv:6: severity_level: P1 stands twice for one valid_from, see",
    ),
    "component_twice_with_another_name": (
        "contacts",
        "",
        "finance_team,Money Team,money@samba.tv,,",
        "contacts.csv:9: contact_id: finance_team stands twice",
    ),
    "missing_response_rule": (
        "response_rules",
        "P2,60,minutes,1 hour,240,minutes,resolved,4 hours,30,\n",
        "",
        "response_rules.csv: severity_level: P2 has no response rule; add one",
    ),
    "audience_without_recipient": (
        "audiences",
        "P3,engineering_on_call,Engineering team,\nP3,engineering_lead,Engineering team,\n",
        "",
        "audiences.csv: severity_level: P3 has no recipient in its audience; add one",
    ),
    "audience_of_an_unknown_contact": (
        "audiences",
        "P3,engineering_lead",
        "P3,enginering_lead",
        "audiences.csv:13: contact_id: 'enginering_lead' is no contact",
    ),
    "contact_without_email": (
        "contacts",
        "security@samba.tv",
        "",
        "contacts.csv:5: email_primary: is empty; give a value",
    ),
    "clock_of_no_step": (
        "escalation_contacts",
        "update_due,engineering_on_call",
        "updates,engineering_on_call",
        "escalation_contacts.csv:15: step_id: 'updates' is no step",
    ),
    "clock_with_unknown_contact": (
        "escalation_contacts",
        "update_due,engineering_on_call",
        "update_due,oncall",
        "escalation_contacts.csv:15: contact_id: 'oncall' is no contact",
    ),
    "contact_whose_address_is_none": (
        "contacts",
        "security@samba.tv",
        "security at samba.tv",
        "contacts.csv:5: email_primary: 'security at samba.tv' is no e-mail address",
    ),
    "address_that_hides_a_second_one": (
        "contacts",
        "security@samba.tv",
        '"security@samba.tv,evil@example.org"',
        "contacts.csv:5: email_primary: ",
    ),
    "the_word_null": (
        "severities",
        "Limited Impact",
        "null",
        "severities.csv:4: title: holds the word 'null'; leave the cell empty",
    ),
    "the_word_null_for_a_number": (
        "response_rules",
        "P3,,next",
        "P3,NULL,next",
        "response_rules.csv:5: response_minutes: holds the word 'NULL'",
    ),
    "no_number": (
        "response_rules",
        "P1,15,",
        "P1,fifteen,",
        "response_rules.csv:3: response_minutes: 'fifteen' is no number",
    ),
    "number_in_another_notation": (
        "response_rules",
        "P1,15,",
        "P1,1.5e1,",
        "response_rules.csv:3: response_minutes: '1.5e1' is no number",
    ),
    "no_whole_number": (
        "quality_thresholds",
        "true,1,data_quality_issues",
        "true,1.5,data_quality_issues",
        "quality_thresholds.csv:2: min_examined: '1.5' is no whole number",
    ),
    "neither_true_nor_false": (
        "quality_thresholds",
        "P2,5,true",
        "P2,5,yes",
        "quality_thresholds.csv:2: is_lower_inclusive: 'yes' is neither true nor false",
    ),
    "no_time": (
        "severity_caps",
        "",
        "warning,P3,yesterday",
        "severity_caps.csv:5: valid_from: 'yesterday' is not a time",
    ),
    "time_without_a_zone": (
        "severity_caps",
        "",
        "warning,P3,2026-03-01T00:00:00",
        "severity_caps.csv:5: valid_from: '2026-03-01T00:00:00' has no time zone",
    ),
    "time_beyond_the_last_year": (
        "severity_caps",
        "",
        "warning,P3,9999-12-31T23:59:00-14:00",
        "severity_caps.csv:5: valid_from: '9999-12-31T23:59:00-14:00' is outside of the years 1 to 9999",
    ),
    "time_that_only_python_reads": (
        "severity_caps",
        "",
        "warning,P3,20260301T000000Z",
        "severity_caps.csv:5: valid_from: '20260301T000000Z' is a time in another form",
    ),
    "no_day": (
        "business_holidays",
        "2026-07-03",
        "07/03/2026",
        "business_holidays.csv:42: holiday_date: '07/03/2026' is no day",
    ),
    "no_time_of_day": (
        "business_calendar",
        "17:00:00",
        "5 pm",
        "business_calendar.csv:2: closes_at: '5 pm' is no time of day",
    ),
    "closes_before_it_opens": (
        "business_calendar",
        "17:00:00",
        "08:00:00",
        "business_calendar.csv:2: closes_at: closes at 08:00:00, not after it opens at 09:00:00",
    ),
    "no_time_zone": (
        "business_calendar",
        "America/Los_Angeles",
        "Pacific",
        "business_calendar.csv:2: time_zone: 'Pacific' is no time zone",
    ),
    "no_weekday": ("business_calendar", "MON TUE", "MON DI", "business_calendar.csv:2: weekdays: 'DI' is no weekday"),
    "no_calendar": (
        "business_calendar",
        "America/Los_Angeles,09:00:00,17:00:00,MON TUE WED THU FRI,\n",
        "",
        "business_calendar.csv: has no row",
    ),
    "steps_with_a_gap": (
        "escalation_matrix",
        "3,15,30,",
        "3,16,30,",
        "escalation_matrix.csv:4: from_minutes: begins at 16, but the step before ends at 15",
    ),
    "steps_that_overlap": (
        "escalation_matrix",
        "3,15,30,",
        "3,15,31,",
        "escalation_matrix.csv:5: from_minutes: begins at 30, but the step before ends at 31",
    ),
    "last_step_with_an_end": (
        "escalation_matrix",
        "6,120,,",
        "6,120,240,",
        "escalation_matrix.csv:7: to_minutes: the last step has no end",
    ),
    "response_without_minutes": (
        "response_rules",
        "P1,15,",
        "P1,,",
        "response_rules.csv:3: response_minutes: the basis is minutes; give how many, more than 0, not nothing",
    ),
    "minutes_without_their_basis": (
        "response_rules",
        "P3,,next",
        "P3,5,next",
        "response_rules.csv:5: response_minutes: the basis is next_business_day; leave the minutes empty",
    ),
    "unknown_basis": (
        "response_rules",
        "30,minutes,contained",
        "30,minuets,contained",
        "response_rules.csv:3: escalation_basis: 'minuets' is not one of immediate, minutes, as_needed",
    ),
    "unknown_event": (
        "notification_rules",
        "detected,P0",
        "detcted,P0",
        "notification_rules.csv:2: event_type: 'detcted' is no type of event",
    ),
    "unknown_template": (
        "notification_rules",
        "detected,P0,critical",
        "detected,P0,alarm",
        "notification_rules.csv:2: template: 'alarm' is not one of initial, critical, escalation, update, review, "
        "resolution",
    ),
    "route_of_an_unknown_message": (
        "routes",
        "pagerduty,P0 P1,,",
        "pagerduty,P0 P1,alarm,",
        "routes.csv:2: templates: 'alarm' is no message; there are initial, critical, ",
    ),
    "route_of_an_unknown_contact": (
        "routes",
        "pagerduty,P0 P1,,,,",
        "pagerduty,P0 P1,,,finance_team controllers,",
        "routes.csv:2: audience: 'controllers' is no contact; contacts has engineering_lead, ",
    ),
    "dependency_without_an_effect": (
        "component_dependencies",
        "partial_pipeline_failure,joins",
        "partial_pipeline_failure,merges",
        "component_dependencies.csv:2: effect: 'merges' is not one of joins, shown",
    ),
    "dependency_by_an_unknown_rule": (
        "component_dependencies",
        "run_daily_job,complete_pipeline_failure",
        "run_daily_job,pipeline_failure",
        "component_dependencies.csv:2: rule_ids: 'pipeline_failure' is no rule of classification_rules",
    ),
    "hold_before_its_beginning": (
        "classification_rules",
        "percent_of_data,data_pipeline,10",
        "percent_of_data,data_pipeline,-10",
        "classification_rules.csv:6: hold_minutes: -10 is no time; give 0 or more, or nothing",
    ),
    "unknown_detector": (
        "classification_rules",
        "pipeline,50,false",
        "pipelines,50,false",
        "classification_rules.csv:6: detector: 'pipelines' is not one of pipeline, financial_data, ",
    ),
    "a_rule_about_probes_that_counts_nothing": (
        "classification_rules",
        "percent_of_dashboards,monitoring,3,15,3",
        "percent_of_dashboards,monitoring,3,15,",
        "classification_rules.csv:5: min_observations: is empty; give a number",
    ),
    "a_window_shorter_than_what_is_to_hold_in_it": (
        "classification_rules",
        "percent_of_dashboards,monitoring,3,15",
        "percent_of_dashboards,monitoring,15,15",
        "classification_rules.csv:5: window_minutes: 15 is too short for what is to hold for 15 minutes",
    ),
    "a_key_that_would_go_in_the_clear": (
        "probe_targets",
        "https://api.anthropic.com",
        "http://api.anthropic.com",
        "probe_targets.csv:2: url: is not https: the key would go over the network in the clear",
    ),
    "a_login_in_an_address": (
        "probe_targets",
        "https://metabase",
        "https://me:secret@metabase",
        "probe_targets.csv:4: url: holds a login",
    ),
    "an_address_that_is_none": (
        "probe_targets",
        "https://metabase.samba.tv",
        "file:///etc/passwd?",
        "probe_targets.csv:4: url: is no address of http or https",
    ),
    "a_key_without_its_header": (
        "probe_targets",
        "ANTHROPIC_KEY,x-api-key",
        "ANTHROPIC_KEY,",
        "probe_targets.csv:2: key_header: is empty; a key needs the variable that holds it",
    ),
    "a_key_in_place_of_its_variable": (
        "probe_targets",
        "ANTHROPIC_KEY,",
        "sk-ant-1,",
        "probe_targets.csv:2: key_variable: is no name of an environment variable, and never the key itself",
    ),
    "a_component_of_another_kind": (
        "probe_targets",
        "api:anthropic",
        "dashboard:anthropic",
        "probe_targets.csv:2: component: 'dashboard:anthropic' does not begin with its kind; write it as api:NAME",
    ),
    "a_target_that_may_take_for_ever": (
        "probe_targets",
        ",json,,10,20,6,100,,\ncursor",
        ",json,,0,20,6,100,,\ncursor",
        "probe_targets.csv:2: timeout_seconds: 0 is out of range",
    ),
    "unknown_runbook": (
        "classification_rules",
        "percent_failed,data_pipeline,",
        "percent_failed,pipelines,",
        "'pipelines' is no runbook; runbooks.csv has data_pipeline, monitoring, security",
    ),
    "cause_that_nobody_can_name": (
        "root_cause_categories",
        "human_error,10",
        "Human  Error,10",
        "root_cause_categories.csv:11: category: 'Human  Error' cannot be named; write it as human error",
    ),
    "limit_of_nothing": (
        "runtime_limits",
        "reopening_window_hours,24",
        "reopening_window_hours,0",
        "runtime_limits.csv:2: value: 0 is no limit",
    ),
    "limit_that_code_needs": (
        "runtime_limits",
        "reopening_window_hours",
        "reopening_hours",
        "runtime_limits.csv: limit_name: reopening_window_hours has no row",
    ),
    "rule_that_code_needs": (
        "classification_rules",
        "monitoring_system_failure",
        "monitoring_failure",
        "classification_rules.csv: rule_id: monitoring_system_failure has no row",
    ),
    "first_version_with_a_beginning": (
        "response_rules",
        "30 minutes,30,\nP2",
        "30 minutes,30,2026-03-01T00:00:00Z\nP2",
        "response_rules.csv:3: valid_from: the first row of P1 must have it empty",
    ),
    "ranks_with_a_hole": ("severities", "P3,3,", "P3,4,", "severities.csv: severity_rank: ranks are [0, 1, 2, 4]"),
    "cell_too_many": (
        "severity_caps",
        "warning,P2,",
        "warning,P2,,",
        "severity_caps.csv:3: has 4 cells instead of 3; quote a comma",
    ),
    "other_columns": (
        "severity_caps",
        "gx_severity,severity_level",
        "severity_level,gx_severity",
        "severity_caps.csv:1: the first line must be gx_severity,severity_level,valid_from",
    ),
    "quote_that_does_not_end": (
        "severity_caps",
        "warning,P2,",
        'warning,"P2,',
        "severity_caps.csv:3: is no CSV",
    ),
    "quoted_nothing": (
        "severities",
        "P2,2,Medium,Limited Impact,,",
        'P2,2,Medium,Limited Impact,"",',
        'severities.csv:4: holds ""',
    ),
    "line_break_in_a_cell": (
        "severities",
        "Limited Impact",
        '"Limited\nImpact"',
        "severities.csv:4: title: holds a line break or NUL",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_bad_seed_is_refused_with_its_place(name: str, seeds: Path, change: Spoil) -> None:
    table, old, new, message = FAULTS[name]
    change(table, old, new)
    with pytest.raises(UserError) as error:
        load_files(seeds)
    assert message in str(error.value)
    assert error.value.exit_code is ExitCode.USER
    assert len(str(error.value).splitlines()) < 25


def test_space_at_the_end_of_a_cell_is_refused(seeds: Path, change: Spoil) -> None:
    change("severity_caps", "warning,P2", "warning,P2 ")
    with pytest.raises(UserError, match=r"severity_caps.csv:3: severity_level: 'P2 ' has a space"):
        load_files(seeds)


def test_all_faults_of_all_files_are_named_at_once(seeds: Path, change: Spoil) -> None:
    change("response_rules", "P1,15,", "P1,fifteen,")
    change("response_rules", "P2,60,", "P2,null,")
    change("quality_thresholds", "failed_record_rate,P1,20,false", "failed_record_rate,P1,15,false")
    change("business_calendar", "17:00:00", "25:00:00")
    with pytest.raises(UserError) as error:
        load_files(seeds)
    places = ("response_rules.csv:3", "response_rules.csv:4", "quality_thresholds.csv:3", "business_calendar.csv:2")
    assert all(place in str(error.value) for place in places)


def test_a_file_full_of_faults_fits_a_screen(seeds: Path, change: Spoil) -> None:
    for number in range(100):
        change("business_holidays", "", f"day {number},Holiday")
    with pytest.raises(UserError, match="and 80 more") as error:
        load_files(seeds)
    assert len(str(error.value).splitlines()) < 25


def test_missing_file_is_named(seeds: Path) -> None:
    (seeds / "contacts.csv").unlink()
    with pytest.raises(UserError, match=r"contacts\.csv: the file is not there"):
        load_files(seeds)


def test_empty_file_is_named(seeds: Path) -> None:
    (seeds / "contacts.csv").write_text("")
    with pytest.raises(UserError, match=r"contacts\.csv:1: is empty; its first line is contact_id,role"):
        load_files(seeds)


def test_file_that_is_not_utf8_is_named(seeds: Path) -> None:
    (seeds / "contacts.csv").write_bytes(b"contact_id\xff")
    with pytest.raises(UserError, match=r"contacts\.csv: is not UTF-8 \(byte 10\)"):
        load_files(seeds)


def test_byte_order_mark_is_named(seeds: Path) -> None:
    path = seeds / "contacts.csv"
    path.write_text("\ufeff" + path.read_text())
    with pytest.raises(UserError, match=r"contacts\.csv:1: begins with a byte order mark"):
        load_files(seeds)


def test_windows_line_ends_are_read(seeds: Path) -> None:
    for path in seeds.glob("*.csv"):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert load_files(seeds).rank("P3") == 3
