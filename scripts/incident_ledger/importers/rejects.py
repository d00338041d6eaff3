"""What an import or load refused, kept in `import_rejects` so that it can be listed and replayed."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from incident_ledger.encoding import canonical, escaped
from incident_ledger.importers import Reject
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.rows import MAX_REQUEST_BYTES, merge_rows
from incident_ledger.warehouse.tables import IMPORT_REJECTS

_LONGEST_RECORD = 100_000  # characters; enough to see what was wrong


def write_rejects(
    warehouse: Warehouse,
    source: str,
    rejects: Sequence[Reject],
    rejected_at: datetime,
    *,
    max_bytes: int = MAX_REQUEST_BYTES,
) -> int:
    """Keep the rejects that are not kept yet, by one MERGE; how many were new.

    The same record of the same file is one reject. What does not fit into a request of `max_bytes` goes by a load job
    into a table of its own first.
    """
    rows = [_row(source, reject) | {"source": source, "rejected_at": rejected_at} for reject in rejects]
    return merge_rows(warehouse, IMPORT_REJECTS, rows, max_bytes=max_bytes)


def _row(source: str, reject: Reject) -> dict[str, Any]:
    identity = [source, reject.file, reject.line, reject.field, reject.record]
    # A refused text may hold what the warehouse does not take either: NUL and half a character are shown, not kept.
    record, error = (escaped(text) for text in (reject.record, reject.error))
    return {
        "reject_id": hashlib.sha256(canonical(identity).encode(errors="backslashreplace")).hexdigest()[:32],
        "file": reject.file,
        "line": reject.line,
        "error": error,
        "field": reject.field,
        "record": record[:_LONGEST_RECORD],
    }
