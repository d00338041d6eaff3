"""The fields of a message: the playbook's, from an event, the incident's state and earlier events, and policy."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from incident_ledger.encoding import TimeError, one_line, parse_time
from incident_ledger.ledger import reducer
from incident_ledger.ledger.events import CLOCK_EVENTS, MACHINES, Event, EventType, Status
from incident_ledger.ledger.state import IncidentState
from incident_ledger.notify.clocks import due_lines, unreachable
from incident_ledger.notify.deadlines import answer
from incident_ledger.notify.details import first_steps, known
from incident_ledger.notify.flapping import Flapping
from incident_ledger.notify.followers import is_apart
from incident_ledger.notify.formatting import (
    NOT_KNOWN,
    TITLE_CHARACTERS,
    TO_ASSESS,
    field,
    minutes,
    utc,
    whole_minutes,
)
from incident_ledger.notify.likely_causes import likely_causes
from incident_ledger.notify.money import money_estimate
from incident_ledger.notify.review_tasks import open_tasks, review_commands
from incident_ledger.policy import UPDATE_DUE, Policy
from incident_ledger.response.rules.review_rules import review_deadline

_CURRENT = "current"
_SHOWN_ACTIONS = 10


@dataclass(frozen=True)
class MessageFields:
    """Every field of the three templates as text; none of the playbook's is ever empty."""

    incident_id: str
    title: str
    severity: str
    status: str
    impact: str
    eta: str
    updates: str
    start_time: str
    services: str
    user_impact: str
    financial_impact: str
    actions: tuple[str, ...]
    next_update: str
    commander: str
    war_room: str
    resolution_time: str
    total_duration: str
    root_cause: str
    likely_cause: str  # the cause where it is named, else an incident that may explain this one
    fix: str
    validation: str
    review: str
    improvements: str
    contact: str
    fell_due: tuple[str, ...]  # the clocks that no message was sent of yet, each with its time
    unreachable: str  # who is to be notified of them and has no address; mostly nobody
    last_update: str
    update_from: str  # who is to give the next one
    update_command: str
    war_room_command: str
    open_tasks: tuple[str, ...]  # after the end: what is to be done, each with its name
    review_commands: tuple[tuple[str, str], ...]  # label and command: how to say that it was done
    answer: tuple[tuple[str, str], ...]  # label and text: who acknowledged it, or until when and how to
    first_steps: tuple[tuple[str, str], ...]  # label and text: whom to call, and the runbook of the rule that found it
    known: tuple[tuple[str, str], ...]  # label and text: what the ledger knows beyond the playbook's fields
    about: str
    look: str


