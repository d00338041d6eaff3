"""An Atlassian Statuspage: archives of incidents as JSON lines, and answers of `/api/v2/incidents.json`.

    records    one incident as the page shows it, checked field by field
    documents  documents → listings of such views, and rejects
    memory     what the ledger knows that the page said
    changes    view and memory → events

Severity: critical, major, minor, none are P0 to P3. Maintenance is no incident. Components are named
`statuspage:<page id>/<component>`: archives and polls both have the page's id. Titles and texts are kept letter for
letter, line breaks too; a screen shows them by `ledger.find.one_line`.
"""

from collections.abc import Sequence
from datetime import datetime

from incident_ledger.importers import Concerned, Document, Parsed, Told
from incident_ledger.importers.statuspage.changes import changes, first_sight, listed_again, withdrawn
from incident_ledger.importers.statuspage.documents import Listing, parse
from incident_ledger.importers.statuspage.memory import SOURCE, Memory, by_source_key, remember
from incident_ledger.importers.statuspage.records import View
from incident_ledger.ledger.events import Event


class StatuspageImporter:
    """The `Importer` of status pages."""

    source = SOURCE

    def parse(self, document: Document) -> Parsed[Listing]:
        """Listings of a document, and its rejects."""
        return parse(document)

    def size(self, records: Sequence[Listing]) -> int:
        """How many incidents the listings show, each as often as it is shown."""
        return sum(len(listing.views) for listing in records)

    def concerned(self, records: Sequence[Listing]) -> Concerned:
        """The incidents shown, and all that a poll reaches back past."""
        oldest = [_oldest(listing) for listing in records if listing.present and listing.views]
        return Concerned(
            source_keys=tuple(sorted({view.key for listing in records for view in listing.views})),
            from_incident_id=f"INC-{min(oldest):%Y%m%dT%H%M%SZ}" if oldest else None,
        )

    def tell(self, records: Sequence[Listing], known: Sequence[Event]) -> Told:
        """What the listings say that is not known, in the order of their times, whatever their order here."""
        memories = by_source_key(known)
        said: list[Event] = []
        new = unchanged = left_out = 0
        for listing in sorted(records, key=lambda listing: listing.at):
            for view in listing.views:
                memory = memories.get(view.key)
                events = _of_view(view, memory, listing)
                said += _learn(memories, view.key, events)
                left_out += view.is_maintenance
                new += memory is None and bool(events)
                unchanged += not events and not view.is_maintenance
            for memory in list(memories.values()):
                said += _learn(memories, memory.source_key, _if_vanished(memory, listing))
        return Told(events=tuple(said), new_incidents=new, unchanged=unchanged, left_out=left_out)


def _of_view(view: View, memory: Memory | None, listing: Listing) -> list[Event]:
    if view.is_maintenance:
        if memory is None or view.updated_at < memory.updated_at:
            return []
        return withdrawn(memory, view.updated_at, "The page lists it as maintenance.")
    seen_at = listing.at if listing.present is not None else view.updated_at
    if memory is None:
        return first_sight(view, seen_at)
    return [*listed_again(memory, seen_at), *changes(view, memory)]


def _if_vanished(memory: Memory, listing: Listing) -> list[Event]:
    """Retracted: a poll that reaches back past it and was made after it was seen does not list it.

    A poll shows the newest; what is older than all of them slid out. One that shows only what is open
    (`unresolved.json`) says nothing of what was resolved.
    """
    if listing.present is None or not listing.views or memory.page != listing.page:
        return []
    shows_ended = any(view.resolved_at for view in listing.views)
    is_within_reach = _oldest(listing) < memory.detected.occurred_at < listing.at and memory.seen_at < listing.at
    if not is_within_reach or memory.source_key in listing.present or not (shows_ended or memory.is_open):
        return []
    return withdrawn(memory, listing.at, "No longer on the page, which still reaches back past it.")


def _learn(memories: dict[str, Memory], key: str, events: list[Event]) -> list[Event]:
    if events:
        before = memories.get(key)
        memory = remember([*(before.events if before else ()), *events])
        if memory:
            memories[key] = memory
    return events


def _oldest(listing: Listing) -> datetime:
    return min(view.created_at for view in listing.views)


__all__ = ["StatuspageImporter"]
