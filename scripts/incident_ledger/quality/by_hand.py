"""Checks that a person asks for: by the suites of the settings or by another, and what came of them by table."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path

from incident_ledger.errors import UserError
from incident_ledger.policy import Policy
from incident_ledger.quality.result_types import BatchResult, RuleResult
from incident_ledger.settings import Settings
from incident_ledger.warehouse import Warehouse

NO_SUITE = "`incident-ledger quality new DATASET.TABLE` writes a first one; INCIDENT_LEDGER_SUITES names the folders."


def folders(settings: Settings) -> str:
    """The folders of suites, for a message."""
    return ", ".join(str(folder) for folder in settings.suite_dirs)


def check_by_suite(
    warehouse: Warehouse, policy: Policy, table: str | None, file: Path, now: datetime, *, all_days: bool
) -> list[BatchResult]:
    """A table by the suite of a file. Raises `UserError` for a file that is not there, or without a table."""
    from incident_ledger.quality.checker import check_table
    from incident_ledger.quality.suites import load_suite

    if not file.is_file():
        raise UserError(f"There is no suite {file}.")
    loaded = load_suite(file)
    named = table or loaded.meta.get("table")
    if not isinstance(named, str):
        raise UserError(f"{file} names no table in its meta: say --table DATASET.TABLE.")
    return check_table(warehouse, policy, named, loaded, now=now, all_days=all_days)


def check_by_settings(
    warehouse: Warehouse,
    policy: Policy,
    table: str | None,
    now: datetime,
    *,
    all_days: bool,
    on_table: Callable[[str], None] | None = None,
) -> list[BatchResult]:
    """What a run would check, without writing; of one table where it is given. Raises `UserError` without a suite."""
    from incident_ledger.quality.checker import check_all, table_of
    from incident_ledger.quality.suites import TableName, load_contents, load_folders
    from incident_ledger.warehouse.tables import ensure_tables

    ensure_tables(warehouse)
    if not load_contents(warehouse.settings):
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
        on_table=on_table,
    )
    wanted = str(TableName.parse(table, warehouse.settings)) if table else None
    known = {str(table_of(suite, warehouse)) for suite in load_folders(warehouse.settings)}
    if wanted and wanted not in known:
        raise UserError(f"No suite for {table} in {folders(warehouse.settings)}: name one with --suite.")
    return batches


def by_table(batches: Iterable[BatchResult]) -> list[tuple[str, list[BatchResult]]]:
    """Each table with its batches, in their order."""
    found: dict[str, list[BatchResult]] = {}
    for batch in batches:
        found.setdefault(batch.table, []).append(batch)
    return list(found.items())


def rules_ran_and_failed(batches: Sequence[BatchResult]) -> tuple[int, int]:
    """Rules that ran in any batch, and those that failed in any."""
    ran = {(batch.suite, rule.rule_id) for batch in batches for rule in batch.rules if rule.success is not None}
    failed = {(batch.suite, rule.rule_id) for batch in batches for rule in batch.rules if rule.success is False}
    return len(ran), len(failed)


def worst_rules(batches: Sequence[BatchResult], policy: Policy) -> list[tuple[RuleResult, date | None]]:
    """Each rule once with its day, where it was worst: by severity, then by rate."""
    found: dict[tuple[str, str], tuple[RuleResult, date | None]] = {}
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
