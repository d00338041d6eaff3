"""Counts and policy to severities: pure, and exact to the record.

A rule about records is graded by its rate of broken ones, a rule about the table as a whole raises its cap when it
fails, and the suite is graded by its rate of failed rules. The worse decides. A rule that could not be evaluated is
neither passed nor failed: it is a failure of the check, an incident of its own beside the table's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from incident_ledger.policy import Policy
from incident_ledger.quality.compiler.counts import Count
from incident_ledger.quality.rates import fraction_text, percent_text
from incident_ledger.quality.result_types import BatchResult, RuleResult
from incident_ledger.quality.suites import Rule, Suite
from incident_ledger.quality.titles import what_broke, what_is_wrong

RECORD_RATE = "failed_record_rate"
VALIDATION_RATE = "failed_validation_rate"


def grade_rule(rule: Rule, count: Count, policy: Policy, at: datetime) -> RuleResult:
    """One rule's severity: its band and cap, only its cap for a rule about the table, the check's for an error."""
    is_table_rule = count.error is None and count.failed is None
    severity = threshold = None
    if count.error is not None:
        severity = policy.capped(policy.monitoring_failure(at), rule.severity, at)
    elif count.failed is not None and count.examined:
        band = policy.band_rule(RECORD_RATE, count.failed, count.examined, at)
        severity = policy.capped(band.severity_level if band else None, rule.severity, at)
        threshold = _range_text(band)
    elif count.success is False:
        severity, threshold = policy.cap(rule.severity, at), _wanted(rule)
    return RuleResult(
        rule_id=rule.rule_id,
        type=rule.type,
        column=rule.column,
        dimension=rule.dimension,
        owner=rule.owner,
        gx_severity=rule.severity,
        is_table_rule=is_table_rule,
        success=count.success if count.error is None else None,
        examined=count.examined,
        failed=count.failed,
        observed=count.observed,
        severity_level=severity,
        threshold=threshold,
        error=count.error,
        query=count.query,
        description=rule.description,
        label=rule.label,
    )


@dataclass(frozen=True)
class Batch:
    """What was checked: a table by a suite, one of its days or (day None) all of it, and how many records that were.

    `seen` is what was known of the day's changes before, `until` when that was read.
    """

    table: str
    suite: Suite
    day: date | None
    rows: int
    seen: str | None = None
    until: datetime | None = None


def grade_batch(batch: Batch, rules: Sequence[RuleResult], policy: Policy, at: datetime) -> BatchResult:
    """The worse of the two measures for the table; the worst of its errors for the check."""
    table, suite, day = batch.table, batch.suite, batch.day
    failed = [rule for rule in rules if rule.success is False]
    ran = sum(rule.success is not None for rule in rules)
    breaches = [rule for rule in rules if rule.severity_level and not rule.error]
    band = policy.band_rule(VALIDATION_RATE, len(failed), ran, at)
    of_suite = None
    if band and failed:
        of_suite = policy.worst(policy.capped(band.severity_level, rule.gx_severity, at) for rule in failed)
    worst_rule = min(breaches, key=lambda rule: _order(rule, policy), default=None)
    severity = policy.worst([of_suite, worst_rule.severity_level if worst_rule else None])
    by_suite = severity is not None and (worst_rule is None or worst_rule.severity_level != severity)
    errors = [rule for rule in rules if rule.error]
    title, value, threshold = _clean(table, day), None, None
    if severity and by_suite:
        value, threshold = len(failed) / ran, _range_text(band)
        title = _title(table, day, f"{fraction_text(len(failed), ran, 'rules')} failed")
    elif severity and worst_rule:
        value, threshold = worst_rule.failed_record_rate, worst_rule.threshold
        title = _title(table, day, what_broke(worst_rule))
    return BatchResult(
        table=table,
        suite=suite.file,
        owner=suite.owner,
        day=day,
        examined=batch.rows,
        rules=tuple(rules),
        severity_level=severity,
        worst_rule_id=VALIDATION_RATE if by_suite else (worst_rule.rule_id if worst_rule else None),
        check_severity_level=policy.worst(rule.severity_level for rule in errors),
        title=title,
        value=value,
        threshold=threshold,
        evidence=_evidence(day, suite, rules, breaches, errors),
        changes_seen=batch.seen,
        changes_until=batch.until,
    )


def check_failure(  # noqa: PLR0917 - one call
    table: str | None, suite: Suite, rules: Sequence[RuleResult], reason: str, policy: Policy, at: datetime
) -> BatchResult:
    """A batch for a check that could not run at all: no table, no suite, no warehouse."""
    return BatchResult(
        table=table or suite.file,
        suite=suite.file,
        owner=suite.owner,
        day=None,
        examined=None,
        rules=tuple(rules),
        severity_level=None,
        worst_rule_id=None,
        check_severity_level=policy.monitoring_failure(at),
        title=f"The check of {table or suite.file} could not run",
        value=None,
        threshold=None,
        evidence={"suite": suite.file, "owner": suite.owner, "errors": [reason]},
        error=reason,
        is_table_known=table is not None,
    )


def _order(rule: RuleResult, policy: Policy) -> tuple[int, float, str]:
    """The worst first: by severity, then by rate (a rule about the whole table counts as all of it)."""
    rate = 1.0 if rule.failed_record_rate is None else rule.failed_record_rate
    return policy.rank(rule.severity_level or ""), -rate, rule.rule_id


def _evidence(
    day: date | None,
    suite: Suite,
    rules: Sequence[RuleResult],
    breaches: Sequence[RuleResult],
    errors: Sequence[RuleResult],
) -> dict[str, Any]:
    """What a person needs to begin: the suite, the day, the breaking rules with their counts, the errors."""
    evidence: dict[str, Any] = {"suite": suite.file, "owner": suite.owner, "rules": len(rules)}
    if day:
        evidence["day"] = day.isoformat()
    if breaches:
        evidence["breaches"] = [
            {
                "rule_id": rule.rule_id,
                "rule": rule.description or rule.label,
                "what": what_is_wrong(rule),
                "failed": rule.failed,
                "examined": rule.examined,
                "severity": rule.severity_level,
                "query": rule.query,
            }
            for rule in breaches
        ]
    if errors:
        evidence["errors"] = [rule.text for rule in errors]
    return evidence


def _title(table: str, day: date | None, text: str) -> str:
    return f"{text} in {table}{f' of {day}' if day else ''}"


def _clean(table: str, day: date | None) -> str:
    return f"{table}{f' of {day}' if day else ''} meets its rules"


def _range_text(band: Any) -> str | None:
    if band is None:
        return None
    low = f"{'from' if band.is_lower_inclusive else 'over'} {percent_text(band.lower)}"
    return f"{low} {'to' if band.is_upper_inclusive else 'to under'} {percent_text(band.upper)}"


def _wanted(rule: Rule) -> str:
    names = ("min_value", "max_value", "value")
    return ", ".join(f"{name} {rule.kwargs[name]}" for name in names if rule.kwargs.get(name) is not None) or rule.type
