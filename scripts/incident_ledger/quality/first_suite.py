"""A first suite for a table, made of its columns: for a person to edit, who knows what they mean."""

from collections.abc import Sequence
from typing import Any

from incident_ledger.quality.catalogue import SCALARS
from incident_ledger.quality.partitions import DayColumn
from incident_ledger.warehouse.client import Column

_KEYS = ("_id", "_key", "_uuid")
_TIMES = ("TIMESTAMP", "DATETIME")
FRESH_HOURS = 36
"""A day, and half of one for what comes late."""


def first_suite(
    table: str, columns: Sequence[Column], *, owner: str, partition: str | None = None, description: str | None = None
) -> dict[str, Any]:
    """The suite as its file holds it. `partition` is the column that the table is partitioned by."""
    day = _day_column(columns, partition)
    meta: dict[str, Any] = {"table": table, "owner": owner}
    meta |= {"description": description} if description else {}
    meta |= {"day_column": day.name} if day else {}
    scope = {"scope": "window"} if day else {}
    keys = [column for column in columns if _is_key(column)]
    rules = [
        *(_given(column) for column in columns if column.mode == "REQUIRED" or column in keys),
        *(_unique(column) for column in keys[:1]),
        *(_of_type(column, scope) for column in columns if column.kind in SCALARS and not column.is_array),
        _volume(scope),
        *(_fresh(column, scope) for column in _time_columns(columns, day)[:1]),
    ]
    return {"name": table.rpartition(".")[2], "meta": meta, "expectations": rules}


def _day_column(columns: Sequence[Column], partition: str | None) -> DayColumn | None:
    """The partition column; of a table that has none, a DATE that is called a day."""
    days = [column for column in columns if column.kind == "DATE" and not column.is_array]
    named = [column for column in days if column.name in {"day", "date"} or column.name.endswith(("_day", "_date"))]
    found = [column for column in columns if column.name == partition and column.kind in {"DATE", *_TIMES}] or named
    return DayColumn(found[0].name, found[0].kind) if found else None


def _is_key(column: Column) -> bool:
    is_named_so = column.name.lower() == "id" or column.name.lower().endswith(_KEYS)
    return is_named_so and column.kind in {"STRING", "INT64"} and not column.is_array


def _time_columns(columns: Sequence[Column], day: DayColumn | None) -> list[Column]:
    """When a record came or happened: a time first, the day if there is none."""
    times = [column for column in columns if column.kind in _TIMES and not column.is_array]
    return times or [column for column in columns if day and column.name == day.name]


def _rule(kind: str, rule_id: str, dimension: str, description: str, severity: str, **more: Any) -> dict[str, Any]:
    meta = {"rule_id": rule_id, "dimension": dimension, "description": description, **more.pop("meta", {})}
    return {"type": kind, "kwargs": more, "severity": severity, "meta": meta}


def _given(column: Column) -> dict[str, Any]:
    text = f"Every record has its {column.name}."
    kind = "expect_column_values_to_not_be_null"
    return _rule(kind, f"{column.name}_is_given", "completeness", text, "critical", column=column.name)


def _unique(column: Column) -> dict[str, Any]:
    text = f"No two records have the same {column.name}."
    kind = "expect_column_values_to_be_unique"
    return _rule(kind, f"{column.name}_is_unique", "uniqueness", text, "warning", column=column.name)


def _of_type(column: Column, scope: dict[str, str]) -> dict[str, Any]:
    text = f"{column.name} is there, and {column.kind}."
    kind = "expect_column_values_to_be_of_type"
    rule_id = f"{column.name}_has_its_type"
    return _rule(kind, rule_id, "validity", text, "warning", column=column.name, type_=column.kind, meta=scope)


def _volume(scope: dict[str, str]) -> dict[str, Any]:
    kind, text = "expect_table_row_count_to_be_between", "There are records."
    return _rule(kind, "has_records", "volume", text, "warning", min_value=1, meta=scope)


def _fresh(column: Column, scope: dict[str, str]) -> dict[str, Any]:
    text = f"The newest {column.name} is less than {FRESH_HOURS} hours old."
    bound = {"$PARAMETER": f"as_of - {FRESH_HOURS} hours"}
    kind = "expect_column_max_to_be_between"
    return _rule(kind, "is_on_time", "timeliness", text, "warning", column=column.name, min_value=bound, meta=scope)
