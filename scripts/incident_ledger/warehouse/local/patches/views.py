"""Fixes to views. Seen in bqemulator 1.4.0."""

import re
from contextvars import ContextVar
from typing import Any

import duckdb
from bqemulator.catalog import ddl_sync
from bqemulator.jobs import executor
from bqemulator.sql.rewriter import row_access_filter
from bqemulator.storage.engine import DuckDBEngine

IS_WRITTEN_OUT: ContextVar[bool] = ContextVar("is_written_out", default=False)
"""Whether the views of the statement at work are written out into it."""

_ALTERED = "Contents of view were altered"  # DuckDB's words for a view whose tables have got other columns since


def views_are_read_as_views() -> None:
    """Each view is written out into every query that reads it, and parsed again at each reading.

    A view over views grows with every level: one row of `incident_state` took 4 s on an empty ledger. The server has
    made a view of its own for each, so that is read. (Views are written out to apply row access policies, which the
    local warehouse has none of.) DuckDB's views fix their columns when they are made and BigQuery's do not: where
    columns have changed since, the view is written out as before.
    """
    expand, run = row_access_filter._Rewriter._expand_view, executor._run_single_sql

    def expand_if_needed(self: Any, *args: Any, **options: Any) -> Any:
        return IS_WRITTEN_OUT.get() and expand(self, *args, **options)

    async def run_once_more_if_altered(*args: Any, **options: Any) -> Any:
        try:
            return await run(*args, **options)
        except Exception as error:
            if _ALTERED not in str(error):
                raise
            token = IS_WRITTEN_OUT.set(True)
            try:
                return await run(*args, **options)
            finally:
                IS_WRITTEN_OUT.reset(token)

    row_access_filter._Rewriter._expand_view = expand_if_needed
    executor._run_single_sql = run_once_more_if_altered


def views_can_be_deleted() -> None:
    """`tables.delete` of a view is a 500, so that dbt could not make a table of what was a view."""
    original = DuckDBEngine.execute
    drop = "DROP TABLE IF EXISTS "

    def execute(self: Any, statement: str, parameters: list[Any] | None = None) -> Any:
        try:
            return original(self, statement, parameters)
        except duckdb.CatalogException as error:
            if not statement.startswith(drop) or "is of type View" not in str(error):
                raise
        return original(self, f"DROP VIEW IF EXISTS {statement.removeprefix(drop)}")

    DuckDBEngine.execute = execute


def views_have_no_constraints() -> None:
    """Which columns may be null is queried of each new view, too, which plans it once more: none of them is bound."""
    original = ddl_sync._column_notnull_map

    def no_constraints(target: str, ctx: Any) -> dict[str, bool]:
        *_, schema, name = re.findall(r'"((?:[^"]|"")*)"', target)
        kind = (
            "SELECT 1 FROM information_schema.tables WHERE table_schema = ? AND table_name = ? AND table_type = 'VIEW'"
        )
        is_view = ctx.engine.execute(kind, [schema, name]).fetchone()
        return {} if is_view else original(target, ctx)

    ddl_sync._column_notnull_map = no_constraints
