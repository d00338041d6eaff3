"""A Parquet file of somebody else's, cast to the columns of a table."""

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from incident_ledger.errors import UserError
from incident_ledger.warehouse.client import Column
from incident_ledger.warehouse.files import ROWS, arrow_schema
from incident_ledger.warehouse.values import column_name

_SIMPLE: tuple[tuple[Callable[[pa.DataType], bool], str], ...] = (
    (lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind), "STRING"),
    (lambda kind: pa.types.is_binary(kind) or pa.types.is_large_binary(kind), "BYTES"),
    (pa.types.is_boolean, "BOOL"),
    (pa.types.is_integer, "INT64"),
    (pa.types.is_floating, "FLOAT64"),
    (lambda kind: pa.types.is_decimal(kind) and kind.scale <= 9 and kind.precision - kind.scale <= 29, "NUMERIC"),
    (pa.types.is_date, "DATE"),
    (pa.types.is_time, "TIME"),
    (lambda kind: pa.types.is_timestamp(kind) and kind.tz is not None, "TIMESTAMP"),
    (pa.types.is_timestamp, "DATETIME"),
)


def open_parquet(path: Path) -> pq.ParquetFile:
    """The file. Raises `UserError` when it is none."""
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{path} is no Parquet file ({str(error).splitlines()[0][:200]}).") from None


def columns_of(path: Path, schema: pa.Schema, *, strings: bool) -> tuple[Column, ...]:
    """The columns of a new table for the file. Raises `UserError` for a type that the warehouse has not."""
    names = [column_name(name) for name in schema.names]
    twice = [name for name in names if [other.lower() for other in names].count(name.lower()) > 1]
    if twice:
        raise UserError(f"{path}: several columns are called {twice[0]!r} (case and signs do not count).")
    if strings:
        return tuple(Column(name, "STRING") for name in names)
    return tuple(_column(path, name, item.type) for name, item in zip(names, schema, strict=True))


def _column(path: Path, name: str, kind: pa.DataType) -> Column:
    if pa.types.is_dictionary(kind):
        return _column(path, name, kind.value_type)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        inner = _column(path, name, kind.value_type)
        if not inner.is_array:
            return Column(name, inner.kind, "REPEATED", inner.fields)
    if pa.types.is_struct(kind):
        return Column(name, "RECORD", fields=tuple(_column(path, item.name, item.type) for item in kind))
    for fits, found in _SIMPLE:
        if fits(kind):
            return Column(name, found)
    raise UserError(f"{path}: column {name} has the type {kind}, which the warehouse has not. Try --strings.")


def rewrite(source: pq.ParquetFile, path: Path, columns: tuple[Column, ...], target: Path) -> int:
    """Write the file anew with these columns, in this order; the number of rows.

    Raises `UserError` with the column and the row of the first value that does not fit.
    """
    schema = arrow_schema(columns)
    given = {column_name(name).lower(): position for position, name in enumerate(source.schema_arrow.names)}
    unknown = set(given) - {column.name.lower() for column in columns}
    if unknown:
        raise UserError(f"{path}: the table has no column {sorted(unknown)[0]!r}.")
    count = 0
    with pq.ParquetWriter(target, schema) as writer:
        for batch in source.iter_batches(batch_size=ROWS):
            arrays = [
                _cast(path, batch.column(given[item.name.lower()]), item, count)
                if item.name.lower() in given
                else _missing(path, item, len(batch))
                for item in schema
            ]
            writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
            count += len(batch)
    return count


def _missing(path: Path, item: pa.Field, rows: int) -> pa.Array:
    if not item.nullable:
        raise UserError(f"{path}: there is no column {item.name}, and the table says REQUIRED.")
    return pa.nulls(rows, item.type)


def _cast(path: Path, values: pa.Array, item: pa.Field, before: int) -> pa.Array:
    if not item.nullable and values.null_count:
        row = before + values.is_null().to_pylist().index(True) + 1
        raise UserError(f"{path}, row {row}: column {item.name} is empty, and the table says REQUIRED.")
    if pa.types.is_string(item.type) and pa.types.is_nested(values.type):
        texts = [None if value is None else json.dumps(value, default=str) for value in values.to_pylist()]
        return pa.array(texts, pa.string())
    try:
        return values.cast(item.type)
    except (pa.ArrowException, NotImplementedError) as error:
        row = before + _first_bad(values, item.type) + 1
        reason = str(error).splitlines()[0][:200]
        raise UserError(f"{path}, row {row}: column {item.name} does not fit {item.type} ({reason}).") from None


def _first_bad(values: pa.Array, kind: pa.DataType) -> int:
    for position in range(len(values)):
        try:
            values.slice(position, 1).cast(kind)
        except (pa.ArrowException, NotImplementedError):
            return position
    return 0
