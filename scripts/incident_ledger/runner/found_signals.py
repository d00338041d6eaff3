"""What detectors of a run found, copied into `signals`: a tick reads that one small table, no log and no usage."""

# ruff: noqa: S608 -- names of tables and columns are our own

from collections.abc import Collection

from incident_ledger.settings import Settings
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.rows import merge_query
from incident_ledger.warehouse.tables import SIGNALS, names

# By the setting that names the table of a sink: the models that look at its rows.
DETECTORS = {
    "pipeline_logs": (
        "int_signals__pipelines",
        "int_signals__pipeline_durations",
        "int_signals__accesses",
        "int_signals__arrivals",
    ),
    "audit_logs": ("int_signals__exposures", "int_signals__accesses", "int_signals__arrivals"),
    "key_inventory": ("int_signals__rotations",),
}
# What is loaded into tables of the ledger's own.
_ALWAYS = ("int_signals__volumes", "int_signals__costs")
# A row that says the same changes nothing, so that a tick that follows has nothing new to read.
_NEWS = """
    source.observed_at > target.observed_at
    or (source.observed_at = target.observed_at and source.started_at != target.started_at)
"""


def detectors(settings: Settings) -> list[str]:
    """The models that look at what these settings name."""
    named = [model for setting, found in DETECTORS.items() if getattr(settings, setting) for model in found]
    return list(dict.fromkeys((*_ALWAYS, *named)))


def record_found(warehouse: Warehouse, built: Collection[str] | None = None) -> int:
    """How many signals changed, by one MERGE; 0, without a statement, where no detector was built.

    `built` are the models that this run built: what others found was copied when they were. None is all. A model that
    another one's failure kept from being built is as it was; one that was never built is left out.
    """
    dataset, settings = warehouse.settings.staging_dataset, warehouse.settings
    wanted = [model for model in detectors(settings) if built is None or model in built]
    models = [model for model in wanted if warehouse.table_exists(dataset, model)]
    if not models:
        return 0
    columns = names(SIGNALS)
    cells = ", ".join(f"parse_json({name}) as {name}" if name == "evidence" else name for name in columns)
    tables = [warehouse.name(dataset, model) for model in models]
    query = "\nunion all\n".join(f"select {cells} from {table}" for table in tables)
    return merge_query(warehouse, SIGNALS, query, columns=columns, updates=f"({_NEWS})")
