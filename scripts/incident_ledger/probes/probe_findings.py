"""What is bad now, by the policy's rules, from the results of a window and the baselines. Pure."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from fractions import Fraction
from statistics import median
from typing import Any

from incident_ledger.encoding import timestamp
from incident_ledger.policy import (
    ALL_DASHBOARDS,
    AUTHENTICATION,
    MONITORING_FAILURE,
    ONE_API,
    ONE_DASHBOARD,
    PROBE_RULES,
    ClassificationRule,
    Policy,
)
from incident_ledger.probes.probe_baselines import DEVIATIONS_PER_MAD, Baseline
from incident_ledger.probes.probe_results import ProbeResult
from incident_ledger.probes.probe_targets import ProbeTarget

_SAMPLES = 5
_ALL = 100
API, DASHBOARD = "api", "dashboard"
_REMOTE = {API, DASHBOARD}


@dataclass(frozen=True, kw_only=True)
class ProbeFinding:
    """What a rule says of its subject (`key`): bad since when, or not; None where there are too few observations.

    What `is_explained` is bad by something larger that is found too, and opens nothing of its own.
    """

    key: str
    rule_id: str
    severity_level: str
    component: str
    owner: str | None = None
    is_bad: bool | None = None
    is_explained: bool = False
    since: datetime | None = None
    title: str = ""
    value: float | None = None
    threshold: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Observed:
    """The targets that are watched, with their results of the longest window, the oldest first, and their baselines."""

    targets: Sequence[ProbeTarget]
    results: Mapping[str, Sequence[ProbeResult]]
    baselines: Mapping[str, Baseline]

    def window(self, target: ProbeTarget, rule: ClassificationRule, now: datetime) -> list[ProbeResult]:
        """The target's results that the rule counts."""
        since = now - timedelta(minutes=float(rule.window_minutes or 0))
        return [each for each in self.results.get(target.target_id, ()) if since < each.probed_at <= now]


def by_target(results: Iterable[ProbeResult]) -> dict[str, list[ProbeResult]]:
    """Results of each target, in their order."""
    found: dict[str, list[ProbeResult]] = defaultdict(list)
    for each in results:
        found[each.target_id].append(each)
    return found


def findings(observed: Observed, policy: Policy, now: datetime) -> list[ProbeFinding]:
    """What each rule says: of all dashboards, of keys at several services, and of each target by itself.

    Where nothing at all is reached it is the network of the probe that is down: its results say nothing of the targets.
    """
    rules = {name: policy.classification_rule(name, now) for name in PROBE_RULES}
    network = _own_network(observed, rules[ALL_DASHBOARDS], policy, now)
    observed = _without_blind(observed)
    dashboards = _all_dashboards(observed, rules[ALL_DASHBOARDS], now)
    refused, services = _authentication(observed, rules[AUTHENTICATION], now)
    found = [network, dashboards, refused]
    for target in observed.targets:
        if target.kind == DASHBOARD:
            found.append(
                _one_dashboard(target, observed, rules[ONE_DASHBOARD], now, is_explained=bool(dashboards.is_bad))
            )
        else:
            is_explained = bool(refused.is_bad) and target.target_id in services
            found.append(_degraded(target, observed, rules[ONE_API], policy, now, is_explained=is_explained))
    return found


def lost_target(target: ProbeTarget, reason: str, policy: Policy, now: datetime, *, is_lost: bool) -> ProbeFinding:
    """A target that was watched and cannot be called any more: a check that could not run."""
    return ProbeFinding(
        key=f"check:{target.target_id}",
        rule_id=MONITORING_FAILURE,
        severity_level=policy.monitoring_failure(now),
        component=f"check:{target.component}",
        owner=target.owner,
        is_bad=is_lost,
        since=now if is_lost else None,
        title=f"{target.target_id} is not probed any more: {reason}",
        evidence={"target": target.target_id, "errors": [reason]},
    )


def _without_blind(observed: Observed) -> Observed:
    """Without the probes that connected to neither an API nor a dashboard."""
    rounds: dict[datetime, list[ProbeResult]] = defaultdict(list)
    for each in observed.results.values():
        for result in each:
            if result.kind in _REMOTE:
                rounds[result.probed_at].append(result)
    blind = {
        time
        for time, results in rounds.items()
        if {each.kind for each in results} == _REMOTE and all(each.is_cut_off for each in results)
    }
    seen = {
        name: [each for each in results if each.probed_at not in blind] for name, results in observed.results.items()
    }
    return replace(observed, results=seen)


def _own_network(observed: Observed, rule: ClassificationRule, policy: Policy, now: datetime) -> ProbeFinding:
    """Neither an API nor a dashboard can be connected to; counted as often as all dashboards would have to be."""
    targets = [each for each in observed.targets if each.kind in _REMOTE]
    windows = {each.target_id: observed.window(each, rule, now) for each in targets}
    begins = [_streak(window, rule, [each.is_cut_off for each in window]) for window in windows.values()]
    times = [time for time in begins if time is not None]
    is_bad = {each.kind for each in targets} == _REMOTE and len(times) == len(targets)
    return ProbeFinding(
        key="all:network",
        rule_id=MONITORING_FAILURE,
        severity_level=policy.monitoring_failure(now),
        component="check:network",
        is_bad=is_bad,
        since=now if is_bad else None,
        title="The probe connects to nothing: the network where it runs is down, or all targets are",
        evidence=_evidence([each for window in windows.values() for each in window], windows, now, rule),
    )


