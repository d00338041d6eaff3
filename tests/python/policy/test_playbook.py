"""Each row of the playbook's tables, by name, as the playbook prints it. The words here are the playbook's."""

from datetime import UTC, datetime, timedelta

import pytest

from incident_ledger.policy import (
    LOGS_MISSING,
    ONE_DASHBOARD,
    PARTIAL_FAILURE,
    PROBES_MISSING,
    ROWS_REJECTED,
    USAGE_VOLUME,
    Policy,
)

from .conftest import NOW

QUICK_REFERENCE = {
    "P0": ("Critical", "5 minutes", "Immediate", "All stakeholders"),
    "P1": ("High", "15 minutes", "30 minutes", "Engineering + Finance"),
    "P2": ("Medium", "1 hour", "4 hours", "Engineering team"),
    "P3": ("Low", "Next business day", "As needed", "Engineering team"),
}
CLASSES = {
    "P0": (
        "Complete System Outage",
        {
            "complete_pipeline_failure": ("Complete pipeline failure for >2 hours", 120, False, None, "minutes"),
            "financial_data_loss": ("Financial data corruption or loss", None, None, None, None),
            "security_breach": ("Security breach with data exposure", None, None, None, None),
            "all_dashboards_unavailable": (
                "All monitoring dashboards unavailable",
                100,
                True,
                None,
                "percent_of_dashboards",
            ),
        },
    ),
    "P1": (
        "Significant Service Degradation",
        {
            "partial_pipeline_failure": (
                "Partial pipeline failure affecting >50% of data",
                50,
                False,
                None,
                "percent_of_data",
            ),
            "monitoring_system_failure": ("Monitoring system failure", None, None, None, None),
            "api_authentication_failures": (
                "API authentication failures across multiple services",
                2,
                True,
                None,
                "services",
            ),
            "data_quality_failures": ("Data quality validation failures >20%", 20, False, 100, "percent_failed"),
        },
    ),
    "P2": (
        "Limited Impact",
        {
            "single_api_degradation": ("Single API service degradation", 1, True, 1, "services"),
            "performance_issues": ("Performance issues not affecting core functionality", None, None, None, None),
            "non_critical_alert": ("Non-critical monitoring alerts", None, None, None, None),
            "data_quality_issues": ("Data quality issues 5-20% range", 5, True, 20, "percent_failed"),
        },
    ),
}
ESCALATION_MATRIX = (
    ("initial_response", "0-5 minutes", "Initial response and assessment", 0, 5, "P0 P1 P2 P3"),
    ("technical_investigation", "5-15 minutes", "Technical investigation begins", 5, 15, "P0 P1 P2 P3"),
    ("management_notification", "15-30 minutes", "Management notification (P0/P1)", 15, 30, "P0 P1"),
    ("war_room_activation", "30-60 minutes", "War room activation (P0)", 30, 60, "P0"),
    ("executive_notification", "1-2 hours", "Executive notification (P0)", 60, 120, "P0"),
    ("external_communication", "2+ hours", "External communication planning", 120, None, "P0 P1 P2 P3"),
)
CONTACTS = {
    "Engineering Lead": ("engineering-lead@samba.tv", "alt-eng@samba.tv", "+1-XXX-XXX-XXXX"),
    "System Administrator": ("sysadmin@samba.tv", "backup-admin@samba.tv", "+1-XXX-XXX-XXXX"),
    "Security Team": ("security@samba.tv", "sec-oncall@samba.tv", "+1-XXX-XXX-XXXX"),
    "Finance Team": ("finance@samba.tv", "finance-backup@samba.tv", "+1-XXX-XXX-XXXX"),
}
EMERGENCY_CONTACTS = {
    "Engineering On-Call": "engineering-oncall@samba.tv",
    "Security Team": "security@samba.tv",
    "Finance Team": "finance@samba.tv",
    "System Administrator": "sysadmin@samba.tv",
}
TASKS = {
    ("Immediate Actions (Within 24 Hours)", 24): {
        "Incident Timeline Documentation": (
            "Complete incident record in operational metrics",
            "Document all actions taken and decisions made",
            "Record actual vs estimated resolution time",
        ),
        "Initial Impact Assessment": (
            "Calculate financial impact of outage",
            "Assess data integrity and completeness",
            "Document user experience impact",
        ),
    },
    ("Post-Incident Review (Within 72 Hours)", 72): {
        "Root Cause Analysis": (
            "Technical failure analysis",
            "Process failure identification",
            "Contributing factor assessment",
        ),
        "Improvement Actions": (
            "Technical debt identification",
            "Process improvement recommendations",
            "Monitoring enhancement suggestions",
        ),
        "Knowledge Sharing": (
            "Update troubleshooting documentation",
            "Share lessons learned with team",
            "Update training materials if needed",
        ),
    },
}


