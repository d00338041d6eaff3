"""`incident-ledger quality`: tables checked by Great Expectations suites, now and by hand."""

from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import typer
from rich.markup import escape

from incident_ledger.cli._console import Text, err, out, parse_time, print_rows, to_json, wide_out, write_text
from incident_ledger.errors import ExitCode
from incident_ledger.policy import Policy, load_files
from incident_ledger.quality.by_hand import (
    by_table,
    check_by_settings,
    check_by_suite,
    rules_ran_and_failed,
    worst_rules,
)
from incident_ledger.quality.grading import VALIDATION_RATE
from incident_ledger.quality.rates import fraction_text, percent_text, value_text
from incident_ledger.quality.result_types import BatchResult, RuleResult
from incident_ledger.settings import load_settings
from incident_ledger.warehouse import Warehouse, connect

_RED = {"P0", "P1"}  # a colour of the screen, which decides nothing; `--fail-on` does


def check(
    *,
    table: str | None,
    suite: Path | None,
    all_days: bool,
    as_of: str | None,
    record: bool,
    fail_on: str | None,
    json_: bool,
) -> None:
    """Check by the suites of the settings, or any table with any suite."""
    now = parse_time(as_of, "--as-of")
    warehouse = connect(load_settings())
    policy = _policy(warehouse)
    fail_on = fail_on or warehouse.settings.fail_on or None
    policy.is_alarm([], fail_on)  # an unknown severity is an error before the work
    if suite is not None:
        batches = check_by_suite(warehouse, policy, table, suite, now, all_days=all_days)
    else:
        batches = check_by_settings(
            warehouse, policy, table, now, all_days=all_days, on_table=None if json_ else _on_table
        )
    if record:
        from incident_ledger.quality.results import record as write

        write(warehouse, batches, f"quality-check-{now:%Y%m%dT%H%M%S.%f}Z", now)
    if json_:
        write_text(to_json([_as_json(name, found, policy) for name, found in by_table(batches)]))
    else:
        _show(batches, policy, now)
    levels = [level for batch in batches for level in (batch.severity_level, batch.check_severity_level)]
    if policy.is_alarm(levels, fail_on):
        raise typer.Exit(int(ExitCode.ALARM))


def docs(*, all_days: bool, as_of: str | None) -> None:
    """Check and build Great Expectations' Data Docs under target/ (its pages load styles from the network)."""
    now = parse_time(as_of, "--as-of")
    warehouse = connect(load_settings())
    policy = _policy(warehouse)
    batches = check_by_settings(warehouse, policy, None, now, all_days=all_days, on_table=_on_table)
    from incident_ledger.quality.docs import build_docs
    from incident_ledger.quality.suites import load_folders

    index = build_docs(warehouse.settings, load_folders(warehouse.settings), batches, now)
    out.print(f"Data Docs of {len(batches)} batches: {index}", soft_wrap=True)


def _policy(warehouse: Warehouse) -> Policy:
    """The policy as the warehouse has it; the seed files' own while no build has loaded them."""
    from incident_ledger.errors import IncidentLedgerError
    from incident_ledger.policy import load

    try:
        return load(warehouse)
    except IncidentLedgerError:
        return load_files(warehouse.settings.project_dir / "seeds" / "policy")


def _on_table(name: str) -> None:
    err.print(f"checking {name}", style="dim")


