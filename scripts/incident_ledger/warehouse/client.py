"""A thin client: statements with bound parameters in, rows or counts out, each call with a timeout."""

import math
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from google.auth.credentials import AnonymousCredentials, Credentials
from google.auth.exceptions import DefaultCredentialsError
from google.cloud import bigquery
from google.cloud.exceptions import NotFound
from google.oauth2 import credentials as oauth2

from incident_ledger.errors import UserError
from incident_ledger.settings import Settings
from incident_ledger.warehouse.transport import Client, map_bigquery_errors

SCOPES = ("https://www.googleapis.com/auth/bigquery", "https://www.googleapis.com/auth/cloud-platform")
_LEGACY = {"INTEGER": "INT64", "FLOAT": "FLOAT64", "BOOLEAN": "BOOL", "STRUCT": "RECORD"}
# bool before int and datetime before date: in Python the one is also the other.
_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "BOOL"),
    (int, "INT64"),
    (float, "FLOAT64"),
    (Decimal, "NUMERIC"),
    (datetime, "TIMESTAMP"),
    (date, "DATE"),
    (time, "TIME"),
    (str, "STRING"),
    (bytes, "BYTES"),
)


@dataclass(frozen=True)
class Param:
    """A value to bind with a type that the value alone does not show: `Param("TIMESTAMP", None)`, `Param("DATE", [])`.

    With a list, `kind` is the type of its members.
    """

    kind: str
    value: Any


@dataclass(frozen=True)
class Column:
    """A column of a table or of a result. `kind` is GoogleSQL's name of the type (`INT64`, `RECORD`, …)."""

    name: str
    kind: str
    mode: str = "NULLABLE"
    fields: tuple["Column", ...] = ()

    @property
    def is_array(self) -> bool:
        """Holds a list of `kind`."""
        return self.mode == "REPEATED"


@dataclass(frozen=True)
class QueryResult:
    """The result of a statement: rows with their columns, or for DML how many rows it changed (`affected`)."""

    columns: tuple[Column, ...]
    rows: list[tuple[Any, ...]] = field(repr=False)
    affected: int | None
    statement_type: str | None


