"""Invented records in the shape of the Statuspage API."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from incident_ledger.importers import Document
from incident_ledger.importers.statuspage import RetractionRule, StatuspageImporter
from incident_ledger.importers.statuspage.documents import Listing
from incident_ledger.ledger.events import Event

T0 = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
FULL_LENGTH = 50  # of a real page
IMPORTER = StatuspageImporter(RetractionRule(full_length=FULL_LENGTH, most_at_once=1))


def at(minutes: float) -> str:
    """A time as the API writes it, so many minutes after the detection."""
    return (T0 + timedelta(minutes=minutes)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def update(key: str, status: str, minutes: float, body: str = "text") -> dict[str, Any]:
    """One update."""
    return {"id": key, "status": status, "body": body, "display_at": at(minutes), "created_at": at(minutes + 3)}


def incident(key: str = "aaa", updates: Sequence[dict[str, Any]] = (), **fields: Any) -> dict[str, Any]:
    """An open minor incident, created at T0; `updated_at` is that of the last update unless it is given."""
    last = max((item["display_at"] for item in updates), default=at(0))
    record = {
        "id": key, "name": "Slow answers", "status": "investigating", "impact": "minor", "created_at": at(0),
        "updated_at": last, "started_at": at(0), "monitoring_at": None, "resolved_at": None, "page_id": "page1",
        "incident_updates": list(reversed(updates)), "components": [{"name": "API"}],
    }  # fmt: skip
    return record | fields


def resolved(key: str = "aaa", minutes: float = 30, **fields: Any) -> dict[str, Any]:
    """Investigated at 1, resolved."""
    updates = [update(f"{key}-u1", "investigating", 1), update(f"{key}-u2", "resolved", minutes)]
    return incident(key, updates, **({"status": "resolved", "resolved_at": at(minutes)} | fields))


def poll(minutes: float, *incidents: dict[str, Any], page: str = "page1", **more: Any) -> dict[str, Any]:
    """An answer of incidents.json, in the order given; `minutes` is the page's `updated_at`."""
    return {"page": {"id": page, "name": "Page", "updated_at": at(minutes)}, "incidents": list(incidents), **more}


def document(*bodies: Any, name: str = "x.json") -> Document:
    """One body as JSON, several as JSON lines."""
    return Document(name, "\n".join(json.dumps(body) for body in bodies).encode())


def listings(*bodies: Any) -> list[Listing]:
    """Parsed without a reject."""
    parsed = IMPORTER.parse(document(*bodies))
    assert parsed.rejects == []
    return parsed.records


def import_all(*bodies: Any, known: Iterable[Event] = (), importer: StatuspageImporter = IMPORTER) -> list[Event]:
    """The events of one import."""
    return list(importer.plan(listings(*bodies), list(known)).events)


def notes(*bodies: Any, known: Iterable[Event] = (), importer: StatuspageImporter = IMPORTER) -> list[str]:
    """The remarks of one import on what is not listed."""
    return list(importer.plan(listings(*bodies), list(known)).remarks)


def in_turn(*bodies: Any, importer: StatuspageImporter = IMPORTER) -> list[Event]:
    """The ledger after one import each, in this order."""
    events: list[Event] = []
    for body in bodies:
        new = import_all(body, known=events, importer=importer)
        known = {event.event_id for event in events}
        assert not known & {event.event_id for event in new}, "an event was imported twice"
        events += new
    return events
