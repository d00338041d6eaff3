"""The rows and the arithmetic behind a figure: what is computed here from rows must be what the mart has."""

# ruff: noqa: S608 -- names of tables and columns are our own; values are bound

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from fractions import Fraction
from typing import Any

from incident_ledger.asking.arithmetic import Step, mean, percentile, rate
from incident_ledger.asking.periods import Period
from incident_ledger.dbt_runner import Dbt
from incident_ledger.errors import UserError
from incident_ledger.ledger.lookup import find_incident, find_latest
from incident_ledger.ledger.state import read_events
from incident_ledger.warehouse import Warehouse

Row = dict[str, Any]
ENDS = {
    "mttd": ("start_time", "detection_time", "Start of the trouble to detection"),
    "mtta": ("detection_time", "acknowledged_time", "Detection to the first acknowledgement here"),
    "mttc": ("detection_time", "contained_time", "Detection to containment"),
    "mttr": (
        "detection_time",
        "resolution_time",
        "Detection to the last resolution, less the times between a resolution and a reopening",
    ),
}
_HEALTH_SCORE = "analyses/dashboards/system-health/health_score.sql"
_CLOSE = 1e-9  # of two sums of the same numbers in another order


@dataclass(frozen=True)
class Figure:
    """A step of the arithmetic, and what the mart has for it; `source` names the mart."""

    step: Step
    stored: float | None
    source: str

    @property
    def is_equal(self) -> bool:
        """Whether both are the same number."""
        if self.step.value is None or self.stored is None:
            return self.step.value is self.stored
        return math.isclose(self.step.value, self.stored, rel_tol=_CLOSE, abs_tol=_CLOSE)


@dataclass(frozen=True)
class Explanation:
    """What a figure means, its arithmetic, and the rows behind it, each with the same columns."""

    meaning: str
    figures: Sequence[Figure] = ()
    rows: Sequence[Row] = field(default=(), repr=False)


def explain_durations(warehouse: Warehouse, measure: str, period: Period, severity: str) -> Explanation:
    """MTTD, MTTA, MTTC or MTTR of the incidents detected in a period, and how many they are."""
    start, end, meaning = ENDS[measure]
    if measure == "mtta":  # the mart's time may be a vendor's, which answers for nobody here
        micros = f"cast(round({measure}_minutes * 60000000) as int64)"
        end = f"timestamp_add(detection_time, interval {micros} microsecond) as acknowledged_here"
    gap = ", reopen_count" if measure == "mttr" else ""
    rows = _incidents(
        warehouse,
        period,
        severity,
        f"incident_id, severity_level, {start}, {end}, {measure}_minutes as minutes, is_open, "
        f"'{measure}' in unnest(excluded_measures) as is_left_out{gap}",
    )
    counted = [row["minutes"] for row in rows if row["minutes"] is not None and not row["is_left_out"]]
    stored = _report(warehouse, measure, period, severity)
    left_out = sum(row["is_left_out"] for row in rows)
    steps = {
        "incidents": Step("incidents", "rows below", len(rows)),
        "open_incidents": Step("open", "rows below that are open", sum(row["is_open"] for row in rows)),
        "counted_incidents": Step("counted", f"those whose minutes are known, less {left_out} left out", len(counted)),
        "median_minutes": percentile("median", counted, Fraction(1, 2)),
        "p90_minutes": percentile("p90", counted, Fraction(9, 10)),
        "mean_minutes": mean(counted),
    }
    figures = [Figure(step, stored.get(name), f"rpt_incident_durations.{name}") for name, step in steps.items()]
    return Explanation(f"{meaning}, in minutes, of the incidents detected in the period.", figures, rows)


def explain_incident(warehouse: Warehouse, measure: str, part: str) -> Explanation:
    """One time of one incident, down to its events."""
    start, end, meaning = ENDS[measure]
    incident = find_latest(warehouse) if part == "latest" else find_incident(warehouse, part)
    found = warehouse.rows(
        f"select {measure}_minutes as minutes from {warehouse.mart('operational_metrics')} where incident_id = @id",
        {"id": incident.incident_id},
    )
    events = [
        {
            "occurred_at": each.event.occurred_at,
            "event": each.event.event_type.value,
            "severity_level": each.event.severity_level,
            "actor": each.event.actor,
            "recorded_at": each.recorded_at,
        }
        for each in read_events(warehouse, incident_ids=[incident.incident_id])
    ]
    started, ended = getattr(incident, start), getattr(incident, end)
    if measure == "mtta":
        ended = incident.our_acknowledged_time if incident.has_sla else None
    gap = incident.reopened_gap_microseconds / 60_000_000 if measure == "mttr" else 0.0
    step = _between(measure, started, ended, gap)
    return Explanation(
        f"{meaning}, in minutes, of {incident.incident_id}.",
        [Figure(step, found[0]["minutes"] if found else None, f"operational_metrics.{measure}_minutes")],
        events,
    )