class Warehouse:
    """One BigQuery endpoint with our settings."""

    def __init__(self, client: Client, settings: Settings, endpoint: str | None = None) -> None:
        self.client = client
        self.settings = settings
        self.endpoint = endpoint  # None is Google's own

    def rows(self, sql: str, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """All rows of a query, each a dict by column. Raises `StatementError` with the query and the server's words."""
        with self.map_bigquery_errors(sql):
            return [dict(row) for row in self._run(sql, params)[1]]

    def execute(self, sql: str, params: Mapping[str, Any] | None = None) -> int:
        """The number of rows that a DML statement changed (0 for DDL)."""
        with self.map_bigquery_errors(sql):
            return int(self._run(sql, params)[0].num_dml_affected_rows or 0)

    def answer(self, sql: str, params: Mapping[str, Any] | None = None) -> QueryResult:
        """Everything that a statement of a person gave, columns and their types included.

        A table named without its dataset is a mart, so that the playbook's queries run as they are written.
        """
        with self.map_bigquery_errors(sql):
            job, rows = self._run(sql, params, default_dataset=self.settings.dataset)
            columns = tuple(column(item) for item in rows.schema or ())
            return QueryResult(columns, [row.values() for row in rows], job.num_dml_affected_rows, job.statement_type)

    def table_columns(self, dataset: str, table: str) -> tuple[Column, ...]:
        """A table's columns in its own order. Raises `UserError` when there is no such table."""
        return tuple(column(item) for item in self.table(dataset, table).schema)

    def table_exists(self, dataset: str, table: str) -> bool:
        """Whether the table (or view) is there."""
        return self.find(dataset, table) is not None

    def table(self, dataset: str, table: str) -> bigquery.Table:
        """A table as the tables API describes it. Raises `UserError` when there is none of that name."""
        found = self.find(dataset, table)
        if found is None:
            raise UserError(f"There is no table {dataset}.{table} in project {self.settings.project}.")
        return found

    def raw(self, table: str) -> str:
        """The quoted name of a table that the runner writes."""
        return self.name(self.settings.raw_dataset, table)

    def mart(self, table: str) -> str:
        """The quoted name of a mart."""
        return self.name(self.settings.dataset, table)

    def name(self, dataset: str, table: str) -> str:
        """A table's full name in backticks."""
        return f"`{self.settings.project}.{dataset}.{table}`"

    def map_bigquery_errors(self, sql: str = "") -> AbstractContextManager[None]:
        """For direct use of `client`: what it raises inside becomes our errors."""
        return map_bigquery_errors(self.endpoint or "BigQuery", sql)

    def close(self) -> None:
        """Close the connections."""
        self.client.close()  # type: ignore[no-untyped-call]

    def find(self, dataset: str, table: str, *, project: str | None = None) -> bigquery.Table | None:
        """A table as the tables API describes it; None when there is none of that name. Of our project by default."""
        with self.map_bigquery_errors():
            try:
                return self.client.get_table(f"{project or self.settings.project}.{dataset}.{table}", timeout=60)
            except NotFound:
                return None

    def _run(
        self, sql: str, params: Mapping[str, Any] | None, *, default_dataset: str | None = None
    ) -> tuple[Any, Any]:
        config = bigquery.QueryJobConfig(
            query_parameters=[parameter(name, value) for name, value in (params or {}).items()]
        )
        if default_dataset:
            config.default_dataset = f"{self.settings.project}.{default_dataset}"
        return self.client.run(sql, config, self.settings.query_timeout)


def column(item: bigquery.SchemaField) -> Column:
    """One of our columns from one of Google's."""
    kind = _LEGACY.get(item.field_type, item.field_type)
    return Column(item.name, kind, item.mode or "NULLABLE", tuple(column(inner) for inner in item.fields))


def parameter(name: str, value: Any) -> Any:
    """A bound parameter. A list is an array of its first member's type.

    Everything has the type of its value, and None and [] are STRING, unless a `Param` says more. Raises `UserError`
    for a time without a zone: which one would be somebody's guess.
    """
    if isinstance(value, bigquery.ScalarQueryParameter | bigquery.ArrayQueryParameter):
        return value
    kind, value = (value.kind, value.value) if isinstance(value, Param) else (None, value)
    if isinstance(value, datetime) and value.tzinfo is None and kind != "DATETIME":
        raise UserError(f"The time {value.isoformat()} (parameter {name}) has no time zone.")
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return bigquery.ArrayQueryParameter(name, kind or (_type_of(value[0]) if value else "STRING"), list(value))
    return bigquery.ScalarQueryParameter(name, kind or _type_of(value), value)


def _type_of(value: Any) -> str:
    return next((name for kind, name in _TYPES if isinstance(value, kind)), "STRING")


def connect(settings: Settings) -> Warehouse:
    """The warehouse that the settings name; the local one is started when nothing else is named.

    Its settings hold the token of the server, for dbt. Raises `UserError` when there are no credentials for BigQuery.
    """
    endpoint = settings.api_endpoint
    if endpoint is None and settings.target == "local":
        from incident_ledger.warehouse.local.process import ensure_running

        endpoint, token = ensure_running(settings)
        settings = settings.model_copy(update={"api_token": token})
    client = Client(
        project=settings.project,
        location=settings.location,
        credentials=_credentials(settings),
        endpoint=endpoint,
        limit=settings.query_timeout,
        config=bigquery.QueryJobConfig(
            maximum_bytes_billed=settings.maximum_bytes_billed,
            job_timeout_ms=math.ceil(settings.query_timeout * 1000),
        ),
    )
    return Warehouse(client, settings, endpoint)


def _credentials(settings: Settings) -> Credentials:
    if settings.target == "local":
        if settings.api_token is None:
            return AnonymousCredentials()  # type: ignore[no-untyped-call]
        return oauth2.Credentials(settings.api_token.get_secret_value())  # type: ignore[no-untyped-call]
    import google.auth

    try:
        credentials, _project = google.auth.default(scopes=SCOPES)
    except DefaultCredentialsError as error:
        raise UserError(
            "There are no Google credentials (INCIDENT_LEDGER_TARGET is prod). Run `gcloud auth application-default "
            "login`, or let GOOGLE_APPLICATION_CREDENTIALS name the key file of a service account."
        ) from error
    return credentials
