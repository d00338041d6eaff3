"""Results as rows of `quality_results` and `quality_batches`: each written once, however often it is sent."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from multiprocessing.pool import ThreadPool
from typing import Any

from incident_ledger.encoding import canonical
from incident_ledger.quality.breaches import keep
from incident_ledger.quality.result_types import BatchResult, RuleResult
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.rows import literal, merge_rows
from incident_ledger.warehouse.tables import QUALITY_BATCHES, QUALITY_RESULTS

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "incident-ledger:quality")


def record(warehouse: Warehouse, batches: Sequence[BatchResult], run_id: str, checked_at: datetime) -> int:
    """Write what is not there yet; how many rows that were. Ids are derived from run, table, suite, day and rule."""
    results = [_result_row(batch, rule, run_id, checked_at) for batch in batches for rule in batch.rules]
    on = f"target.checked_at = {literal(checked_at)}"  # keeps the MERGE to one partition
    rows = batch_rows(batches, run_id, checked_at)
    with ThreadPool(1) as pool:  # two tables, side by side
        keeping = pool.apply_async(keep, (warehouse, rows, checked_at))
        written = merge_rows(warehouse, QUALITY_RESULTS, results, on=on)
        keeping.get()
    # Batches last: where a batch is, its rules are, and what it began or ended. A day that has none is checked again.
    return written + merge_rows(warehouse, QUALITY_BATCHES, rows, on=on)


def batch_rows(batches: Sequence[BatchResult], run_id: str, checked_at: datetime) -> list[dict[str, Any]]:
    """The rows of `quality_batches`."""
    return [_batch_row(batch, run_id, checked_at) for batch in batches]


def _result_row(batch: BatchResult, rule: RuleResult, run_id: str, checked_at: datetime) -> dict[str, Any]:
    return {
        "result_id": _id(run_id, batch, rule.rule_id),
        "run_id": run_id,
        "checked_at": checked_at,
        "table_name": batch.table,
        "component": batch.component,
        "suite": batch.suite,
        "rule_id": rule.rule_id,
        "day": batch.day,
        "column_name": rule.column,
        "expectation_type": rule.type or None,
        "dimension": rule.dimension,
        "owner": rule.owner or batch.owner,
        "gx_severity": rule.gx_severity,
        "is_table_rule": rule.is_table_rule,
        "success": rule.success,
        "examined": rule.examined,
        "failed": rule.failed,
        "failed_record_rate": rule.failed_record_rate,
        "severity_level": rule.severity_level,
        "threshold": rule.threshold,
        "error": rule.error,
        "evidence": None if rule.observed is None else {"observed": _plain(rule.observed)},
    }


def _batch_row(batch: BatchResult, run_id: str, checked_at: datetime) -> dict[str, Any]:
    return {
        "batch_id": _id(run_id, batch, None),
        "run_id": run_id,
        "checked_at": checked_at,
        "table_name": batch.table,
        "component": batch.component,
        "suite": batch.suite,
        "day": batch.day,
        "owner": batch.owner,
        "examined": batch.examined,
        "rules_total": len(batch.rules),
        "rules_ran": batch.rules_ran,
        "rules_failed": batch.rules_failed,
        "rules_errored": batch.rules_errored,
        "failed_validation_rate": batch.failed_validation_rate,
        "severity_level": batch.severity_level,
        "worst_rule_id": batch.worst_rule_id,
        "error": batch.error,
        "check_component": batch.check_component,
        "check_severity_level": batch.check_severity_level,
        "title": batch.title,
        "value": batch.value,
        "threshold": batch.threshold,
        "evidence": {name: _plain(value) for name, value in batch.evidence.items()},
        "changes_seen": batch.changes_seen,
        "changes_until": batch.changes_until,
    }


def _id(run_id: str, batch: BatchResult, rule_id: str | None) -> str:
    day = batch.day.isoformat() if batch.day else None
    return str(uuid.uuid5(_NAMESPACE, canonical([run_id, batch.table, batch.suite, day, rule_id])))


def _plain(value: Any) -> Any:
    if isinstance(value, str | int | float | bool | list | dict) or value is None:
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
