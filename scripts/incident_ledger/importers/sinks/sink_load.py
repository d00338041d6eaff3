"""`load_sink`: files of log entries in, rows of a sink's table and rejects out."""

# ruff: noqa: S608 -- names of tables and columns are our own or checked settings; values are bound

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from incident_ledger.encoding import canonical, parse_time
from incident_ledger.importers import Reject
from incident_ledger.importers.rejects import write_rejects
from incident_ledger.importers.sinks.log_entries import Entries, read_entries
from incident_ledger.importers.sinks.sink_tables import Sink, find_sink, sink_location
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.nested_tables import Fields, ensure_nested_table
from incident_ledger.warehouse.rows import MAX_REQUEST_BYTES, literal
from incident_ledger.warehouse.scratch import scratch_table
from incident_ledger.warehouse.shards import is_sharded, shard_name
from incident_ledger.warehouse.tables import ensure_tables

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class SinkReport:
    """Of `entries` that were read, `new` were not in the table; `doubled` came twice, `future` have a time to come."""

    sink: str
    table: str
    entries: int
    new: int
    doubled: int
    future: int
    rejects: tuple[Reject, ...]


def load_sink(
    warehouse: Warehouse,
    name: str,
    files: Sequence[Path],
    *,
    loaded_at: datetime,
    max_bytes: int = MAX_REQUEST_BYTES,
) -> SinkReport:
    """Load exported entries into the table that the sink's setting names; made when it is not there. Again is nothing.

    What cannot be read goes to `import_rejects`, with its line. Raises `UserError` for an unknown sink, one without a
    table, and files without an entry.
    """
    sink = find_sink(name)
    dataset, table = sink_location(sink, warehouse.settings)
    entries = read_entries(sink, list(files), loaded_at)
    ensure_tables(warehouse)
    new = 0
    for each, rows in _by_table(sink, table, entries).items():
        _ensure(warehouse, sink, dataset, each, is_shard=each != table)
        new += _merge(warehouse, sink, warehouse.name(dataset, each), rows, max_bytes)
    write_rejects(warehouse, sink.name, entries.rejects, loaded_at)
    return SinkReport(
        sink=sink.name,
        table=f"{dataset}.{table}",
        entries=len(entries.rows) + entries.doubled,
        new=new,
        doubled=entries.doubled,
        future=entries.future,
        rejects=tuple(entries.rejects),
    )


def ensure_sink(warehouse: Warehouse, sink: Sink, day: date) -> None:
    """Make the table of a sink where it is not there; of a date-sharded one that of the day.

    Raises `UserError` where no setting names one.
    """
    dataset, table = sink_location(sink, warehouse.settings)
    name = shard_name(table, day) if is_sharded(table) else table
    _ensure(warehouse, sink, dataset, name, is_shard=name != table)


def _ensure(warehouse: Warehouse, sink: Sink, dataset: str, name: str, *, is_shard: bool) -> None:
    ensure_nested_table(warehouse, dataset, name, sink.columns, partition=None if is_shard else sink.time)


def _by_table(sink: Sink, table: str, entries: Entries) -> dict[str, list[Row]]:
    """The entries by the table that has them: the one, or the shard of the day (UTC) of their time."""
    if not is_sharded(table):
        return {table: list(entries.rows.values())}
    found: dict[str, list[Row]] = {}
    for row in entries.rows.values():
        found.setdefault(shard_name(table, parse_time(row[sink.time]).astimezone(UTC)), []).append(row)
    return found


def _merge(warehouse: Warehouse, sink: Sink, table: str, rows: Sequence[Row], max_bytes: int) -> int:
    items = [canonical(row) for row in rows]
    times = [parse_time(row[sink.time]) for row in rows]
    names = ", ".join(sink.columns)
    keys = " and ".join(f"target.{name} = source.{name}" for name in sink.keys)
    with _source(warehouse, items, max_bytes) as (source, params):
        sql = f"""
            merge {table} as target
            using (select {_cells(sink.columns, "$")} from {source}) as source
            on {keys} and target.{sink.time} between {literal(min(times))} and {literal(max(times))}
            when not matched then insert ({names}) values ({", ".join(f"source.{name}" for name in sink.columns)})
        """
        return warehouse.execute(sql, params)


@contextmanager
def _source(warehouse: Warehouse, items: list[str], max_bytes: int) -> Iterator[tuple[str, dict[str, str]]]:
    """What a query reads the items from: a parameter, or a table of its own where they are too large for a request."""
    text = canonical(items)
    if len(canonical(text)) <= max_bytes:
        yield "unnest(json_value_array(@items)) as item", {"items": text}
    else:
        with scratch_table(warehouse, items) as scratch:
            yield scratch, {}


def _cells(columns: Fields, place: str) -> str:
    return ", ".join(f"{_cell(kind, f'{place}.{name}')} as {name}" for name, kind in columns.items())


def _cell(kind: str | Fields, path: str) -> str:
    if not isinstance(kind, str):
        return f"struct({_cells(kind, path)})"
    value = f"json_value(item, '{path}')"
    if kind == "STRING":
        return value
    return f"timestamp({value})" if kind == "TIMESTAMP" else f"cast({value} as {kind})"
