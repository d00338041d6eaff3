"""`warehouse load`: a CSV, JSON-lines or Parquet file into a table, all of it or nothing.

The whole file is read, checked and typed first; then one load job sends it. A table that is there decides the types and
is never changed; a new one gets the types of `guess.py`, or only STRING. No streaming (`insertAll`): rows that are
streamed into a table that was just made are accepted and lost.
"""

import tempfile
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.cloud import bigquery
from google.cloud.exceptions import Conflict

from incident_ledger.errors import OutsideError, StatementError, UserError
from incident_ledger.warehouse.client import Column, Warehouse, column
from incident_ledger.warehouse.loading import parquet, payload
from incident_ledger.warehouse.loading.file_records import (
    MAX_COLUMNS,
    OnBytes,
    Record,
    bad,
    csv_header,
    csv_records,
    json_records,
)
from incident_ledger.warehouse.loading.type_detection import Guess
from incident_ledger.warehouse.loading.values import BadValueError, UnkeptError, convert, json_of_text
from incident_ledger.warehouse.tables import ensure_dataset

_FORMATS = {
    ".csv": "CSV",
    ".tsv": "CSV",
    ".jsonl": "JSON",
    ".ndjson": "JSON",
    ".json": "JSON",
    ".parquet": "PARQUET",
    ".pq": "PARQUET",
}


@dataclass(frozen=True)
class Loaded:
    """What a load did. `is_new`: it made the table."""

    rows: int
    columns: tuple[Column, ...]
    is_new: bool


def load_file(
    warehouse: Warehouse,
    path: Path,
    dataset: str,
    table: str,
    *,
    strings: bool = False,
    replace: bool = False,
    on_bytes: OnBytes = lambda _size: None,
) -> Loaded:
    """Load a file, appending unless it is to replace. `on_bytes` gets each piece's size (twice for a new table).

    Raises `UserError` with file and line for what is wrong with the file; the table is then as it was.
    """
    if path.suffix.lower() not in _FORMATS:
        raise UserError(f"{path}: the name must end in {', '.join(_FORMATS)}.")
    if not path.is_file():
        raise UserError(f"There is no file {path}.")
    target = warehouse.table(dataset, table) if warehouse.table_exists(dataset, table) else None
    if target is not None and target.table_type != "TABLE":
        raise UserError(f"{dataset}.{table} is a {target.table_type.lower()}; rows can be loaded into tables only.")
    given = None if target is None else tuple(column(item) for item in target.schema)
    with tempfile.TemporaryDirectory(prefix="incident-ledger-") as folder:
        ready = prepare(path, Path(folder) / "rows", given, strings=strings, on_bytes=on_bytes)
        _send(warehouse, ready, (dataset, table), target, replace=replace)
    return Loaded(ready.rows, ready.columns, target is None)


@dataclass(frozen=True)
class Ready:
    """A file that a load job takes as it is, and what is in it."""

    path: Path
    rows: int
    columns: tuple[Column, ...]
    is_parquet: bool


def prepare(
    path: Path,
    target: Path,
    given: tuple[Column, ...] | None = None,
    *,
    strings: bool = False,
    on_bytes: OnBytes = lambda _size: None,
) -> Ready:
    """Write all records of a file to `target`, typed by the columns given or by their values. Asks no warehouse.

    Raises `UserError` with file and line for what is wrong with the file.
    """
    kind = _FORMATS[path.suffix.lower()]
    if kind == "PARQUET":
        source = parquet.open_parquet(path)
        columns = given or parquet.columns_of(path, source.schema_arrow, strings=strings)
        if not payload.fits_parquet(columns):
            raise UserError(f"{path}: the table has columns that Parquet has no type for; load CSV or JSON lines.")
        rows, is_parquet = parquet.rewrite(source, path, columns, target), True
    else:
        columns = given or _columns_of(path, kind, strings=strings, on_bytes=on_bytes)
        typed, is_parquet = _typed(path, kind, columns, on_bytes), payload.fits_parquet(columns)
        rows = (payload.write_parquet if is_parquet else payload.write_json_lines)(target, columns, typed)
    if rows == 0:
        raise UserError(f"{path} has no records; nothing was loaded.")
    return Ready(target, rows, columns, is_parquet)


def _records(path: Path, kind: str, on_bytes: OnBytes) -> Iterator[Record]:
    return csv_records(path, on_bytes) if kind == "CSV" else json_records(path, on_bytes)


