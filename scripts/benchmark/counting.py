"""The local warehouse's server once more, for the benchmark alone: it also notes requests and what statements read.

Started as `python -m benchmark.counting NOTES PARTITIONS REQUESTS …`, with the other arguments of
`incident_ledger.warehouse.local.server`; PARTITIONS is a JSON object, the day partitions' column by `dataset.table`.
NOTES may be empty: then only requests are noted.
Each line of the file REQUESTS is one request over HTTP as it came, with the times of a clock (s) at its begin and end.
Each line of the file NOTES is one statement: the rows that its scans read,

- `pruned`: as BigQuery would read them. A table by day loses the partitions that the statement's own literals exclude
  once they are pushed down to the scan; nothing else is left out, no other condition, index or join.
- `whole`: the rows of the tables that it reads, as if nothing were pruned.

DuckDB's plan says which tables and which pushed conditions. Its own count of scanned rows is of no use: it reads in
blocks of 122,880 rows, more than nine hundred days of this data.
"""

import json
import re
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from incident_ledger.warehouse.local import server

_HEAD_BYTES = 65_536
"""Of an upload: its description stands first, and what is loaded is not noted."""
_HEADERS = {b"user-agent", b"x-goog-api-client"}
_OPTIONAL = "optional: "
_PART = re.compile(r'"([^"]+)"|([^.]+)')  # of a name as DuckDB writes it
_REPLACED = re.compile(
    r"^(?:/[*].*?[*]/)?\s*MERGE INTO (?P<target>\S+) .* "
    r"ON FALSE WHEN NOT MATCHED BY SOURCE AND (?P<days>.+?) THEN DELETE",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True)
class Scan:
    """One scan of a plan: the table's name in DuckDB and the conditions that were pushed down to it."""

    table: str
    conditions: tuple[str, ...]


def scans(plan: Mapping[str, Any]) -> Iterator[Scan]:
    """Every scan of a table in a profile of DuckDB's."""
    info = plan.get("extra_info") or {}
    if "Table" in info:
        filters = info.get("Filters", [])
        texts = [filters] if isinstance(filters, str) else list(filters)
        yield Scan(info["Table"], tuple(text.removeprefix(_OPTIONAL) for text in texts))
    for child in plan.get("children", []):
        yield from scans(child)


class Notes:
    """Counts what statements read, on a cursor of its own, and writes it down."""

    def __init__(self, path: Path, partitions: Mapping[str, str], engine: Any) -> None:
        self._file = path.open("a", encoding="utf-8")
        self._partitions = partitions
        self._counter = engine.connection.cursor()

    def take(self, sql: str, plan: Mapping[str, Any]) -> None:
        """Write down one statement; the emulator's own about its catalogue do not count."""
        read = [self._rows(with_replaced_days(scan, sql)) for scan in scans(plan) if "__" in scan.table]
        if read:
            note = {"pruned": sum(one[1] for one in read), "whole": sum(one[2] for one in read)}
            self._file.write(json.dumps(note | {"scans": read, "sql": sql}) + "\n")
            self._file.flush()

    def _rows(self, scan: Scan) -> tuple[str, int, int]:
        schema, table = (quoted or plain for quoted, plain in _PART.findall(scan.table)[-2:])
        quoted = f'"{schema}"."{table}"'
        whole = self._count(quoted, "true")
        name = f"{schema.split('__', 1)[1]}.{table}"
        day = self._partitions.get(name)
        conditions = [text for text in scan.conditions if day is not None and _is_about(text, day)]
        if not conditions:
            return name, whole, whole
        met = " and ".join(f"({text})" for text in conditions)
        kept = f"select distinct date_trunc('day', \"{day}\") from {quoted} where {met}"  # noqa: S608
        return name, self._count(quoted, f"date_trunc('day', \"{day}\") in ({kept})"), whole

    def _count(self, table: str, where: str) -> int:
        return int(self._counter.execute(f"select count(*) from {table} where {where}").fetchone()[0])  # noqa: S608


class RequestNotes:
    """An ASGI application around the server's that writes down each request when it has been answered."""

    def __init__(self, app: Any, path: Path) -> None:
        self._app = app
        self._file = path.open("a", encoding="utf-8")

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        pieces: list[bytes] = []
        began = time.monotonic()

        async def noting_receive() -> Any:
            message = await receive()
            pieces.append(message.get("body", b""))
            return message

        await self._app(scope, noting_receive, send)
        path = scope["path"] + ("?" + scope["query_string"].decode() if scope["query_string"] else "")
        body = b"".join(pieces)
        note = {
            "method": scope["method"],
            "path": path,
            "headers": {name.decode(): value.decode() for name, value in scope["headers"] if name in _HEADERS},
            "body": (body[:_HEAD_BYTES] if "upload" in path else body).decode(errors="replace"),
            "began": began,
            "ended": time.monotonic(),
        }
        self._file.write(json.dumps(note) + "\n")
        self._file.flush()


def with_replaced_days(scan: Scan, sql: str) -> Scan:
    """A MERGE that replaces days names them in its clause for what the source has not; DuckDB does not push those down,
    and BigQuery prunes by them."""
    found = _REPLACED.search(sql)
    is_target = found is not None and scan.table.replace('"', "").endswith(found["target"].replace('"', ""))
    if found is None or not is_target:
        return scan
    days = re.sub(r"^CAST\(dbt_internal_dest[.](\w+) AS DATE\)", r"\1", found["days"], flags=re.IGNORECASE)
    return Scan(scan.table, (*scan.conditions, days))


def _is_about(condition: str, column: str) -> bool:
    """Whether a pushed condition is about that column (a condition that is pushed is about one)."""
    return condition.lstrip("(").startswith((f"{column} ", f'"{column}"', *(column + sign for sign in "=<>!")))


def main() -> None:
    """Serve as `server.main` does, with notes."""
    path, partitions = sys.argv.pop(1), json.loads(Path(sys.argv.pop(1)).read_text())
    requests = Path(sys.argv.pop(1))
    import bqemulator.server
    from bqemulator.storage.engine import DuckDBEngine

    create_app, execute, pragmas = (
        bqemulator.server.create_app,
        DuckDBEngine.execute,
        DuckDBEngine._apply_session_pragmas,
    )
    notes: list[Notes] = []

    def noting_app(context: Any) -> Any:
        if path:
            notes.append(Notes(Path(path), partitions, context.engine))
        app = create_app(context)
        app.add_middleware(RequestNotes, path=requests)
        return app

    def noting_pragmas(self: Any) -> None:
        pragmas(self)  # once it is open, no setting can be changed
        self._connection.execute("pragma enable_profiling = 'no_output'")
        self._connection.execute("set profiling_coverage = 'all'")

    def noting_execute(self: Any, sql: str, parameters: list[Any] | None = None) -> Any:
        answer = execute(self, sql, parameters)
        if notes:
            profile = self.connection.get_profiling_information(format="json")
            notes[0].take(sql, json.loads(profile))
        return answer

    bqemulator.server.create_app = noting_app
    if path:
        DuckDBEngine._apply_session_pragmas = noting_pragmas
        DuckDBEngine.execute = noting_execute
    server.main()


if __name__ == "__main__":
    main()