def message_fields(
    event: Event,
    state: IncidentState,
    policy: Policy,
    now: datetime,
    history: Sequence[Event],
    *,
    flapping: Flapping | None = None,
    clocks: Sequence[Event] = (),
    others: Iterable[IncidentState] = (),
) -> MessageFields:
    """The fields for a message about `event`. `state` is the incident with the event in it (see `with_event`).

    `others` are the incidents of which one may be its cause.
    """
    effective = reducer.effective([*history, event])
    end = [event] if event.event_type is EventType.RESOLVED else effective
    updates = _update_minutes(state, policy, now)
    who = _who_finds_out(state, policy, now)
    to_assess = f"{TO_ASSESS} by {who}" if who else TO_ASSESS
    unknown = f"{NOT_KNOWN}; {who} is to find out" if who else NOT_KNOWN
    causes = likely_causes(state, others, policy, now)
    return MessageFields(
        incident_id=state.incident_id,
        title=field(one_line(state.title), TITLE_CHARACTERS) or NOT_KNOWN,
        severity=_severity(event, state, policy),
        status=_status(state, now, flapping),
        impact=_text(state.user_impact or state.description or _measured(state, to_assess), to_assess),
        eta=_eta(state, effective, unknown),
        updates=_updates(state, updates, flapping),
        start_time=utc(state.start_time) if state.start_time else f"{unknown} (detected {utc(state.detection_time)})",
        services=_text(", ".join(_services(state)), to_assess),
        user_impact=_text(state.user_impact, to_assess),
        financial_impact=_text(state.financial_impact, _money(state, policy, now, to_assess)),
        actions=_actions(effective) or (unknown,),
        next_update=_next_update(state, updates, now, flapping),
        commander=_commander(state, policy, unknown),
        war_room=_war_room(state, policy, who),
        resolution_time=utc(state.resolution_time) if state.resolution_time else NOT_KNOWN,
        total_duration=_duration(state, effective),
        root_cause=_text(_root_cause(state, effective), unknown),
        likely_cause=_text(_root_cause(state, effective) or "; ".join(causes), unknown),
        fix=_text(_fix(end, effective), unknown),
        validation=_text(latest_text(end, EventType.RESOLVED, "verification"), unknown),
        review=_review(state, policy, effective),
        improvements=f"{TO_ASSESS} in the review",
        contact=_contact(state, policy),
        fell_due=due_lines(clocks),
        unreachable=", ".join(unreachable(clocks, policy, now)),
        last_update=last_written(effective) or "none yet",
        update_from=who or NOT_KNOWN,
        update_command=f'incident-ledger incident note {state.incident_id} "..."',
        war_room_command=f"incident-ledger incident war-room {state.incident_id} URL",
        open_tasks=open_tasks(state, policy),
        review_commands=review_commands(state, policy),
        answer=answer(state, policy, now, effective),
        first_steps=first_steps(event, state, policy),
        known=(
            *(("Likely cause", field(cause)) for cause in causes),
            *known(event, state, policy, effective, flapping),
            *_missed(event, state, clocks),
        ),
        about=_about(event),
        look=f"All that is known: incident-ledger incident show {state.incident_id}",
    )


def _money(state: IncidentState, policy: Policy, now: datetime, to_assess: str) -> str:
    estimate = money_estimate(state, policy, now)
    return f"{estimate}; {to_assess}" if estimate else to_assess


def with_event(state: IncidentState, event: Event) -> IncidentState:
    """`state` with `event` in it, whether it was read before or after the event was written."""
    at = event.occurred_at
    changes: dict[str, Any] = {"severity_level": event.severity_level or state.severity_level}
    if event.event_type is EventType.RESOLVED:
        changes |= {"status": Status.RESOLVED, "is_open": False, "resolution_time": at, "last_resolution_time": at}
    elif event.event_type is EventType.REOPENED and at > (state.last_reopened_time or state.detection_time):
        changes |= {"status": Status.INVESTIGATING, "is_open": True, "resolution_time": None, "last_reopened_time": at}
        gap = at - state.last_resolution_time if state.last_resolution_time else timedelta()
        changes["reopened_gap_microseconds"] = state.reopened_gap_microseconds + gap // timedelta(microseconds=1)
    elif event.event_type is EventType.STATUS_CHANGED and event.payload.get("status") in set(Status):
        changes["status"] = Status(event.payload["status"])
    return replace(state, **changes)


def _who_finds_out(state: IncidentState, policy: Policy, now: datetime) -> str | None:
    """Who is to find out what is unknown: the commander, else whom an update is asked of."""
    if state.incident_commander:
        return one_line(state.incident_commander)
    return next((contact.role for contact in policy.clock_contacts(UPDATE_DUE, now)), None)


def _severity(event: Event, state: IncidentState, policy: Policy) -> str:
    """`P0 - Critical`, as the playbook's quick reference writes it, and what it was before when that is the news."""
    name = policy.severity(state.severity_level).severity_name
    before = _payload_text(event, "from") if event.event_type is EventType.SEVERITY_CHANGED else None
    was = f" (was {one_line(before)})" if before else ""
    return f"{state.severity_level} - {name}{was}"


def _status(state: IncidentState, now: datetime, flapping: Flapping | None) -> str:
    """The status; for an open incident also its age, which grows and is never rounded up."""
    status = state.status.value.capitalize() + (", flapping" if flapping else "")
    age = state.age(now)
    if age is None or age < timedelta(minutes=1):
        return status
    return f"{status} (open for {whole_minutes(age)})"


