"""Rejects, listed and taken in after all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from incident_ledger.errors import UserError
from incident_ledger.importers import Document, Importer
from incident_ledger.importers.sources import read_documents
from incident_ledger.importers.statuspage import StatuspageImporter
from incident_ledger.importers.take_in import take_in
from incident_ledger.importers.usage import load_usage
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.tables import ensure_tables

# Sources whose records can be read one by one again.
_IMPORTERS: dict[str, Importer[Any]] = {importer.source: importer for importer in (StatuspageImporter(),)}


@dataclass(frozen=True, kw_only=True)
class KeptReject:
    """One row of `import_rejects`."""

    reject_id: str
    source: str
    file: str
    line: int
    error: str
    field: str | None
    record: str | None
    rejected_at: datetime
    replayed_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class Replayed:
    """What became of one reject: taken in with so many new events, or still refused and why."""

    reject_id: str
    new_events: int
    error: str | None


def kept_rejects(warehouse: Warehouse, *, id_part: str | None = None, everything: bool = False) -> list[KeptReject]:
    """Rejects that were not taken in yet (or all), in the order of their files and lines."""
    ensure_tables(warehouse)
    where = "true" if everything else "replayed_at is null"
    params: dict[str, Any] = {}
    if id_part is not None:
        where, params = "starts_with(reject_id, @id_part)", {"id_part": id_part.lower()}
    sql = f"""
        select reject_id, source, file, line, error, field, record, rejected_at, replayed_at
        from {warehouse.raw("import_rejects")}
        where {where}
        qualify row_number() over (partition by reject_id order by replayed_at desc, rejected_at) = 1
        order by rejected_at, file, line, reject_id
    """  # noqa: S608 - only the quoted table name and conditions of our own
    return [KeptReject(**row) for row in warehouse.rows(sql, params)]


def find_reject(warehouse: Warehouse, part: str) -> KeptReject:
    """The one reject whose id begins so. Raises `UserError` when none or several do."""
    found = kept_rejects(warehouse, id_part=part)
    if len(found) == 1 and part:
        return found[0]
    listed = "\n".join(f"  {item.reject_id}  {item.file}:{item.line}" for item in found[:10])
    if found:
        raise UserError(f"{part!r} may be {len(found)} rejects:\n{listed}")
    raise UserError(f"No reject's id begins with {part!r}: incident-ledger rejects list")


def replay(warehouse: Warehouse, reject: KeptReject, now: datetime, *, corrected: Path | None = None) -> Replayed:
    """Take a record in after all: as it came (after a change of the importer), or corrected.

    Of a usage export only a corrected file can be taken in, which `load_usage` reads whole.
    """
    importer = _IMPORTERS.get(reject.source)
    if importer is None:
        return _load_again(warehouse, reject, now, corrected)
    document = (
        read_documents([str(corrected)])[0] if corrected else Document(reject.file, (reject.record or "").encode())
    )
    parsed = importer.parse(document)
    if parsed.rejects or not parsed.records:
        first = parsed.rejects[0] if parsed.rejects else None
        error = "holds no record" if first is None else f"{first.field}: {first.error}" if first.field else first.error
        return Replayed(reject_id=reject.reject_id, new_events=0, error=error)
    report = take_in(warehouse, importer, [document], now)
    mark_replayed(warehouse, [reject.reject_id], now)
    return Replayed(reject_id=reject.reject_id, new_events=report.new_events, error=None)


def _load_again(warehouse: Warehouse, reject: KeptReject, now: datetime, corrected: Path | None) -> Replayed:
    if corrected is None:
        return Replayed(reject_id=reject.reject_id, new_events=0, error="give the corrected export: --file FILE")
    report = load_usage(warehouse, reject.source, [corrected], loaded_at=now)
    if report.rejects:
        return Replayed(reject_id=reject.reject_id, new_events=0, error=report.rejects[0].error)
    mark_replayed(warehouse, [reject.reject_id], now)
    return Replayed(reject_id=reject.reject_id, new_events=0, error=None)


def mark_replayed(warehouse: Warehouse, reject_ids: Sequence[str], now: datetime) -> None:
    """They need no more care."""
    sql = f"""
        update {warehouse.raw("import_rejects")} set replayed_at = @now
        where reject_id in unnest(@reject_ids) and replayed_at is null
    """  # noqa: S608 - only the quoted table name is not a parameter
    warehouse.execute(sql, {"now": now, "reject_ids": list(reject_ids)})
