"""Reading several things by one statement: each statement costs BigQuery a job, and whoever waits a second or two.

A `Reading` is a generator that yields the queries that it needs next, gets the rows of each, and returns its result.
`both` asks what two of them need at once, and `read` sends what is asked for together as one statement.

    signals, state = read(warehouse, both(signals_reading(warehouse), state_reading(warehouse)))
"""

import re
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from incident_ledger.warehouse.client import Warehouse

A = TypeVar("A")
B = TypeVar("B")
T = TypeVar("T")
Row = dict[str, Any]


@dataclass(frozen=True)
class Query:
    """A SELECT and its parameters. Its rows come in no order, since they may be read with others."""

    sql: str
    params: Mapping[str, Any] = field(default_factory=dict)


Reading = Generator[Sequence[Query], Sequence[list[Row]], T]


def rows_of(sql: str, params: Mapping[str, Any] | None = None) -> Reading[list[Row]]:
    """The rows of one query, to be taken by `yield from`."""
    (rows,) = yield [Query(sql, params or {})]
    return rows


def both(first: Reading[A], second: Reading[B]) -> Reading[tuple[A, B]]:
    """Two readings side by side."""
    results: list[Any] = [None, None]
    asked: dict[int, Sequence[Query]] = {}
    readings: tuple[Reading[Any], Reading[Any]] = (first, second)
    for place, reading in enumerate(readings):
        _advance(reading, None, place, asked, results)
    while asked:
        rows = iter((yield [query for queries in asked.values() for query in queries]))
        for place, queries in list(asked.items()):
            _advance(readings[place], [next(rows) for _ in queries], place, asked, results)
    return results[0], results[1]


def read(warehouse: Warehouse, reading: Reading[T]) -> T:
    """The result of a reading: one statement for each time that it asks."""
    try:
        queries = next(reading)
        while True:
            queries = reading.send(_ask(warehouse, queries))
    except StopIteration as end:
        result: T = end.value
        return result


def _advance(
    reading: Reading[Any],
    rows: Sequence[list[Row]] | None,
    place: int,
    asked: dict[int, Sequence[Query]],
    results: list[Any],
) -> None:
    try:
        asked[place] = next(reading) if rows is None else reading.send(rows)
    except StopIteration as end:
        results[place] = end.value
        asked.pop(place, None)


def _ask(warehouse: Warehouse, queries: Sequence[Query]) -> list[list[Row]]:
    if len(queries) == 1:
        return [warehouse.rows(queries[0].sql, queries[0].params)]
    parts, params = [], {}
    for number, query in enumerate(queries):
        sql = query.sql
        for name, value in query.params.items():
            sql = re.sub(rf"@{name}\b", f"@part_{number}_{name}", sql)
            params[f"part_{number}_{name}"] = value
        parts.append(f"(select array_agg(part) from (\n{sql}\n) as part) as part_{number}")  # noqa: S608 - queries of our own
    (row,) = warehouse.rows(f"select {', '.join(parts)}", params)
    return [row[f"part_{number}"] or [] for number in range(len(queries))]