@pytest.mark.parametrize("severity", QUICK_REFERENCE)
def test_quick_reference_row(policy: Policy, severity: str) -> None:
    rule, words = policy.response_rule(severity, NOW), policy.severity(severity)
    assert (words.severity_name, rule.response_time, rule.escalation, words.audience) == QUICK_REFERENCE[severity]


@pytest.mark.parametrize("severity", CLASSES)
def test_severity_class_has_the_playbooks_title(policy: Policy, severity: str) -> None:
    assert policy.severity(severity).title == CLASSES[severity][0]


@pytest.mark.parametrize(
    ("severity", "rule_id"), [(severity, rule) for severity, (_, rules) in CLASSES.items() for rule in rules]
)
def test_characteristic_of_a_severity_class(policy: Policy, severity: str, rule_id: str) -> None:
    rule = policy.classification_rule(rule_id, NOW)
    numbers = (rule.lower_value, rule.is_lower_inclusive, rule.upper_value, rule.unit)
    assert (rule.severity_level, rule.characteristic, *numbers) == (severity, *CLASSES[severity][1][rule_id])
    assert rule.detector


def test_there_is_no_characteristic_that_the_playbook_does_not_name(policy: Policy) -> None:
    named = {rule_id for _, rules in CLASSES.values() for rule_id in rules}
    # What dbt's statuses mean is no characteristic of the playbook: how bad, is in the table for a team to change.
    others = {rule.rule_id: rule.severity_level for rule in policy.classification_rules(NOW) if rule.detector == "dbt"}
    # Probes and log entries that stay away are its "monitoring system failure".
    for missing in (PROBES_MISSING, LOGS_MISSING):
        assert policy.classification_rule(missing, NOW).severity_level == policy.monitoring_failure(NOW)
    # Usage that does not arrive is its "partial pipeline failure", by the same number.
    arriving, failing = (policy.classification_rule(rule_id, NOW) for rule_id in (USAGE_VOLUME, PARTIAL_FAILURE))
    assert (arriving.severity_level, arriving.lower_value) == (failing.severity_level, failing.lower_value)
    # What is refused is one of its "non-critical monitoring alerts".
    refused, alert = (policy.classification_rule(rule_id, NOW) for rule_id in (ROWS_REJECTED, ONE_DASHBOARD))
    assert refused.severity_level == alert.severity_level
    # A key that is due for rotation is of the rest, P3.
    others["key_rotation_due"] = policy.classification_rule("key_rotation_due", NOW).severity_level
    assert others["key_rotation_due"] == "P3"
    known = {rule.rule_id for rule in policy.classification_rules(NOW)}
    assert known == named | others.keys() | {PROBES_MISSING, LOGS_MISSING, ROWS_REJECTED, USAGE_VOLUME}
    assert set(others.values()) == {"P2", "P3"}


