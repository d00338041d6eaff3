"""`probe`: the targets are called, what they answer is written, and what that says is kept in `signals`.

No lease: a result is a row of its own, and a row of `signals` is replaced by what was observed later alone. Two
commands at once see each other's results at the latest a minute later.
"""

import json
import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import httpx

from incident_ledger.deadline import within
from incident_ledger.encoding import one_line, parse_time, shortened, timestamp
from incident_ledger.errors import IncidentLedgerError, StatementError
from incident_ledger.ledger.setup import ensure_ledger
from incident_ledger.policy import PROBE_RULES, Policy, load
from incident_ledger.probes.http_answers import Failure
from incident_ledger.probes.http_calls import Bounds, Outcome, call
from incident_ledger.probes.probe_baselines import Baseline, read_baselines, to_baseline
from incident_ledger.probes.probe_findings import Observed, by_target, findings, lost_target
from incident_ledger.probes.probe_results import ProbeResult, results_reading, write_results
from incident_ledger.probes.probe_signals import ABSENCE, SOURCE, absence, advance, removed
from incident_ledger.probes.probe_targets import ProbeTarget, key_of, not_watched, probe_targets
from incident_ledger.warehouse import Warehouse, connect
from incident_ledger.warehouse.reading import both, read, rows_of
from incident_ledger.warehouse.rows import bound_rows, merge_query
from incident_ledger.warehouse.tables import SIGNALS

_KILOBYTE = 1024
_SHOWN = 200
# What BigQuery answers, in the words of a probe; anything else is the server's.
_REASONS = {
    "accessDenied": Failure.AUTHENTICATION,
    "rateLimitExceeded": Failure.THROTTLED,
    "quotaExceeded": Failure.THROTTLED,
}


@dataclass(frozen=True, kw_only=True)
class ProbeReport:
    """What one probe found. `not_watched` has targets and why; `open` severity and title of what is bad, worst first;
    `ended` the titles of what is over."""

    results: tuple[ProbeResult, ...]
    not_watched: tuple[tuple[str, str], ...] = ()
    open: tuple[tuple[str, str], ...] = ()
    ended: tuple[str, ...] = ()


def probe(
    warehouse: Warehouse, *, now: datetime, environ: Mapping[str, str] | None = None, policy: Policy | None = None
) -> ProbeReport:
    """Call all targets at once, write what they answer, and keep in `signals` what is bad.

    Raises `OutsideError` where the warehouse takes nothing: what does not arrive becomes an incident by itself.
    """
    environ = os.environ if environ is None else environ
    ensure_ledger(warehouse)
    policy = policy or load(warehouse)
    targets = probe_targets(policy, now)
    reasons = {each.target_id: reason for each in targets if (reason := not_watched(each, environ))}
    watched = [each for each in targets if each.target_id not in reasons]
    results = call_targets(warehouse, watched, policy, environ, now)
    opened, ended = take_in(warehouse, targets, results, policy, now=now, reasons=reasons)
    return ProbeReport(
        results=tuple(results),
        not_watched=tuple(reasons.items()),
        open=tuple(sorted(opened, key=lambda each: policy.rank(each[0]))),
        ended=tuple(ended),
    )


def take_in(
    warehouse: Warehouse,
    targets: Sequence[ProbeTarget],
    results: Sequence[ProbeResult],
    policy: Policy,
    *,
    now: datetime,
    reasons: Mapping[str, str] | None = None,
) -> tuple[list[tuple[str, str]], list[str]]:
    """Write results and the rows of `signals` that change by them. `reasons` has the targets that nobody watches.

    Severity and title of what is bad, and the titles of what ended.
    """
    write_results(warehouse, results)
    return _judge(warehouse, targets, reasons or {}, policy, now)


def call_targets(
    warehouse: Warehouse,
    targets: Sequence[ProbeTarget],
    policy: Policy,
    environ: Mapping[str, str],
    now: datetime,
) -> list[ProbeResult]:
    """What the targets answer, in their order; several at once. None takes longer than its attempts may."""
    if not targets:
        return []
    bounds = Bounds(
        attempts=int(policy.limit("probe_attempts", now)),
        redirects=int(policy.limit("probe_redirects", now)),
        body_bytes=int(policy.limit("probe_body_kilobytes", now) * _KILOBYTE),
    )
    context = httpx.create_ssl_context()

    def outcome(target: ProbeTarget) -> Outcome:
        if target.url is None:
            return call_warehouse(warehouse, target)
        return call(target, key_of(target, environ), bounds, context)

    with ThreadPoolExecutor(max_workers=int(policy.limit("probe_parallel", now))) as pool:
        outcomes = list(pool.map(outcome, targets))
    return [_result(target, outcome, now) for target, outcome in zip(targets, outcomes, strict=True)]


def call_warehouse(warehouse: Warehouse, target: ProbeTarget) -> Outcome:
    """How soon a statement that reads nothing is answered, by a connection of its own."""
    spent: list[float] = []

    def ask() -> Failure | None:
        own = connect(warehouse.settings)
        began = time.perf_counter()
        try:
            own.rows("select 1 as one")
        finally:
            spent.append((time.perf_counter() - began) * 1000)
            own.close()
        return None

    limit_ms = target.timeout_seconds * 1000
    try:
        ended = within(target.timeout_seconds, lambda: (ask(), True))
    except IncidentLedgerError as error:
        kind = (
            _REASONS.get(error.reason or "", Failure.SERVER) if isinstance(error, StatementError) else Failure.NETWORK
        )
        detail = shortened(one_line(str(error)), _SHOWN)
        return Outcome(failure=kind, latency_ms=spent[-1] if spent else 0.0, detail=detail)
    if ended.value is None or ended.is_late:
        text = f"no answer within {target.timeout_seconds:g} s"
        return Outcome(failure=Failure.TIMEOUT, latency_ms=limit_ms, detail=text)
    return Outcome(latency_ms=spent[-1])


