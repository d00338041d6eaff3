"""The way of any importer into the ledger: documents in, events and rejects written, a report out."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from incident_ledger import policy
from incident_ledger.encoding import timestamp
from incident_ledger.errors import UserError
from incident_ledger.importers import Document, Importer, Parsed, Reject
from incident_ledger.importers.rejects import write_rejects
from incident_ledger.ledger.events import Event, EventType
from incident_ledger.ledger.setup import ensure_ledger
from incident_ledger.ledger.state import read_events
from incident_ledger.ledger.writer import append
from incident_ledger.warehouse import Warehouse

R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class ImportReport:
    """What an import did. `read` counts records, the refused ones too; `left_out` what is no incident."""

    source: str
    documents: int
    read: int
    new_incidents: int
    new_events: int
    unchanged: int
    left_out: int
    rejects: tuple[Reject, ...]
    remarks: tuple[str, ...]


def parse_all(importer: Importer[R], documents: Sequence[Document], on_parsed: Callable[[], None]) -> Parsed[R]:
    """The records of all documents.

    Raises `UserError` when not one of them is what this importer reads: then the whole call was a
    mistake, and nothing is kept.
    """
    everything: Parsed[R] = Parsed()
    for document in documents:
        parsed = importer.parse(document)
        everything.records += parsed.records
        everything.rejects.extend(parsed.rejects)
        everything.remarks += parsed.remarks
        on_parsed()
    if everything.rejects and not everything.records and all(reject.line == 0 for reject in everything.rejects):
        reasons = "\n  ".join(str(reject) for reject in everything.rejects[:10])
        raise UserError(f"Nothing to import:\n  {reasons}")
    return everything


def take_in(
    warehouse: Warehouse,
    importer: Importer[R],
    documents: Sequence[Document],
    now: datetime,
    *,
    on_parsed: Callable[[], None] = lambda: None,
) -> ImportReport:
    """Import documents that were read before. Good records are not lost to bad ones.

    All events go by one MERGE, whole or not at all. Importing again changes nothing, and completes an import that died
    between the events and the rejects.
    """
    parsed = parse_all(importer, documents, on_parsed)
    ensure_ledger(warehouse)
    importer = importer.under(policy.load(warehouse), now)
    scope = importer.scope(parsed.records)
    known = read_events(
        warehouse,
        source=importer.source,
        source_keys=scope.source_keys,
        from_incident_id=scope.from_incident_id,
        is_open=scope.is_open,
        ended_since=scope.ended_since,
    )
    plan = importer.plan(parsed.records, [item.event for item in known])
    written = append(warehouse, plan.events, now)
    write_rejects(warehouse, importer.source, parsed.rejects, now)
    return ImportReport(
        source=importer.source,
        documents=len(documents),
        read=importer.size(parsed.records) + len(parsed.rejects),
        new_incidents=plan.new_incidents,
        new_events=written,
        unchanged=plan.unchanged,
        left_out=plan.left_out,
        rejects=tuple(parsed.rejects),
        remarks=(*parsed.remarks, *plan.remarks, *_ahead(plan.events, now)),
    )


def _ahead(events: Sequence[Event], now: datetime) -> Iterator[str]:
    """A remark on each incident that is of the future: a clock or a time zone is wrong somewhere."""
    for event in events:
        if event.event_type is EventType.DETECTED and event.occurred_at > now:
            at = timestamp(event.occurred_at)
            yield f"{event.incident_id} is detected at {at}, after this import; nobody is notified of it before then"
