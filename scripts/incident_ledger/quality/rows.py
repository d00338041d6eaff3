"""Rows as a statement takes them: a JSON array as its one parameter `rows`, and moments as literals, which prune."""

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from incident_ledger.warehouse.tables import RawTable

_MOST_BYTES = 4_000_000  # BigQuery takes no request over 10 MB, and JSON inside JSON is escaped


def names(table: RawTable) -> str:
    """The columns of a table."""
    return ", ".join(name for name, _, _ in table.columns)


def selected(table: RawTable) -> str:
    """A query for the rows of `@rows`, with a table's columns."""
    values = ", ".join(_value(name, kind) for name, kind, _ in table.columns)
    return f"select {values} from unnest(json_query_array(parse_json(@rows))) as item"  # noqa: S608 - names of ours


def chunks(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """JSON arrays of rows, none over the limit; nothing for no rows."""
    part: list[str] = []
    size = 0
    for text in (json.dumps(row, ensure_ascii=False) for row in rows):
        length = len(text.encode())
        if part and size + length > _MOST_BYTES:
            yield f"[{','.join(part)}]"
            part, size = [], 0
        part.append(text)
        size += length
    if part:
        yield f"[{','.join(part)}]"


def literal(moment: datetime) -> str:
    """A moment in SQL."""
    return f"timestamp '{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00'"


def _value(name: str, kind: str) -> str:
    path = f"item, '$.{name}'"
    if kind == "STRING":
        return f"json_value({path}) as {name}"
    if kind == "JSON":
        return f"json_query({path}) as {name}"
    if kind == "TIMESTAMP":
        return f"timestamp(json_value({path})) as {name}"
    return f"cast(json_value({path}) as {kind}) as {name}"
