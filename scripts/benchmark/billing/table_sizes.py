"""The tables and views of a warehouse, and how many bytes each day of a table has, as BigQuery would count them."""

# ruff: noqa: S608 -- names of tables and columns are no parameters; nothing here comes from outside

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from google.cloud import bigquery

from benchmark.billing.day_sets import ALL_DAYS, DaySet
from incident_ledger.warehouse import Warehouse

_FIXED = {
    "BOOLEAN": 1, "BOOL": 1, "DATE": 8, "DATETIME": 8, "FLOAT": 8, "FLOAT64": 8, "INTEGER": 8, "INT64": 8,
    "TIME": 8, "TIMESTAMP": 8, "NUMERIC": 16,
}  # fmt: skip
"""Logical bytes of a value by its type (BigQuery's documentation, "Data type sizes"); a text has 2 and its UTF-8."""


@dataclass(frozen=True)
class TableSizes:
    """Views by name (`dataset.table`), columns of day partitions, and bytes by day (None: no day).

    A table that is not known here (made and dropped meanwhile) is empty.
    """

    views: Mapping[str, str] = field(default_factory=dict)
    partitions: Mapping[str, str] = field(default_factory=dict)
    days: Mapping[str, Mapping[date | None, int]] = field(default_factory=dict)

    def view(self, name: str) -> str | None:
        """The query of a view; None for what is none."""
        return self.views.get(name)

    def partition(self, name: str) -> str | None:
        """The column that a table is partitioned by day on."""
        return self.partitions.get(name)

    def size(self, name: str, left: DaySet) -> int:
        """The bytes of the days of a table that are left."""
        found = self.days.get(name, {})
        return sum(size for day, size in found.items() if left == ALL_DAYS or (day is not None and day in left))


def read_sizes(warehouse: Warehouse, partitions: Mapping[str, str], *, is_weighed: bool = True) -> TableSizes:
    """What is in the warehouse; unless `is_weighed`, without the bytes of its tables.

    `partitions` adds to what the tables API says of them.
    """
    views: dict[str, str] = {}
    columns: dict[str, str] = dict(partitions)
    days: dict[str, dict[date | None, int]] = {}
    settings = warehouse.settings
    for dataset in (settings.dataset, settings.staging_dataset, settings.policy_dataset, settings.raw_dataset):
        for table in _tables(warehouse, dataset):
            name = f"{dataset}.{table.table_id}"
            if table.view_query is not None:
                views[name] = table.view_query
                continue
            if table.time_partitioning is not None and table.time_partitioning.field:
                columns[name] = table.time_partitioning.field
            if is_weighed:
                days[name] = _days(warehouse, table, columns.get(name))
    return TableSizes(views, columns, days)


def _tables(warehouse: Warehouse, dataset: str) -> Iterable[bigquery.Table]:
    reference = bigquery.DatasetReference(warehouse.settings.project, dataset)
    for item in warehouse.client.list_tables(reference, timeout=60):
        yield warehouse.table(dataset, item.table_id)


def _days(warehouse: Warehouse, table: bigquery.Table, column: str | None) -> dict[date | None, int]:
    day = f"date({column})" if column else "cast(null as date)"
    sizes = ", ".join(f"sum({_size(item)}) as c{place}" for place, item in enumerate(table.schema))
    name = warehouse.name(table.dataset_id, table.table_id)
    rows = warehouse.rows(f"select {day} as day, {sizes} from {name} group by 1")
    return {row.pop("day"): sum(int(size or 0) for size in row.values()) for row in rows}


def _size(item: Any) -> str:
    if item.mode == "REPEATED" and item.field_type in _FIXED:
        return f"coalesce(array_length(`{item.name}`), 0) * {_FIXED[item.field_type]}"
    if item.mode == "REPEATED" or item.field_type in {"RECORD", "STRUCT", "JSON"}:
        return f"coalesce(byte_length(to_json_string(`{item.name}`)), 0)"
    if item.field_type in _FIXED:
        return f"if(`{item.name}` is null, 0, {_FIXED[item.field_type]})"
    return f"coalesce(2 + byte_length(cast(`{item.name}` as string)), 0)"
