"""The `Importer` of status pages."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from incident_ledger.importers import Document, ImportPlan, LedgerScope, Parsed
from incident_ledger.importers.statuspage.diff import changes, first_sight, listed_again, withdrawn
from incident_ledger.importers.statuspage.documents import Listing, parse
from incident_ledger.importers.statuspage.history import SOURCE, IncidentHistory, build_history, by_source_key
from incident_ledger.importers.statuspage.records import IncidentSnapshot
from incident_ledger.importers.statuspage.vanished import RetractionRule, absent
from incident_ledger.ledger.events import Event
from incident_ledger.policy import Policy


@dataclass(frozen=True)
class StatuspageImporter:
    """The `Importer` of status pages. Without a rule nothing that vanishes is retracted."""

    rule: RetractionRule = field(default_factory=RetractionRule)
    source = SOURCE

    def under(self, policy: Policy, now: datetime) -> "StatuspageImporter":
        """The same, with the policy's limits."""
        return StatuspageImporter(
            replace(
                self.rule,
                full_length=int(policy.limit("statuspage_listing_incidents", now)),
                most_at_once=int(policy.limit("statuspage_deletion_incidents", now)),
            )
        )

    def parse(self, document: Document) -> Parsed[Listing]:
        """Listings of a document, and its rejects."""
        return parse(document)

    def size(self, records: Sequence[Listing]) -> int:
        """How many incidents the listings show, each as often as it is shown."""
        return sum(len(listing.views) for listing in records)

    def scope(self, records: Sequence[Listing]) -> LedgerScope:
        """The incidents shown; all that a whole listing reaches back past, in either order; and what is open.

        Of a page with fewer incidents than it could list everything is needed, to know that nothing else is missing.
        """
        shown = {key for listing in records for key in (*listing.shown, *(view.key for view in listing.views))}
        ended = [
            time for listing in records if listing.is_whole for view in listing.views if (time := view.resolved_at)
        ]
        created = [view.created_at for listing in records if listing.is_whole for view in listing.views]
        is_short = any(
            len(listing.ids) < self.rule.full_length and any(view.resolved_at for view in listing.views)
            for listing in records
            if listing.is_whole
        )
        lowest = "" if is_short else f"INC-{min(created):%Y%m%dT%H%M%SZ}" if created else None
        return LedgerScope(
            source_keys=tuple(sorted(shown)),
            from_incident_id=lowest,
            is_open=any(listing.is_answer for listing in records),
            ended_since=min(ended, default=None),
        )

    def plan(self, records: Sequence[Listing], known: Sequence[Event]) -> ImportPlan:
        """What the listings show that is not known, in the order of their times, whatever their order here."""
        histories = by_source_key(known)
        events: list[Event] = []
        notes: dict[str, str | None] = {}  # of each page, on its last listing
        new = unchanged = left_out = 0
        for listing in sorted(records, key=lambda listing: listing.at):
            for view in listing.views:
                history = histories.get(view.key)
                new_events = _of_view(view, history, listing)
                events += _extend(histories, view.key, new_events)
                left_out += view.is_maintenance
                new += history is None and bool(new_events)
                unchanged += not new_events and not view.is_maintenance
            for key in sorted(listing.shown & histories.keys()):
                events += _extend(histories, key, listed_again(histories[key], listing.at))
            if listing.is_answer:
                missing = absent(listing, histories.values(), self.rule)
                notes[listing.page] = missing.note
                for history in missing.deleted:
                    events += _extend(histories, history.source_key, withdrawn(history, listing.at, _VANISHED))
        if self.rule.is_complete and not any(listing.is_whole for listing in records):
            notes[""] = "no answer of incidents.json is among these, so --complete has no effect: nothing is retracted"
        remarks = tuple(note for note in notes.values() if note)
        return ImportPlan(
            events=tuple(events), new_incidents=new, unchanged=unchanged, left_out=left_out, remarks=remarks
        )


_VANISHED = "No longer on the page, which still reaches back past it."


def _of_view(view: IncidentSnapshot, history: IncidentHistory | None, listing: Listing) -> list[Event]:
    if view.is_maintenance:
        if history is None or view.updated_at < history.updated_at:
            return []
        return withdrawn(history, view.updated_at, "The page lists it as maintenance.")
    seen_at = listing.at if listing.is_whole else view.updated_at
    if history is None:
        return first_sight(view, seen_at)
    return [*listed_again(history, seen_at), *changes(view, history)]


def _extend(histories: dict[str, IncidentHistory], key: str, events: list[Event]) -> list[Event]:
    if events:
        before = histories.get(key)
        history = build_history([*(before.events if before else ()), *events])
        if history:
            histories[key] = history
    return events