@pytest.mark.parametrize(("severity", "minutes"), [("P0", 5), ("P1", 15), ("P2", 60)])
def test_response_time_in_minutes(policy: Policy, severity: str, minutes: int) -> None:
    assert policy.response_rule(severity, NOW).response_minutes == minutes
    assert policy.response_deadline(severity, NOW) == NOW + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("severity", "basis", "minutes", "unless"),
    [
        ("P0", "immediate", 0, None),
        ("P1", "minutes", 30, "contained"),
        ("P2", "minutes", 240, "resolved"),
        ("P3", "as_needed", None, None),
    ],
)
def test_escalation_time(policy: Policy, severity: str, basis: str, minutes: int | None, unless: str | None) -> None:
    rule = policy.response_rule(severity, NOW)
    assert (rule.escalation_basis, rule.escalation_minutes, rule.escalation_unless) == (basis, minutes, unless)


@pytest.mark.parametrize("severity", QUICK_REFERENCE)
def test_updates_follow_every_30_minutes(policy: Policy, severity: str) -> None:
    assert policy.response_rule(severity, NOW).update_minutes == 30


def test_p0_response_requirements(policy: Policy) -> None:
    words = policy.severity("P0")
    assert words.incident_commander_role == "Engineering Lead"
    assert words.communication == "Immediate notification to all stakeholders"
    assert (words.war_room, words.war_room_after_minutes) == ("Required for incidents >1 hour", 60)


def test_p1_response_requirements(policy: Policy) -> None:
    words = policy.severity("P1")
    assert words.communication == "Engineering team + Finance team notification"
    assert (words.review, words.war_room_after_minutes) == ("Post-incident review required", None)


def test_p2_response_requirements(policy: Policy) -> None:
    words = policy.severity("P2")
    assert (words.communication, words.review) == ("Engineering team only", "Weekly review cycle")


@pytest.mark.parametrize("step", ESCALATION_MATRIX, ids=lambda step: step[1])
def test_escalation_matrix_row(policy: Policy, step: tuple[object, ...]) -> None:
    rows = {row["step_id"]: row for row in policy.rows("escalation_matrix", NOW)}
    row = rows[step[0]]
    columns = ("step_id", "time_since_detection", "action", "from_minutes", "to_minutes", "severity_levels")
    assert tuple(row[column] for column in columns) == step


def test_escalation_matrix_has_six_steps_and_p2_is_spared_what_names_p0_or_p1(policy: Policy) -> None:
    assert [step.position for step in policy.escalation_steps("P0", NOW)] == [1, 2, 3, 4, 5, 6]
    assert [step.position for step in policy.escalation_steps("P1", NOW)] == [1, 2, 3, 6]
    assert [step.position for step in policy.escalation_steps("P2", NOW)] == [1, 2, 6]


@pytest.mark.parametrize("role", CONTACTS)
def test_operational_contact(policy: Policy, role: str) -> None:
    contact = next(contact for contact in policy.contacts.values() if contact.role == role)
    assert (contact.email_primary, contact.email_secondary, contact.phone) == CONTACTS[role]


@pytest.mark.parametrize("label", EMERGENCY_CONTACTS)
def test_emergency_contact(policy: Policy, label: str) -> None:
    row = next(row for row in policy.rows("emergency_contacts") if row["label"] == label)
    assert row["email"] == EMERGENCY_CONTACTS[label] == policy.contacts[row["contact_id"]].email_primary
    assert row["instruction"] is None


def test_emergency_escalation_calls_the_engineering_lead_for_p0(policy: Policy) -> None:
    rows = [row for row in policy.rows("emergency_contacts") if row["instruction"]]
    assert [(row["severity_level"], row["contact_id"], row["instruction"]) for row in rows] == [
        ("P0", "engineering_lead", "Call Engineering Lead directly for P0 incidents")
    ]


