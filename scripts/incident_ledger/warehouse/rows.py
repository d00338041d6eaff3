"""Every statement that writes rows of the raw tables: typed by the table's declaration, with bound parameters.

    merge_rows    insert the rows whose key is new, by one MERGE
    update_rows   update the rows that have the key of one of these, by one MERGE
    insert_rows   append rows, by one INSERT
    merge_query   the MERGE behind them, for a source that is a query
    update_where  one UPDATE
    bound_rows    rows as a query of typed columns, for a statement that joins them

A row is a mapping by column; a time is a `datetime`, a day a `date`, JSON whatever JSON holds. Rows go as one
parameter, and what is larger than a request may be by a load job into a scratch table, which the one statement reads.
"""

# ruff: noqa: S608 -- names of tables and columns are not parameters, and are our own; values are bound

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

from incident_ledger.encoding import canonical, timestamp
from incident_ledger.warehouse.client import Warehouse
from incident_ledger.warehouse.scratch import scratch_table
from incident_ledger.warehouse.tables import RawTable

# BigQuery takes no request over 10 MB; a little is left for the statement and for what the transport adds.
MAX_REQUEST_BYTES = 9_000_000

Row = Mapping[str, Any]
Params = Mapping[str, Any]


def merge_rows(
    warehouse: Warehouse,
    table: RawTable,
    rows: Iterable[Row],
    *,
    on: str = "",
    params: Params | None = None,
    max_bytes: int = MAX_REQUEST_BYTES,
) -> int:
    """Insert the rows whose key is new, whole or not at all; how many there were. Rows of one key are one row.

    `on` is a condition on `target` beside the key, so that partitions are pruned.
    """
    unique = list({tuple(row[name] for name in table.key): row for row in rows}.values())
    if not unique:
        return 0
    with bound_rows(warehouse, table, unique, max_bytes=max_bytes) as (query, bound):
        return merge_query(warehouse, table, query, columns=tuple(unique[0]), on=on, params={**(params or {}), **bound})


def update_rows(
    warehouse: Warehouse, table: RawTable, rows: Sequence[Row], *, on: str = "", params: Params | None = None
) -> int:
    """Update the rows of these keys that meet `on`; how many there were. No two rows have one key."""
    if not rows:
        return 0
    with bound_rows(warehouse, table, rows) as (query, bound):
        return merge_query(
            warehouse,
            table,
            query,
            columns=tuple(rows[0]),
            on=on,
            inserts=None,
            updates="",
            params={**(params or {}), **bound},
        )


def insert_rows(warehouse: Warehouse, table: RawTable, rows: Sequence[Row]) -> int:
    """Append rows, by one statement; how many there were."""
    if not rows:
        return 0
    columns = ", ".join(rows[0])
    with bound_rows(warehouse, table, rows) as (query, bound):
        return warehouse.execute(f"insert into {warehouse.raw(table.name)} ({columns})\n{query}", bound)


def merge_query(
    warehouse: Warehouse,
    table: RawTable,
    query: str,
    *,
    columns: Sequence[str],
    on: str = "",
    inserts: str | None = "",
    updates: str | None = None,
    params: Params | None = None,
) -> int:
    """One MERGE by the table's key of what a query gives; how many rows it changed.

    What is not matched is inserted, what is matched is updated, each where its condition is met ("" is always, None
    never). The conditions and `on` name the rows `source` and `target`.
    """
    matches = [f"target.{name} = source.{name}" for name in table.key] + [f"({on})"] * bool(on)
    clauses = []
    if updates is not None:
        values = ", ".join(f"{name} = source.{name}" for name in columns if name not in table.key)
        clauses.append(f"when matched{_condition(updates)} then update set {values}")
    if inserts is not None:
        values = ", ".join(f"source.{name}" for name in columns)
        clauses.append(
            f"when not matched{_condition(inserts)} then insert ({', '.join(columns)})\n        values ({values})"
        )
    sql = f"""
        merge {warehouse.raw(table.name)} as target
        using (
            {query}
        ) as source
        on {" and ".join(matches)}
        {" ".join(clauses)}
    """
    return warehouse.execute(sql, params)


def update_where(
    warehouse: Warehouse, table: RawTable, values: Mapping[str, str], where: str, params: Params | None = None
) -> int:
    """Set columns to expressions where a condition is met; how many rows changed."""
    assignments = ", ".join(f"{name} = {expression}" for name, expression in values.items())
    return warehouse.execute(f"update {warehouse.raw(table.name)} set {assignments} where {where}", params)


@contextmanager
def bound_rows(
    warehouse: Warehouse,
    table: RawTable,
    rows: Sequence[Row],
    *,
    columns: Sequence[str] = (),
    max_bytes: int = MAX_REQUEST_BYTES,
) -> Iterator[tuple[str, dict[str, str]]]:
    """A query for rows with the columns of the first one (or `columns`) as the table types them, and its parameters.

    What does not fit into a request of `max_bytes` is in a table of its own while the block lasts.
    """
    columns = columns or tuple(rows[0])
    items = [encode_row(table, row, columns) for row in rows]
    if _fits(items, max_bytes):
        yield rows_query(table, columns), {"items": canonical(items)}
        return
    with scratch_table(warehouse, items) as scratch:
        yield rows_query(table, columns, scratch), {}


def rows_query(
    table: RawTable, columns: Sequence[str], source: str = "unnest(json_value_array(@items)) as item"
) -> str:
    """A query for encoded rows, each a text `item` of `source`, as typed columns."""
    kinds = {name: kind for name, kind, _ in table.columns}
    values = ", ".join(f"{_typed(name, kinds[name])} as {name}" for name in columns)
    return f"select {values} from {source}"


def encode_row(table: RawTable, row: Row, columns: Sequence[str] = ()) -> str:
    """A row as the JSON text that `rows_query` reads; a null is left out."""
    kinds = {name: kind for name, kind, _ in table.columns}
    cells = {name: _encoded(kinds[name], row[name]) for name in columns or row if row[name] is not None}
    return canonical(cells)


def literal(time: datetime) -> str:
    """A time in SQL, which prunes partitions."""
    return f"timestamp '{time.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00'"


def _condition(text: str) -> str:
    return f" and {text}" if text else ""


def _encoded(kind: str, value: Any) -> Any:
    if isinstance(value, datetime):
        return timestamp(value)
    if isinstance(value, date):
        return value.isoformat()
    return canonical(value) if kind == "JSON" else value


def _typed(name: str, kind: str) -> str:
    value = f"json_value(item, '$.{name}')"
    if kind == "STRING":
        return value
    if kind == "JSON":
        return f"parse_json({value})"
    return f"timestamp({value})" if kind == "TIMESTAMP" else f"cast({value} as {kind})"


def _fits(items: Iterable[str], max_bytes: int) -> bool:
    """Whether texts fit into one request, as a parameter that is a JSON array of them."""
    size = 0
    for item in items:
        # The transport writes the parameter as JSON once more, and everything that is not ASCII as \uXXXX.
        size += len(json.dumps(canonical(item)))
        if size > max_bytes:
            return False
    return True
