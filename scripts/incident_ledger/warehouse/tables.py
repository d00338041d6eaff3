"""The tables that the runner writes, all in `raw_dataset`: one schema each, partitioned and clustered.

dbt reads them as the source `incident_ledger_raw`; a test compares its YAML with this file.
"""

import hashlib
from dataclasses import dataclass, field

from google.cloud.bigquery import (
    Dataset,
    DatasetReference,
    SchemaField,
    Table,
    TimePartitioning,
)
from google.cloud.exceptions import NotFound

from incident_ledger.errors import UserError
from incident_ledger.warehouse.client import Warehouse

_LABEL = "incident-ledger-schema"


@dataclass(frozen=True)
class RawTable:
    """One table: columns as (name, type, mode), its day partition and its clustering."""

    name: str
    description: str
    columns: tuple[tuple[str, str, str], ...]
    key: tuple[str, ...] = ()  # columns that are never null; none for a table that only takes rows in
    partition: str | None = None
    cluster: tuple[str, ...] = field(default=())


def _required(**columns: str) -> tuple[tuple[str, str, str], ...]:
    return tuple((name, kind, "REQUIRED") for name, kind in columns.items())


def _nullable(**columns: str) -> tuple[tuple[str, str, str], ...]:
    return tuple((name, kind, "NULLABLE") for name, kind in columns.items())


INCIDENT_EVENTS = RawTable(
    name="incident_events",
    description="Append only. One row an event of an incident; what an incident is now is derived from these rows.",
    key=("event_id",),
    columns=(
        *_required(event_id="STRING", incident_id="STRING", event_type="STRING", occurred_at="TIMESTAMP"),
        *_required(recorded_at="TIMESTAMP", actor="STRING", source="STRING", source_key="STRING"),
        *_nullable(severity_level="STRING", payload="JSON"),
    ),
    partition="recorded_at",
    cluster=("incident_id",),
)

IMPORT_REJECTS = RawTable(
    name="import_rejects",
    description="One row a record that an import or load refused. `replayed_at` is set once it was taken in after all.",
    key=("reject_id",),
    columns=(
        *_required(reject_id="STRING", source="STRING", file="STRING", line="INT64", error="STRING"),
        *_nullable(field="STRING", record="STRING"),
        *_required(rejected_at="TIMESTAMP"),
        *_nullable(replayed_at="TIMESTAMP"),
    ),
    partition="rejected_at",
)

QUALITY_RESULTS = RawTable(
    name="quality_results",
    description="One row a rule, batch and run. `day` is null for a table that is checked whole.",
    key=("result_id",),
    columns=(
        *_required(result_id="STRING", run_id="STRING", checked_at="TIMESTAMP"),
        *_required(table_name="STRING", component="STRING", suite="STRING", rule_id="STRING"),
        *_nullable(day="DATE", column_name="STRING", expectation_type="STRING", dimension="STRING", owner="STRING"),
        *_nullable(gx_severity="STRING", is_table_rule="BOOL", success="BOOL"),
        *_nullable(examined="INT64", failed="INT64", failed_record_rate="FLOAT64"),
        *_nullable(severity_level="STRING", threshold="STRING", error="STRING", evidence="JSON"),
    ),
    partition="checked_at",
    cluster=("component",),
)

QUALITY_BATCHES = RawTable(
    name="quality_batches",
    description="One row a table, batch and run: the suite's verdict. The worse of two measures decides the severity.",
    key=("batch_id",),
    columns=(
        *_required(batch_id="STRING", run_id="STRING", checked_at="TIMESTAMP"),
        *_required(table_name="STRING", component="STRING", suite="STRING"),
        *_nullable(day="DATE", owner="STRING", examined="INT64"),
        *_required(rules_total="INT64", rules_ran="INT64", rules_failed="INT64", rules_errored="INT64"),
        *_nullable(failed_validation_rate="FLOAT64", severity_level="STRING", worst_rule_id="STRING", error="STRING"),
        # For signals: the check's own failure beside the table's state, and what a person reads first.
        *_nullable(check_component="STRING", check_severity_level="STRING", title="STRING"),
        *_nullable(value="FLOAT64", threshold="STRING", evidence="JSON"),
        # What was recorded of the day's changes before the build, and when that was read: the next run compares.
        *_nullable(changes_seen="STRING", changes_until="TIMESTAMP"),
    ),
    partition="checked_at",
    cluster=("component",),
)

