"""`incident-ledger quality`: tables checked by Great Expectations suites, now and by hand."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape

from incident_ledger.cli import _suites
from incident_ledger.cli._console import Text, err, out, parse_time, print_rows, to_json, wide_out, write_text
from incident_ledger.cli._suites import NO_SUITE, folders
from incident_ledger.errors import ExitCode, UserError
from incident_ledger.policy import Policy, load_files
from incident_ledger.quality.grading import VALIDATION_RATE, BatchResult, RuleResult
from incident_ledger.quality.rates import fraction_text, percent_text
from incident_ledger.quality.titles import shown
from incident_ledger.settings import load_settings
from incident_ledger.warehouse import Warehouse, connect

app = typer.Typer(no_args_is_help=True, help="Check tables with Great Expectations suites.")
_RED = {"P0", "P1"}  # a colour of the screen, which decides nothing; `--fail-on` does


def register(root: typer.Typer) -> None:
    """Put the group below the root command."""
    _suites.register(app)
    root.add_typer(app, name="quality")


@app.command()
def check(
    *,
    table: Annotated[str | None, typer.Option(help="Only this table: DATASET.TABLE, or TABLE of the marts.")] = None,
    suite: Annotated[
        Path | None, typer.Option(help="A suite by hand (with --table, unless its meta names one).")
    ] = None,
    all_days: Annotated[
        bool, typer.Option("--all-days", help="Each day that a table has, not only changed ones.")
    ] = False,
    as_of: Annotated[str | None, typer.Option(help="The as-of time, ISO 8601 with a zone; now by default.")] = None,
    record: Annotated[bool, typer.Option("--record", help="Write the results, as `run` does.")] = False,
    fail_on: Annotated[
        str | None,
        typer.Option(help="P0 to P3: exit code 1 when something is in breach at it or worse.", metavar="SEVERITY"),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="For machines.")] = False,
) -> None:
    """Check by the suites of the settings, or any table with any suite.

    Without --suite: each suite's table, on the days that changed since the last recorded check. With --suite: the whole
    table as one batch (--all-days: each day). Nothing is written without --record.
    """
    now = parse_time(as_of, "--as-of")
    warehouse = connect(load_settings())
    policy = _policy(warehouse)
    fail_on = fail_on or warehouse.settings.fail_on or None
    policy.is_alarm([], fail_on)  # an unknown severity is an error before the work
    if suite is not None:
        batches = _by_hand(warehouse, policy, table, suite, now, all_days=all_days)
    else:
        batches = _by_settings(warehouse, policy, table, now, all_days=all_days, is_quiet=json_)
    if record:
        from incident_ledger.quality.results import record as write

        write(warehouse, batches, f"quality-check-{now:%Y%m%dT%H%M%S.%f}Z", now)
    if json_:
        write_text(to_json([_as_json(name, found, policy) for name, found in _by_table(batches)]))
    else:
        _show(batches, policy, now)
    levels = [level for batch in batches for level in (batch.severity_level, batch.check_severity_level)]
    if policy.is_alarm(levels, fail_on):
        raise typer.Exit(int(ExitCode.ALARM))


@app.command()
def docs(
    *,
    all_days: Annotated[
        bool, typer.Option("--all-days", help="Each day that a table has, not only changed ones.")
    ] = False,
    as_of: Annotated[str | None, typer.Option(help="The as-of time, ISO 8601 with a zone; now by default.")] = None,
) -> None:
    """Check and build Great Expectations' Data Docs under target/ (its pages load styles from the network)."""
    now = parse_time(as_of, "--as-of")
    warehouse = connect(load_settings())
    policy = _policy(warehouse)
    batches = _by_settings(warehouse, policy, None, now, all_days=all_days, is_quiet=False)
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