def explain_sla(warehouse: Warehouse, period: Period, severity: str, incident: str | None) -> Explanation:
    """The clocks of the incidents detected in a period: the share that was kept, of those of which it is known."""
    within, params = _within(period, severity, "incidents.")
    if incident:
        within += " and incidents.incident_id = @id"
        params["id"] = (
            find_latest(warehouse) if incident == "latest" else find_incident(warehouse, incident)
        ).incident_id
    source = (
        f"from {warehouse.mart('fct_response_sla')} as clocks "
        f"join {warehouse.mart('operational_metrics')} as incidents on clocks.incident_id = incidents.incident_id "
        f"where {within}"
    )
    rows = warehouse.rows(
        "select clocks.incident_id, clocks.clock, clocks.severity_level, clocks.due_at, clocks.met_at, clocks.is_met, "
        f"clocks.minutes_late {source} order by clocks.clock, clocks.due_at, clocks.response_sla_id",
        params,
    )
    stored = warehouse.rows(
        f"select clocks.clock, 100 * safe_divide(countif(clocks.is_met), count(clocks.is_met)) as kept {source} "
        "group by clocks.clock order by clocks.clock",
        params,
    )
    figures = []
    for each in stored:
        known = [row["is_met"] for row in rows if row["clock"] == each["clock"] and row["is_met"] is not None]
        step = rate(f"{each['clock']} kept, percent", sum(known), len(known), percent=True)
        figures.append(Figure(step, each["kept"], "fct_response_sla.is_met"))
    return Explanation(
        "Clocks that were kept, of those that were kept or missed; the rest is not known yet.", figures, rows
    )


def explain_quality(warehouse: Warehouse, period: Period) -> Explanation:
    """The rules that failed, of those that ran, in the checks of a period, and the worst table-day's rate."""
    within, params = _checked_within(period)
    table = warehouse.mart("fct_data_quality")
    rows = warehouse.rows(
        "select table_name, checked_at, batch_day, rules_ran, rules_failed, rules_errored, failed_validation_rate, "
        f"severity_level, is_checked from {table} where {within} order by checked_at desc, data_quality_id",
        params,
    )
    (stored,) = warehouse.rows(
        f"select safe_divide(sum(rules_failed), sum(rules_ran)) as validation, "
        f"safe_divide(countif(is_checked and is_breach), countif(is_checked)) as checks from {table} where {within}",
        params,
    )
    ran = [row for row in rows if row["is_checked"]]
    sums = [sum(row[name] or 0 for row in rows) for name in ("rules_failed", "rules_ran")]
    breaches = sum(row["severity_level"] is not None for row in ran)
    return Explanation(
        "Failed rules of those that ran, and checks with a breach of those that ran; what could not run is neither.",
        [
            Figure(rate("failed validation rate", *sums), stored["validation"], "fct_data_quality.rules_failed"),
            Figure(rate("check failure rate", breaches, len(ran)), stored["checks"], "fct_data_quality.is_breach"),
        ],
        rows,
    )


def explain_rule(warehouse: Warehouse, rule: str, period: Period) -> Explanation:
    """The failed record rate of one rule in the checks of a period: of the last one with records, and of all together.

    `rule` is its id; where tables share it, each has figures of its own. Raises `UserError` for one not checked.
    """
    within, params = _checked_within(period)
    table = warehouse.mart("fct_quality_rules")
    rows = warehouse.rows(
        "select table_name, checked_at, batch_day, failed_records, examined_records, failed_record_percent, "
        f"severity_level, threshold, is_checked, error from {table} where {within} and rule_id = @rule "
        "order by table_name, checked_at desc, quality_rule_id",
        params | {"rule": rule},
    )
    if not rows:
        known = warehouse.rows(f"select distinct rule_id from {table} where {within} order by rule_id", params)
        near = get_close_matches(rule, [row["rule_id"] for row in known], n=3)
        hint = f"Is {' or '.join(near)} meant?" if near else "`incident-ledger ask worst_quality_rules` names some."
        raise UserError(f"No rule {rule!r} was checked in that period. {hint}")
    stored = {
        row["table_name"]: row["percent"]
        for row in warehouse.rows(
            f"select table_name, 100 * safe_divide(sum(failed_records), sum(examined_records)) as percent from {table} "
            f"where {within} and rule_id = @rule group by table_name",
            params | {"rule": rule},
        )
    }
    figures: list[Figure] = []
    for name, total in stored.items():
        known_ones = [row for row in rows if row["table_name"] == name and row["examined_records"]]
        if known_ones:
            last = known_ones[0]
            step = rate(f"{name}, last", last["failed_records"], last["examined_records"], percent=True)
            figures.append(Figure(step, last["failed_record_percent"], "fct_quality_rules.failed_record_percent"))
        sums = [sum(row[column] for row in known_ones) for column in ("failed_records", "examined_records")]
        figures.append(Figure(rate(f"{name}, all", *sums, percent=True), total, "fct_quality_rules.failed_records"))
    return Explanation(f"Records that break {rule}, in percent of those examined.", figures, rows)


