"""Incident Ledger: the incident response playbook, run from the data warehouse."""

__version__ = "0.1.0"