def _result(target: ProbeTarget, outcome: Outcome, now: datetime) -> ProbeResult:
    return ProbeResult(
        target_id=target.target_id,
        probed_at=now,
        kind=target.kind,
        component=target.component,
        failure_kind=outcome.failure.value if outcome.failure else None,
        status_code=outcome.status_code,
        latency_ms=outcome.latency_ms,
        attempts=outcome.attempts,
        detail=outcome.detail,
    )


def _judge(
    warehouse: Warehouse,
    targets: Sequence[ProbeTarget],
    reasons: Mapping[str, str],
    policy: Policy,
    now: datetime,
) -> tuple[list[tuple[str, str]], list[str]]:
    """Write the rows of `signals` that change; severity and title of what is bad, and the titles of what ended."""
    minutes = max(float(policy.classification_rule(each, now).window_minutes or 0) for each in PROBE_RULES)
    window = timedelta(minutes=minutes)
    rows, results = read(warehouse, both(_signals_reading(warehouse), results_reading(warehouse, now - window, now)))
    priors = {row["source_key"]: {**row, "evidence": json.loads(row["evidence"] or "{}")} for row in rows}
    state = priors[ABSENCE]["evidence"] if ABSENCE in priors else {}
    watched = [each for each in targets if each.target_id not in reasons]
    baselines, baselines_at = _baselines(warehouse, state, policy, now - window, now)
    observed = Observed(watched, by_target(results), baselines)
    known = state.get("targets") or {}
    found = [
        *findings(observed, policy, now),
        *(
            lost_target(each, reasons.get(each.target_id, ""), policy, now, is_lost=each.target_id in reasons)
            for each in targets
            if each.target_id in known
        ),
    ]
    changed = [row for each in found if (row := advance(priors.get(each.key), each, policy, now))]
    changed += removed(priors.values(), _keys(targets), now)
    if watched:
        now_known = _known(observed, known, targets, now)
        changed.append(absence(policy, now, {"targets": now_known, "baselines_at": timestamp(baselines_at)}))
    _write_signals(warehouse, changed)
    still = {key: row for key, row in priors.items() if row["ended_at"] is None} | {
        row["source_key"]: row for row in changed
    }
    bad = [
        (row["severity_level"], row["title"])
        for key, row in still.items()
        if key != ABSENCE and row["ended_at"] is None
    ]
    return bad, [row["title"] for row in changed if row["ended_at"] is not None]


def _keys(targets: Sequence[ProbeTarget]) -> list[str]:
    """The keys of all that is found about these targets."""
    alone = [f"{what}:{each.target_id}" for each in targets for what in ("target", "check")]
    return [*alone, "all:dashboards", "all:authentication", "all:network"]


def _known(
    observed: Observed, known: Mapping[str, Any], targets: Sequence[ProbeTarget], now: datetime
) -> dict[str, Any]:
    """What is kept of each target: when it was called last, how it was, and what is normal for it."""
    state = {each.target_id: known[each.target_id] for each in targets if each.target_id in known}
    for target in observed.targets:
        results = observed.results.get(target.target_id) or []
        last = results[-1] if results else None
        entry: dict[str, Any] = {"checked_at": timestamp(last.probed_at if last else now)}
        if last is not None and last.failure_kind:
            entry["failure_kind"] = last.failure_kind
        if target.target_id in observed.baselines:
            entry["baseline"] = observed.baselines[target.target_id].as_json
        state[target.target_id] = entry
    return state


def _baselines(
    warehouse: Warehouse, state: Mapping[str, Any], policy: Policy, until: datetime, now: datetime
) -> tuple[dict[str, Baseline], datetime]:
    """The baselines and their time: those that are kept, while they are young enough."""
    at = parse_time(state["baselines_at"]) if state.get("baselines_at") else None
    age = timedelta(minutes=policy.limit("probe_baseline_age_minutes", now))
    if at is not None and timedelta(0) <= now - at < age:
        kept = {name: each["baseline"] for name, each in state["targets"].items() if "baseline" in each}
        return {name: to_baseline(each) for name, each in kept.items()}, at
    since = now - timedelta(days=policy.limit("probe_baseline_days", now))
    return read_baselines(warehouse, since, until), now


def _signals_reading(warehouse: Warehouse) -> Any:
    return rows_of(
        f"select * except (evidence), to_json_string(evidence) as evidence from {warehouse.raw(SIGNALS.name)} "  # noqa: S608
        "where source = @source",
        {"source": SOURCE},
    )


def _write_signals(warehouse: Warehouse, rows: Sequence[dict[str, Any]]) -> None:
    if not rows:
        return
    with bound_rows(warehouse, SIGNALS, rows) as (query, params):
        columns, newer = tuple(rows[0]), "source.observed_at >= target.observed_at"
        merge_query(warehouse, SIGNALS, query, columns=columns, updates=newer, params=params)
