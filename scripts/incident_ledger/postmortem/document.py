"""A post-incident review in Markdown, from what the ledger holds of an incident. Pure.

What people fill in stands under the headings that `parsing` reads; all else is the ledger's and is not read back.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from incident_ledger.encoding import one_line
from incident_ledger.ledger.events import Event, EventType
from incident_ledger.ledger.lookup import minutes_of
from incident_ledger.ledger.reducer import effective
from incident_ledger.ledger.review_commands import completed_tasks
from incident_ledger.ledger.state import IncidentState
from incident_ledger.notify.deadlines import response_deadline
from incident_ledger.notify.formatting import minutes, utc
from incident_ledger.notify.money import money_estimate
from incident_ledger.policy import Policy
from incident_ledger.postmortem.review_findings import known_findings, plain_lines
from incident_ledger.response.rules.review_rules import review_phases

_INLINE = "\\`*_[]<>&"  # a backslash before all that Markdown reads within a line
_BLOCK = re.compile(r"^(\d+(?=[.)]))?([-+=~#.)])")  # and before what begins a heading, a list, a rule or a fence
_NOTHING = "nothing is recorded"
_TIMES = (
    ("Began", "start_time"),
    ("Detected", "detection_time"),
    ("Acknowledged", "our_acknowledged_time"),
    ("Cause known", "identified_time"),
    ("Contained", "contained_time"),
    ("Resolved", "resolution_time"),
)
_MINUTES = (
    ("MTTD (began to detected)", "mttd_minutes"),
    ("MTTA (detected to acknowledged)", "mtta_minutes"),
    ("MTTC (detected to contained)", "mttc_minutes"),
    ("MTTR (detected to resolved)", "mttr_minutes"),
)


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A clock of the incident: when it fell due or was kept, and how that went, in words."""

    name: str
    due_at: str
    outcome: str


def postmortem(incident: IncidentState, events: Sequence[Event], policy: Policy, now: datetime) -> str:
    """The review of one incident; `events` are all of its events."""
    history = effective(events)
    known = minutes_of(incident, now)
    return template("postmortem.md.j2").render(
        incident=incident,
        severity=f"{incident.severity_level} - {policy.severity(incident.severity_level).severity_name}",
        times=[(label, utc(at), _since(incident, at)) for label, name in _TIMES if (at := getattr(incident, name))],
        durations=[(label, f"{known[name]:,.3f}") for label, name in _MINUTES if known[name] is not None],
        estimates=list(_estimates(incident, history)),
        money=money_estimate(incident, policy, now),
        clocks=list(_clocks(incident, history, policy, now)),
        timeline=[(utc(e.occurred_at), _since(incident, e.occurred_at), _what(e), one_line(e.actor)) for e in history],
        evidence=list(evidence_lines(incident.evidence)),
        findings=known_findings(incident, history),
        tasks=list(_tasks(incident, policy)),
        now=utc(now),
        nothing=_NOTHING,
    )


def _since(incident: IncidentState, time: datetime) -> str:
    """Minutes since the detection, with their sign."""
    span = time - incident.detection_time
    return ("-" if span < timedelta() else "+") + minutes(abs(span)).split(" ")[0]


def _estimates(incident: IncidentState, history: Sequence[Event]) -> Iterator[str]:
    """Each estimate of its end, and how far it was from the actual one."""
    for event in history:
        estimate = event.payload.get("estimated_resolution_time")
        if not isinstance(estimate, str):
            continue
        words = f"{estimate}, given {utc(event.occurred_at)} by {one_line(event.actor)}"
        if incident.resolution_time:
            try:
                off = incident.resolution_time - datetime.fromisoformat(estimate)
            except (ValueError, TypeError):
                off = None
            if off is not None:
                words += (
                    f": {minutes(abs(off))} {'later' if off > timedelta() else 'earlier'} in fact" if off else ": kept"
                )
        yield words


