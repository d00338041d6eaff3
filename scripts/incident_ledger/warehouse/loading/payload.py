"""The file that a load job sends: typed records as Parquet, or as JSON lines for types that Parquet has not."""

import base64
import json
from collections.abc import Iterable
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from incident_ledger.warehouse.client import Column
from incident_ledger.warehouse.loading.values import JsonText

ROWS = 20_000
_CELLS = 2_000_000  # of a slice, in which all columns are in memory at once
_ARROW = {
    "STRING": pa.string(),
    "BYTES": pa.binary(),
    "INT64": pa.int64(),
    "FLOAT64": pa.float64(),
    "NUMERIC": pa.decimal128(38, 9),
    "BOOL": pa.bool_(),
    "DATE": pa.date32(),
    "TIME": pa.time64("us"),
    "DATETIME": pa.timestamp("us"),
    "TIMESTAMP": pa.timestamp("us", tz="UTC"),
}


def fits_parquet(columns: Iterable[Column]) -> bool:
    """Whether all types have one in Parquet that BigQuery reads as the same."""
    return all(fits_parquet(c.fields) if c.kind == "RECORD" else c.kind in _ARROW for c in columns)


def arrow_schema(columns: Iterable[Column]) -> pa.Schema:
    """The columns as Arrow's; what is REQUIRED may not be null, which BigQuery insists on."""
    return pa.schema([_arrow_field(column) for column in columns])


def _arrow_field(column: Column) -> pa.Field:
    kind = (
        pa.struct([_arrow_field(inner) for inner in column.fields]) if column.kind == "RECORD" else _ARROW[column.kind]
    )
    return pa.field(column.name, pa.list_(kind) if column.is_array else kind, nullable=column.mode != "REQUIRED")


def write_parquet(path: Path, columns: tuple[Column, ...], rows: Iterable[list[Any]]) -> int:
    """Write rows (values in the columns' order); their number."""
    schema, count, batch = arrow_schema(columns), 0, []
    most = min(ROWS, max(1, _CELLS // len(columns)))
    with pq.ParquetWriter(path, schema) as writer:
        for row in rows:
            batch.append(row)
            if len(batch) == most:
                writer.write_batch(_batch(batch, schema))
                count, batch = count + len(batch), []
        if batch:
            writer.write_batch(_batch(batch, schema))
    return count + len(batch)


def _batch(rows: list[list[Any]], schema: pa.Schema) -> pa.RecordBatch:
    arrays = [pa.array(values, item.type) for values, item in zip(zip(*rows, strict=True), schema, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def write_json_lines(path: Path, columns: tuple[Column, ...], rows: Iterable[list[Any]]) -> int:
    """Write rows (values in the columns' order); their number."""
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            pairs = zip(columns, row, strict=True)
            file.write("{" + ",".join(f"{json.dumps(column.name)}:{_json(value)}" for column, value in pairs) + "}\n")
            count += 1
    return count


def _json(value: Any) -> str:
    """A typed value as a load job reads it: exact numbers, times and bytes are text."""
    if isinstance(value, JsonText):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{_json(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_json(item) for item in value) + "]"
    if isinstance(value, Decimal):
        value = format(value, "f")
    elif isinstance(value, bytes):
        value = base64.b64encode(value).decode()
    elif isinstance(value, datetime | date | time):
        value = value.isoformat()
    return json.dumps(value, ensure_ascii=False)
