"""Usage exports of the vendors' admin APIs, landed as they came: `load_usage` is the whole of it.

reading    files → answers (an answer is one page of an API)
reports    the six reports: where an answer keeps its records, what a record must have, what identifies it
records    answers → records to land, rejects and days, pure
landing    records → `usage_records` and `usage_loads`
"""

from incident_ledger.importers.usage.ingest import LoadReport, load_usage
from incident_ledger.importers.usage.schemas import REPORTS

__all__ = ["REPORTS", "LoadReport", "load_usage"]
