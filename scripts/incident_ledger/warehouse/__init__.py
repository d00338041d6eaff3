"""The only part that knows BigQuery: client, tables, loads, and the local warehouse behind the same API."""

from incident_ledger.warehouse.client import Answer, Column, Param, Warehouse, connect

__all__ = ["Answer", "Column", "Param", "Warehouse", "connect"]
