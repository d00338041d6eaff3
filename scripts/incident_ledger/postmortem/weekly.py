"""The week's incidents for its review, in Markdown. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median

from incident_ledger.ledger.lookup import minutes_of
from incident_ledger.ledger.review_commands import completed_tasks, is_reviewed
from incident_ledger.ledger.state import IncidentState
from incident_ledger.notify.formatting import utc
from incident_ledger.policy import WEEKLY, Policy
from incident_ledger.postmortem.document import evidence_lines, template
from incident_ledger.response.rules.review_rules import ReviewPhase, review_phases


@dataclass(frozen=True, kw_only=True)
class _Line:
    """An incident of the week, in words."""

    incident: IncidentState
    minutes: str
    cause: str
    evidence: list[str]
    review: str


@dataclass(frozen=True, kw_only=True)
class Week:
    """A week as its review and its e-mail show it.

    `counts`: by severity how many were detected, resolved and are open, and the median of minutes to the resolution.
    `days`: by day (UTC) how many were detected. `repeats`: components with more than one incident, the most first.
    """

    since: datetime
    until: datetime
    now: datetime
    counts: Sequence[tuple[str, int, int, int, str]]
    days: Sequence[tuple[str, int]]
    weekly: Sequence[_Line]
    others: Sequence[_Line]
    open_ones: Sequence[IncidentState]
    repeats: Sequence[tuple[str, int]]


def weekly_review(week: Week) -> str:
    """The week in Markdown."""
    times = {name: utc(getattr(week, name)) for name in ("since", "until", "now")}
    return template("weekly.md.j2").render(**{**vars(week), **times})


def week_of(
    incidents: Sequence[IncidentState],
    policy: Policy,
    since: datetime,
    until: datetime,
    now: datetime,
    *,
    listed_until: datetime | None = None,
) -> Week:
    """What was detected, resolved or open from `since` to before `until`, as it is recorded at `now`.

    What is open or to be reviewed is of all until `listed_until`, where that is later: a meeting on the Monday after it
    reviews what ended that morning, too. What was retracted or merged counts for nothing, and a vendor's incident on
    which nobody here acted is not reviewed.
    """
    counting = [each for each in incidents if not each.is_retracted and not each.merged_into]
    detected = [each for each in counting if since <= each.detection_time < until]
    resolved = [each for each in counting if each.resolution_time and since <= each.resolution_time < until]
    last = max(until, listed_until or until)
    open_ones = [each for each in counting if each.is_open and each.detection_time < last]
    ended = [each for each in counting if each.resolution_time and since <= each.resolution_time < last]
    levels = [severity.severity_level for severity in policy.severities]
    worst_first = sorted(ended, key=lambda each: (policy.rank(each.severity_level), each.detection_time))
    phases = {each.incident_id: review_phases(each, policy) for each in worst_first}
    weekly = [each for each in worst_first if WEEKLY in {phase.name for phase in phases[each.incident_id]}]
    others = [each for each in worst_first if phases[each.incident_id] and each not in weekly]
    components = Counter(each.component for each in detected if each.component)
    return Week(
        since=since,
        until=until,
        now=now,
        days=_days(detected, since, until),
        counts=[_counts(level, detected, resolved, open_ones, now) for level in levels],
        weekly=[_line(each, phases[each.incident_id], now) for each in weekly],
        others=[_line(each, phases[each.incident_id], now) for each in others],
        open_ones=sorted(open_ones, key=lambda each: (policy.rank(each.severity_level), each.detection_time)),
        repeats=[(name, count) for name, count in components.most_common() if count > 1],
    )


def _days(detected: Sequence[IncidentState], since: datetime, until: datetime) -> list[tuple[str, int]]:
    """By day from the first to the last, also those on which nothing was detected."""
    found = Counter(each.detection_time.astimezone(UTC).date() for each in detected)
    last = (until - timedelta(microseconds=1)).astimezone(UTC).date()
    first = since.astimezone(UTC).date()
    days = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return [(f"{day:%a %Y-%m-%d}", found[day]) for day in days]


def _counts(
    level: str,
    detected: Sequence[IncidentState],
    resolved: Sequence[IncidentState],
    open_ones: Sequence[IncidentState],
    now: datetime,
) -> tuple[str, int, int, int, str]:
    """Of a severity: detected, resolved, open now, and the median of minutes to the resolution."""
    took = [minutes_of(each, now)["mttr_minutes"] for each in resolved if each.severity_level == level]
    known = [value for value in took if value is not None and value >= 0]
    counts = (sum(each.severity_level == level for each in group) for group in (detected, resolved, open_ones))
    found, ended, left = counts
    return level, found, ended, left, f"{median(known):,.1f}" if known else "-"


def _line(incident: IncidentState, phases: Sequence[ReviewPhase], now: datetime) -> _Line:
    took = minutes_of(incident, now)["mttr_minutes"]
    return _Line(
        incident=incident,
        minutes=f"{took:,.1f}" if took is not None else "?",
        cause=incident.root_cause_category or "not named",
        evidence=list(evidence_lines(incident.evidence)),
        review=_review(incident, phases, now),
    )


def _review(incident: IncidentState, phases: Sequence[ReviewPhase], now: datetime) -> str:
    """How far its review is."""
    if is_reviewed(incident) and incident.closed_time:
        return f"reviewed {utc(incident.closed_time)}"
    completed, tasks = completed_tasks(incident), [task for phase in phases for task in phase.tasks]
    left = sum(task.task_id not in completed for task in tasks)
    due_at = phases[-1].due_at
    words = f"{'late since' if due_at <= now else 'due'} {utc(due_at)}"
    return f"{words}, {left} of {len(tasks)} tasks are not done" if tasks else words
