"""What an import or load refused, kept in `import_rejects` so that it can be listed and replayed."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from incident_ledger.importers import Reject
from incident_ledger.ledger.events import canonical
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.scratch import MAX_REQUEST_BYTES, batch

_MERGE = """
    merge {table} as kept
    using (
        select
            json_value(item, '$.reject_id') as reject_id,
            json_value(item, '$.file') as file,
            cast(json_value(item, '$.line') as int64) as line,
            json_value(item, '$.error') as error,
            json_value(item, '$.field') as field,
            json_value(item, '$.record') as record
        from {items}
    ) as said
    on kept.reject_id = said.reject_id
    when not matched then insert (reject_id, source, file, line, error, field, record, rejected_at)
    values (
        said.reject_id, @source, said.file, said.line, said.error, said.field, said.record, @rejected_at
    )
"""

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
    rows = {row["reject_id"]: canonical(row) for row in (_row(source, reject) for reject in rejects)}
    if not rows:
        return 0
    with batch(warehouse, list(rows.values()), max_bytes) as (items, params):
        sql = _MERGE.format(table=warehouse.raw("import_rejects"), items=items)
        return warehouse.execute(sql, {"source": source, "rejected_at": rejected_at, **params})


def _row(source: str, reject: Reject) -> dict[str, Any]:
    said = [source, reject.file, reject.line, reject.field, reject.record]
    # A refused text may hold what the warehouse does not take either: NUL and half a character are shown, not kept.
    record, error = (_printable(text) for text in (reject.record, reject.error))
    return {
        "reject_id": hashlib.sha256(canonical(said).encode(errors="backslashreplace")).hexdigest()[:32],
        "file": reject.file,
        "line": reject.line,
        "error": error,
        "field": reject.field,
        "record": record[:_LONGEST_RECORD],
    }


def _printable(text: str) -> str:
    return text.replace("\0", "\\u0000").encode(errors="backslashreplace").decode()