def _clocks(incident: IncidentState, history: Sequence[Event], policy: Policy, now: datetime) -> Iterator[Kept]:
    """The response, and what fell due: escalations, steps of the matrix, updates in a row as one, reviews."""
    if incident.has_sla:
        yield _response(incident, history, policy, now)
    for event in history:
        if event.event_type in (EventType.ESCALATED, EventType.REVIEW_DUE):
            yield Kept(
                name=_text(event.payload.get("text")) or "Escalation", due_at=utc(event.occurred_at), outcome="fell due"
            )
    updates = [event for event in history if event.event_type is EventType.UPDATE_DUE]
    if updates:
        due_at = f"{utc(updates[0].occurred_at)} to {utc(updates[-1].occurred_at)}"
        yield Kept(name="Updates", due_at=due_at, outcome=f"{len(updates)} fell due before anybody gave them")


def _response(incident: IncidentState, history: Sequence[Event], policy: Policy, now: datetime) -> Kept:
    deadline = response_deadline(incident, policy, history)
    times = (incident.our_acknowledged_time, _first(history, EventType.RESOLVED))
    answered = min((time for time in times if time is not None), default=None)
    late = (answered or now) - deadline
    if late <= timedelta():
        outcome = f"kept, with {minutes(-late)} left" if answered else "still runs"
    else:
        outcome = f"missed by {minutes(late)}" if answered else f"missed: not answered for {minutes(late)}"
    return Kept(name="Response", due_at=utc(deadline), outcome=outcome)


def _first(history: Sequence[Event], event_type: EventType) -> datetime | None:
    return min((event.occurred_at for event in history if event.event_type is event_type), default=None)


def _what(event: Event) -> str:
    """An event in a cell of a table."""
    words = event.event_type.value.replace("_", " ")
    details = [event.severity_level, *(_text(event.payload.get(name)) for name in _DETAILS)]
    found = ": ".join(dict.fromkeys(one_line(each) for each in details if each))
    return f"{words}: {found}" if found else words


_DETAILS = (
    *("status", "category", "name", "url", "estimated_resolution_time", "scheduled_for", "task_id", "template"),
    *("channel", "outcome", "reason", "title", "user_impact", "financial_impact", "text"),
)


def evidence_lines(evidence: Mapping[str, Any]) -> Iterator[str]:
    """What the check counted."""
    for breach in evidence.get("breaches") or ():
        if isinstance(breach, Mapping):
            counts = f"{breach.get('failed')} of {breach.get('examined')} records broke {breach.get('rule_id')}"
            meaning = _text(breach.get("rule"))
            yield f"{counts}{f' ({one_line(meaning)})' if meaning else ''}"


def _tasks(incident: IncidentState, policy: Policy) -> Iterator[tuple[str, list[tuple[str, str, bool]]]]:
    """By phase: of each task its name, its words, and whether it is done."""
    completed = completed_tasks(incident)
    for phase in review_phases(incident, policy):
        if phase.tasks:
            members = [(task.task_id, task.step, task.task_id in completed) for task in phase.tasks]
            yield f"{phase.title}, by {utc(phase.due_at)}", members


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def template(name: str) -> Template:
    """A document's template, by its file's name."""
    return _environment().get_template(name)


@cache
def _environment() -> Environment:
    """Markdown: texts of people stand in it as text, with what Markdown would read as structure escaped."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=False,  # noqa: S701 - Markdown, not HTML; `text` and `cell` escape
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["text"] = escaped
    environment.filters["cell"] = lambda value: escaped(one_line(value)).replace("|", "\\|")
    return environment


def escaped(text: str) -> str:
    """A text that Markdown shows as it is: no link, no HTML, no heading or list of its own."""
    shown = plain_lines(text)
    for mark in _INLINE:
        shown = shown.replace(mark, "\\" + mark)
    return "\n".join(_BLOCK.sub(r"\1\\\2", line) for line in shown.split("\n"))