def _checked_within(period: Period) -> tuple[str, dict[str, Any]]:
    params: dict[str, Any] = {name: day for name, day in (("start", period.start), ("end", period.end)) if day}
    return ("date(checked_at) >= @start and date(checked_at) < @end" if params else "true"), params


def explain_health(warehouse: Warehouse, dbt: Dbt, as_of: datetime) -> Explanation:
    """The health score at a time, from the query of its card."""
    return explain_score(warehouse.rows(dbt.analyses(_HEALTH_SCORE)["health_score"], {"as_of": as_of}))


def explain_score(rows: Sequence[Row]) -> Explanation:
    """The card's rows, the score first: the mean of its parts by weight, and at most what the worst part allows."""
    total, *parts = rows
    watched = [row for row in parts if row["score"] is not None]
    weights = sum(row["weight"] for row in watched)
    terms = " + ".join(f"{row['weight']:g} x {row['score']:.4g}" for row in watched)
    average = sum(row["weight"] * row["score"] for row in watched) / weights if weights else None
    cap = min((row["cap"] for row in watched), default=None)
    score = None if average is None or cap is None else min(average, cap)
    steps = [
        Figure(Step("lowest cap", "the least that a part allows", cap), total["cap"], "health_score"),
        Figure(
            Step("health score", f"min(({terms}) / {weights:g}, lowest cap)", score), total["score"], "health_score"
        ),
    ]
    names = ("part", "score", "weight", "cap", "part_state", "measured")
    return Explanation("The health score, 0 to 100.", steps, [{name: row[name] for name in names} for row in parts])


def _between(measure: str, started: datetime | None, ended: datetime | None, gap: float) -> Step:
    if started is None or ended is None:
        return Step(measure, "one of the two times is not known", None)
    minutes = (ended - started).total_seconds() / 60 - gap
    less = f", less {gap:,.3f} minutes resolved and not yet reopened" if gap else ""
    return Step(measure, f"{started:%Y-%m-%d %H:%M:%S} to {ended:%Y-%m-%d %H:%M:%S}{less}", minutes)


def check_severity(warehouse: Warehouse, severity: str) -> None:
    """Raises `UserError` for a severity that the policy has not."""
    known = [row["severity_level"] for row in warehouse.rows(f"select * from {warehouse.mart('dim_severities')}")]
    if severity not in {*known, "all"}:
        raise UserError(f"There is no severity {severity!r}: give {', '.join(sorted(known))} or all.")


def _within(period: Period, severity: str, prefix: str = "") -> tuple[str, dict[str, Any]]:
    conditions: list[str] = []
    params: dict[str, Any] = {}
    if period.start and period.end:
        conditions.append(f"{prefix}detection_date >= @start and {prefix}detection_date < @end")
        params |= {"start": period.start, "end": period.end}
    if severity != "all":
        conditions.append(f"{prefix}severity_level = @severity")
        params["severity"] = severity
    return " and ".join(conditions) or "true", params


def _incidents(warehouse: Warehouse, period: Period, severity: str, columns: str) -> list[Row]:
    within, params = _within(period, severity)
    table = warehouse.mart("operational_metrics")
    return warehouse.rows(f"select {columns} from {table} where {within} order by minutes desc, incident_id", params)


def _report(warehouse: Warehouse, measure: str, period: Period, severity: str) -> Row:
    params: Row = {"measure": measure, "severity": severity, "grain": period.grain}
    when = "period_start is null"
    if period.start:
        params, when = params | {"start": period.start}, "period_start = @start"
    found = warehouse.rows(
        f"select * from {warehouse.mart('rpt_incident_durations')} where measure = @measure "
        f"and severity_level = @severity and period_grain = @grain and {when}",
        params,
    )
    return found[0] if found else {"incidents": 0, "open_incidents": 0, "counted_incidents": 0}
