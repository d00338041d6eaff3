"""What of the policy is watched: each target of the probes, and each rule. What nobody looks at is not called well."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from incident_ledger.doctor.findings import Finding, Grade, wrong
from incident_ledger.encoding import one_line, parse_time
from incident_ledger.errors import IncidentLedgerError
from incident_ledger.policy import ALL_DASHBOARDS, AUTHENTICATION, ONE_API, ONE_DASHBOARD, PROBES_MISSING, Policy
from incident_ledger.probes.probe_signals import ABSENCE, SOURCE
from incident_ledger.probes.probe_targets import ProbeTarget, not_watched, probe_targets
from incident_ledger.runner.silence_rows import silences_reading
from incident_ledger.settings import Settings
from incident_ledger.variables import PREFIX
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.reading import read
from incident_ledger.warehouse.tables import SIGNALS, USAGE_LOADS

_PROBES, _RULES, _SILENCES = "probes", "rules", "silences"
# Kinds that look at the tables of sinks, by the settings that name them.
_OF_SINKS = {
    "performance": ("pipeline_logs",),
    "audit_log": ("audit_logs",),
    "key_inventory": ("key_inventory",),
    "log_arrivals": ("pipeline_logs", "audit_logs"),
}
# Kinds that look at usage, and for how long it may stay away before nobody looks.
_OF_USAGE = ("usage_volume", "financial_data")
_USAGE_BEFORE = timedelta(days=28)
# By rule how many targets of which kinds it takes.
_TARGETS = {
    ALL_DASHBOARDS: (1, ("dashboard",)),
    ONE_DASHBOARD: (1, ("dashboard",)),
    AUTHENTICATION: (2, ("api",)),
    ONE_API: (1, ("api", "warehouse")),
    PROBES_MISSING: (1, ("api", "dashboard", "warehouse")),
}


def check_watched(warehouse: Warehouse, files: Policy, now: datetime, environ: Mapping[str, str]) -> Iterator[Finding]:
    """Each target: how it was when it was probed last, or that nobody watches it; then the rules that nothing feeds."""
    targets = probe_targets(files, now)
    try:
        known = _known(warehouse)
    except IncidentLedgerError as error:
        yield wrong(_PROBES, error)
        return
    oldest = now - timedelta(minutes=float(files.classification_rule(PROBES_MISSING, now).lower_value or 0))
    watched = [each for each in targets if _checked_at(known, each) > oldest]
    for target in targets:
        yield _of_target(target, known.get(target.target_id) or {}, environ, is_watched=target in watched)
    if not targets:
        text = "no API and no dashboard is watched: seeds/policy/probe_targets.csv has no row"
        yield Finding(_PROBES, Grade.WARN, text, "Add what your team depends on, and call incident-ledger probe.")
    yield from _rules(files, now, watched)
    yield from _rules_of_sinks(warehouse.settings, files, now)
    yield from _rules_of_usage(warehouse, files, now)


def check_silences(warehouse: Warehouse, now: datetime) -> Iterator[Finding]:
    """Each silence that is on: what it holds back, by whom, and until when."""
    try:
        is_there = warehouse.table_exists(warehouse.settings.raw_dataset, SIGNALS.name)
        silences = read(warehouse, silences_reading(warehouse, now)) if is_there else []
    except IncidentLedgerError as error:
        yield wrong(_SILENCES, error)
        return
    for each in silences:
        if each.holds_at(now):
            until = f"until {each.ends_at:%Y-%m-%d %H:%M} UTC by {one_line(each.actor)}: {one_line(each.reason)}"
            yield Finding(_SILENCES, Grade.OK, f"{each.scope} {one_line(each.value)} is silenced {until}")


def _known(warehouse: Warehouse) -> dict[str, Any]:
    """What the last probe kept of each target."""
    if not warehouse.table_exists(warehouse.settings.raw_dataset, SIGNALS.name):
        return {}
    rows = warehouse.rows(
        f"select to_json_string(evidence) as evidence from {warehouse.raw(SIGNALS.name)} "  # noqa: S608 - our own name
        "where source = @source and source_key = @source_key",
        {"source": SOURCE, "source_key": ABSENCE},
    )
    targets: dict[str, Any] = json.loads(rows[0]["evidence"]).get("targets", {}) if rows else {}
    return targets


def _checked_at(known: Mapping[str, Any], target: ProbeTarget) -> datetime:
    return parse_time((known.get(target.target_id) or {}).get("checked_at") or "0001-01-02T00:00:00Z")


def _of_target(
    target: ProbeTarget, known: Mapping[str, Any], environ: Mapping[str, str], *, is_watched: bool
) -> Finding:
    last = f"{parse_time(known['checked_at']):%Y-%m-%d %H:%M} UTC" if known else None
    failure = known.get("failure_kind")
    if is_watched and failure is None:
        return Finding(_PROBES, Grade.OK, f"{target.target_id} is watched, and answered well at {last}")
    if is_watched:
        text = f"{target.target_id} is watched, and failed at {last}: {str(failure).replace('_', ' ')}"
        return Finding(_PROBES, Grade.WARN, text, "incident-ledger probe calls it again and says more.")
    reason = f"no probe of it has arrived since {last}" if last else "no probe of it has ever arrived"
    here = not_watched(target, environ)
    remedy = "Call incident-ledger probe every minute, or remove its row from seeds/policy/probe_targets.csv."
    if here:
        remedy = f"{here} here: set it where incident-ledger probe runs. {remedy}"
    return Finding(_PROBES, Grade.WARN, f"{target.target_id} is not watched: {reason}", remedy)


def _rules_of_sinks(settings: Settings, files: Policy, now: datetime) -> Iterator[Finding]:
    for each in files.classification_rules(now):
        for setting in _OF_SINKS.get(each.detector, ()):
            if getattr(settings, setting):
                continue
            text = f"{each.rule_id} ({each.severity_level}) is not watched: {PREFIX}{setting.upper()} names no table"
            yield Finding(_RULES, Grade.WARN, text, "README (Production) says what writes it: name the table.")


def _rules_of_usage(warehouse: Warehouse, files: Policy, now: datetime) -> Iterator[Finding]:
    """Usage that never came has no volume that could be missing."""
    since = (now - _USAGE_BEFORE).date()
    try:
        is_loaded = warehouse.table_exists(warehouse.settings.raw_dataset, USAGE_LOADS.name) and warehouse.rows(
            f"select 1 from {warehouse.raw(USAGE_LOADS.name)} "  # noqa: S608 - our own name
            f"where recorded_at >= timestamp '{since}' and records > 0 limit 1"
        )
    except IncidentLedgerError as error:
        yield wrong(_RULES, error)
        return
    idle = [each for each in files.classification_rules(now) if each.detector in _OF_USAGE and not is_loaded]
    for each in idle:
        text = f"{each.rule_id} ({each.severity_level}) is not watched: no usage was loaded since {since}"
        yield Finding(_RULES, Grade.WARN, text, "Load the vendors' exports each day: incident-ledger load usage.")


def _rules(files: Policy, now: datetime, watched: list[ProbeTarget]) -> Iterator[Finding]:
    rules = files.classification_rules(now)
    for each in rules:
        least, kinds = _TARGETS.get(each.rule_id, (0, ()))
        number = sum(target.kind in kinds for target in watched)
        if number < least:
            wanted = f"{least} {'target' if least == 1 else 'targets'} of the kind {' or '.join(kinds)}"
            text = f"{each.rule_id} ({each.severity_level}) is not watched: it takes {wanted}, and {number} is probed"
            yield Finding(_RULES, Grade.WARN, text, "Add targets to seeds/policy/probe_targets.csv and probe them.")