def _by_hand(
    warehouse: Warehouse, policy: Policy, table: str | None, file: Path, now: datetime, *, all_days: bool
) -> list[BatchResult]:
    from incident_ledger.quality.checker import check_table
    from incident_ledger.quality.suites import load_suite

    if not file.is_file():
        raise UserError(f"There is no suite {file}.")
    loaded = load_suite(file)
    named = table or loaded.meta.get("table")
    if not isinstance(named, str):
        raise UserError(f"{file} names no table in its meta: say --table DATASET.TABLE.")
    return check_table(warehouse, policy, named, loaded, now=now, all_days=all_days)


def _by_settings(
    warehouse: Warehouse, policy: Policy, table: str | None, now: datetime, *, all_days: bool, is_quiet: bool
) -> list[BatchResult]:
    from incident_ledger.quality.checker import check_all, table_of
    from incident_ledger.quality.suites import TableName, load_folders, load_metas
    from incident_ledger.warehouse.tables import ensure_tables

    ensure_tables(warehouse)
    if not load_metas(warehouse.settings):
        raise UserError(f"Nothing is checked: there is no suite in {folders(warehouse.settings)}: {NO_SUITE}")
    batches = check_all(
        warehouse,
        policy,
        run_id="by-hand",
        now=now,
        all_days=all_days,
        only=table,
        is_recorded=False,
        is_built=False,
        on_table=None if is_quiet else lambda name: err.print(f"checking {name}", style="dim"),
    )
    wanted = str(TableName.parse(table, warehouse.settings)) if table else None
    known = {str(table_of(suite, warehouse)) for suite in load_folders(warehouse.settings)}
    if wanted and wanted not in known:
        raise UserError(f"No suite for {table} in {folders(warehouse.settings)}: name one with --suite.")
    return batches


def _by_table(batches: Iterable[BatchResult]) -> list[tuple[str, list[BatchResult]]]:
    found: dict[str, list[BatchResult]] = {}
    for batch in batches:
        found.setdefault(batch.table, []).append(batch)
    return list(found.items())


def _as_json(table: str, batches: Sequence[BatchResult], policy: Policy) -> dict[str, Any]:
    """A table: of several batches each rule's worst, and the batches themselves beside it."""
    ran, failed = _rules(batches)
    errors = [batch.error for batch in batches if batch.error]
    return {
        "table": table,
        "severity": policy.worst(batch.severity_level for batch in batches),
        "failed_validation_rate": failed / ran if ran else None,
        "check_severity": policy.worst(batch.check_severity_level for batch in batches),
        "error": errors[0] if errors else None,
        "rules": [_rule_json(rule, day) for rule, day in _worst_rules(batches, policy)],
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


def _rules(batches: Sequence[BatchResult]) -> tuple[int, int]:
    """Rules that ran in any batch, and those that failed in any."""
    ran = {(batch.suite, rule.rule_id) for batch in batches for rule in batch.rules if rule.success is not None}
    failed = {(batch.suite, rule.rule_id) for batch in batches for rule in batch.rules if rule.success is False}
    return len(ran), len(failed)


def _worst_rules(batches: Sequence[BatchResult], policy: Policy) -> list[tuple[RuleResult, Any]]:
    """Each rule once, where it was worst: by severity, then by rate."""
    found: dict[tuple[str, str], tuple[RuleResult, Any]] = {}
    for batch in batches:
        for rule in batch.rules:
            key = (batch.suite, rule.rule_id)
            if key not in found or _badness(rule, policy) > _badness(found[key][0], policy):
                found[key] = (rule, batch.day)
    return list(found.values())


def _badness(rule: RuleResult, policy: Policy) -> tuple[int, Fraction]:
    rank = -policy.rank(rule.severity_level) if rule.severity_level else -99
    rate = Fraction(rule.failed, rule.examined) if rule.examined and rule.failed is not None else Fraction(0)
    return rank, rate


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
    for table, found in _by_table(batches):
        rules = _worst_rules(found, policy)
        severity = policy.worst(batch.severity_level for batch in found)
        check = policy.worst(batch.check_severity_level for batch in found)
        ran, broken = _rules(found)
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
        note += [shown(rule.observed)] if rule.is_table_rule and rule.observed is not None else []
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
