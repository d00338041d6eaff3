"""What was bad before and what is bad now, as rows of `signals`. Pure.

What is found bad has held for as long as its rule wants. It is over once it has been well for as long as the rule wants
too: what flaps at the edge stays one signal. Too few observations change nothing.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from incident_ledger.encoding import parse_time, timestamp
from incident_ledger.policy import PROBES_MISSING, Policy
from incident_ledger.probes.probe_findings import ProbeFinding

SOURCE = "probe"
ABSENCE = "all:probes"
_CLEAR = "clear_since"

Row = Mapping[str, Any]


def advance(prior: Row | None, finding: ProbeFinding, policy: Policy, now: datetime) -> dict[str, Any] | None:
    """The row that follows from the one before and what was found; None where nothing changes.

    `prior` is a row of `signals` with its evidence as a mapping.
    """
    if prior is None or prior["ended_at"] is not None:
        return _begun(prior, finding, now) if finding.is_bad and not finding.is_explained else None
    if finding.is_bad is None or prior["observed_at"] > now:
        return None
    if finding.is_bad:
        return _row(finding, started_at=prior["started_at"], observed_at=now)
    clear_since = parse_time(prior["evidence"][_CLEAR]) if prior["evidence"].get(_CLEAR) else now
    minutes = policy.classification_rule(prior["rule_id"], now).clear_minutes or 0
    if now - clear_since >= timedelta(minutes=float(minutes)):
        return _ended(prior, ended_at=clear_since, now=now)
    # Not over yet: it is still seen as it was when it was bad last.
    return {**prior, "evidence": {**prior["evidence"], _CLEAR: timestamp(clear_since)}}


def removed(priors: Iterable[Row], known: Iterable[str], now: datetime) -> list[dict[str, Any]]:
    """The ends of open rows about targets that the policy has no more."""
    keys = {*known, ABSENCE}
    return [
        _ended(each, ended_at=now, now=now)
        for each in priors
        if each["ended_at"] is None and each["source_key"] not in keys
    ]


def absence(policy: Policy, now: datetime, evidence: Row) -> dict[str, Any]:
    """The row that becomes true unless another probe arrives in the time that the policy allows."""
    rule = policy.classification_rule(PROBES_MISSING, now)
    allowed = timedelta(minutes=float(rule.lower_value or 0))
    finding = ProbeFinding(
        key=ABSENCE,
        rule_id=rule.rule_id,
        severity_level=rule.severity_level,
        component="probe:targets",
        title=f"No probe has arrived since {now:%Y-%m-%d %H:%M} UTC: nobody knows how APIs and dashboards are",
        threshold=f"{allowed.total_seconds() / 60:g} minutes without a probe",
        evidence={**evidence, "last_probed_at": timestamp(now)},
    )
    over = timedelta(microseconds=0 if rule.is_lower_inclusive else 1)
    return _row(finding, started_at=now + allowed + over, observed_at=now)


def _begun(prior: Row | None, finding: ProbeFinding, now: datetime) -> dict[str, Any]:
    since = finding.since or now
    if prior is not None and prior["ended_at"] is not None:
        since = max(since, prior["ended_at"])
    return _row(finding, started_at=since, observed_at=now)


def _ended(prior: Row, *, ended_at: datetime, now: datetime) -> dict[str, Any]:
    evidence = {name: value for name, value in prior["evidence"].items() if name != _CLEAR}
    return {**prior, "evidence": evidence, "ended_at": ended_at, "observed_at": now}


def _row(finding: ProbeFinding, *, started_at: datetime, observed_at: datetime) -> dict[str, Any]:
    return {
        "source": SOURCE,
        "source_key": finding.key,
        "rule_id": finding.rule_id,
        "component": finding.component,
        "severity_level": finding.severity_level,
        "title": finding.title,
        "started_at": started_at,
        "ended_at": None,
        "observed_at": observed_at,
        "value": finding.value,
        "threshold": finding.threshold,
        "owner": finding.owner,
        "evidence": {**finding.evidence, **({"owner": finding.owner} if finding.owner else {})},
    }
