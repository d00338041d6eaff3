"""Fixes to the tables API. Seen in bqemulator 1.4.0."""

from typing import Any

import bqemulator.api.routes.tables as table_routes
from bqemulator.catalog.duckdb_repository import DuckDBCatalogRepository
from bqemulator.storage.sql_identifiers import quoted_table_ref
from bqemulator.storage.type_map import bq_schema_to_duckdb_columns


def added_columns_arrive() -> None:
    """A column added by the tables API (dbt's `append_new_columns`) is told of and never made."""
    original = DuckDBCatalogRepository.update_table

    def update_table(self: Any, meta: Any, *args: Any, **options: Any) -> Any:
        if meta.table_type == "TABLE" and meta.schema_ is not None:
            table = quoted_table_ref(meta.project_id, meta.dataset_id, meta.table_id)
            have = {row[0].lower() for row in self._engine.execute(f"DESCRIBE {table}").fetchall()}
            fields = [table_routes._field_to_rest(field) for field in meta.schema_.fields]
            for column, kind in bq_schema_to_duckdb_columns(fields):
                if column.lower() not in have:
                    self._engine.execute(f'ALTER TABLE {table} ADD COLUMN "{column}" {kind}')
        return original(self, meta, *args, **options)

    DuckDBCatalogRepository.update_table = update_table


def labels_are_listed() -> None:
    """`tables.list` leaves out the labels of the tables."""
    original = table_routes._table_to_list_item

    def list_item(table: Any) -> dict[str, Any]:
        item: dict[str, Any] = original(table)
        return {**item, "labels": dict(table.labels or {})}

    table_routes._table_to_list_item = list_item