def _update_minutes(state: IncidentState, policy: Policy, now: datetime) -> float | None:
    """How often updates are due by themselves: only where the policy has a message for that, and clocks run."""
    if not state.has_sla or policy.template(EventType.UPDATE_DUE.value, state.severity_level, now) is None:
        return None
    return policy.response_rule(state.severity_level, now).update_minutes


def _updates(state: IncidentState, every: float | None, flapping: Flapping | None) -> str:
    if not state.is_open:  # sent late, or while it flaps: the incident has ended meanwhile
        return _calm(flapping) or "No update will follow unless it is reopened."
    return f"Updates will follow every {every} minutes." if every else "Updates will follow with each change."


def _calm(flapping: Flapping | None) -> str | None:
    return f"A message of its end follows when it has lasted for {minutes(flapping.calm_after)}." if flapping else None


def _next_update(state: IncidentState, every: float | None, now: datetime, flapping: Flapping | None) -> str:
    if not state.is_open:
        after = f"when it has been resolved for {minutes(flapping.calm_after)}" if flapping else None
        return after or "none unless it is reopened"
    return utc(now + timedelta(minutes=every)) if every else "with the next change"


def _fix(end: Sequence[Event], effective: Sequence[Event]) -> str | None:
    """The solution as given at the end, else the last action that was taken."""
    text = latest_text(end, EventType.RESOLVED, "solution") or latest_text(end, EventType.RESOLVED, "text")
    return text or latest_text(effective, EventType.ACTION_TAKEN, "text")


def _eta(state: IncidentState, effective: Sequence[Event], unknown: str) -> str:
    if not state.is_open and state.resolution_time:
        return f"resolved {utc(state.resolution_time)}"
    if state.estimated_resolution_time:
        return utc(state.estimated_resolution_time)
    return _text(latest_text(effective, EventType.ETA_SET, "text"), unknown)


def _measured(state: IncidentState, to_assess: str) -> str | None:
    """What the check counted when it found it; whom it hurts is for a person to say."""
    breaches, day = state.evidence.get("breaches") or (), state.evidence.get("day")
    of_day = f" of {one_line(day)}" if isinstance(day, str) and day.strip() else ""
    counts = [
        f"{_what(each)} in {each['failed']:,} of {each['examined']:,} records{of_day}"
        for each in breaches
        if each.get("failed") is not None and each.get("examined")
    ]
    return f"{', '.join(counts)} when it was found. For whom it matters: {to_assess}" if counts else None


def _what(breach: Mapping[str, Any]) -> str:
    """What is wrong with the records, in words; of an older check its rule's name."""
    what = breach.get("what")
    return one_line(what) if isinstance(what, str) and what.strip() else f"{breach['rule_id']} is broken"


def _services(state: IncidentState) -> tuple[str, ...]:
    return state.services or state.components or ((state.component,) if state.component else ())


def _actions(effective: Sequence[Event]) -> tuple[str, ...]:
    """What is being done: the newest actions that are not marked as done, the newest last."""
    actions: dict[str, str] = {}
    for event in effective:
        text = _payload_text(event, "text")
        if event.event_type is EventType.ACTION_TAKEN and text:
            actions[text] = _payload_text(event, "phase") or _CURRENT
    current = tuple(field(text) for text, phase in actions.items() if phase == _CURRENT)
    return current[-_SHOWN_ACTIONS:]


def _commander(state: IncidentState, policy: Policy, unknown: str) -> str:
    if state.incident_commander:
        return field(one_line(state.incident_commander))
    role = policy.severity(state.severity_level).incident_commander_role
    return f"{role} (by role; nobody has taken it yet)" if role else unknown


def _contact(state: IncidentState, policy: Policy) -> str:
    """The incident commander; until there is one, the role that the severity names, or the worst severity's role."""
    if state.incident_commander:
        return field(one_line(state.incident_commander))
    role = policy.severity(state.severity_level).incident_commander_role or next(
        (severity.incident_commander_role for severity in policy.severities if severity.incident_commander_role), None
    )
    email = next((contact.email_primary for contact in policy.contacts.values() if contact.role == role), None)
    return f"{role} <{email}>" if role and email else role or NOT_KNOWN