def _all_dashboards(observed: Observed, rule: ClassificationRule, now: datetime) -> ProbeFinding:
    targets = [each for each in observed.targets if each.kind == DASHBOARD]
    windows = {each.target_id: observed.window(each, rule, now) for each in targets}
    begins = {name: _down_since(window, rule) for name, window in windows.items()}
    down = [time for time in begins.values() if time is not None]
    share = Fraction(_ALL * len(down), len(targets)) if targets else Fraction(0)
    is_bad: bool | None = bool(targets) and rule.reaches(share)
    if targets and not is_bad and not any(window[-1].is_healthy for window in windows.values() if window):
        is_bad = None  # not yet often enough, or not looked at
    return _finding(
        rule,
        key="all:dashboards",
        component="dashboard:all",
        is_bad=is_bad,
        since=max(down) if is_bad else None,
        title=f"No dashboard can be reached: {_listed(begins)}",
        value=float(share),
        threshold=f"{rule.lower_value or _ALL:g} % of the dashboards",
        evidence=_evidence([each for window in windows.values() for each in window], windows, now, rule),
    )


def _authentication(
    observed: Observed, rule: ClassificationRule, now: datetime
) -> tuple[ProbeFinding, Collection[str]]:
    targets = [each for each in observed.targets if each.kind == API]
    windows = {each.target_id: observed.window(each, rule, now) for each in targets}
    begins = {name: _streak(window, rule, [each.is_refused for each in window]) for name, window in windows.items()}
    refused = {name: time for name, time in begins.items() if time is not None}
    is_bad: bool | None = bool(refused) and rule.reaches(Fraction(len(refused)))
    newest = [window for window in windows.values() if not window or window[-1].is_refused]
    if not is_bad and rule.reaches(Fraction(len(newest))):
        is_bad = None
    place = min(len(refused), max(int(rule.lower_value or 1), 1)) - 1
    finding = _finding(
        rule,
        key="all:authentication",
        component="api:authentication",
        is_bad=is_bad,
        since=sorted(refused.values())[place] if is_bad else None,
        title=f"{len(refused)} services refuse their keys: {_listed(refused)}",
        value=float(len(refused)),
        threshold=f"{rule.lower_value or 1:g} services",
        evidence=_evidence(
            [each for name in refused for each in windows[name]], {name: windows[name] for name in refused}, now, rule
        ),
    )
    return finding, refused


def _one_dashboard(
    target: ProbeTarget, observed: Observed, rule: ClassificationRule, now: datetime, *, is_explained: bool
) -> ProbeFinding:
    window = observed.window(target, rule, now)
    since = _down_since(window, rule)
    is_bad: bool | None = since is not None
    if since is None and (not window or window[-1].is_unreachable):
        is_bad = None
    return _of_target(
        target,
        rule,
        now,
        window,
        is_bad=is_bad,
        is_explained=is_explained,
        since=since,
        title=f"The dashboard {target.target_id} cannot be reached: {_kinds(window)}",
    )


def _degraded(
    target: ProbeTarget,
    observed: Observed,
    rule: ClassificationRule,
    policy: Policy,
    now: datetime,
    *,
    is_explained: bool,
) -> ProbeFinding:
    """An API or the warehouse: more errors, or slower, than is normal for it; over the window and at its end too."""
    window, least = observed.window(target, rule, now), int(rule.min_observations or 1)
    if len(window) < least:
        return _of_target(target, rule, now, window)
    baseline = observed.baselines.get(target.target_id)
    if baseline is not None and baseline.probes < policy.limit("probe_baseline_probes", now):
        baseline = None
    bad = _more_errors(target, window, baseline, rule)
    if bad:
        bad["is_explained"] = is_explained
    else:
        bad = _slower(target, window, baseline, rule)
    return _of_target(target, rule, now, window, baseline=baseline, is_bad=bool(bad), **bad)


def _more_errors(
    target: ProbeTarget, window: Sequence[ProbeResult], baseline: Baseline | None, rule: ClassificationRule
) -> dict[str, Any]:
    limit, least = error_limit(target, baseline), int(rule.min_observations or 1)
    failed = [not each.is_healthy for each in window]
    if _percent(failed) < limit or _percent(failed[-least:]) < limit:
        return {}
    since = _lasting([each.probed_at for each in window if not each.is_healthy], rule)
    if since is None:
        return {}
    return {
        "since": since,
        "title": f"{target.target_id}: {sum(failed)} of the last {len(window)} probes failed ({_kinds(window)})",
        "value": float(_percent(failed)),
        "threshold": f"{float(limit):.3g} % of its probes",
    }


