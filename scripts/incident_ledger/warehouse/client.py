"""A thin client: statements with bound parameters in, rows or counts out, each call with a timeout."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from google.api_core.client_options import ClientOptions
from google.api_core.exceptions import GoogleAPICallError, RetryError
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from incident_ledger.errors import OutsideError
from incident_ledger.settings import Settings

# bool before int: in Python a bool is an int.
_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "BOOL"),
    (int, "INT64"),
    (float, "FLOAT64"),
    (Decimal, "NUMERIC"),
    (datetime, "TIMESTAMP"),
    (date, "DATE"),
    (str, "STRING"),
    (bytes, "BYTES"),
)


class Client(bigquery.Client):
    """Google's client, with every statement as a job of its own.

    `query_and_wait` goes through `jobs.query`, where a server may answer a failed statement with HTTP 200 and no rows;
    `jobs.insert` and its result say so everywhere.
    """

    def query_and_wait(self, query: str, **options: Any) -> Any:
        """Rows of `query`, by way of `jobs.insert`."""
        job = self.query(query, job_config=options.get("job_config"), timeout=60)
        return job.result(timeout=600)


class Warehouse:
    """One BigQuery endpoint with our settings."""

    def __init__(self, client: Client, settings: Settings, endpoint: str | None = None) -> None:
        self.client = client
        self.settings = settings
        self.endpoint = endpoint  # None is Google's own

    def rows(self, sql: str, params: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """All rows of a query, each a dict by column. Raises `OutsideError` with the query and the server's words."""
        return [dict(row) for row in self._run(sql, params).result(timeout=self.settings.query_timeout)]

    def execute(self, sql: str, params: Mapping[str, Any] | None = None) -> int:
        """The number of rows that a DML statement changed (0 for DDL)."""
        job = self._run(sql, params)
        return int(job.num_dml_affected_rows or 0)

    def raw(self, table: str) -> str:
        """The quoted name of a table that the runner writes."""
        return self.name(self.settings.raw_dataset, table)

    def mart(self, table: str) -> str:
        """The quoted name of a mart."""
        return self.name(self.settings.dataset, table)

    def name(self, dataset: str, table: str) -> str:
        """A table's full name in backticks."""
        return f"`{self.settings.project}.{dataset}.{table}`"

    def _run(self, sql: str, params: Mapping[str, Any] | None) -> Any:
        config = bigquery.QueryJobConfig(
            query_parameters=[parameter(name, value) for name, value in (params or {}).items()],
            maximum_bytes_billed=self.settings.maximum_bytes_billed,
            labels={"app": "incident-ledger"},
        )
        try:
            job = self.client.query(sql, job_config=config, timeout=self.settings.query_timeout)
            job.result(timeout=self.settings.query_timeout)
        except (GoogleAPICallError, RetryError) as error:
            raise OutsideError(f"The warehouse refused a statement: {error}", detail=sql) from error
        return job


def parameter(name: str, value: Any) -> Any:
    """A bound parameter. None is a STRING; lists are arrays of their first member's type; pass a ready one as it is."""
    if isinstance(value, bigquery.ScalarQueryParameter | bigquery.ArrayQueryParameter):
        return value
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return bigquery.ArrayQueryParameter(name, _type_of(value[0]) if value else "STRING", list(value))
    return bigquery.ScalarQueryParameter(name, _type_of(value), value)


def _type_of(value: Any) -> str:
    return next((name for kind, name in _TYPES if isinstance(value, kind)), "STRING")


def connect(settings: Settings) -> Warehouse:
    """The warehouse that the settings name; the local one is started when nothing else is named."""
    endpoint = settings.api_endpoint
    if endpoint is None and settings.target == "local":
        from incident_ledger.warehouse.local import ensure_running

        endpoint = ensure_running(settings)
    credentials = AnonymousCredentials() if settings.target == "local" else None
    client = Client(
        project=settings.project,
        location=settings.location,
        credentials=credentials,
        client_options=ClientOptions(api_endpoint=endpoint) if endpoint else None,
    )
    return Warehouse(client, settings, endpoint)
