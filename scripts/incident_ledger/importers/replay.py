"""Rejects, listed and taken in after all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from incident_ledger.errors import UserError
from incident_ledger.importers import Document, Importer, Reject
from incident_ledger.importers.pipeline import take_in
from incident_ledger.importers.sources import read_documents
from incident_ledger.importers.statuspage import StatuspageImporter
from incident_ledger.importers.usage import REPORTS, load_usage
from incident_ledger.importers.usage.ingest import read_batch
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.rows import update_rows
from incident_ledger.warehouse.tables import IMPORT_REJECTS, ensure_tables

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
    """What became of one reject: taken in with so many new events or usage records, or still refused and why."""

    reject_id: str
    new_events: int = 0
    new_records: int = 0
    error: str | None = None


def kept_rejects(
    warehouse: Warehouse, *, id_part: str | None = None, everything: bool = False, with_record: bool = True
) -> list[KeptReject]:
    """Rejects that were not taken in yet (or all), in the order of their files and lines."""
    ensure_tables(warehouse)
    where = "true" if everything else "replayed_at is null"
    params: dict[str, Any] = {}
    if id_part is not None:
        where, params = "starts_with(reject_id, @id_part)", {"id_part": id_part.lower()}
    record = "record" if with_record else "cast(null as string) as record"
    sql = f"""
        select reject_id, source, file, line, error, field, {record}, rejected_at, replayed_at
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


def replay(
    warehouse: Warehouse, rejects: Sequence[KeptReject], now: datetime, *, corrected: Path | None = None
) -> list[Replayed]:
    """Take records in after all: as they came (after a change of the importer), or the one that is given, corrected.

    What became of each, in their order. All of a source are one import, however many they are. Of a usage export only
    a corrected file can be taken in, whole or not at all.
    """
    outcomes: dict[str, Replayed] = {}
    readable: dict[str, list[_Readable]] = {}
    for reject in rejects:
        importer = _IMPORTERS.get(reject.source)
        if importer is None:
            outcomes[reject.reject_id] = _load_again(warehouse, reject, now, corrected)
            continue
        content = (reject.record or "").encode()
        document = read_documents([str(corrected)])[0] if corrected else Document(reject.file, content)
        parsed = importer.parse(document)
        if parsed.rejects or not parsed.records:
            outcomes[reject.reject_id] = Replayed(reject_id=reject.reject_id, error=_why(parsed.rejects))
        else:
            found = _Readable(reject.reject_id, document, importer.scope(parsed.records).source_keys)
            readable.setdefault(reject.source, []).append(found)
    for source, members in readable.items():
        outcomes.update(_take_in_again(warehouse, _IMPORTERS[source], members, now))
    return [outcomes[reject.reject_id] for reject in rejects]


@dataclass(frozen=True)
class _Readable:
    """A reject that can be read now, and the incidents that it is about."""

    reject_id: str
    document: Document
    source_keys: tuple[str, ...]


def _take_in_again(
    warehouse: Warehouse, importer: Importer[Any], members: Sequence[_Readable], now: datetime
) -> Iterator[tuple[str, Replayed]]:
    take_in(warehouse, importer, [member.document for member in members], now)
    sql = f"""
        select source_key, count(*) as events
        from {warehouse.raw("incident_events")}
        where recorded_at = @now and first_recorded_at is null and source = @source
        group by source_key
    """  # noqa: S608 - only the quoted table name is not a parameter
    written = {row["source_key"]: row["events"] for row in warehouse.rows(sql, {"now": now, "source": importer.source})}
    mark_replayed(warehouse, [member.reject_id for member in members], now)
    for member in members:
        # New events of an incident that two of them are about count for the first.
        new = sum(written.pop(key, 0) for key in member.source_keys)
        yield member.reject_id, Replayed(reject_id=member.reject_id, new_events=new)


def _load_again(warehouse: Warehouse, reject: KeptReject, now: datetime, corrected: Path | None) -> Replayed:
    """What was corrected by hand is no newer an export than what was refused: it replaces nothing that came since."""
    error = "give the corrected export: --file FILE" if corrected is None else _wrong(reject, corrected)
    if corrected is None or error is not None:
        return Replayed(reject_id=reject.reject_id, error=error)
    report = load_usage(warehouse, reject.source, [corrected], loaded_at=now, exported_at=reject.rejected_at)
    mark_replayed(warehouse, [reject.reject_id], now)
    return Replayed(reject_id=reject.reject_id, new_records=report.new)


def _wrong(reject: KeptReject, corrected: Path) -> str | None:
    """Why a corrected export cannot be taken in; None when it can. Keeps no reject: the record has one already."""
    batch = read_batch(reject.source, [corrected], reject.rejected_at)
    if batch.rejects or not batch.records:
        return _why(batch.rejects)
    if REPORTS[reject.source].has_results and batch.loose_days:
        return "give the whole corrected export: a bucket replaces the older one with all its results"
    return None


def _why(rejects: Sequence[Reject]) -> str:
    if not rejects:
        return "holds no record"
    return f"{rejects[0].field}: {rejects[0].error}" if rejects[0].field else rejects[0].error


def mark_replayed(warehouse: Warehouse, reject_ids: Sequence[str], now: datetime) -> None:
    """They need no more care."""
    rows = [{"reject_id": reject_id, "replayed_at": now} for reject_id in reject_ids]
    update_rows(warehouse, IMPORT_REJECTS, rows, on="target.replayed_at is null")