def _columns_of(path: Path, kind: str, *, strings: bool, on_bytes: OnBytes) -> tuple[Column, ...]:
    """The columns of a new table, from all records."""
    guesses = {name: Guess(text_only=True) for name in csv_header(path)} if kind == "CSV" else {}
    if strings and kind == "CSV":
        return tuple(Column(name, "STRING") for name in guesses)
    names = {name.lower(): name for name in guesses}
    for line, record in _records(path, kind, on_bytes):
        for name, value in record.items():
            known = names.setdefault(name.lower(), name)
            guess = guesses.setdefault(known, Guess(text_only=False))
            if not strings:
                try:
                    guess.see(value)
                except BadValueError as error:
                    hint = "" if isinstance(error, UnkeptError) else " --strings takes it as text."
                    raise bad(path, line, f"{name} {error}.{hint}") from None
        if len(guesses) > MAX_COLUMNS:
            raise bad(path, line, f"more than {MAX_COLUMNS:,} columns so far, the most that a table has.")
    if not guesses:
        raise UserError(f"{path} is empty; nothing was loaded.")
    columns = tuple(Column(name, "STRING") if strings else guess.column(name) for name, guess in guesses.items())
    if (count := _count(columns)) > MAX_COLUMNS:
        raise UserError(f"{path}: {count:,} columns with those of records, and a table has at most {MAX_COLUMNS:,}.")
    return columns


def _count(columns: Iterable[Column]) -> int:
    return sum(1 + _count(column.fields) for column in columns)


def _typed(path: Path, kind: str, columns: tuple[Column, ...], on_bytes: OnBytes) -> Iterator[list[Any]]:
    """The records as values in the columns' order."""
    keys: tuple[str, ...] | None = None
    places: list[tuple[Column, str]] = []  # each column and what the file calls it
    for line, record in _records(path, kind, on_bytes):
        if tuple(record) != keys:
            keys, places = tuple(record), _places(path, line, record, columns)
        row = []
        item = columns[0]
        try:
            for item, key in places:
                value = record.get(key)
                if value and kind == "CSV" and item.kind == "JSON":
                    value = json_of_text(value)
                row.append(convert(value, item))
        except BadValueError as error:
            raise bad(path, line, f"{item.name} {error}.") from None
        yield row


def _places(path: Path, line: int, record: dict[str, Any], columns: tuple[Column, ...]) -> list[tuple[Column, str]]:
    keys = {key.lower(): key for key in record}
    unknown = keys.keys() - {item.name.lower() for item in columns}
    if unknown:
        raise bad(path, line, f"the table has no column {keys[sorted(unknown)[0]]!r}.")
    return [(item, keys.get(item.name.lower(), item.name)) for item in columns]


def _send(
    warehouse: Warehouse, ready: Ready, name: tuple[str, str], target: bigquery.Table | None, *, replace: bool
) -> None:
    client, settings = warehouse.client, warehouse.settings
    job: Any
    config = _config(target, ready.columns, is_parquet=ready.is_parquet, replace=replace)
    reference = f"{settings.project}.{name[0]}.{name[1]}"
    job_id = f"incident_ledger_{uuid.uuid4().hex}"
    try:
        with warehouse.map_bigquery_errors():
            if target is None:
                ensure_dataset(warehouse, name[0])
            with ready.path.open("rb") as file:
                try:
                    job = client.load_table_from_file(
                        file,
                        reference,
                        size=ready.path.stat().st_size,
                        num_retries=2,
                        job_id=job_id,
                        job_config=config,
                        timeout=settings.query_timeout,
                    )
                except Conflict:
                    # Sent again after a lost answer: the first one arrived.
                    job = client.get_job(job_id, timeout=60)
            job.result(timeout=settings.query_timeout)
    except StatementError as error:
        raise OutsideError(f"The load into {name[0]}.{name[1]} failed and changed nothing. {error}") from error


def _config(
    target: bigquery.Table | None, columns: tuple[Column, ...], *, is_parquet: bool, replace: bool
) -> bigquery.LoadJobConfig:
    config = bigquery.LoadJobConfig(
        source_format="PARQUET" if is_parquet else "NEWLINE_DELIMITED_JSON",
        write_disposition="WRITE_TRUNCATE" if replace else "WRITE_APPEND",
        create_disposition="CREATE_IF_NEEDED" if target is None else "CREATE_NEVER",
    )
    if is_parquet:
        config.parquet_options = bigquery.ParquetOptions()  # type: ignore[no-untyped-call]
        config.parquet_options.enable_list_inference = True
    if target is None:
        config.schema = [_schema_field(item) for item in columns]
    elif replace:
        # WRITE_TRUNCATE takes the job's description of the table for the new one: give it the table's own.
        config.schema = target.schema
        config.time_partitioning = target.time_partitioning
        config.range_partitioning = target.range_partitioning
        config.clustering_fields = target.clustering_fields
    return config


def _schema_field(item: Column) -> bigquery.SchemaField:
    return bigquery.SchemaField(item.name, item.kind, item.mode, fields=[_schema_field(inner) for inner in item.fields])