def _slower(
    target: ProbeTarget, window: Sequence[ProbeResult], baseline: Baseline | None, rule: ClassificationRule
) -> dict[str, Any]:
    limit, least = latency_limit(target, baseline) if baseline else None, int(rule.min_observations or 1)
    good = [each for each in window if each.is_healthy]
    if baseline is None or limit is None or len(good) < least:
        return {}
    usual = median(each.latency_ms for each in good)
    if usual <= limit or median(each.latency_ms for each in good[-least:]) <= limit:
        return {}
    since = _lasting([each.probed_at for each in good if each.latency_ms > limit], rule)
    if since is None:
        return {}
    return {
        "since": since,
        "title": f"{target.target_id} is slow: {usual:,.0f} ms by median, {baseline.median_ms:,.0f} is normal",
        "value": usual,
        "threshold": f"{limit:,.0f} ms",
    }


def error_limit(target: ProbeTarget, baseline: Baseline | None) -> Fraction:
    """From which share of failed probes, in percent, a target is degraded: so much of what is good by its baseline."""
    normal = Fraction(str(baseline.error_percent)) if baseline else Fraction(0)
    return normal + (_ALL - normal) * target.error_percent / _ALL


def latency_limit(target: ProbeTarget, baseline: Baseline) -> float | None:
    """Above which median latency (ms) a target is slow; None where no good answer is known."""
    if baseline.median_ms is None or baseline.mad_ms is None:
        return None
    deviation = target.latency_deviations * DEVIATIONS_PER_MAD * baseline.mad_ms
    return baseline.median_ms + max(deviation, baseline.median_ms * target.latency_percent / _ALL)


def _of_target(
    target: ProbeTarget,
    rule: ClassificationRule,
    now: datetime,
    window: Sequence[ProbeResult],
    *,
    baseline: Baseline | None = None,
    is_bad: bool | None = None,
    **more: Any,
) -> ProbeFinding:
    evidence = _evidence(window, {target.target_id: window}, now, rule)
    if baseline:
        evidence["baseline"] = baseline.as_json
    return _finding(
        rule,
        key=f"target:{target.target_id}",
        component=target.component,
        owner=target.owner,
        is_bad=is_bad,
        evidence=evidence,
        **more,
    )


def _finding(rule: ClassificationRule, **fields: Any) -> ProbeFinding:
    return ProbeFinding(rule_id=rule.rule_id, severity_level=rule.severity_level, **fields)


def _down_since(window: Sequence[ProbeResult], rule: ClassificationRule) -> datetime | None:
    return _streak(window, rule, [each.is_unreachable for each in window])


def _streak(window: Sequence[ProbeResult], rule: ClassificationRule, bad: Sequence[bool]) -> datetime | None:
    """Since when all up to the newest have been bad; None where these are fewer, or shorter, than the rule wants."""
    length = next((number for number, is_bad in enumerate(reversed(bad)) if not is_bad), len(bad))
    if not length or length < int(rule.min_observations or 1):
        return None
    return _lasting([each.probed_at for each in window[-length:]], rule)


def _lasting(times: Sequence[datetime], rule: ClassificationRule) -> datetime | None:
    """The first of the times at which it was bad, where the last is as long after it as the rule wants it to hold."""
    is_long = times[-1] - times[0] >= timedelta(minutes=float(rule.hold_minutes or 0))
    return times[0] if is_long else None


def _percent(failed: Sequence[bool]) -> Fraction:
    return Fraction(_ALL * sum(failed), len(failed))


def _kinds(window: Iterable[ProbeResult]) -> str:
    counts = Counter(each.failure_kind for each in window if each.failure_kind)
    return ", ".join(f"{kind.replace('_', ' ')} {number}" for kind, number in counts.most_common())


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names)[:_SAMPLES]) + (f" and {len(names) - _SAMPLES} more" if len(names) > _SAMPLES else "")


def _evidence(
    results: Sequence[ProbeResult], targets: Collection[str], now: datetime, rule: ClassificationRule
) -> dict[str, Any]:
    """Counts, the newest failures, and the query that shows the results."""
    failed = [each for each in results if not each.is_healthy]
    names = ", ".join(f"'{name}'" for name in sorted(targets) if "'" not in name and "\\" not in name)
    since = now - timedelta(minutes=float(rule.window_minutes or 0))
    return {
        "targets": sorted(targets)[: 4 * _SAMPLES],
        "probes": len(results),
        "failed": len(failed),
        "failure_kinds": dict(Counter(each.failure_kind for each in failed)),
        "samples": [
            {
                "target": each.target_id,
                "at": timestamp(each.probed_at),
                "failure_kind": each.failure_kind,
                **({"detail": each.detail} if each.detail else {}),
            }
            for each in sorted(failed, key=lambda each: each.probed_at)[-_SAMPLES:]
        ],
        # `fct_api_health` is in the dataset of the marts, where queries are run.
        "query": f"select * from fct_api_health where probed_at > timestamp '{since:%Y-%m-%d %H:%M:%S}+00' "  # noqa: S608
        f"and target_id in ({names})",
    }
