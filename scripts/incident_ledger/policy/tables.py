"""The shape of every policy table: its columns, what makes a row one of a kind, and the order in which it is shown.

A test compares this with the YAML beside each seed, so that dbt, SQL and Python speak of the same columns.
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a cell holds; the value is BigQuery's name of the type."""

    TEXT = "string"
    INTEGER = "int64"
    NUMBER = "numeric"
    BOOLEAN = "bool"
    TIMESTAMP = "timestamp"
    DAY = "date"
    CLOCK = "time"


@dataclass(frozen=True)
class Column:
    """One column of a seed. `required` cells may not be empty; `choices` are the only texts that it takes."""

    name: str
    kind: Kind
    required: bool = True
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class PolicyTable:
    """One seed. Rows of one `subject` and `valid_from` are one version; the newest version that has begun holds.

    `key` distinguishes the rows of a version. `is_versioned` tables have the column `valid_from`, empty for always.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    subject: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    is_versioned: bool = True

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names in the order of the file."""
        return tuple(column.name for column in self.columns)


def _text(*names: str, required: bool = True) -> tuple[Column, ...]:
    return tuple(Column(name, Kind.TEXT, required) for name in names)


def _typed(kind: Kind, *names: str, required: bool = True) -> tuple[Column, ...]:
    return tuple(Column(name, kind, required) for name in names)


_VALID_FROM = Column("valid_from", Kind.TIMESTAMP, required=False)
_SEVERITY = Column("severity_level", Kind.TEXT)
WEEKDAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
MEASURES = ("failed_record_rate", "failed_validation_rate")

