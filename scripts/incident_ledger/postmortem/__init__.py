"""The review of an incident as a document: written from the ledger, edited by people, read back into it."""
