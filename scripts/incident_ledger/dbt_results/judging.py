"""Whether a result of dbt is a failure, by which rule of the policy, and how bad. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from incident_ledger.dbt_results.node_lineage import Lineage
from incident_ledger.dbt_results.node_results import ArtifactResult
from incident_ledger.dbt_results.pipelines import DATA, Invocation, invocations
from incident_ledger.policy import (
    DBT_NODE_FAILED,
    DBT_SOURCE_LATE,
    DBT_SOURCE_STALE,
    DBT_TEST_FAILED,
    DBT_TEST_WARNED,
    MONITORING_FAILURE,
    PARTIAL_FAILURE,
    Policy,
)

# dbt's words. What was skipped was not looked at: neither good nor bad.
GOOD = ("success", "pass", "no-op")
_ERRORS = ("error", "runtime error", "partial success")
_TESTS = ("test", "unit_test")
# Generic tests of dbt and dbt-utils that give a row for each row that breaks them; others count values or groups.
# https://docs.getdbt.com/reference/resource-properties/data-tests
_ROW_TESTS = ("not_null", "relationships", "expression_is_true", "not_empty_string", "accepted_range")
_RATE = "failed_record_rate"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """A failure: the policy's rule, its severity, and where both are known how many of how many rows are bad."""

    rule_id: str
    severity_level: str
    failed: int | None = None
    examined: int | None = None


@dataclass(frozen=True)
class Judged:
    """A result and its verdict: None for what is no failure."""

    result: ArtifactResult
    verdict: Verdict | None


def judge_all(results: Sequence[ArtifactResult], lineage: Lineage, policy: Policy) -> list[Judged]:
    """All results, in their order, by the policy of their time. A table's tests examine what its build counted.

    In an invocation that could not build over 50 % of the project (as the policy has it) what failed is the playbook's
    partial failure of the pipeline.
    """
    partial = {each.invocation_id for each in invocations(results) if _is_partial(each, lineage, policy)}
    rows = {(each.invocation_id, each.unique_id): each.rows for each in results if each.rows is not None}
    judged = []
    for each in results:
        counted = rows.get((each.invocation_id, lineage.place(each.unique_id)))
        verdict = judge(each, lineage, policy, counted)
        judged.append(Judged(each, _of_partial(verdict, each, policy) if each.invocation_id in partial else verdict))
    return judged


def judge(result: ArtifactResult, lineage: Lineage, policy: Policy, rows: int | None) -> Verdict | None:
    """The verdict on a result; None when it is none of a failure.

    `rows` is how many rows the tested table has, where that is known. The severity is `meta.incident_severity` of the
    test or of what it tests, else the rule's; a known rate in the policy's bands can only make an error worse.
    """
    rule_id = _rule(result)
    if rule_id is None:
        return None
    at = result.completed_at
    rule = policy.classification_rule(rule_id, at)
    failed, examined = _rate(result, lineage, rows)
    wanted = _wanted(result, lineage, policy)
    severity_level = wanted or rule.severity_level
    if wanted is None and result.status == "fail" and failed is not None and examined is not None:
        band = policy.band_rule(_RATE, failed, examined, at)
        if band and policy.rank(band.severity_level) < policy.rank(severity_level):
            rule_id, severity_level = band.rule_id or rule_id, band.severity_level
    return Verdict(rule_id=rule_id, severity_level=severity_level, failed=failed, examined=examined)


def _is_partial(invocation: Invocation, lineage: Lineage, policy: Policy) -> bool:
    rule = policy.classification_rule(PARTIAL_FAILURE, invocation.done_at)
    limit, percent = Fraction(rule.lower_value or 0), invocation.not_built_percent(lineage.count(DATA))
    return percent > limit or (percent == limit and bool(rule.is_lower_inclusive))


def _of_partial(verdict: Verdict | None, result: ArtifactResult, policy: Policy) -> Verdict | None:
    if verdict is None or verdict.rule_id != DBT_NODE_FAILED:
        return verdict
    rule = policy.classification_rule(PARTIAL_FAILURE, result.completed_at)
    if policy.rank(rule.severity_level) >= policy.rank(verdict.severity_level):
        return verdict
    return replace(verdict, rule_id=rule.rule_id, severity_level=rule.severity_level)


def _rule(result: ArtifactResult) -> str | None:
    status = result.status
    if result.resource_type == "source":
        rules = {"warn": DBT_SOURCE_LATE, "error": DBT_SOURCE_STALE, "runtime error": MONITORING_FAILURE}
        return rules.get(status)
    if result.resource_type in _TESTS:
        rules = {"warn": DBT_TEST_WARNED, "fail": DBT_TEST_FAILED}
        return rules.get(status, MONITORING_FAILURE if status in _ERRORS else None)
    return DBT_NODE_FAILED if status in (*_ERRORS, "fail") else None


def _wanted(result: ArtifactResult, lineage: Lineage, policy: Policy) -> str | None:
    known = {severity.severity_level for severity in policy.severities}
    for each in (result.unique_id, lineage.place(result.unique_id)):
        wanted = lineage.meta(each, "incident_severity")
        if isinstance(wanted, str) and wanted.strip().upper() in known:
            return wanted.strip().upper()
    return None


def _rate(result: ArtifactResult, lineage: Lineage, rows: int | None) -> tuple[int | None, int | None]:
    """`failures` alone is no rate: a test may count values, or be narrowed, and a pass always says 0."""
    if result.failures is None or rows is None or not 0 < result.failures <= rows:
        return None, None
    if lineage.test_name(result.unique_id) not in _ROW_TESTS or not lineage.counts_all_rows(result.unique_id):
        return None, None
    return result.failures, rows