@pytest.mark.parametrize(
    ("severity", "roles"),
    [
        ("P0", {"Engineering On-Call", *CONTACTS}),
        ("P1", {"Engineering On-Call", "Engineering Lead", "Finance Team"}),
        ("P2", {"Engineering On-Call", "Engineering Lead"}),
        ("P3", {"Engineering On-Call", "Engineering Lead"}),
    ],
)
def test_audience(policy: Policy, severity: str, roles: set[str]) -> None:
    assert {contact.role for contact in policy.recipients(severity, NOW)} == roles


def test_audience_groups_have_the_playbooks_names(policy: Policy) -> None:
    groups = {
        severity: {row["audience_group"] for row in policy.rows("audiences", NOW) if row["severity_level"] == severity}
        for severity in QUICK_REFERENCE
    }
    assert groups == {
        "P0": {"All stakeholders"},
        "P1": {"Engineering team", "Finance team"},
        "P2": {"Engineering team"},
        "P3": {"Engineering team"},
    }


@pytest.mark.parametrize(("phase", "hours"), TASKS, ids=str)
def test_post_incident_tasks(policy: Policy, phase: str, hours: int) -> None:
    found: dict[str, tuple[str, ...]] = {}
    for task in policy.tasks():
        if task.phase_title == phase:
            assert task.due_hours == hours
            found[task.task] = (*found.get(task.task, ()), task.step)
    assert found == TASKS[phase, hours]


@pytest.mark.parametrize("measure", ["failed_record_rate", "failed_validation_rate"])
@pytest.mark.parametrize(
    ("failed", "severity"),
    [(0, None), (49, None), (50, "P2"), (51, "P2"), (199, "P2"), (200, "P2"), (201, "P1"), (1000, "P1")],
)
def test_data_quality_band(policy: Policy, measure: str, failed: int, severity: str | None) -> None:
    assert policy.band(measure, failed, 1000, NOW) == severity


@pytest.mark.parametrize(("examined", "severity"), [(19, None), (20, "P2")])
def test_a_suite_of_fewer_than_20_rules_has_no_failed_validation_rate(
    policy: Policy, examined: int, severity: str | None
) -> None:
    assert policy.band("failed_validation_rate", 1, examined, NOW) == severity


@pytest.mark.parametrize(("gx_severity", "severity"), [("critical", "P1"), ("warning", "P2"), ("info", "P3")])
def test_cap_of_a_rule(policy: Policy, gx_severity: str, severity: str) -> None:
    assert policy.cap(gx_severity, NOW) == severity


def test_monitoring_system_failure_is_p1(policy: Policy) -> None:
    assert policy.monitoring_failure(NOW) == "P1"


@pytest.mark.parametrize("event_type", ["detected", "severity_changed", "reopened"])
@pytest.mark.parametrize(
    ("severity", "template"), [("P0", "critical"), ("P1", "critical"), ("P2", "initial"), ("P3", "initial")]
)
def test_beginning_and_change_have_a_message(policy: Policy, event_type: str, severity: str, template: str) -> None:
    assert policy.template(event_type, severity, NOW) == template


@pytest.mark.parametrize("severity", QUICK_REFERENCE)
def test_end_has_a_message(policy: Policy, severity: str) -> None:
    assert policy.template("resolved", severity, NOW) == "resolution"


def test_what_asks_for_no_message_has_none(policy: Policy) -> None:
    assert policy.template("task_completed", "P0", NOW) is None


@pytest.mark.parametrize("severity", QUICK_REFERENCE)
def test_acknowledgement_has_a_message_for_pagers_and_threads(policy: Policy, severity: str) -> None:
    assert policy.template("acknowledged", severity, NOW) == "acknowledgement"


def test_note_has_the_message_of_what_a_person_asks_to_be_sent(policy: Policy) -> None:
    assert policy.template("note", "P0", NOW) == "progress"


