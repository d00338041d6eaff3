"""An Atlassian Statuspage: archives of incidents as JSON lines, and answers of `/api/v2/incidents.json`.

    importer   the way through all of it
    records    one incident as the page shows it, checked field by field
    documents  documents → listings of such views, and rejects
    history    what the ledger knows of an incident from the page
    diff       view and history → events
    vanished   listing and histories → what was deleted from the page

Severity: critical, major, minor, none are P0 to P3. Maintenance is no incident. Components are named
`statuspage:<page id>/<component>`: archives and polls both have the page's id. Titles and texts are kept letter for
letter, line breaks too; a screen shows them by `encoding.screen_line`.
"""

from incident_ledger.importers.statuspage.importer import StatuspageImporter
from incident_ledger.importers.statuspage.vanished import RetractionRule

__all__ = ["RetractionRule", "StatuspageImporter"]
