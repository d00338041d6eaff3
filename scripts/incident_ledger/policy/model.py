"""The playbook as values. Questions take the time `at` that they are about: usually an incident's detection."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from typing import Any

from incident_ledger.errors import UserError
from incident_ledger.policy.calendar import Calendar
from incident_ledger.policy.cells import Row
from incident_ledger.policy.dependencies import Dependencies
from incident_ledger.policy.patterns import holds
from incident_ledger.policy.playbook_rows import (
    MONITORING_FAILURE,
    Band,
    ClassificationRule,
    Contact,
    EscalationStep,
    MoneyRate,
    ResponseRule,
    RunbookStep,
    Severity,
    Task,
)
from incident_ledger.policy.seeds import policy_tables

_ALWAYS = datetime.min.replace(tzinfo=UTC)

_REOPENING_WINDOW = "reopening_window_hours"


@dataclass(frozen=True)
class Policy:
    """All policy tables, valid together. Made by `load` and `load_files` only, which check them."""

    tables: Mapping[str, tuple[Row, ...]] = field(repr=False)

    # Severities

    @cached_property
    def severities(self) -> tuple[Severity, ...]:
        """The worst first."""
        return tuple(Severity(**_plain(row)) for row in self.tables["severities"])

    def severity(self, severity_level: str) -> Severity:
        """The playbook's words for a severity. Raises `UserError` when the policy has no such severity."""
        for severity in self.severities:
            if severity.severity_level == severity_level:
                return severity
        known = ", ".join(severity.severity_level for severity in self.severities)
        raise UserError(f"{severity_level!r} is no severity of the policy; it has {known}.")

    def rank(self, severity_level: str) -> int:
        """0 is the worst (P0)."""
        return self.severity(severity_level).severity_rank

    def worst(self, severity_levels: Iterable[str | None]) -> str | None:
        """The worst of them; None when there is none. None means no incident and is passed over."""
        return min((level for level in severity_levels if level is not None), key=self.rank, default=None)

    # Deadlines

    def is_alarm(self, severity_levels: Iterable[str | None], fail_on: str | None) -> bool:
        """Whether one of them is `fail_on` or worse; never without it. Raises `UserError` for a severity of no row."""
        if fail_on is None:
            return False
        limit = self.rank(fail_on)
        return any(level is not None and self.rank(level) <= limit for level in severity_levels)

    def response_rule(self, severity_level: str, at: datetime) -> ResponseRule:
        """How soon to respond and to escalate."""
        self.rank(severity_level)
        return ResponseRule(**_plain(self._one("response_rules", at, severity_level=severity_level)))

    def response_deadline(self, severity_level: str, at: datetime, *, since: datetime | None = None) -> datetime:
        """When the first response to what was detected at `at` is due, in UTC.

        `since` is when it got that severity, where that was later than detection. "Next business day" ends at the close
        of the first business day after the day that it counts from, both in the calendar's time zone.
        """
        rule, start = self.response_rule(severity_level, at), since or at
        if rule.response_basis == "next_business_day":
            return self.calendar(at).close_of_next_business_day(start)
        return start.astimezone(UTC) + timedelta(minutes=rule.response_minutes or 0)

    def calendar(self, at: datetime) -> Calendar:
        """Office hours and holidays."""
        row = self._one("business_calendar", at)
        days = frozenset(holiday["holiday_date"] for holiday in self.tables["business_holidays"])
        return Calendar(row["time_zone"], row["opens_at"], row["closes_at"], tuple(row["weekdays"].split()), days)

    def escalation_matrix(self, at: datetime) -> tuple[EscalationStep, ...]:
        """All steps of the escalation matrix, in time order."""
        steps = (
            EscalationStep(**_plain(row) | {"severity_levels": tuple(row["severity_levels"].split())})
            for row in self.rows("escalation_matrix", at)
        )
        return tuple(sorted(steps, key=lambda step: step.position))

    def escalation_steps(self, severity_level: str, at: datetime) -> tuple[EscalationStep, ...]:
        """Steps of the escalation matrix for a severity, in time order."""
        return tuple(step for step in self.escalation_matrix(at) if severity_level in step.severity_levels)

    def clock_contacts(self, step_id: str, at: datetime) -> tuple[Contact, ...]:
        """Who is notified when a clock falls due: a step of the escalation matrix, or one of `CLOCKS`."""
        rows = self.rows("escalation_contacts", at)
        return tuple(self.contacts[row["contact_id"]] for row in rows if row["step_id"] == step_id)

    @property
    def contacts_without_address(self) -> tuple[Contact, ...]:
        """Contacts that clocks name and that a team has to fill in."""
        named = {row["contact_id"] for row in self.tables["escalation_contacts"]}
        return tuple(
            contact for name, contact in self.contacts.items() if name in named and contact.email_primary is None
        )

    def tasks(self) -> tuple[Task, ...]:
        """What is to be done after an incident."""
        tasks = (
            Task(**_plain(row) | {"severity_levels": tuple(row["severity_levels"].split())})
            for row in self.tables["post_incident_tasks"]
        )
        return tuple(sorted(tasks, key=lambda task: task.position))

    def tasks_by_phase(self) -> dict[str, tuple[str, ...]]:
        """The names of the tasks, by the phase that has one deadline for them."""
        tasks = self.tasks()
        phases = dict.fromkeys(task.phase for task in tasks)
        return {phase: tuple(task.task_id for task in tasks if task.phase == phase) for phase in phases}

    def root_causes(self) -> tuple[str, ...]:
        """The categories of root causes, in the order in which people are shown them."""
        rows = sorted(self.tables["root_cause_categories"], key=lambda row: row["position"])
        return tuple(row["category"] for row in rows)

    def weekly_review(self, severity_level: str, after: datetime) -> datetime | None:
        """When incidents of this severity are reviewed next, in UTC; None where they have no weekly review."""
        rows = self.rows("review_cycles", after)
        row = next((row for row in rows if row["severity_level"] == severity_level), None)
        if row is None:
            return None
        return self.calendar(after).next_weekday(row["weekday"], row["meets_at"], after)

    def next_scheduled(self, pipeline: str, after: datetime) -> datetime | None:
        """When the next run of a pipeline begins, in UTC, later than `after`; None where it has no schedule."""
        calendar = self.calendar(after)
        rows = (row for row in self.rows("pipeline_schedules", after) if row["pipeline"] == pipeline)
        return min((calendar.next_weekday(row["weekday"], row["starts_at"], after) for row in rows), default=None)

    def dependencies(self, at: datetime) -> Dependencies:
        """What depends on what."""
        return Dependencies(self.rows("component_dependencies", at))

    # Rules and rates

    def classification_rules(self, at: datetime) -> tuple[ClassificationRule, ...]:
        """All characteristics of the severity classes."""
        return tuple(ClassificationRule(**_plain(row)) for row in self.rows("classification_rules", at))

    def classification_rule(self, rule_id: str, at: datetime) -> ClassificationRule:
        """One characteristic by its id."""
        return ClassificationRule(**_plain(self._one("classification_rules", at, rule_id=rule_id)))

    def hold(self, rule_id: str, severity_level: str, at: datetime) -> timedelta:
        """For how long what a rule found must last before it opens an incident.

        Nothing for a rule that is not the policy's (a suite's), and for what is worse than its rule says.
        """
        rule = next((each for each in self.classification_rules(at) if each.rule_id == rule_id), None)
        if rule is None or self.rank(severity_level) < self.rank(rule.severity_level):
            return timedelta(0)
        return timedelta(minutes=rule.hold_minutes or 0)

    def runbook(self, detector: str, at: datetime, rule_id: str | None = None) -> tuple[RunbookStep, ...]:
        """What to do first about what a rule of the policy, or else a detector, found; nothing for another source.

        A detector's own rules (a suite's) are not the policy's: those of one detector have one runbook.
        """
        rules = self.classification_rules(at)
        found = [each for each in rules if each.rule_id == rule_id] or [
            each for each in rules if each.detector == detector
        ]
        names = {rule.runbook for rule in found[:1]}
        steps = (RunbookStep(**_plain(row)) for row in self.tables["runbooks"])
        return tuple(sorted((step for step in steps if step.runbook in names), key=lambda step: step.position))

    def monitoring_failure(self, at: datetime) -> str:
        """The severity of a check that could not run: the playbook's "Monitoring system failure"."""
        return self.classification_rule(MONITORING_FAILURE, at).severity_level

    def bands(self, measure: str, at: datetime) -> tuple[Band, ...]:
        """The bands of a measure, lowest first. Raises `UserError` for a measure that has none."""
        rows = [row for row in self.rows("quality_thresholds", at) if row["measure"] == measure]
        if not rows:
            raise UserError(
                f"No band for the measure {measure!r} was valid at {at.isoformat()}; {_file('quality_thresholds')}"
            )
        return tuple(
            Band(
                severity_level=row["severity_level"],
                lower=Fraction(row["lower_percent"]),
                is_lower_inclusive=row["is_lower_inclusive"],
                upper=Fraction(row["upper_percent"]),
                is_upper_inclusive=row["is_upper_inclusive"],
                min_examined=row["min_examined"],
                rule_id=row["rule_id"],
            )
            for row in rows
        )

    def band(self, measure: str, failed: int, examined: int, at: datetime) -> str | None:
        """The severity of `failed` out of `examined`, compared as exact fractions; None is no incident.

        None also with fewer examined than the band asks for, so that one rule of a small suite is no breach.
        """
        band = self.band_rule(measure, failed, examined, at)
        return band.severity_level if band else None

    def band_rule(self, measure: str, failed: int, examined: int, at: datetime) -> Band | None:
        """The band that holds; see `band`."""
        if not 0 <= failed <= examined:
            raise ValueError(f"{failed} failed of {examined} examined is no rate")
        bands = self.bands(measure, at)
        if examined == 0:
            return None
        percent = Fraction(100 * failed, examined)
        return next((band for band in bands if examined >= band.min_examined and band.holds(percent)), None)

    def cap(self, gx_severity: str, at: datetime) -> str:
        """The worst that a rule of this Great Expectations severity can raise."""
        severity_level: str = self._one("severity_caps", at, gx_severity=gx_severity)["severity_level"]
        return severity_level

    def capped(self, severity_level: str | None, gx_severity: str, at: datetime) -> str | None:
        """A severity, but no worse than the rule's cap; None stays None."""
        if severity_level is None:
            return None
        return max(severity_level, self.cap(gx_severity, at), key=self.rank)

    # People

    @cached_property
    def contacts(self) -> Mapping[str, Contact]:
        """Contacts by id."""
        return {row["contact_id"]: Contact(**_plain(row)) for row in self.tables["contacts"]}

    def recipients(self, severity_level: str, at: datetime) -> tuple[Contact, ...]:
        """Who is notified of an incident of this severity, each once."""
        self.rank(severity_level)
        rows = self.rows("audiences", at)
        return tuple(self.contacts[row["contact_id"]] for row in rows if row["severity_level"] == severity_level)

    def template(self, event_type: str, severity_level: str, at: datetime) -> str | None:
        """The message that an event calls for; None is no message."""
        rows = self.rows("notification_rules", at)
        found = [row for row in rows if (row["event_type"], row["severity_level"]) == (event_type, severity_level)]
        return found[0]["template"] if found else None

    def takes(  # noqa: PLR0917 - one call
        self,
        channel: str,
        severity_levels: Collection[str],
        template: str,
        owner: str | None,
        audience: Collection[str],
        at: datetime,
    ) -> bool:
        """Whether a channel takes a message to these contacts, of an incident that has or had these severities.

        `channel` is its name: one without a name of its own has that of its service, with digits behind a dash.
        """
        names = (channel, channel.rpartition("-")[0])
        rows = [row for row in self.rows("routes", at) if row["channel"] in names]
        return not rows or any(
            holds(row["severity_levels"], severity_levels)
            and holds(row["templates"], (template,))
            and holds(row["owners"], (owner,))
            and holds(row["audience"], audience)
            for row in rows
        )

    def quiet_until(self, severity_levels: Collection[str], at: datetime) -> datetime | None:
        """When a message of an incident that has or had these severities may go, in UTC; None for at once."""
        hours = {row["severity_level"]: row for row in self.rows("quiet_hours", at)}
        ends: list[datetime] = []
        for level in severity_levels:
            row = hours.get(level)
            end = self.calendar(at).quiet_until(row["begins_at"], row["ends_at"], at) if row else None
            if end is None:
                return None
            ends.append(end)
        return max(ends, default=None)

    @property
    def quiet_severities(self) -> tuple[str, ...]:
        """The severities that have quiet hours, the worst first."""
        levels = {row["severity_level"] for row in self.tables["quiet_hours"]}
        return tuple(each.severity_level for each in self.severities if each.severity_level in levels)

    def money_rate(self, severity_level: str, component: str | None, at: datetime) -> MoneyRate | None:
        """What an hour of an incident of this severity and component is estimated to cost; None without a rate."""
        fitting = [
            row
            for row in self.rows("money_rates", at)
            if row["severity_level"] == severity_level and (component or "").startswith(row["component"] or "")
        ]
        row = max(fitting, key=lambda each: len(each["component"] or ""), default=None)
        if row is None or row["amount_per_hour"] is None:
            return None
        return MoneyRate(severity_level, row["amount_per_hour"], row["currency"])

    @property
    def severities_without_rate(self) -> tuple[str, ...]:
        """The severities of which a team has to fill in a rate, the worst first."""
        levels = {row["severity_level"] for row in self.tables["money_rates"] if row["amount_per_hour"] is None}
        return tuple(each.severity_level for each in self.severities if each.severity_level in levels)

    # Limits of the runner

    def limit(self, name: str, at: datetime) -> int | float:
        """A limit by its name, in the unit that its name ends with."""
        known = sorted({row["limit_name"] for row in self.tables["runtime_limits"]})
        if name not in known:
            raise UserError(f"No limit {name!r}; {_file('runtime_limits')} has {', '.join(known)}.")
        return _number(self._one("runtime_limits", at, limit_name=name)["value"])

    def notification_window(self, at: datetime) -> timedelta:
        """For how long what began or fell due is worth a message, though nobody was notified of it."""
        return timedelta(hours=float(self.limit("notification_window_hours", at)))

    def notified_clocks(self, at: datetime) -> set[str]:
        """The clocks that notify somebody."""
        return {row["step_id"] for row in self.rows("escalation_contacts", at)}

    def reopening_window(self, at: datetime) -> timedelta:
        """How long after its resolution the same breach reopens an incident instead of opening another."""
        return timedelta(hours=self.limit(_REOPENING_WINDOW, at))

    # Versions

    def rows(self, table: str, at: datetime | None = None) -> tuple[Row, ...]:
        """Rows of a table; with `at` only those that were valid then: of each subject the newest that had begun."""
        rows, spec = self.tables[table], policy_tables()[table]
        if at is None or not spec.is_versioned:
            return rows
        begun = [row for row in rows if (row.valid_from or _ALWAYS) <= at]
        newest: dict[tuple[Any, ...], datetime] = {}
        for row in begun:
            subject = tuple(row[name] for name in spec.subject)
            newest[subject] = max(newest.get(subject, _ALWAYS), row.valid_from or _ALWAYS)
        return tuple(
            row for row in begun if (row.valid_from or _ALWAYS) == newest[tuple(row[name] for name in spec.subject)]
        )

    def changed_at(self, at: datetime) -> datetime | None:
        """When, by `at`, a row of any table last began to be valid; None when all that are always were."""
        times = [row.valid_from for rows in self.tables.values() for row in rows if row.valid_from is not None]
        return max((time for time in times if time <= at), default=None)

    def _one(self, table: str, at: datetime, **wanted: str) -> Row:
        for row in self.rows(table, at):
            if all(row[name] == value for name, value in wanted.items()):
                return row
        what = " ".join(wanted.values()) or "row"
        raise UserError(f"No {what} of {_file(table)} was valid at {at.isoformat()}: add it, with valid_from no later.")


def _plain(row: Row) -> dict[str, Any]:
    """Values as the dataclasses hold them: numbers as int or float, without `valid_from`."""
    return {
        name: _number(value) if isinstance(value, Decimal) else value
        for name, value in row.values.items()
        if name != "valid_from"
    }


def _number(value: Decimal) -> int | float:
    return int(value) if value == value.to_integral_value() else float(value)


def _file(table: str) -> str:
    return f"seeds/policy/{table}.csv"
