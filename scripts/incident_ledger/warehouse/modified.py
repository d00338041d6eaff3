"""When tables were last modified, by the tables API: free of charge on BigQuery, where it moves with DML and loads."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from incident_ledger.encoding import timestamp
from incident_ledger.warehouse.client import Warehouse

_AT_ONCE = 8


def last_modified(warehouse: Warehouse, relations: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str | None]:
    """Of each table or view (dataset, table) when it was last modified, as a UTC timestamp; None when it is not there.

    Rows that a stream still holds do not count yet. Raises `OutsideError` when the warehouse cannot be asked.
    """
    wanted = sorted(set(relations))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip(wanted, pool.map(lambda name: _modified(warehouse, *name), wanted), strict=True))


def _modified(warehouse: Warehouse, dataset: str, table: str) -> str | None:
    found = warehouse.find(dataset, table)
    return timestamp(found.modified) if found is not None and found.modified is not None else None
