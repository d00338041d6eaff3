"""The tables that the runner writes, all in `raw_dataset`: one schema each, partitioned and clustered.

Their shape stands in the YAML of dbt's source `incident_ledger_raw`: the columns (not null by a constraint), and under
`config.meta` the key, the partition and the clustering.
"""

import hashlib
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Literal

from google.cloud.bigquery import (
    Dataset,
    DatasetReference,
    SchemaField,
    Table,
    TimePartitioning,
)
from google.cloud.exceptions import NotFound
from pydantic import BaseModel, Field

from incident_ledger.errors import UserError
from incident_ledger.properties import read_properties
from incident_ledger.warehouse.client import Warehouse

_LABEL = "incident-ledger-schema"


_SOURCES = "models/staging/ledger/_sources.yml"


class _Constraint(BaseModel):
    type: Literal["not_null"]


class _Column(BaseModel):
    name: str
    data_type: Literal["string", "int64", "float64", "bool", "timestamp", "date", "json", "array<string>"]
    constraints: tuple[_Constraint, ...] = ()


class _Meta(BaseModel, extra="forbid"):
    key: tuple[str, ...] = ()
    partition: str | None = None
    cluster: tuple[str, ...] = ()
    clock: str | None = None  # for the runner: when its rows are news (`runner.node_selection`)


class _Config(BaseModel):
    meta: _Meta = _Meta()


class _Declaration(BaseModel):
    name: str
    description: str
    config: _Config = _Config()
    columns: tuple[_Column, ...] = Field(min_length=1)


class _Source(BaseModel):
    tables: tuple[_Declaration, ...]


class _Sources(BaseModel):
    sources: tuple[_Source]


@cache
def _declarations() -> dict[str, _Declaration]:
    return {table.name: table for table in read_properties(_SOURCES, _Sources).sources[0].tables}


@dataclass(frozen=True)
class RawTable:
    """One table by its name; its shape is read from dbt's source when it is first asked for."""

    name: str

    @property
    def _declared(self) -> _Declaration:
        try:
            return _declarations()[self.name]
        except KeyError:
            raise UserError(f"{_SOURCES}: has no table {self.name}; restore it") from None

    @property
    def description(self) -> str:
        """What a row is."""
        return self._declared.description

    @cached_property
    def columns(self) -> tuple[tuple[str, str, str], ...]:
        """Columns as (name, type, mode), in BigQuery's words."""
        return tuple(map(_column, self._declared.columns))

    @property
    def key(self) -> tuple[str, ...]:
        """Columns that together are never null and never twice; none for a table that only takes rows in."""
        return self._declared.config.meta.key

    @property
    def partition(self) -> str | None:
        """The column of its day partitions."""
        return self._declared.config.meta.partition

    @property
    def cluster(self) -> tuple[str, ...]:
        """The columns of its clustering."""
        return self._declared.config.meta.cluster


def _column(column: _Column) -> tuple[str, str, str]:
    if column.data_type == "array<string>":
        return column.name, "STRING", "REPEATED"
    return column.name, column.data_type.upper(), "REQUIRED" if column.constraints else "NULLABLE"


INCIDENT_EVENTS = RawTable("incident_events")
SETTLED_INCIDENTS = RawTable("settled_incidents")
IMPORT_REJECTS = RawTable("import_rejects")
QUALITY_RESULTS = RawTable("quality_results")
QUALITY_BATCHES = RawTable("quality_batches")
QUALITY_BREACHES = RawTable("quality_breaches")
DBT_RESULTS = RawTable("dbt_results")
PROBE_RESULTS = RawTable("probe_results")
SIGNALS = RawTable("signals")
USAGE_RECORDS = RawTable("usage_records")
USAGE_LOADS = RawTable("usage_loads")
NOTIFICATIONS = RawTable("notifications")
RUN_STEPS = RawTable("run_steps")
BUILD_STATE = RawTable("build_state")
LEASES = RawTable("leases")

ALL = (
    INCIDENT_EVENTS,
    SETTLED_INCIDENTS,
    IMPORT_REJECTS,
    QUALITY_RESULTS,
    QUALITY_BATCHES,
    QUALITY_BREACHES,
    DBT_RESULTS,
    PROBE_RESULTS,
    SIGNALS,
    USAGE_RECORDS,
    USAGE_LOADS,
    NOTIFICATIONS,
    RUN_STEPS,
    BUILD_STATE,
    LEASES,
)


