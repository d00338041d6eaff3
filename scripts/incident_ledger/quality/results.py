"""Verdicts as rows of `quality_results` and `quality_batches`: each written once, however often it is said."""

# ruff: noqa: S608 -- names of tables and columns are no parameters, and are our own; values are bound

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from incident_ledger.ledger.events import canonical, timestamp
from incident_ledger.quality.verdict import BatchResult, RuleResult
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.tables import QUALITY_BATCHES, QUALITY_RESULTS, RawTable

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "incident-ledger:quality")
_MOST_BYTES = 4_000_000  # BigQuery takes no request over 10 MB, and JSON inside JSON is escaped


def record(warehouse: Warehouse, batches: Sequence[BatchResult], run_id: str, checked_at: datetime) -> int:
    """Write what is not there yet; how many rows that were. Ids are derived from run, table, suite, day and rule."""
    results = [_result_row(batch, rule, run_id, checked_at) for batch in batches for rule in batch.rules]
    written = _merge(warehouse, QUALITY_RESULTS, "result_id", results, checked_at)
    # Batches last: where a batch is, its rules are.
    return written + _merge(
        warehouse, QUALITY_BATCHES, "batch_id", [_batch_row(batch, run_id, checked_at) for batch in batches], checked_at
    )


def batches_as_query(batches: Sequence[BatchResult], run_id: str, checked_at: datetime) -> tuple[str, dict[str, Any]]:
    """A query that gives the rows which `record` would write to `quality_batches`, and its parameters."""
    values = ", ".join(_value(name, kind) for name, kind, _ in QUALITY_BATCHES.columns)
    rows = [_batch_row(batch, run_id, checked_at) for batch in batches]
    return f"select {values} from unnest(json_query_array(parse_json(@rows))) as item", {"rows": canonical(rows)}


def _result_row(batch: BatchResult, rule: RuleResult, run_id: str, checked_at: datetime) -> dict[str, Any]:
    return {
        "result_id": _id(run_id, batch, rule.rule_id),
        "run_id": run_id,
        "checked_at": timestamp(checked_at),
        "table_name": batch.table,
        "component": batch.component,
        "suite": batch.suite,
        "rule_id": rule.rule_id,
        "day": batch.day.isoformat() if batch.day else None,
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
        "checked_at": timestamp(checked_at),
        "table_name": batch.table,
        "component": batch.component,
        "suite": batch.suite,
        "day": batch.day.isoformat() if batch.day else None,
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
    }


def _id(run_id: str, batch: BatchResult, rule_id: str | None) -> str:
    day = batch.day.isoformat() if batch.day else None
    return str(uuid.uuid5(_NAMESPACE, canonical([run_id, batch.table, batch.suite, day, rule_id])))


def _merge(
    warehouse: Warehouse, table: RawTable, key: str, rows: Sequence[Mapping[str, Any]], checked_at: datetime
) -> int:
    """Insert the rows whose key is new. The literal time keeps the MERGE to one partition."""
    if not rows:
        return 0
    columns = ", ".join(name for name, _, _ in table.columns)
    values = ", ".join(_value(name, kind) for name, kind, _ in table.columns)
    moment = f"timestamp '{checked_at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00'"
    sql = f"""
        merge {warehouse.raw(table.name)} as target
        using (
            select {values}
            from unnest(json_query_array(parse_json(@rows))) as item
            where true
            qualify row_number() over (partition by {key}) = 1
        ) as source
        on target.{key} = source.{key} and target.checked_at = {moment}
        when not matched then insert ({columns}) values ({columns})
    """
    return sum(warehouse.execute(sql, {"rows": chunk}) for chunk in _chunks(rows))


def _value(name: str, kind: str) -> str:
    path = f"item, '$.{name}'"
    if kind == "STRING":
        return f"json_value({path}) as {name}"
    if kind == "JSON":
        return f"json_query({path}) as {name}"
    if kind == "TIMESTAMP":
        return f"timestamp(json_value({path})) as {name}"
    return f"cast(json_value({path}) as {kind}) as {name}"


def _chunks(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """JSON arrays of rows, none over the limit."""
    part: list[str] = []
    size = 0
    for text in (json.dumps(row, ensure_ascii=False) for row in rows):
        length = len(text.encode())
        if part and size + length > _MOST_BYTES:
            yield f"[{','.join(part)}]"
            part, size = [], 0
        part.append(text)
        size += length
    yield f"[{','.join(part)}]"


def _plain(value: Any) -> Any:
    if isinstance(value, str | int | float | bool | list | dict) or value is None:
        return value
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