_NOT_OF_A_BREACH = {
    "run_id", "owner", "examined", "rules_ran", "rules_failed", "failed_validation_rate",
    "changes_seen", "changes_until",
}  # fmt: skip

# No partitions: it is small, since most checks find nothing, and is always read whole.
QUALITY_BREACHES = RawTable(
    name="quality_breaches",
    description="What breaches are made of: the rows of `quality_batches` that are bad, and the first that are not.",
    key=("batch_id",),
    columns=tuple(column for column in QUALITY_BATCHES.columns if column[0] not in _NOT_OF_A_BREACH),
    cluster=("component",),
)

USAGE_RECORDS = RawTable(
    name="usage_records",
    description="One row a record of a usage export as it came (JSON text), by day of usage.",
    key=("source", "record_key", "exported_at", "record"),
    columns=(
        *_required(source="STRING", record_key="STRING", day="DATE", record="STRING"),
        *_required(exported_at="TIMESTAMP", loaded_at="TIMESTAMP", file="STRING", line="INT64"),
    ),
    partition="day",
    cluster=("source",),
)

USAGE_LOADS = RawTable(
    name="usage_loads",
    description="One row a load and day that it touched: which days changed since when, without reading the records.",
    key=("load_id",),
    columns=(
        *_required(load_id="STRING", source="STRING", day="DATE", records="INT64", loaded_at="TIMESTAMP"),
        *_nullable(is_complete="BOOL", file="STRING"),
        *_required(recorded_at="TIMESTAMP"),
    ),
    partition="recorded_at",
)

NOTIFICATIONS = RawTable(
    name="notifications",
    description="The outbox. One row a message and channel; `status` is pending, sent, uncertain, failed or rerouted.",
    key=("message_id", "channel"),
    columns=(
        *_required(message_id="STRING", event_id="STRING", incident_id="STRING", template="STRING"),
        *_required(channel="STRING", audience="STRING", recipients="STRING", subject="STRING"),
        *_required(body_text="STRING", body_html="STRING", created_at="TIMESTAMP", status="STRING", attempts="INT64"),
        *_nullable(uncertain_attempts="INT64", last_attempt_at="TIMESTAMP", sent_at="TIMESTAMP", last_error="STRING"),
        *_nullable(not_before="TIMESTAMP", severity_level="STRING"),
    ),
    partition="created_at",
    cluster=("incident_id",),
)

RUN_STEPS = RawTable(
    name="run_steps",
    description="One row a step of a run: its times and its outcome.",
    columns=(
        *_required(run_id="STRING", command="STRING", as_of="TIMESTAMP", step="STRING", position="INT64"),
        *_required(started_at="TIMESTAMP", finished_at="TIMESTAMP", outcome="STRING"),
        *_nullable(detail="JSON", holder="STRING"),
    ),
    partition="started_at",
)

LEASES = RawTable(
    name="leases",
    description="One row a lease: who may run and deliver (`run`), or act for a person (`command`), and until when.",
    key=("name",),
    columns=(*_required(name="STRING", holder="STRING", until="TIMESTAMP"), *_nullable(milliseconds="INT64")),
)

ALL = (
    INCIDENT_EVENTS,
    IMPORT_REJECTS,
    QUALITY_RESULTS,
    QUALITY_BATCHES,
    QUALITY_BREACHES,
    USAGE_RECORDS,
    USAGE_LOADS,
    NOTIFICATIONS,
    RUN_STEPS,
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
    table.schema = [*table.schema, *(SchemaField(item.name, item.field_type) for item in missing)]
    table.labels = {**table.labels, _LABEL: _fingerprint(spec)}
    client.update_table(table, ["schema", "labels"] if missing else ["labels"], timeout=60)


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
