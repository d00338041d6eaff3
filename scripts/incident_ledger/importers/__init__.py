"""From the records of another system to incident events, or to landed rows.

    protocol   what an importer is, with the values that it takes and gives
    sources    files and URLs → documents (bytes with a name)
    statuspage an `Importer`: documents → records and rejects, records and what is known → events
    pipeline   the way of any `Importer` into the ledger
    rejects    what was refused, kept to be listed and replayed
    sinks      exported log entries, which are rows of tables like those of Cloud Logging's sinks
    usage      usage exports, which are landed as rows and make no events

To add a source of incidents, write an `Importer`, and a command for it in `cli/importing.py` and `cli/actions/`.
"""

from incident_ledger.importers.protocol import Document, Importer, ImportPlan, LedgerScope, Parsed, Reject, Rejects

__all__ = ["Document", "ImportPlan", "Importer", "LedgerScope", "Parsed", "Reject", "Rejects"]
