"""The playbook's numbers, people and rules as values, read from seed files or from the warehouse."""

from incident_ledger.policy.calendar import Calendar
from incident_ledger.policy.load import load, load_files
from incident_ledger.policy.model import (
    Band,
    ClassificationRule,
    Contact,
    EscalationStep,
    Policy,
    ResponseRule,
    Severity,
    Task,
)

__all__ = [
    "Band",
    "Calendar",
    "ClassificationRule",
    "Contact",
    "EscalationStep",
    "Policy",
    "ResponseRule",
    "Severity",
    "Task",
    "load",
    "load_files",
]
