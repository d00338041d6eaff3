"""Tables with records, which are not the runner's own: made where they are not there, by the day of a column."""

from collections.abc import Iterator, Mapping

from google.cloud.bigquery import SchemaField, Table, TimePartitioning

from incident_ledger.warehouse.client import Warehouse
from incident_ledger.warehouse.tables import ensure_dataset

Fields = Mapping[str, "str | Fields"]
"""Columns by name: a type, or the columns of a record."""


def ensure_nested_table(
    warehouse: Warehouse, dataset: str, name: str, columns: Fields, *, partition: str | None
) -> None:
    """Make the table, and its dataset, unless it is there; one that is there stays as it is."""
    table = Table(f"{warehouse.settings.project}.{dataset}.{name}", schema=list(_schema(columns)))
    if partition is not None:
        table.time_partitioning = TimePartitioning(field=partition)
    ensure_dataset(warehouse, dataset)
    with warehouse.map_bigquery_errors():
        warehouse.client.create_table(table, exists_ok=True, timeout=60)


def _schema(columns: Fields) -> Iterator[SchemaField]:
    for name, kind in columns.items():
        if isinstance(kind, str):
            yield SchemaField(name, kind)
        else:
            yield SchemaField(name, "RECORD", fields=tuple(_schema(kind)))