def _war_room(state: IncidentState, policy: Policy, who: str | None) -> str:
    if state.war_room_url:
        return field(one_line(state.war_room_url))
    after = policy.severity(state.severity_level).war_room_after_minutes
    if after is None:
        return "none: this severity asks for none"
    return f"{NOT_KNOWN}; to be opened{f' by {who}' if who else ''} (required after {after} minutes)"


def _duration(state: IncidentState, effective: Sequence[Event]) -> str:
    """From detection to resolution without the time between a resolution and a reopening, as `mttr_minutes`."""
    if state.resolution_time is None:
        return NOT_KNOWN
    # What came after this resolution is no part of what had passed by then.
    later = sum(reducer.reopened_gaps(effective, since=state.resolution_time), timedelta())
    gaps = timedelta(microseconds=state.reopened_gap_microseconds) - later
    span = state.resolution_time - state.detection_time - gaps
    return minutes(span) if span >= timedelta(0) else f"{NOT_KNOWN} (resolved before it was detected: a time is wrong)"


def _root_cause(state: IncidentState, effective: Sequence[Event]) -> str | None:
    category = state.root_cause_category or latest_text(effective, EventType.ROOT_CAUSE_IDENTIFIED, "category")
    text = latest_text(effective, EventType.ROOT_CAUSE_IDENTIFIED, "text")
    return ": ".join(part for part in (category, text) if part) or None


def _review(state: IncidentState, policy: Policy, effective: Sequence[Event]) -> str:
    scheduled = latest_text(effective, EventType.REVIEW_SCHEDULED, "scheduled_for")
    if scheduled:
        return field(one_line(_time(scheduled)))
    deadline = review_deadline(state, policy)
    return f"a date {NOT_KNOWN} (due by {utc(deadline)})" if deadline else "no date: the policy asks for none"


def _about(event: Event) -> str:
    """Why this message came."""
    reason = _payload_text(event, "reason") or (
        _payload_text(event, "text") if event.event_type is not EventType.RESOLVED else None
    )
    news = f"{_event_name(event)} {utc(event.occurred_at)}{_by(event)}"
    return field(f"{news}: {reason}" if reason else news)


def _event_name(event: Event) -> str:
    names = {EventType.ETA_SET: "Expected end set", EventType.ROOT_CAUSE_IDENTIFIED: "Cause named"}
    return names.get(event.event_type, event.event_type.value.replace("_", " ").capitalize())


def _by(event: Event) -> str:
    """Who acknowledged it, or wrote what a person asked to be sent."""
    return f" by {one_line(event.actor)}" if is_apart(event) else ""


def latest_text(effective: Sequence[Event], event_type: EventType, key: str) -> str | None:
    """The text of the newest event of a type under `key`."""
    found = [event for event in effective if event.event_type is event_type and _payload_text(event, key)]
    newest = max(found, key=lambda event: event.occurred_at, default=None)
    return _payload_text(newest, key) if newest else None


def _payload_text(event: Event, key: str) -> str | None:
    """A text of a payload; None when there is none, or nothing but blanks."""
    value = event.payload.get(key)
    return value if isinstance(value, str) and value.strip() else None


def _time(text: str) -> str:
    try:
        return utc(parse_time(text))
    except TimeError:
        return text


def _missed(event: Event, state: IncidentState, clocks: Sequence[Event]) -> tuple[tuple[str, str], ...]:
    """What fell due since the beginning, in the message of another event."""
    later = [clock for clock in clocks if clock.occurred_at > state.detection_time]
    return () if event.event_type in CLOCK_EVENTS else tuple(("Fell due", line) for line in due_lines(later))


def last_written(effective: Sequence[Event]) -> str | None:
    """What a person wrote last of it, when and who; None for nothing."""
    texts = ((each, _payload_text(each, "text") or _payload_text(each, "reason")) for each in reversed(effective))
    for event, text in texts:
        if text and event.actor not in MACHINES:
            return field(f"{text} ({utc(event.occurred_at)}, {one_line(event.actor)})")
    return None


def _text(value: str | None, unknown: str) -> str:
    return field(value or "") or unknown