def names(table: RawTable) -> tuple[str, ...]:
    """The columns of a table, in its order."""
    return tuple(name for name, _, _ in table.columns)


def ensure_tables(warehouse: Warehouse) -> None:
    """Make the datasets and tables that are missing, and the columns that a newer version of us added.

    One request when all is there: each table carries a label with its schema's fingerprint, and the list of tables has
    the labels. A column that is there with another type is a `UserError`: only a person can say what becomes of it.
    """
    settings, client = warehouse.settings, warehouse.client
    with warehouse.map_bigquery_errors():
        try:
            there = {item.table_id: item for item in client.list_tables(_dataset(warehouse), timeout=60)}
        except NotFound:
            there = {}
        if not there:
            for name in (settings.raw_dataset, settings.dataset):
                ensure_dataset(warehouse, name)
        for spec in ALL:
            item = there.get(spec.name)
            if item is None:
                item = client.create_table(_table(spec, warehouse), exists_ok=True, timeout=60)
            if item.labels.get(_LABEL) != _fingerprint(spec):
                _bring_up_to_date(warehouse, spec)


def read_label(warehouse: Warehouse, table: RawTable, name: str) -> str | None:
    """A label of a table; None when it has none of that name, or is not there. Free of charge on BigQuery."""
    found = warehouse.find(warehouse.settings.raw_dataset, table.name)
    return None if found is None else found.labels.get(name)


def write_label(warehouse: Warehouse, table: RawTable, name: str, value: str) -> None:
    """Set a label of a table: lower-case letters, digits, `-` and `_`."""
    with warehouse.map_bigquery_errors():
        found = warehouse.client.get_table(_dataset(warehouse).table(table.name), timeout=60)
        found.labels = {**found.labels, name: value}
        warehouse.client.update_table(found, ["labels"], timeout=60)


def ensure_dataset(warehouse: Warehouse, name: str) -> None:
    """Make the dataset when it is missing. Who may not make any may still use one that is there: asked for first."""
    dataset = Dataset(DatasetReference(warehouse.settings.project, name))
    dataset.location = warehouse.settings.location
    with warehouse.map_bigquery_errors():
        try:
            warehouse.client.get_dataset(dataset.reference, timeout=60)
        except NotFound:
            warehouse.client.create_dataset(dataset, exists_ok=True, timeout=60)


def _bring_up_to_date(warehouse: Warehouse, spec: RawTable) -> None:
    client, wanted = warehouse.client, _table(spec, warehouse)
    table = client.get_table(wanted.reference, timeout=60)
    have = {item.name.lower(): _kind(item.field_type) for item in table.schema}
    for item in wanted.schema:
        kind = have.get(item.name.lower(), item.field_type)
        if kind != item.field_type:
            raise UserError(
                f"{warehouse.settings.raw_dataset}.{spec.name}: column {item.name} is {kind} and should be "
                f"{item.field_type}. Copy what you need of the table, drop it, and run the command again."
            )
    # BigQuery adds no REQUIRED column to a table that has rows.
    missing = [item for item in wanted.schema if item.name.lower() not in have]
    table.schema = [*table.schema, *(SchemaField(item.name, item.field_type, mode=_mode(item)) for item in missing)]
    table.labels = {**table.labels, _LABEL: _fingerprint(spec)}
    client.update_table(table, ["schema", "labels"] if missing else ["labels"], timeout=60)


def _mode(item: SchemaField) -> str:
    """Of a column that is added: BigQuery adds no REQUIRED one."""
    return "REPEATED" if item.mode == "REPEATED" else "NULLABLE"


def _dataset(warehouse: Warehouse) -> DatasetReference:
    return DatasetReference(warehouse.settings.project, warehouse.settings.raw_dataset)


def _table(spec: RawTable, warehouse: Warehouse) -> Table:
    schema = [SchemaField(name, kind, mode=mode) for name, kind, mode in spec.columns]
    table = Table(_dataset(warehouse).table(spec.name), schema=schema)
    table.description = spec.description
    table.labels = {_LABEL: _fingerprint(spec)}
    if spec.partition:
        table.time_partitioning = TimePartitioning(field=spec.partition)
    if spec.cluster:
        table.clustering_fields = list(spec.cluster)
    return table


def _fingerprint(spec: RawTable) -> str:
    """Of the columns alone; partitions and clusters of a table that is there stay as they are."""
    return hashlib.sha256(repr(spec.columns).encode()).hexdigest()[:16]


def _kind(name: str) -> str:
    return {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL"}.get(name, name)
