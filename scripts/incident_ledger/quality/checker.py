"""Checks of tables by suites: from the files to results, and (for runs) into the warehouse."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import chain
from multiprocessing.pool import ThreadPool
from typing import Any

from incident_ledger.errors import IncidentLedgerError, UserError
from incident_ledger.job_labels import labelled_model
from incident_ledger.policy import Policy
from incident_ledger.quality import partitions
from incident_ledger.quality.change_tracking import ChangeLog, ChangesRead, read_changes
from incident_ledger.quality.compiler.counts import Count
from incident_ledger.quality.compiler.gx import Engine
from incident_ledger.quality.compiler.typing import RuleError, Schema
from incident_ledger.quality.grading import Batch, check_failure, grade_batch, grade_rule
from incident_ledger.quality.partitions import DayColumn, Partition
from incident_ledger.quality.result_types import BatchResult
from incident_ledger.quality.results import record
from incident_ledger.quality.rule_schema import reason_of
from incident_ledger.quality.scanner import Scan
from incident_ledger.quality.suites import Rule, Suite, TableName, load_folders
from incident_ledger.warehouse import Warehouse


@dataclass(frozen=True)
class Noted:
    """What the last checks knew, by table and suite, and what is recorded of changes since, by the suite's file."""

    history: Mapping[tuple[str, str], partitions.History] = field(default_factory=dict)
    seen: Mapping[str, ChangesRead] = field(default_factory=dict)


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
    noted: Noted | None = None,
    is_built: bool = True,
    on_table: Callable[[str], None] | None = None,
    readers: Callable[[], Mapping[str, Sequence[str]]] | None = None,
) -> list[BatchResult]:
    """What every run checks: each suite of the settings' folders on the days that changed; written if `is_recorded`.

    `only` keeps to one table, `all_days` takes each day that the table has. `noted` is what was known of changes before
    a build; where tables were not built since (`is_built` false), a change counts as one that was not checked yet. A
    check that could not run is a result. Suites are checked side by side, as many as the setting `threads`; the
    results are in the order of the suites, and `on_table` is called by the thread that begins with a table. `readers`
    gives what reads each table (`dataset.table`), and is asked only where something is wrong.
    """
    wanted = str(TableName.parse(only, warehouse.settings)) if only else None
    suites = load_folders(warehouse.settings) if suites is None else suites
    noted = noted or note_changes(warehouse, now, {suite.file: suite.meta for suite in suites})
    checks = _Checks(warehouse, policy, now, noted, is_built)

    def check(suite: Suite) -> list[BatchResult]:
        name = table_of(suite, warehouse)
        if wanted is not None and str(name) != wanted:
            return []
        if on_table:
            on_table(str(name or suite.file))
        with labelled_model(name.table if name else suite.file):
            return checks.suite(suite, name, is_all=all_days)

    # Of this pool an interrupt waits for no worker.
    with ThreadPool(warehouse.settings.threads) as pool:
        batches = list(chain.from_iterable(pool.imap(check, suites)))
    batches = _with_readers(batches, readers)
    if is_recorded:
        record(warehouse, batches, run_id, now)
    return batches


def _with_readers(
    batches: list[BatchResult], readers: Callable[[], Mapping[str, Sequence[str]]] | None
) -> list[BatchResult]:
    """What is wrong with a table, with those who read it as evidence."""
    if readers is None or not any(batch.severity_level for batch in batches):
        return batches
    known = readers()
    return [
        replace(batch, evidence={**batch.evidence, "read_by": list(known[batch.table])})
        if batch.severity_level and known.get(batch.table)
        else batch
        for batch in batches
    ]


def note_changes(warehouse: Warehouse, now: datetime, metas: Mapping[str, Mapping[str, Any]]) -> Noted:
    """What the last checks knew, and what is recorded of changes now: to be read before a build. `metas` by file."""
    history = partitions.read_history(warehouse, now)
    seen: dict[str, ChangesRead] = {}
    logs: dict[str, ChangeLog] = {}
    for file, meta in metas.items():
        if meta.get("day_column") is None or meta.get("changes") is None:
            continue
        try:
            key = (str(TableName.parse(meta.get("table", ""), warehouse.settings)), file)
            logs[file] = ChangeLog.of(meta["changes"], warehouse, history.get(key, partitions.History()).since)
        except (RuleError, UserError) as error:
            seen[file] = ChangesRead(error=str(error))
    read = read_changes(warehouse, list(logs.values()))
    return Noted(history, seen | dict(zip(logs, read, strict=True)))


def check_table(
    warehouse: Warehouse,
    policy: Policy,
    table: str,
    suite: Suite,
    *,
    now: datetime,
    days: Sequence[date] | None = None,
    all_days: bool = False,
) -> list[BatchResult]:
    """One table by one suite: each of `days` (or each day that it has) as a batch, else the whole table as one.

    Writes nothing. Raises `UserError` when `table` is not the name of a table.
    """
    name = TableName.parse(table, warehouse.settings)
    return _Checks(warehouse, policy, now, Noted()).table(suite, name, days, is_all=all_days)


def table_of(suite: Suite, warehouse: Warehouse) -> TableName | None:
    """The table that a suite's meta names; None when it names none."""
    table = suite.meta.get("table")
    try:
        return TableName.parse(table, warehouse.settings) if isinstance(table, str) else None
    except UserError:
        return None


