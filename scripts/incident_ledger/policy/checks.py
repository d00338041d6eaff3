"""What holds between the rows of a policy, whichever way they came in. Each check names where, what, and what to do."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from incident_ledger.ledger.events import EventType
from incident_ledger.policy.calendar import WEEKDAYS
from incident_ledger.policy.cells import Problem, Row
from incident_ledger.policy.playbook_rows import (
    CLOCKS,
    COMPLETE_FAILURE,
    DBT_RULES,
    LOGS_MISSING,
    MONITORING_FAILURE,
    PARTIAL_FAILURE,
    PROBE_RULES,
    PROBES_MISSING,
    ROWS_REJECTED,
    USAGE_VOLUME,
)
from incident_ledger.policy.probe_checks import rule_problems, target_problems
from incident_ledger.policy.route_checks import audience_problems, dependency_problems, route_problems
from incident_ledger.policy.seeds import PolicyTable, policy_tables

_EMAIL = re.compile(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+\.[^@\s<>,;\"]+")
_CURRENCY = re.compile(r"[A-Z]{3}")
_ALL_PERCENT = Decimal(100)
# Subjects that the code or a model asks for under any policy; each must always be valid. So must all choices of others.
_NEEDED: dict[str, Iterable[str]] = {
    "classification_rules": (
        *(MONITORING_FAILURE, COMPLETE_FAILURE, PARTIAL_FAILURE, PROBES_MISSING, LOGS_MISSING),
        *(ROWS_REJECTED, USAGE_VOLUME),
        *DBT_RULES,
        *PROBE_RULES,
    ),
    "runtime_limits": (
        "reopening_window_hours",
        "update_requests",
        "task_reminder_hours",
        "deadline_window_hours",
        "digest_messages",
        "recurrence_window_days",
        *("slow_run_deviations", "slow_run_percent", "slow_run_baseline_runs"),
        *("volume_due_hours", "volume_deviations", "volume_people"),
        *("cost_factor", "cost_compared_usd", "cost_baseline_days", "shrunk_percent", "shrunk_tokens"),
        *("log_silence_factor", "log_silences_unusual", "grouping_window_minutes"),
    ),
}


@dataclass(frozen=True)
class Tables:
    """Rows by table, what to call each table in a message, and which are whole enough to be compared with others."""

    rows: Mapping[str, tuple[Row, ...]]
    names: Mapping[str, str]
    broken: Collection[str] = ()

    def ready(self, *tables: str) -> bool:
        """Whether all of them were read without a wrong cell: else a comparison would only repeat that."""
        return not set(tables) & set(self.broken)

    def values(self, table: str, column: str) -> set[Any]:
        """The values of one column."""
        return {row[column] for row in self.rows[table]}


def check(tables: Tables) -> list[Problem]:
    """All that is wrong between rows and between tables."""
    checks = (
        _duplicates,
        _severities,
        _unknown_severities,
        _unknown_contacts,
        _addresses,
        _response_rules,
        _bands,
        _escalation,
        _clock_contacts,
        _notification_rules,
        _runbooks,
        _holds,
        _probes,
        _routes,
        _dependencies,
        _calendar,
        _quiet_hours,
        _money_rates,
        _limits,
        _root_causes,
        _coverage,
    )
    return [problem for one in checks for problem in one(tables)]


def _duplicates(tables: Tables) -> Iterator[Problem]:
    for table in policy_tables().values():
        seen: dict[tuple[Any, ...], Row] = {}
        for row in tables.rows[table.name]:
            key = (*(row[name] for name in table.key), row.valid_from)
            if key in seen:
                what = " ".join(str(row[name]) for name in table.key) or "the row"
                text = f"{what} stands twice for one valid_from, see {seen[key].where}; remove one or date it later"
                yield Problem(row.where, ", ".join(table.key), text)
            seen.setdefault(key, row)


def _severities(tables: Tables) -> Iterator[Problem]:
    if not tables.ready("severities"):
        return
    rows = tables.rows["severities"]
    ranks = sorted(row["severity_rank"] for row in rows)
    if not rows or ranks != list(range(len(rows))):
        yield Problem(
            tables.names["severities"], "severity_rank", f"ranks are {ranks}; number them 0, 1, 2, … once each"
        )


def _unknown_severities(tables: Tables) -> Iterator[Problem]:
    if not tables.ready("severities"):
        return
    known = tables.values("severities", "severity_level")
    for table in policy_tables().values():
        for column in {"severity_level", "severity_levels"} & set(table.column_names):
            for row in tables.rows[table.name]:
                for level in (row[column] or "").split(" "):
                    if level not in known and (level or row[column]):
                        text = f"{level!r} is no severity; severities.csv has {', '.join(sorted(known))}"
                        yield Problem(row.where, column, text)


def _unknown_contacts(tables: Tables) -> Iterator[Problem]:
    if not tables.ready("contacts"):
        return
    known = tables.values("contacts", "contact_id")
    for table in ("audiences", "emergency_contacts", "escalation_contacts"):
        for row in tables.rows[table]:
            if row["contact_id"] not in known:
                text = f"{row['contact_id']!r} is no contact; contacts.csv has {', '.join(sorted(known))}"
                yield Problem(row.where, "contact_id", text)


def _addresses(tables: Tables) -> Iterator[Problem]:
    audience = tables.values("audiences", "contact_id") if tables.ready("audiences") else set()
    for row in tables.rows["contacts"]:
        if row["email_primary"] is None and row["contact_id"] in audience:
            yield Problem(row.where, "email_primary", "is empty; give a value: audiences.csv names the contact")
    for table, columns in (("contacts", ("email_primary", "email_secondary")), ("emergency_contacts", ("email",))):
        for row in tables.rows[table]:
            for column in columns:
                if row[column] is not None and not _EMAIL.fullmatch(row[column]):
                    yield Problem(
                        row.where, column, f"{row[column]!r} is no e-mail address; write it as name@example.org"
                    )


def _response_rules(tables: Tables) -> Iterator[Problem]:
    for row in tables.rows["response_rules"]:
        for what in ("response", "escalation"):
            column, minutes, basis = f"{what}_minutes", row[f"{what}_minutes"], row[f"{what}_basis"]
            if basis == "minutes" and (minutes is None or minutes <= 0):
                yield Problem(
                    row.where, column, f"the basis is minutes; give how many, more than 0, not {_shown(minutes)}"
                )
            elif basis in {"next_business_day", "as_needed"} and minutes is not None:
                yield Problem(row.where, column, f"the basis is {basis}; leave the minutes empty")
            elif basis == "immediate" and minutes != 0:
                yield Problem(row.where, column, f"the basis is immediate; write 0, not {_shown(minutes)}")


def _bands(tables: Tables) -> Iterator[Problem]:
    if not tables.ready("quality_thresholds", "severities"):
        return
    ranks = {row["severity_level"]: row["severity_rank"] for row in tables.rows["severities"]}
    rules = tables.values("classification_rules", "rule_id")
    for rows in _versions("quality_thresholds", tables).values():
        bands = sorted(rows, key=lambda row: (row["lower_percent"], row["upper_percent"]))
        for row in bands:
            yield from _band(row)
            if tables.ready("classification_rules") and row["rule_id"] not in rules:
                yield Problem(row.where, "rule_id", f"{row['rule_id']!r} is no rule of classification_rules.csv")
        for low, high in pairwise(bands):
            yield from _neighbours(low, high, ranks)
        last = bands[-1]
        if last["upper_percent"] != _ALL_PERCENT or not last["is_upper_inclusive"]:
            yield Problem(
                last.where, "upper_percent", "the highest band must end at 100 inclusive: what is above has no severity"
            )


def _band(row: Row) -> Iterator[Problem]:
    lower, upper = row["lower_percent"], row["upper_percent"]
    if not 0 <= lower <= _ALL_PERCENT:
        yield Problem(row.where, "lower_percent", f"{lower} is no percentage; give 0 to 100")
    is_point = lower == upper and row["is_lower_inclusive"] and row["is_upper_inclusive"]
    if upper < lower or (lower == upper and not is_point):
        yield Problem(
            row.where, "upper_percent", f"the band from {lower} to {upper} is empty; its end must be above its start"
        )
    if row["min_examined"] < 1:
        yield Problem(row.where, "min_examined", "must be at least 1: nothing examined has no rate")


def _neighbours(low: Row, high: Row, ranks: Mapping[str, int]) -> Iterator[Problem]:
    end, start = low["upper_percent"], high["lower_percent"]
    ends, starts = low["is_upper_inclusive"], high["is_lower_inclusive"]
    inclusive = " inclusive" if ends else ""
    if start < end or (start == end and ends and starts):
        text = f"overlaps the band of {low.where}, which ends at {end}{inclusive}; a rate may be in one band only"
        yield Problem(high.where, "lower_percent", text)
    elif start > end or not (ends or starts):
        text = f"leaves a gap after the band of {low.where}, which ends at {end}{inclusive}; close it"
        yield Problem(high.where, "lower_percent", text)
    if ranks.get(high["severity_level"], -1) >= ranks.get(low["severity_level"], 0):
        text = f"{high['severity_level']} is no worse than {low['severity_level']} of the lower band of {low.where}"
        yield Problem(high.where, "severity_level", text)


def _escalation(tables: Tables) -> Iterator[Problem]:
    if not tables.ready("escalation_matrix"):
        return
    for rows in _versions("escalation_matrix", tables).values():
        steps = sorted(rows, key=lambda row: row["position"])
        expected: Decimal | None = Decimal(0)
        for row in steps:
            start, end = row["from_minutes"], row["to_minutes"]
            if start != expected:
                text = f"begins at {start}, but the step before ends at {_shown(expected)}; leave no gap or overlap"
                yield Problem(row.where, "from_minutes", text)
            if end is not None and end <= start:
                yield Problem(row.where, "to_minutes", f"ends at {end}, not after its beginning {start}")
            expected = end
        if expected is not None:
            yield Problem(steps[-1].where, "to_minutes", "the last step has no end; leave the cell empty")


def _clock_contacts(tables: Tables) -> Iterator[Problem]:
    if not tables.ready("escalation_matrix", "escalation_contacts"):
        return
    known = {*tables.values("escalation_matrix", "step_id"), *CLOCKS}
    for row in tables.rows["escalation_contacts"]:
        if row["step_id"] not in known:
            text = f"{row['step_id']!r} is no step; there are {', '.join(sorted(known))}"
            yield Problem(row.where, "step_id", text)


def _notification_rules(tables: Tables) -> Iterator[Problem]:
    if not tables.ready("escalation_matrix"):
        return
    steps = tables.values("escalation_matrix", "step_id")
    known = {*(event_type.value for event_type in EventType), *CLOCKS, *steps}
    for row in tables.rows["notification_rules"]:
        if row["event_type"] not in known:
            text = f"{row['event_type']!r} is no type of event and no clock; there are {', '.join(sorted(known))}"
            yield Problem(row.where, "event_type", text)


def _runbooks(tables: Tables) -> Iterator[Problem]:
    if not tables.ready("runbooks", "classification_rules"):
        return
    known = tables.values("runbooks", "runbook")
    for row in tables.rows["classification_rules"]:
        if row["runbook"] is not None and row["runbook"] not in known:
            text = f"{row['runbook']!r} is no runbook; runbooks.csv has {', '.join(sorted(known))}"
            yield Problem(row.where, "runbook", text)


def _holds(tables: Tables) -> Iterator[Problem]:
    for row in tables.rows["classification_rules"]:
        if row["hold_minutes"] is not None and row["hold_minutes"] < 0:
            yield Problem(row.where, "hold_minutes", f"{row['hold_minutes']} is no time; give 0 or more, or nothing")


def _probes(tables: Tables) -> Iterator[Problem]:
    if tables.ready("classification_rules"):
        yield from rule_problems(tables.rows["classification_rules"])
    if tables.ready("probe_targets"):
        yield from target_problems(tables.rows["probe_targets"])


def _routes(tables: Tables) -> Iterator[Problem]:
    routes = tables.rows["routes"]
    yield from route_problems(routes, policy_tables()["notification_rules"].choices("template"))
    if tables.ready("contacts"):
        yield from audience_problems(routes, [row["contact_id"] for row in tables.rows["contacts"]])


def _dependencies(tables: Tables) -> Iterator[Problem]:
    if tables.ready("classification_rules"):
        known = {row["rule_id"] for row in tables.rows["classification_rules"]}
        yield from dependency_problems(tables.rows["component_dependencies"], known)


def _calendar(tables: Tables) -> Iterator[Problem]:
    for row in tables.rows["business_calendar"]:
        try:
            ZoneInfo(row["time_zone"])
        except (ZoneInfoNotFoundError, ValueError, OSError):
            yield Problem(
                row.where, "time_zone", f"{row['time_zone']!r} is no time zone; write it as America/Los_Angeles"
            )
        unknown = [day for day in row["weekdays"].split(" ") if day not in WEEKDAYS]
        if unknown:
            yield Problem(row.where, "weekdays", f"{unknown[0]!r} is no weekday; write some of {' '.join(WEEKDAYS)}")
        if row["closes_at"] <= row["opens_at"]:
            yield Problem(
                row.where, "closes_at", f"closes at {row['closes_at']}, not after it opens at {row['opens_at']}"
            )


def _quiet_hours(tables: Tables) -> Iterator[Problem]:
    for row in tables.rows["quiet_hours"]:
        if row["begins_at"] == row["ends_at"]:
            text = f"ends when it begins, at {row['ends_at']}: remove the row for none, or give another end"
            yield Problem(row.where, "ends_at", text)


def _money_rates(tables: Tables) -> Iterator[Problem]:
    for row in tables.rows["money_rates"]:
        amount, currency = row["amount_per_hour"], row["currency"]
        if amount is not None and amount < 0:
            yield Problem(
                row.where, "amount_per_hour", f"{amount} is no cost; give 0 or more, or nothing for not known"
            )
        if not _CURRENCY.fullmatch(currency):
            yield Problem(row.where, "currency", f"{currency!r} is no currency; write it as USD")


def _limits(tables: Tables) -> Iterator[Problem]:
    for row in tables.rows["runtime_limits"]:
        if row["value"] <= 0:
            yield Problem(row.where, "value", f"{row['value']} is no limit; give more than 0")


def _root_causes(tables: Tables) -> Iterator[Problem]:
    """A cause that a person names is written in small letters with single spaces: no other could ever be named."""
    rows = tables.rows["root_cause_categories"]
    if not rows and tables.ready("root_cause_categories"):
        yield Problem(tables.names["root_cause_categories"], "category", "has no row; add one, such as unknown")
    for row in rows:
        word = " ".join((row["category"] or "").split()).casefold()
        if row["category"] != word:
            yield Problem(row.where, "category", f"{row['category']!r} cannot be named; write it as {word}")


def _coverage(tables: Tables) -> Iterator[Problem]:
    """Every severity and every subject that code asks for has a row, and one that is always valid."""
    levels = tables.values("severities", "severity_level") if tables.ready("severities") else set()
    needed = {"response_rules": levels, "audiences": levels, **_NEEDED}
    for name, column in (("severity_caps", "gx_severity"), ("quality_thresholds", "measure")):
        needed[name] = policy_tables()[name].choices(column)
    words = {"response_rules": "response rule", "audiences": "recipient in its audience"}
    for name, subjects in needed.items():
        table = policy_tables()[name]
        if not tables.ready(name):
            continue
        for subject in sorted(subjects):
            rows = [row for row in tables.rows[name] if row[table.subject[0]] == subject]
            if not rows:
                text = f"{subject} has no {words.get(name, 'row')}; add one"
                yield Problem(tables.names[name], table.subject[0], text)
            yield from _is_always_valid(rows, subject)
    calendar = tables.rows["business_calendar"]
    if tables.ready("business_calendar") and not calendar:
        yield Problem(tables.names["business_calendar"], "", "has no row; business days need one")
    yield from _is_always_valid(calendar, "the calendar")


def _is_always_valid(rows: Iterable[Row], subject: str) -> Iterator[Problem]:
    versions = sorted(rows, key=lambda row: row.valid_from.timestamp() if row.valid_from else float("-inf"))
    if versions and versions[0].valid_from is not None:
        text = f"the first row of {subject} must have it empty (always), or incidents before it are judged by nothing"
        yield Problem(versions[0].where, "valid_from", text)


def _versions(table: str, tables: Tables) -> dict[tuple[Any, ...], list[Row]]:
    """Rows that hold together: those of one subject and one `valid_from`."""
    spec: PolicyTable = policy_tables()[table]
    found: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in tables.rows[table]:
        since: datetime | None = row.valid_from
        found[(*(row[name] for name in spec.subject), since)].append(row)
    return found


def _shown(value: Any) -> str:
    return "nothing" if value is None else str(value)
