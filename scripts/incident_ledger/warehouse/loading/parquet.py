"""A Parquet file of somebody else's, cast to the columns of a table.

A few bytes of Parquet can stand for gigabytes. So a file that unfolds to more than is reasonable is refused, and what
is read is cut to pieces by its unfolded size: texts stay in their dictionaries until then.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from incident_ledger.errors import UserError
from incident_ledger.warehouse.client import Column
from incident_ledger.warehouse.loading.file_records import MAX_COLUMNS
from incident_ledger.warehouse.loading.payload import ROWS, arrow_schema
from incident_ledger.warehouse.loading.type_detection import MAX_RECORDS
from incident_ledger.warehouse.loading.values import column_name

MAX_UNFOLDED = 256 * 1024**2
MAX_RATIO = 200
"""A file may unfold to so many bytes, or to so many times its size, whichever is more."""
MAX_ROW = 100 * 1024**2  # bytes; BigQuery's limit
_PIECE = 32 * 1024**2
_CELLS = 2_000_000  # of a batch, before it is cut to pieces
_FEW_ROWS = 500
_BUFFER = 1024**2

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
    """The file, its texts left in their dictionaries. Raises `UserError` when it is none, or too much of one."""
    try:
        about = pq.read_metadata(path)
        _check_size(path, about)
        source = pq.ParquetFile(
            path, metadata=about, read_dictionary=_dictionaries(about), buffer_size=_BUFFER, pre_buffer=False
        )
        ",".join(source.schema_arrow.names).encode()
    except (pa.ArrowException, OSError, UnicodeError) as error:
        raise UserError(f"{path} is no Parquet file ({_reason(error)}).") from None
    return source


def most_unfolded(path: Path) -> int:
    """How many bytes the values of a file may have when they are written out."""
    return max(MAX_UNFOLDED, MAX_RATIO * path.stat().st_size)


def _check_size(path: Path, about: pq.FileMetaData) -> None:
    if about.num_columns > MAX_COLUMNS:
        raise UserError(f"{path}: {about.num_columns:,} columns, and a table has at most {MAX_COLUMNS:,}.")
    # At least: a text that a dictionary has once counts as often as it stands there only when it is read.
    size = sum(
        max(chunk.total_uncompressed_size, 0 if chunk.physical_type == "BYTE_ARRAY" else 8 * chunk.num_values)
        for chunk in _chunks(about)
    )
    if size > most_unfolded(path):
        raise _too_large(path)


def _too_large(path: Path) -> UserError:
    most = most_unfolded(path)
    return UserError(
        f"{path} unfolds to over {most // 1024**2:,} MB, {most // max(path.stat().st_size, 1):,} times its size. If it "
        "is meant so, load it in parts, or as CSV."
    )


def _chunks(about: pq.FileMetaData) -> Iterator[pq.ColumnChunkMetaData]:
    for group in range(about.num_row_groups):
        for number in range(about.num_columns):
            yield about.row_group(group).column(number)


def _dictionaries(about: pq.FileMetaData) -> list[str]:
    """The columns of texts that have dictionaries in the file."""
    texts = [chunk for chunk in _chunks(about) if chunk.physical_type == "BYTE_ARRAY"]
    plain = {chunk.path_in_schema for chunk in texts if any("DELTA" in name for name in chunk.encodings)}
    return sorted({chunk.path_in_schema for chunk in texts if chunk.has_dictionary_page} - plain)


def _batches(source: pq.ParquetFile, path: Path) -> Iterator[pa.RecordBatch]:
    """Pieces of the file, each of at most `_PIECE` bytes unfolded, or one row."""
    done = size = 0
    for group in range(source.metadata.num_row_groups):
        batches = _of_group(source, path, group)
        while True:
            try:
                batch = next(batches, None)
                if batch is None:
                    break
                batch.validate(full=True)
            except (pa.ArrowException, OSError, UnicodeError) as error:
                raise UserError(f"{path}, after row {done}: no valid Parquet ({_reason(error)}).") from None
            for piece in _pieces(batch, path, done):
                size += _unfolded(piece)
                if size > most_unfolded(path):
                    raise _too_large(path)
                yield piece
            done += len(batch)


def _of_group(source: pq.ParquetFile, path: Path, group: int) -> Iterator[pa.RecordBatch]:
    about = source.metadata.row_group(group)
    values = sum(about.column(number).num_values for number in range(about.num_columns))
    rows = max(1, min(ROWS, _CELLS * about.num_rows // max(values, 1)))
    done = 0
    try:
        for batch in source.iter_batches(batch_size=rows, row_groups=[group]):
            yield batch
            done += len(batch)
    except pa.ArrowNotImplementedError:
        # Texts below lists and records whose dictionary became too large while the file was written.
        flat = [name for name in _dictionaries(source.metadata) if "." not in name]
        again = pq.ParquetFile(path, read_dictionary=flat, buffer_size=_BUFFER, pre_buffer=False)
        for batch in again.iter_batches(batch_size=min(rows, _FEW_ROWS), row_groups=[group]):
            skipped = min(done, len(batch))
            done -= skipped
            if skipped < len(batch):
                yield batch.slice(skipped)


def _pieces(batch: pa.RecordBatch, path: Path, before: int) -> Iterator[pa.RecordBatch]:
    size = _unfolded(batch)
    if len(batch) > 1 and size > _PIECE:
        half = len(batch) // 2
        yield from _pieces(batch.slice(0, half), path, before)
        yield from _pieces(batch.slice(half), path, before + half)
        return
    if size > MAX_ROW and len(batch) == 1:
        raise UserError(f"{path}, row {before + 1}: larger than {MAX_ROW // 1024**2} MB, the most that a row may have.")
    yield batch


def _unfolded(batch: pa.RecordBatch) -> int:
    """The bytes of a batch with every text written out."""
    return sum(_size(column) for column in batch.columns)


def _size(values: pa.Array) -> int:
    kind = values.type
    if pa.types.is_struct(kind):
        return sum(_size(part) for part in values.flatten())
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _size(values.flatten()) + 4 * len(values)
    if not pa.types.is_dictionary(kind) or pa.types.is_primitive(kind.value_type):
        return int(values.nbytes)
    lengths = pc.take(pc.binary_length(values.dictionary), values.indices)
    return int(pc.sum(lengths).as_py() or 0) + 4 * len(values)


def _reason(error: BaseException) -> str:
    return (str(error).splitlines() or [""])[0][:200]


def columns_of(path: Path, schema: pa.Schema, *, strings: bool) -> tuple[Column, ...]:
    """The columns of a new table for the file. Raises `UserError` for a type that the warehouse has not."""
    names = [column_name(name) for name in schema.names]
    count = Counter(name.lower() for name in names)
    if twice := [name for name in names if count[name.lower()] > 1]:
        raise UserError(f"{path}: several columns are called {twice[0]!r} (case and signs do not count).")
    if strings:
        return tuple(Column(name, "STRING") for name in names)
    return tuple(_column(path, name, item.type) for name, item in zip(names, schema, strict=True))


def _column(path: Path, name: str, kind: pa.DataType, depth: int = 0) -> Column:
    if depth > MAX_RECORDS or column_name(name) != name:
        what = (
            f"is nested deeper than {MAX_RECORDS} records" if depth > MAX_RECORDS else "has no name that a table takes"
        )
        raise UserError(f"{path}: field {name[:60]!r} {what}. Try --strings.")
    if pa.types.is_dictionary(kind):
        return _column(path, name, kind.value_type, depth)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        inner = _column(path, name, kind.value_type, depth)
        if not inner.is_array:
            return Column(name, inner.kind, "REPEATED", inner.fields)
    if pa.types.is_struct(kind):
        return Column(name, "RECORD", fields=tuple(_column(path, item.name, item.type, depth + 1) for item in kind))
    for fits, found in _SIMPLE:
        if fits(kind):
            return Column(name, found)
    raise UserError(f"{path}: column {name} has the type {kind}, which the warehouse has not. Try --strings.")


def rewrite(source: pq.ParquetFile, path: Path, columns: tuple[Column, ...], target: Path) -> int:
    """Rewrite the file with these columns, in this order; the number of rows.

    Raises `UserError` with the column and the row of the first value that does not fit.
    """
    schema = arrow_schema(columns)
    given = {column_name(name).lower(): position for position, name in enumerate(source.schema_arrow.names)}
    unknown = set(given) - {column.name.lower() for column in columns}
    if unknown:
        raise UserError(f"{path}: the table has no column {sorted(unknown)[0]!r}.")
    count = 0
    with pq.ParquetWriter(target, schema) as writer:
        for batch in _batches(source, path):
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
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    elif pa.types.is_nested(values.type):
        # A piece of a list still has the whole list below it, which a cast would write out.
        values = values.take(pa.array(range(len(values)), pa.int64()))
    if pa.types.is_string(item.type) and pa.types.is_nested(values.type):
        texts = [None if value is None else json.dumps(value, default=str) for value in values.to_pylist()]
        return pa.array(texts, pa.string())
    try:
        return _exactly(values, item.type)
    except (pa.ArrowException, NotImplementedError) as error:
        row = before + _first_bad(values, item.type) + 1
        raise UserError(f"{path}, row {row}: column {item.name} does not fit {item.type} ({_reason(error)}).") from None


def _exactly(values: pa.Array, kind: pa.DataType) -> pa.Array:
    """The values as that type. Arrow rounds a double to a decimal's places; here that is an error."""
    found = values.cast(kind)
    if pa.types.is_floating(values.type) and pa.types.is_decimal(kind) and not found.cast(values.type).equals(values):
        raise pa.ArrowInvalid("more decimals than it keeps")
    return found


def _first_bad(values: pa.Array, kind: pa.DataType) -> int:
    for position in range(len(values)):
        try:
            _exactly(values.slice(position, 1), kind)
        except (pa.ArrowException, NotImplementedError):
            return position
    return 0