@dataclass(frozen=True)
class _Part:
    """What one statement reads, and the rules that it is read for. `seen` is what was known of the changes of it."""

    partition: Partition
    rules: Sequence[Rule]
    seen: ChangesRead = field(default_factory=ChangesRead)


@dataclass(frozen=True)
class _Table:
    """A table as it is in the warehouse now."""

    name: TableName
    schema: Schema
    day_column: DayColumn | None


@dataclass(frozen=True)
class _Checks:
    """Checks at one time under one policy."""

    warehouse: Warehouse
    policy: Policy
    now: datetime
    noted: Noted
    is_built: bool = True

    def suite(self, suite: Suite, name: TableName | None, *, is_all: bool) -> list[BatchResult]:
        """A suite's own table, on the days that changed."""
        if suite.error or name is None:
            reason = suite.error or f"{suite.file}: meta.table does not name a table"
            return [check_failure(str(name) if name else None, suite, (), reason, self.policy, self.now)]
        try:
            table = self._find(suite, name)
            if table.day_column is None:
                return self._grade(suite, table, [_Part(Partition((None,)), suite.rules)])
            before = self.noted.history.get((str(name), suite.file), partitions.History())
            days, seen = self._days(suite, name, table.day_column, before, is_all=is_all)
            return self._grade(suite, table, self._parts(suite, table.day_column, days, seen, before))
        except Exception as error:  # whatever a suite provokes is its own finding, and the others go on
            return [self._failed(name, suite, _error_text(error))]

    def table(self, suite: Suite, name: TableName, days: Sequence[date] | None, *, is_all: bool) -> list[BatchResult]:
        """Any table by any suite."""
        if suite.error:
            return [check_failure(str(name), suite, (), suite.error, self.policy, self.now)]
        try:
            table = self._find(suite, name)
            part = Partition((None,))
            if table.day_column is not None:
                if is_all:
                    days = partitions.all_days(self.warehouse, name, table.day_column, self.now)
                part = table.day_column.whole() if days is None else table.day_column.each(days)
            return self._grade(suite, table, [_Part(part, suite.rules)])
        except Exception as error:
            return [self._failed(name, suite, _error_text(error))]

    def _days(
        self, suite: Suite, name: TableName, column: DayColumn, before: partitions.History, *, is_all: bool
    ) -> tuple[list[date], ChangesRead]:
        """The days to check, and what is to be kept of their changes."""
        recorded = self.noted.seen.get(suite.file)
        if is_all:
            return partitions.all_days(self.warehouse, name, column, self.now), ChangesRead()
        seen = partitions.ChangedDays(self.warehouse, suite, name, column, self.now, recorded).find(before)
        return sorted(seen.days), seen if self.is_built or recorded is None else ChangesRead()

    def _parts(
        self, suite: Suite, column: DayColumn, days: Sequence[date], seen: ChangesRead, before: partitions.History
    ) -> list[_Part]:
        """The changed days one by one, and the last days as one batch for the rules that look at those.

        A source that was never loaded is not late, and its table is not empty by mistake. What was bad about the table
        as a whole must be reported as over, if only by a batch without rules.
        """
        by_day = [rule for rule in suite.rules if rule.scope == "batch"]
        is_known = bool(days) or before.last_checked_at is not None
        by_window = [rule for rule in suite.rules if rule.scope == "window" and is_known]
        parts = []
        if days and by_day:
            parts.append(_Part(column.each(days), by_day, seen))
        if by_window or before.is_whole_bad:
            parts.append(
                _Part(column.window(*partitions.window(suite, self.now)), by_window, ChangesRead(until=seen.until))
            )
        return parts

    def _grade(self, suite: Suite, table: _Table, parts: Sequence[_Part]) -> list[BatchResult]:
        name, policy, now = table.name, self.policy, self.now
        engine = Engine.of(self.warehouse, name.dataset, name.table, table.schema)
        source = self.warehouse.name(name.dataset, name.table)
        batches = []
        for part in parts:
            scan = Scan(self.warehouse, engine, table.schema, source, day_column=table.day_column, as_of=now)
            counted = scan.count(part.rules, part.partition)
            for day in part.partition.days:
                results = [grade_rule(rule, counted.rules[day, rule.rule_id], policy, now) for rule in part.rules]
                seen = part.seen.days.get(day) if day else None
                batch = Batch(str(name), suite, day, counted.rows[day], seen or None, part.seen.until)
                batches.append(grade_batch(batch, results, policy, now))
        return batches

    def _find(self, suite: Suite, name: TableName) -> _Table:
        """The table's columns by the tables API: no statement. Raises `UserError` when it is not there."""
        schema = Schema.of(self.warehouse.table_columns(name.dataset, name.table))
        return _Table(name, schema, partitions.day_column(suite, schema))

    def _failed(self, name: TableName, suite: Suite, reason: str) -> BatchResult:
        """The finding of a check that could not run: every rule of the suite with the reason."""
        results = [grade_rule(rule, Count(error=rule.error or reason), self.policy, self.now) for rule in suite.rules]
        return check_failure(str(name), suite, results, reason, self.policy, self.now)


def _error_text(error: Exception) -> str:
    """What went wrong. An error that nobody raised on purpose is given with its kind."""
    is_expected = isinstance(error, RuleError | IncidentLedgerError)
    return str(error) if is_expected else f"the check broke off: {type(error).__name__}: {reason_of(error)}"
