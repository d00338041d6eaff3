"""The only part that knows BigQuery: client, tables, loads, and the local warehouse behind the same API."""

from incident_ledger.warehouse.client import Column, Param, QueryResult, Warehouse, connect

__all__ = ["Column", "Param", "QueryResult", "Warehouse", "connect"]
