"""The rows of the policy tables as values, and the names of the clocks that rows speak of."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

MONITORING_FAILURE = "monitoring_system_failure"  # the rule_id of the playbook's "Monitoring system failure"

COMPLETE_FAILURE = "complete_pipeline_failure"  # the playbook's "Complete pipeline failure for >2 hours"
PARTIAL_FAILURE = "partial_pipeline_failure"  # and its "Partial pipeline failure affecting >50% of data"
USAGE_VOLUME = "usage_volume_missing"  # the same, of the usage that arrives
# The rules of what dbt's statuses mean, each by its rule_id.
DBT_NODE_FAILED, DBT_TEST_FAILED, DBT_TEST_WARNED = "dbt_node_failed", "dbt_test_failed", "dbt_test_warned"
DBT_SOURCE_STALE, DBT_SOURCE_LATE = "dbt_source_stale", "dbt_source_late"
DBT_RULES = (DBT_NODE_FAILED, DBT_TEST_FAILED, DBT_TEST_WARNED, DBT_SOURCE_STALE, DBT_SOURCE_LATE)

# What is found by probes: the playbook's words for APIs, dashboards and alerts, and that no probe arrives.
ALL_DASHBOARDS, AUTHENTICATION = "all_dashboards_unavailable", "api_authentication_failures"
ONE_API, ONE_DASHBOARD = "single_api_degradation", "non_critical_alert"
PROBE_RULES = (ALL_DASHBOARDS, AUTHENTICATION, ONE_API, ONE_DASHBOARD)
PROBES_MISSING = "probes_missing"
LOGS_MISSING = "logs_missing"  # that no entry of a log arrives
ROWS_REJECTED = "rows_rejected"  # that a load or a sink refused something

# Clocks beside the steps of the escalation matrix: a response that is overdue, the escalation by severity, a war room
# that nobody opened, and an update that is due.
RESPONSE_OVERDUE = "response_overdue"
ESCALATION = "escalation"
WAR_ROOM_REQUIRED = "war_room_required"
WAR_ROOM_ACTIVATION = "war_room_activation"  # a step of the matrix, which a room that is open answers
UPDATE_DUE = "update_due"
# After the end: the tasks of the playbook's two phases and the weekly review, each shortly before it is due, and late.
WEEKLY = "weekly"
REVIEW_PHASES = ("immediate", "review", WEEKLY)
CLOCKS = (
    *(RESPONSE_OVERDUE, ESCALATION, WAR_ROOM_REQUIRED, UPDATE_DUE),
    *(f"{phase}_{what}" for phase in REVIEW_PHASES for what in ("due", "late")),
)


@dataclass(frozen=True)
class Severity:
    """One row of `severities`: the playbook's words for a class of incidents."""

    severity_level: str
    severity_rank: int
    severity_name: str
    title: str | None
    incident_commander_role: str | None
    audience: str
    communication: str | None
    war_room_after_minutes: int | float | None
    war_room: str | None
    review: str | None


@dataclass(frozen=True)
class ResponseRule:
    """One row of `response_rules`. Minutes are None where the basis is no number of minutes."""

    severity_level: str
    response_minutes: int | float | None
    response_basis: str
    response_time: str
    escalation_minutes: int | float | None
    escalation_basis: str
    escalation_unless: str | None
    escalation: str
    update_minutes: int | float | None


@dataclass(frozen=True)
class ClassificationRule:
    """One characteristic of a severity class, and the kind of detector that finds it."""

    rule_id: str
    severity_level: str
    characteristic: str
    detector: str
    lower_value: int | float | None
    is_lower_inclusive: bool | None
    upper_value: int | float | None
    is_upper_inclusive: bool | None
    unit: str | None
    runbook: str | None
    hold_minutes: int | float | None
    window_minutes: int | float | None
    min_observations: int | float | None
    clear_minutes: int | float | None

    def reaches(self, value: Fraction) -> bool:
        """Whether a value is at or over the lower number, as the row has it, exactly; always without one."""
        if self.lower_value is None:
            return True
        limit = Fraction(str(self.lower_value))
        return value > limit or (value == limit and bool(self.is_lower_inclusive))


@dataclass(frozen=True)
class RunbookStep:
    """One step of an investigation procedure; `command` None where a person looks."""

    runbook: str
    position: int
    step: str
    command: str | None


@dataclass(frozen=True)
class EscalationStep:
    """One row of the escalation matrix; `to_minutes` None has no end."""

    step_id: str
    position: int
    from_minutes: int | float
    to_minutes: int | float | None
    severity_levels: tuple[str, ...]
    time_since_detection: str
    action: str


@dataclass(frozen=True)
class Contact:
    """Whom to reach, and how."""

    contact_id: str
    role: str
    email_primary: str | None  # None for one that a team has to fill in, and that no audience names
    email_secondary: str | None
    phone: str | None


@dataclass(frozen=True)
class Task:
    """One thing to do after an incident of these severities, due `due_hours` after its resolution."""

    task_id: str
    position: int
    phase: str
    phase_title: str
    task: str
    step: str
    due_hours: int | float
    severity_levels: tuple[str, ...]


@dataclass(frozen=True)
class MoneyRate:
    """What an hour of an incident is estimated to cost."""

    severity_level: str
    amount_per_hour: Decimal
    currency: str


@dataclass(frozen=True)
class Band:
    """A range of rates in percent that means a severity."""

    severity_level: str
    lower: Fraction
    is_lower_inclusive: bool
    upper: Fraction
    is_upper_inclusive: bool
    min_examined: int
    rule_id: str

    def holds(self, percent: Fraction) -> bool:
        """Whether a rate is inside, exactly."""
        above = percent >= self.lower if self.is_lower_inclusive else percent > self.lower
        return above and (percent <= self.upper if self.is_upper_inclusive else percent < self.upper)
