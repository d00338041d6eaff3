"""Exported entries of Cloud Logging, in tables like those that its sinks write: `load_sink` is the whole of it.

sink_tables  which sinks there are, what their tables have, and where they are
log_entries  files → entries and rejects, pure
sink_load    `load_sink`: entries → rows, each once
"""

from incident_ledger.importers.sinks.sink_load import SinkReport, ensure_sink, load_sink
from incident_ledger.importers.sinks.sink_tables import SINKS

__all__ = ["SINKS", "SinkReport", "ensure_sink", "load_sink"]
