"""What must be in the warehouse before the first event: tables, policy and the views that say what is known."""

from incident_ledger.errors import OutsideError
from incident_ledger.transform import Dbt
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.tables import ensure_tables

STATE_VIEW = "incident_state"


def ensure_ledger(warehouse: Warehouse) -> None:
    """Make what is missing, and leave what is there alone: one call of dbt at most, on the first use of a warehouse."""
    ensure_tables(warehouse)
    if has_state_view(warehouse):
        return
    dbt = Dbt(warehouse.settings, warehouse.endpoint)
    results = dbt.invoke(
        ["build", "--select", f"+{STATE_VIEW}", "path:seeds/policy", "--exclude-resource-type", "test", "unit_test"]
    )
    failed = [result for result in results if result.is_error]
    if failed:
        raise OutsideError(
            f"dbt could not build {', '.join(result.unique_id for result in failed)}",
            detail="\n".join(result.message for result in failed),
        )


def has_state_view(warehouse: Warehouse) -> bool:
    """Whether `incident_state` has been built."""
    settings = warehouse.settings
    tables = warehouse.client.list_tables(f"{settings.project}.{settings.dataset}", timeout=60)
    return any(table.table_id == STATE_VIEW for table in tables)
