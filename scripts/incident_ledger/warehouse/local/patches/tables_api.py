"""Fixes to the tables API. Seen in bqemulator 1.4.0."""

from datetime import timedelta
from typing import Any

import bqemulator.api.routes.tables as table_routes
import pyarrow as pa
from bqemulator.catalog.duckdb_repository import DuckDBCatalogRepository
from bqemulator.storage import arrow_bridge, type_map
from bqemulator.storage.sql_identifiers import quoted_table_ref
from bqemulator.versioning.snapshots import SnapshotManager


def added_columns_arrive() -> None:
    """A column added by the tables API (dbt's `append_new_columns`) is reported and never made."""
    original = DuckDBCatalogRepository.update_table

    def update_table(self: Any, meta: Any, *args: Any, **options: Any) -> Any:
        if meta.table_type == "TABLE" and meta.schema_ is not None:
            table = quoted_table_ref(meta.project_id, meta.dataset_id, meta.table_id)
            have = {row[0].lower() for row in self._engine.execute(f"DESCRIBE {table}").fetchall()}
            fields = [table_routes._field_to_rest(field) for field in meta.schema_.fields]
            for column, kind in type_map.bq_schema_to_duckdb_columns(fields):
                if column.lower() not in have:
                    self._engine.execute(f'ALTER TABLE {table} ADD COLUMN "{column}" {kind}')
        return original(self, meta, *args, **options)

    DuckDBCatalogRepository.update_table = update_table


def sums_of_integers_are_integers() -> None:
    """A table or view with a SUM or COUNTIF says NUMERIC: DuckDB's HUGEINT arrives as a decimal of 38 whole digits.

    No NUMERIC of BigQuery has so many digits before its point.
    """
    original = arrow_bridge.arrow_type_to_bq_type_name

    def type_name(kind: Any) -> str:
        if pa.types.is_decimal(kind) and (kind.precision, kind.scale) == (38, 0):
            return "INTEGER"
        return str(original(kind))

    arrow_bridge.arrow_type_to_bq_type_name = type_name


def labels_are_listed() -> None:
    """`tables.list` leaves out the labels of the tables."""
    original = table_routes._table_to_list_item

    def list_item(table: Any) -> dict[str, Any]:
        item: dict[str, Any] = original(table)
        return {**item, "labels": dict(table.labels or {})}

    table_routes._table_to_list_item = list_item


def views_have_their_queries() -> None:
    """`tables.get` of a view leaves out its query."""
    original = table_routes._table_to_rest

    def to_rest(table: Any) -> dict[str, Any]:
        body: dict[str, Any] = original(table)
        if table.table_type == "VIEW" and table.view_query:
            body["view"] = {"query": table.view_query, "useLegacySql": False}
        return body

    table_routes._table_to_rest = to_rest


def changes_are_dated() -> None:
    """`lastModifiedTime` stays that of the table's creation, whatever DML and loads do."""
    original = SnapshotManager.record_change

    def record_change(self: Any, project: str, dataset: str, table: str) -> Any:
        meta = self._catalog.get_table(project, dataset, table)
        if meta is not None:
            # Two changes within a millisecond, which is how exactly the API says it, are two times.
            now = max(self._clock.now(), meta.last_modified_time + timedelta(milliseconds=1))
            updated = self._catalog._cache.update_table(meta.model_copy(update={"last_modified_time": now}))
            self._catalog._write_table(updated)
        return original(self, project, dataset, table)

    SnapshotManager.record_change = record_change


def record_fields_are_quoted() -> None:
    """A field of a RECORD whose name is one of DuckDB's words (`at`, `end`, …) makes the table fail."""
    original = type_map.bq_schema_to_duckdb_columns

    def columns(fields: list[dict[str, Any]]) -> Any:
        return original([_with_quoted_children(field) for field in fields])

    type_map.bq_schema_to_duckdb_columns = columns
    table_routes.bq_schema_to_duckdb_columns = columns


def _with_quoted_children(field: dict[str, Any]) -> dict[str, Any]:
    """Only the next level: the emulator calls itself for each."""
    return {**field, "fields": [{**inner, "name": f'"{inner["name"]}"'} for inner in field.get("fields", [])]}
