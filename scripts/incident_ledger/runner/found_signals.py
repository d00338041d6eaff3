"""What detectors over logs found, copied into `signals`: a tick reads that one small table, and no log."""

# ruff: noqa: S608 -- names of tables and columns are our own

from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.rows import merge_query
from incident_ledger.warehouse.tables import SIGNALS, names

# By the setting that names the table of a sink: the models that look at its rows.
DETECTORS = {
    "pipeline_logs": ("int_signals__pipelines", "int_signals__pipeline_durations"),
    "audit_logs": ("int_signals__exposures",),
}
# A row that says the same changes nothing, so that a tick that follows has nothing new to read.
_NEWS = """
    source.observed_at > target.observed_at
    or (source.observed_at = target.observed_at and source.started_at != target.started_at)
"""


def record_found(warehouse: Warehouse) -> int:
    """How many signals changed, by one MERGE; 0, without a statement, where no sink is named.

    A model that another one's failure kept from being built is as it was; one that was never built is left out.
    """
    dataset = warehouse.settings.staging_dataset
    named = [model for setting, found in DETECTORS.items() if getattr(warehouse.settings, setting) for model in found]
    models = [model for model in named if warehouse.table_exists(dataset, model)]
    if not models:
        return 0
    columns = names(SIGNALS)
    cells = ", ".join(f"parse_json({name}) as {name}" if name == "evidence" else name for name in columns)
    tables = [warehouse.name(dataset, model) for model in models]
    query = "\nunion all\n".join(f"select {cells} from {table}" for table in tables)
    return merge_query(warehouse, SIGNALS, query, columns=columns, updates=f"({_NEWS})")