SEVERITIES = PolicyTable(
    "severities",
    (
        _SEVERITY,
        Column("severity_rank", Kind.INTEGER),
        *_text("severity_name"),
        *_text("title", "incident_commander_role", required=False),
        *_text("audience"),
        *_text("communication", required=False),
        Column("war_room_after_minutes", Kind.NUMBER, required=False),
        *_text("war_room", "review", required=False),
    ),
    key=("severity_level",),
    order=("severity_rank",),
    is_versioned=False,
)
RESPONSE_RULES = PolicyTable(
    "response_rules",
    (
        _SEVERITY,
        Column("response_minutes", Kind.NUMBER, required=False),
        Column("response_basis", Kind.TEXT, choices=("minutes", "next_business_day")),
        *_text("response_time"),
        Column("escalation_minutes", Kind.NUMBER, required=False),
        Column("escalation_basis", Kind.TEXT, choices=("immediate", "minutes", "as_needed")),
        Column("escalation_unless", Kind.TEXT, required=False, choices=("contained", "resolved")),
        *_text("escalation"),
        Column("update_minutes", Kind.NUMBER, required=False),
        _VALID_FROM,
    ),
    key=("severity_level",),
    subject=("severity_level",),
    order=("severity_level", "valid_from"),
)
CLASSIFICATION_RULES = PolicyTable(
    "classification_rules",
    (
        *_text("rule_id"),
        _SEVERITY,
        *_text("characteristic", "detector"),
        Column("lower_value", Kind.NUMBER, required=False),
        Column("is_lower_inclusive", Kind.BOOLEAN, required=False),
        Column("upper_value", Kind.NUMBER, required=False),
        Column("is_upper_inclusive", Kind.BOOLEAN, required=False),
        *_text("unit", required=False),
        _VALID_FROM,
    ),
    key=("rule_id",),
    subject=("rule_id",),
    order=("severity_level", "rule_id", "valid_from"),
)
QUALITY_THRESHOLDS = PolicyTable(
    "quality_thresholds",
    (
        Column("measure", Kind.TEXT, choices=MEASURES),
        _SEVERITY,
        Column("lower_percent", Kind.NUMBER),
        Column("is_lower_inclusive", Kind.BOOLEAN),
        Column("upper_percent", Kind.NUMBER),
        Column("is_upper_inclusive", Kind.BOOLEAN),
        Column("min_examined", Kind.INTEGER),
        *_text("rule_id"),
        _VALID_FROM,
    ),
    key=("measure", "severity_level"),
    subject=("measure",),
    order=("measure", "valid_from", "lower_percent"),
)
RULE_SEVERITY = PolicyTable(
    "severity_caps",
    (Column("gx_severity", Kind.TEXT, choices=("critical", "warning", "info")), _SEVERITY, _VALID_FROM),
    key=("gx_severity",),
    subject=("gx_severity",),
    order=("severity_level", "gx_severity", "valid_from"),
)
ESCALATION_MATRIX = PolicyTable(
    "escalation_matrix",
    (
        *_text("step_id"),
        Column("position", Kind.INTEGER),
        Column("from_minutes", Kind.NUMBER),
        Column("to_minutes", Kind.NUMBER, required=False),
        *_text("severity_levels", "time_since_detection", "action"),
        _VALID_FROM,
    ),
    key=("step_id",),
    order=("valid_from", "position"),
)
CONTACTS = PolicyTable(
    "contacts",
    (*_text("contact_id", "role", "email_primary"), *_text("email_secondary", "phone", required=False)),
    key=("contact_id",),
    order=("contact_id",),
    is_versioned=False,
)
EMERGENCY_CONTACTS = PolicyTable(
    "emergency_contacts",
    (
        Column("position", Kind.INTEGER),
        *_text("contact_id", "label", "email"),
        *_text("severity_level", "instruction", required=False),
    ),
    key=("position",),
    order=("position",),
    is_versioned=False,
)
AUDIENCES = PolicyTable(
    "audiences",
    (_SEVERITY, *_text("contact_id", "audience_group"), _VALID_FROM),
    key=("severity_level", "contact_id"),
    subject=("severity_level",),
    order=("severity_level", "valid_from", "contact_id"),
)
NOTIFICATION_RULES = PolicyTable(
    "notification_rules",
    (
        *_text("event_type"),
        _SEVERITY,
        Column("template", Kind.TEXT, required=False, choices=("initial", "critical", "resolution")),
        _VALID_FROM,
    ),
    key=("event_type", "severity_level"),
    subject=("event_type", "severity_level"),
    order=("event_type", "severity_level", "valid_from"),
)
POST_INCIDENT_TASKS = PolicyTable(
    "post_incident_tasks",
    (
        *_text("task_id"),
        Column("position", Kind.INTEGER),
        Column("phase", Kind.TEXT, choices=("immediate", "review")),
        *_text("phase_title", "task", "step"),
        Column("due_hours", Kind.NUMBER),
    ),
    key=("task_id",),
    order=("position",),
    is_versioned=False,
)
BUSINESS_CALENDAR = PolicyTable(
    "business_calendar",
    (
        *_text("time_zone"),
        *_typed(Kind.CLOCK, "opens_at", "closes_at"),
        *_text("weekdays"),
        _VALID_FROM,
    ),
    key=(),
    order=("valid_from",),
)
BUSINESS_HOLIDAYS = PolicyTable(
    "business_holidays",
    (*_typed(Kind.DAY, "holiday_date"), *_text("name")),
    key=("holiday_date",),
    order=("holiday_date",),
    is_versioned=False,
)
RUNNER_LIMITS = PolicyTable(
    "runtime_limits",
    (*_text("limit_name"), Column("value", Kind.NUMBER), *_text("unit", "reason"), _VALID_FROM),
    key=("limit_name",),
    subject=("limit_name",),
    order=("limit_name", "valid_from"),
)

ALL = (
    SEVERITIES,
    RESPONSE_RULES,
    CLASSIFICATION_RULES,
    QUALITY_THRESHOLDS,
    RULE_SEVERITY,
    ESCALATION_MATRIX,
    AUDIENCES,
    CONTACTS,
    EMERGENCY_CONTACTS,
    NOTIFICATION_RULES,
    POST_INCIDENT_TASKS,
    BUSINESS_CALENDAR,
    BUSINESS_HOLIDAYS,
    RUNNER_LIMITS,
)
BY_NAME = {table.name: table for table in ALL}
