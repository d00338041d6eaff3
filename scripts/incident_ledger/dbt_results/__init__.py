"""What dbt projects write of their runs (`target/`), as results and as signals: `ingest` is the whole of it,
and `take_in` what follows the reading.

artifacts      files → what dbt wrote, checked
node_results   what dbt wrote → one result a node, pure
node_lineage   who depends on whom, and who owns it, pure
uploaded_lineage  the same of results that the macro of the dbt package wrote, pure
pipelines      how much a run built, and from when on a missing run is a failure, pure
judging        a result → whether it is a failure, by which rule and how bad, pure
grouping       what failed before and what a run says → what fails now, one group a cause, pure
signal_state   groups ↔ rows of `signals`
ingestion      `ingest`: all of these in their order
"""

from incident_ledger.dbt_results.ingestion import IngestReport, ingest, take_in

__all__ = ["IngestReport", "ingest", "take_in"]
