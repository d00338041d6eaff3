"""What a statement is, by the warehouse and without running it."""

from collections.abc import Mapping
from typing import Any

from google.cloud import bigquery

from incident_ledger.warehouse.client import Warehouse, parameter


def statement_type(warehouse: Warehouse, sql: str, params: Mapping[str, Any] | None = None) -> str | None:
    """BigQuery's name for the statement: `SELECT`, `DELETE`, `SCRIPT` for several, …; None when it gives none.

    A dry run, which is free. Raises `StatementError` for what the warehouse refuses.
    """
    config = bigquery.QueryJobConfig(
        dry_run=True, query_parameters=[parameter(name, value) for name, value in (params or {}).items()]
    )
    with warehouse.map_bigquery_errors(sql):
        kind: str | None = warehouse.client.query(sql, job_config=config, timeout=60).statement_type
    return kind
