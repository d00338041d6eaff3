"""The playbook's numbers, people and rules as values, read from seed files or from the warehouse."""

from incident_ledger.policy.calendar import Calendar
from incident_ledger.policy.model import Policy
from incident_ledger.policy.playbook_rows import (
    CLOCKS,
    ESCALATION,
    MONITORING_FAILURE,
    RESPONSE_OVERDUE,
    REVIEW_PHASES,
    UPDATE_DUE,
    WAR_ROOM_REQUIRED,
    WEEKLY,
    Band,
    ClassificationRule,
    Contact,
    EscalationStep,
    ResponseRule,
    RunbookStep,
    Severity,
    Task,
)
from incident_ledger.policy.reader import differing, load, load_current, load_files, rewritten

__all__ = [
    "CLOCKS",
    "ESCALATION",
    "MONITORING_FAILURE",
    "RESPONSE_OVERDUE",
    "REVIEW_PHASES",
    "UPDATE_DUE",
    "WAR_ROOM_REQUIRED",
    "WEEKLY",
    "Band",
    "Calendar",
    "ClassificationRule",
    "Contact",
    "EscalationStep",
    "Policy",
    "ResponseRule",
    "RunbookStep",
    "Severity",
    "Task",
    "differing",
    "load",
    "load_current",
    "load_files",
    "rewritten",
]
