"""What a person asks of an incident first: what was found and written, whom to ask, and what to do next. Pure."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from incident_ledger.ledger.answers import acknowledgement
from incident_ledger.ledger.events import Event, EventType, Status
from incident_ledger.ledger.overdue import UPDATE, WAR_ROOM, overdue
from incident_ledger.ledger.reducer import effective
from incident_ledger.ledger.state import IncidentState
from incident_ledger.notify.clocks import contact_named
from incident_ledger.notify.details import findings, owner_text
from incident_ledger.notify.fields import last_written, latest_text
from incident_ledger.notify.likely_causes import likely_causes
from incident_ledger.notify.money import money_estimate
from incident_ledger.policy import UPDATE_DUE, Contact, Policy

_COMMAND = "incident-ledger incident"


@dataclass(frozen=True, kw_only=True)
class Summary:
    """Texts for people; None and nothing where nothing is known."""

    acknowledged_by: str | None
    found: Sequence[tuple[str, str]]
    cause: str | None
    likely_causes: Sequence[str]
    data_impact: str | None
    money_at_stake: str | None  # an estimate, where people assessed none and the policy has rates
    last_written: str | None
    whom_to_ask: Sequence[str]
    next_command: str


def summary(
    incident: IncidentState,
    history: Sequence[Event],
    policy: Policy,
    now: datetime,
    others: Iterable[IncidentState] = (),
) -> Summary:
    """Of an incident and all of its events; `now` is that of its clocks. Of `others` one may be its cause."""
    events = effective(history)
    answered = acknowledgement(incident, events)
    return Summary(
        acknowledged_by=answered.actor if answered else None,
        found=tuple((label, text) for label, text in findings(incident.evidence) if text),
        cause=_cause(incident, events),
        likely_causes=likely_causes(incident, others, policy, now),
        data_impact=latest_text(events, EventType.IMPACT_ASSESSED, "data_impact"),
        money_at_stake=money_estimate(incident, policy, now),
        last_written=last_written(events),
        whom_to_ask=_whom_to_ask(incident, policy, now),
        next_command=next_command(incident, {each.what for each in overdue(incident)}),
    )


def next_command(incident: IncidentState, waiting: Collection[str]) -> str:
    """What to type next. `waiting` is what is overdue."""
    if incident.merged_into:
        return f"{_COMMAND} show {incident.merged_into}"
    action = _next_action(incident, waiting) if incident.is_open else _next_task(incident)
    return f"{_COMMAND} {action.format(incident.incident_id)}"


def _next_action(incident: IncidentState, waiting: Collection[str]) -> str:
    """Of an open incident: what is overdue, or else the next step of its way."""
    if incident.our_acknowledged_time is None and incident.last_resolution_time is None:
        return "ack {}"
    if WAR_ROOM in waiting:
        return "war-room {} URL"
    if UPDATE in waiting:
        return 'note {} "..." --notify'
    steps = {Status.RESOLVING: 'resolve {} --text "..."', Status.IDENTIFIED: 'contain {} --text "..."'}
    return steps.get(incident.status, 'status {} identified --text "..."')


def _next_task(incident: IncidentState) -> str:
    """Of an incident that is over."""
    if incident.is_retracted or incident.closed_time:
        return "timeline {}"
    return "task list {}" if incident.root_cause_category else "cause {} CATEGORY"


def _cause(incident: IncidentState, events: Sequence[Event]) -> str | None:
    parts = (incident.root_cause_category, latest_text(events, EventType.ROOT_CAUSE_IDENTIFIED, "text"))
    return ": ".join(part for part in parts if part) or None


def _whom_to_ask(incident: IncidentState, policy: Policy, now: datetime) -> tuple[str, ...]:
    """The commander, or the role that commands; who owns what broke; who is on call."""
    role = policy.severity(incident.severity_level).incident_commander_role
    commander = incident.incident_commander or role
    named = contact_named(commander, policy) if commander else None
    owner = incident.evidence.get("owner")
    found = [
        f"commander {_reached(named) if named else commander}" if commander else None,
        f"owner {owner_text(owner, policy)}" if isinstance(owner, str) and owner.strip() else None,
        *(_reached(contact) for contact in policy.clock_contacts(UPDATE_DUE, now)),
    ]
    return tuple(dict.fromkeys(text for text in found if text))


def _reached(contact: Contact) -> str:
    ways = ", ".join(way for way in (contact.email_primary, contact.phone) if way)
    return f"{contact.role} <{ways}>" if ways else contact.role
