"""Usage exports of the vendors' admin APIs, landed as they came: `load_usage` is the whole of it.

parsing        files → responses (a response is one page of an API)
schemas        the six reports: where a response keeps its records, what a record must have, what identifies it
field_checks   what a field may hold
extraction     responses → records to land, rejects and days, pure
pages          whether the pages that were given are all
record_writer  records → `usage_records` and `usage_loads`
ingest         `load_usage`: all of these in their order
"""

from incident_ledger.importers.usage.ingest import LoadReport, load_usage
from incident_ledger.importers.usage.schemas import REPORTS

__all__ = ["REPORTS", "LoadReport", "load_usage"]
