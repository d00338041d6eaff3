"""What must be in the warehouse before the first event: tables, policy and the views that say what is known."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from incident_ledger.errors import OutsideError, StatementError
from incident_ledger.ledger.state import CURRENT
from incident_ledger.warehouse import Warehouse

T = TypeVar("T")

# What is known of incidents, and what the detectors say.
VIEWS = ("incident_state", "fct_signals")


def with_ledger(warehouse: Warehouse, read: Callable[[Warehouse], T]) -> T:
    """What `read` gives, without a request before it; where something is not there, what is missing is made first."""
    try:
        return read(warehouse)
    except StatementError as error:
        if error.reason != "notFound":
            raise
    ensure_ledger(warehouse)
    return read(warehouse)


def ensure_ledger(warehouse: Warehouse) -> None:
    """Make what is missing, and leave what is there alone: one call of dbt at most, on the first use of a warehouse."""
    from incident_ledger.warehouse.tables import ensure_tables

    ensure_tables(warehouse)
    if has_views(warehouse):
        return
    from incident_ledger.dbt_runner import Dbt

    dbt = Dbt(warehouse.settings, warehouse.endpoint)
    results = dbt.invoke(
        [
            *("build", "--select", *(f"+{view}" for view in VIEWS), "path:seeds/policy"),
            *("--exclude-resource-type", "test", "unit_test"),
        ]
    )
    failed = [result for result in results if result.is_error]
    if failed:
        raise OutsideError(
            f"dbt could not build {', '.join(result.unique_id for result in failed)}",
            detail="\n".join(result.message for result in failed),
        )


def has_views(warehouse: Warehouse) -> bool:
    """Whether the views have been built."""
    settings = warehouse.settings
    wanted = [*((settings.dataset, view) for view in VIEWS), (settings.staging_dataset, CURRENT)]
    with ThreadPoolExecutor(len(wanted)) as pool:
        return all(pool.map(lambda view: warehouse.table_exists(*view), wanted))