# America/Los_Angeles: 17:00 is 01:00Z of the next day in winter (UTC-8) and 00:00Z in summer (UTC-7).
@pytest.mark.parametrize(
    ("detected", "due"),
    [
        pytest.param("2026-03-02T18:00Z", "2026-03-04T01:00Z", id="monday_morning_is_due_tuesday_at_the_close"),
        pytest.param("2026-03-03T07:59Z", "2026-03-04T01:00Z", id="monday_late_evening_is_still_monday"),
        pytest.param("2026-03-03T08:00Z", "2026-03-05T01:00Z", id="tuesday_midnight_is_due_wednesday"),
        pytest.param("2026-03-06T20:00Z", "2026-03-10T00:00Z", id="friday_is_due_monday_over_the_change_to_summer"),
        pytest.param("2026-03-07T20:00Z", "2026-03-10T00:00Z", id="saturday_is_due_monday"),
        pytest.param("2026-03-08T20:00Z", "2026-03-10T00:00Z", id="sunday_is_due_monday"),
        pytest.param("2026-05-22T20:00Z", "2026-05-27T00:00Z", id="friday_before_memorial_day_is_due_tuesday"),
        pytest.param("2025-12-24T20:00Z", "2025-12-27T01:00Z", id="the_day_before_christmas_is_due_the_day_after"),
        pytest.param("2026-07-02T20:00Z", "2026-07-07T00:00Z", id="an_observed_holiday_is_a_day_off"),
    ],
)
def test_p3_is_due_on_the_next_business_day(policy: Policy, detected: str, due: str) -> None:
    assert policy.response_deadline("P3", datetime.fromisoformat(detected)) == datetime.fromisoformat(due)


def test_reopening_window_is_a_day(policy: Policy) -> None:
    assert policy.reopening_window(NOW) == timedelta(hours=24)


def test_deadline_is_in_utc_whatever_zone_detection_was_given_in(policy: Policy) -> None:
    elsewhere = NOW.astimezone(datetime.fromisoformat("2026-03-02T00:00+05:30").tzinfo)
    assert policy.response_deadline("P1", elsewhere) == NOW + timedelta(minutes=15)
    assert policy.response_deadline("P1", elsewhere).tzinfo is UTC


RUNBOOKS = {
    "data_pipeline": (
        'gcloud logging read "resource.type=cloud_function AND jsonPayload.operation=run_daily_job" --limit=5',
        'curl -H "x-api-key: ${ANTHROPIC_KEY}" https://api.anthropic.com/v1/usage',
        'curl -H "Authorization: Basic ${CURSOR_KEY}" https://api.cursor.sh/v1/usage',
        "bq query --use_legacy_sql=false 'SELECT COUNT(*) FROM `ai-workflows-459123.ai_usage_prod.fct_usage_daily` "
        "WHERE DATE(usage_date) = CURRENT_DATE()'",
        None,
    ),
    "monitoring": ("gcloud alpha monitoring policies list", "gcloud alpha monitoring channels list", None),
    "security": (
        'gcloud logging read "protoPayload.methodName=google.iam.admin.v1.IAMService.CreateServiceAccount" --limit=10',
        'gcloud logging read "jsonPayload.event_type=secret_access" --limit=20',
        None,
    ),
}


@pytest.mark.parametrize(
    ("detector", "rule_id", "runbook"),
    [
        ("pipeline", "complete_pipeline_failure", "data_pipeline"),
        ("quality", "a_rule_of_a_suite", "data_pipeline"),
        ("api_probe", None, "data_pipeline"),
        ("monitoring", None, "monitoring"),
        ("audit_log", "security_breach", "security"),
    ],
)
def test_investigation_procedures(policy: Policy, detector: str, rule_id: str | None, runbook: str) -> None:
    steps = policy.runbook(detector, NOW, rule_id)
    assert tuple(step.command for step in steps) == RUNBOOKS[runbook]


def test_what_a_person_opens_has_no_procedure(policy: Policy) -> None:
    assert policy.runbook("cli", NOW) == ()
