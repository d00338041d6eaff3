"""Fixes around the database itself: extensions, memory, threads. Seen in bqemulator 1.4.0."""

import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any

import bqemulator.api.routes.jobs as job_routes
import bqemulator.server as emulator
import fastapi.dependencies.utils
import fastapi.routing
from bqemulator.catalog.duckdb_repository import DuckDBCatalogRepository
from bqemulator.jobs import executor
from bqemulator.storage.engine import DuckDBEngine
from bqemulator.versioning.snapshots import SnapshotManager
from duckdb_extensions import import_extension

from incident_ledger.errors import UserError

MAX_RESULT_BYTES = 512 * 1024**2
MAX_JOBS = 2_000
MIN_MEMORY_MB = 128
"""With 2 MB the server does not start, with 64 the demo's 90 days cannot be built, with 96 they can."""


def bundled_extensions() -> None:
    """The emulator downloads DuckDB's `spatial` (and `avro`) at its start; the packages in our lock carry them."""
    import_extension("spatial")
    import_extension("avro")


def bounded_memory(limit: str) -> None:
    """DuckDB takes up to 80 % of the machine and the emulator has no setting for it.

    Raises `UserError` for what is no size, or too small a one.
    """
    size = re.fullmatch(r"(\d+(?:\.\d+)?) ?([KMGT])(i?)B", limit)
    if not size:
        raise UserError(f"INCIDENT_LEDGER_LOCAL_MEMORY {limit!r} is no size. Write it as 2GB or 512MB.")
    number, unit, binary = size.groups()
    if float(number) * (1024 if binary else 1000) ** (" KMGT".index(unit)) < MIN_MEMORY_MB * 1000**2:
        raise UserError(f"INCIDENT_LEDGER_LOCAL_MEMORY {limit!r} is too small; at least {MIN_MEMORY_MB}MB.")
    original = DuckDBEngine._apply_session_pragmas

    def pragmas(self: Any) -> None:
        original(self)
        # What does not fit is written beside the data file.
        self._connection.execute(f"SET memory_limit = '{limit}'")

    DuckDBEngine._apply_session_pragmas = pragmas


def no_top_n_window_elimination() -> None:
    """DuckDB 1.5.5 dies (a segmentation fault) of a `qualify row_number() over (...) = 1` above a join of wide views.

    Its optimizer makes an aggregate of such a window, which reads past the end of a row. Seen with `incident_state` and
    `response_rules`, joined to the outbox; without that optimizer the same statement gives its rows.
    """
    original = DuckDBEngine._apply_session_pragmas

    def pragmas(self: Any) -> None:
        original(self)
        self._connection.execute("SET disabled_optimizers = 'top_n_window_elimination'")

    DuckDBEngine._apply_session_pragmas = pragmas


def no_copy_at_every_write() -> None:
    """Every write copies the whole table for time travel and keeps that 7 days: 11 s for a row into 10 million."""
    original = SnapshotManager.capture

    def capture(self: Any, project: str, dataset: str, table: str, *, kind: str = "AUTO") -> Any:
        return None if kind == "AUTO" else original(self, project, dataset, table, kind=kind)

    SnapshotManager.capture = capture


def one_thread() -> None:
    """Plain `def` routes run in other threads on the one DuckDB connection that the event loop uses.

    A `tabledata.list` between another statement's execute and its fetch takes that statement's rows. Statements never
    overlap here anyway, so all routes run where the statements run.
    """

    async def at_once(call: Callable[..., Any], *args: Any, **options: Any) -> Any:
        return call(*args, **options)

    fastapi.routing.run_in_threadpool = at_once  # type: ignore[attr-defined, assignment]
    fastapi.dependencies.utils.run_in_threadpool = at_once  # type: ignore[attr-defined, assignment]


class _NoServer:
    """Serves nothing."""

    async def start(self) -> None:
        """Start nothing."""

    async def stop(self, grace: float | None = None) -> None:
        """Stop nothing."""


def rest_alone() -> None:
    """The Storage API is served by gRPC at a port of its own, to everyone on this machine, and nothing here uses it."""
    emulator.build_grpc_server = lambda _context: (_NoServer(), 0)


class _Recent(OrderedDict[str, Any]):
    """Results by job id; the oldest go when all together are over `MAX_RESULT_BYTES`, the newest always stays."""

    kept_bytes = 0

    def __setitem__(self, key: str, table: Any) -> None:
        if key in self:
            del self[key]
        super().__setitem__(key, table)
        self.kept_bytes += table.nbytes
        while self.kept_bytes > MAX_RESULT_BYTES and len(self) > 1:
            del self[next(iter(self))]

    def __delitem__(self, key: str) -> None:
        self.kept_bytes -= self[key].nbytes
        super().__delitem__(key)

    def pop(self, key: str, default: Any = None) -> Any:
        """The result, taken out."""
        if key not in self:
            return default
        table = self[key]
        del self[key]
        return table


def bounded_results() -> None:
    """The result of every query since the start of the server stays in its memory."""
    recent = _Recent()
    executor.JOB_RESULTS = recent
    job_routes.JOB_RESULTS = recent


def jobs_in_memory() -> None:
    """Every job, with the text of its query, is kept for ever, in memory and by an INSERT into the data file.

    Only the last `MAX_JOBS` stay, in memory: clients ask for a job right after they sent it.
    """

    def upsert_job(self: Any, job: Any) -> Any:
        self.ensure_ready()
        jobs = self._cache._jobs
        kept = self._cache.upsert_job(job)
        while len(jobs) > MAX_JOBS:
            oldest = next(iter(jobs))
            del jobs[oldest]
            executor.JOB_SCHEMAS.pop(oldest[-1], None)
        return kept

    DuckDBCatalogRepository.upsert_job = upsert_job


def errors_keep_the_connection() -> None:
    """After an answer of HTTP 500 the connection is closed under the client's next request."""
    original = emulator.create_app

    def create_app(context: Any) -> Callable[..., Awaitable[None]]:
        app = original(context)

        async def kept(scope: Any, receive: Any, send: Any) -> None:
            is_answered = False

            async def noted(message: Any) -> None:
                nonlocal is_answered
                await send(message)
                is_answered = message["type"] == "http.response.body" and not message.get("more_body", False)

            try:
                await app(scope, receive, noted)
            except Exception:
                # It was logged and answered; raised again, it makes the server close the connection.
                if not is_answered:
                    raise

        return kept

    emulator.create_app = create_app