def _as_json(table: str, batches: Sequence[BatchResult], policy: Policy) -> dict[str, Any]:
    """A table: of several batches each rule's worst, and the batches themselves beside it."""
    ran, failed = rules_ran_and_failed(batches)
    errors = [batch.error for batch in batches if batch.error]
    return {
        "table": table,
        "severity": policy.worst(batch.severity_level for batch in batches),
        "failed_validation_rate": failed / ran if ran else None,
        "check_severity": policy.worst(batch.check_severity_level for batch in batches),
        "error": errors[0] if errors else None,
        "rules": [_rule_json(rule, day) for rule, day in worst_rules(batches, policy)],
        "batches": [
            {
                "day": batch.day,
                "suite": batch.suite,
                "examined": batch.examined,
                "severity": batch.severity_level,
                "check_severity": batch.check_severity_level,
                "failed_validation_rate": batch.failed_validation_rate,
                "rules_ran": batch.rules_ran,
                "rules_failed": batch.rules_failed,
                "rules_errored": batch.rules_errored,
            }
            for batch in batches
        ],
    }


def _rule_json(rule: RuleResult, day: Any) -> dict[str, Any]:
    return {
        "rule_id": rule.rule_id,
        "column": rule.column,
        "examined": rule.examined,
        "failed": rule.failed,
        "failed_record_rate": rule.failed_record_rate,
        "severity": rule.severity_level,
        "error": rule.error,
        "success": rule.success,
        "observed": rule.observed,
        "gx_severity": rule.gx_severity,
        "dimension": rule.dimension,
        "owner": rule.owner,
        "day": day,
    }


def _show(batches: Sequence[BatchResult], policy: Policy, now: datetime) -> None:
    """For a person: each table's severity, its rules with their counts, and what could not be evaluated."""
    console = wide_out()
    if not batches:
        console.print("Nothing changed since the last check.")
    for table, found in by_table(batches):
        rules = worst_rules(found, policy)
        severity = policy.worst(batch.severity_level for batch in found)
        check = policy.worst(batch.check_severity_level for batch in found)
        ran, broken = rules_ran_and_failed(found)
        result = _mark(severity) if ran or check is None else "not checked"
        result += f", {_mark(check)} for the check itself" if check else ""
        failed = f"failed validation rate {fraction_text(broken, ran, 'rules')}" if ran else "no rule ran"
        least = min(band.min_examined for band in policy.bands(VALIDATION_RATE, now))
        if broken and ran < least:
            failed += f", which counts from {least} rules on: the severity is that of the worst rule"
        days = f", {len(found)} batches" if len(found) > 1 else ""
        console.print(f"[bold]{escape(table)}[/bold]: {result}, {failed}{days}", markup=True, soft_wrap=True)
        if any(rule.error is None for rule, _ in rules):
            _print_rules(rules)
        for text in dict.fromkeys(batch.error for batch in found if batch.error):
            console.print(f"  [magenta]check failed:[/magenta] {escape(text)}", markup=True, soft_wrap=True)
        for rule, _ in rules:
            if rule.error and not any(batch.error for batch in found):
                line = f"  [magenta]error ({rule.severity_level}):[/magenta] {escape(f'{rule.rule_id}: {rule.error}')}"
                console.print(line, markup=True, soft_wrap=True)


def _print_rules(rules: Sequence[tuple[RuleResult, Any]]) -> None:
    rows = []
    for rule, day in rules:
        if rule.error:
            continue
        counts = rate = ""
        if rule.examined is not None and rule.failed is not None:
            counts = f"{rule.failed:,} of {rule.examined:,}"
            rate = percent_text(Fraction(100 * rule.failed, rule.examined)) if rule.examined else "no record"
        note = [str(day)] if day and rule.severity_level else []
        note += [value_text(rule.observed)] if rule.is_table_rule and rule.observed is not None else []
        rows.append(
            [
                Text(rule.rule_id),
                Text(counts, justify="right"),
                Text(rate, justify="right"),
                Text.from_markup(_mark(rule.severity_level)),
                Text(" ".join(note)),
                Text(rule.column or "", style="dim"),
            ]
        )
    print_rows(("rule", "failed", "rate", "severity", "found", "column"), rows, first=range(5))


def _mark(severity: str | None) -> str:
    if severity is None:
        return "[green]none[/green]"
    return f"[{'red' if severity in _RED else 'yellow'}]{severity}[/]"
