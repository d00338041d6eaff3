"""Checks of tables by suites: from the files to verdicts, and (for runs) into the warehouse."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from incident_ledger.errors import IncidentLedgerError, UserError
from incident_ledger.policy import Policy
from incident_ledger.quality import changes
from incident_ledger.quality.batches import DayColumn, Slice
from incident_ledger.quality.metrics import Engine
from incident_ledger.quality.results import record
from incident_ledger.quality.scan import Count, Scan
from incident_ledger.quality.suites import Rule, Suite, TableName, load_folders
from incident_ledger.quality.typed import RuleError, Schema
from incident_ledger.quality.verdict import BatchResult, check_failure, judge_batch, judge_rule
from incident_ledger.warehouse import Warehouse


class CheckError(Exception):
    """The check of a table that cannot run at all, and why: it becomes a finding."""


@dataclass(frozen=True)
class Table:
    """A table as it is in the warehouse now."""

    name: TableName
    schema: Schema
    day_column: DayColumn | None


def check_all(
    warehouse: Warehouse,
    policy: Policy,
    *,
    run_id: str,
    now: datetime,
    all_days: bool = False,
    only: str | None = None,
    suites: Sequence[Suite] | None = None,
    is_recorded: bool = True,
    on_table: Callable[[str], None] | None = None,
) -> list[BatchResult]:
    """What every run checks: each suite of the settings' folders on the days that changed; written unless told not to.

    `only` keeps to one table, `all_days` takes each day that the table has. A check that could not run is a result.
    """
    chosen = load_folders(warehouse.settings) if suites is None else suites
    history = changes.read_history(warehouse, now)
    batches: list[BatchResult] = []
    for suite in chosen:
        name = _table_name(suite, warehouse)
        if only is not None and (name is None or str(name) != str(TableName.parse(only, warehouse.settings))):
            continue
        if on_table:
            on_table(str(name or suite.file))
        batches += _check_suite(warehouse, policy, suite, name, history, run_id, now, all_days)
    if is_recorded:
        record(warehouse, batches, run_id, now)
    return batches


def check_table(
    warehouse: Warehouse,
    policy: Policy,
    table: str,
    suite: Suite,
    days: Sequence[date] | None,
    run_id: str,
    now: datetime,
) -> list[BatchResult]:
    """One table by one suite: each of `days` as a batch, or (None) the whole table as one. Writes nothing."""
    del run_id  # nothing of a verdict depends on who asked
    name = TableName.parse(table, warehouse.settings)
    if suite.error:
        return [check_failure(str(name), suite, (), suite.error, policy, now)]
    try:
        found = _find(warehouse, suite, name)
        if days is not None and found.day_column is None:
            raise CheckError(f"{suite.file} names no day_column, so that {name} cannot be checked by day")
        if found.day_column is None:
            part = Slice((None,))
        else:
            part = found.day_column.whole() if days is None else found.day_column.each(days)
        return _judge(warehouse, policy, suite, found, [(part, suite.rules)], now)
    except (CheckError, RuleError, IncidentLedgerError) as error:
        return [_failed(name, suite, str(error), policy, now)]


def named(warehouse: Warehouse, table: str) -> bool:
    """Whether a suite of the settings' folders is about a table."""
    wanted = str(TableName.parse(table, warehouse.settings))
    return any(str(_table_name(suite, warehouse)) == wanted for suite in load_folders(warehouse.settings))


def check_days(warehouse: Warehouse, policy: Policy, table: str, suite: Suite, now: datetime) -> list[BatchResult]:
    """One table by one suite, each day that it has as a batch; one without a day column as a whole. Writes nothing."""
    name = TableName.parse(table, warehouse.settings)
    try:
        found = None if suite.error else _find(warehouse, suite, name)
        days = changes.all_days(warehouse, name, found.day_column, now) if found and found.day_column else None
    except (CheckError, RuleError, IncidentLedgerError) as error:
        return [_failed(name, suite, str(error), policy, now)]
    return check_table(warehouse, policy, table, suite, days, "", now)


def _check_suite(
    warehouse: Warehouse,
    policy: Policy,
    suite: Suite,
    name: TableName | None,
    history: Mapping[str, changes.History],
    run_id: str,
    now: datetime,
    is_all: bool,
) -> list[BatchResult]:
    if suite.error or name is None:
        reason = suite.error or f"{suite.file}: meta.table names no table"
        return [check_failure(str(name) if name else None, suite, (), reason, policy, now)]
    try:
        found = _find(warehouse, suite, name)
        if found.day_column is None:
            return check_table(warehouse, policy, str(name), suite, None, run_id, now)
        before = history.get(str(name), changes.History())
        days = (
            changes.all_days(warehouse, name, found.day_column, now)
            if is_all
            else changes.changed_days(warehouse, suite, name, found.day_column, before, now)
        )
        by_day = [rule for rule in suite.rules if rule.scope == "batch"]
        by_window = [rule for rule in suite.rules if rule.scope == "window"]
        if not days and str(name) not in history:
            return []  # a source that was never loaded is not late, and its table is not empty by mistake
        parts: list[tuple[Slice, Sequence[Rule]]] = []
        if days and by_day:
            parts.append((found.day_column.each(days), by_day))
        if by_window or not parts:
            parts.append((found.day_column.window(*changes.window(suite, now)), by_window))
        return _judge(warehouse, policy, suite, found, parts, now)
    except (CheckError, RuleError, IncidentLedgerError) as error:
        return [_failed(name, suite, str(error), policy, now)]


def _judge(
    warehouse: Warehouse,
    policy: Policy,
    suite: Suite,
    table: Table,
    parts: Sequence[tuple[Slice, Sequence[Rule]]],
    now: datetime,
) -> list[BatchResult]:
    name = table.name
    engine = Engine(warehouse, name.dataset, name.table, table.schema)
    source = warehouse.name(name.dataset, name.table)
    batches = []
    for part, rules in parts:
        counted = Scan(warehouse, engine, table.schema, source, table.day_column, now).count(rules, part)
        for day in part.days:
            judged = [judge_rule(rule, counted.rules[day, rule.rule_id], policy, now) for rule in rules]
            batches.append(judge_batch(str(name), suite, day, counted.rows[day], judged, policy, now))
    return batches


def _find(warehouse: Warehouse, suite: Suite, name: TableName) -> Table:
    """The table's columns by the tables API: no statement. Raises `CheckError` when it is not there."""
    try:
        schema = Schema.of(warehouse.table_columns(name.dataset, name.table))
    except UserError as error:
        raise CheckError(str(error)) from None
    if not schema.kinds:
        raise CheckError(f"the table {name} has no columns")
    return Table(name, schema, changes.day_column(suite, schema))


def _failed(name: TableName, suite: Suite, reason: str, policy: Policy, now: datetime) -> BatchResult:
    """The finding of a check that could not run: every rule of the suite with the reason."""
    judged = [judge_rule(rule, Count(error=rule.error or reason), policy, now) for rule in suite.rules]
    return check_failure(str(name), suite, judged, reason, policy, now)


def _table_name(suite: Suite, warehouse: Warehouse) -> TableName | None:
    table = suite.meta.get("table")
    try:
        return TableName.parse(table, warehouse.settings) if isinstance(table, str) else None
    except UserError:
        return None
