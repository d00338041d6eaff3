"""The messages that clocks call for: what fell due since the last message, in one, and to whom. Pure."""

from collections.abc import Sequence
from datetime import datetime

from incident_ledger.encoding import TimeError, one_line, parse_time
from incident_ledger.ledger.events import Event, EventType
from incident_ledger.ledger.state import IncidentState
from incident_ledger.notify.formatting import field, utc
from incident_ledger.policy import ESCALATION, RESPONSE_OVERDUE, REVIEW_PHASES, UPDATE_DUE, Contact, Policy

_OF_COMMANDER = (UPDATE_DUE, *(f"{phase}_due" for phase in REVIEW_PHASES))  # the commander's, where there is one
_TO_BOTH = (RESPONSE_OVERDUE, ESCALATION)  # to the secondary address too, while nobody has acknowledged


def clock_of(event: Event) -> str:
    """The clock whose event it is: a step of the escalation matrix, or one of `policy.CLOCKS`."""
    return UPDATE_DUE if event.event_type is EventType.UPDATE_DUE else str(event.payload.get("step_id"))


def main_event(clocks: Sequence[Event]) -> Event:
    """What the message of these is about: the last escalation, or else the last update or review that was due."""
    escalations = [event for event in clocks if event.event_type is EventType.ESCALATED]
    return (escalations or clocks)[-1]


def is_running(event: Event, incident: IncidentState) -> bool:
    """Whether what fell due still matters: a review after the end, all else before it."""
    return (event.event_type is EventType.REVIEW_DUE) is not incident.is_open


def due_lines(clocks: Sequence[Event]) -> tuple[str, ...]:
    """What fell due, in order, each with its time; of updates that were due in a row one line."""
    updates = [event for event in clocks if event.event_type is EventType.UPDATE_DUE]
    lines = [
        f"{utc(event.occurred_at)}: {_text(event)}"
        for event in clocks
        if event.event_type is not EventType.UPDATE_DUE or event is updates[-1]
    ]
    missed = len(updates) - 1
    if missed > 0:
        lines.append(
            f"Since {utc(updates[0].occurred_at)} {missed} more {'update was' if missed == 1 else 'updates were'} due"
        )
    return tuple(field(line) for line in lines)


def clock_recipients(
    clocks: Sequence[Event], incident: IncidentState, policy: Policy, now: datetime
) -> tuple[str, ...]:
    """Addresses, each once; nobody where the policy names no contact with one."""
    is_answered = incident.our_acknowledged_time is not None
    emails: list[str | None] = []
    for event in clocks:
        clock = clock_of(event)
        commander = commander_email(incident, policy) if clock in _OF_COMMANDER else None
        contacts = () if commander else policy.clock_contacts(clock, now)
        emails += [commander, *(contact.email_primary for contact in contacts)]
        if clock in _TO_BOTH and not is_answered:
            emails += [contact.email_secondary for contact in contacts]
    return tuple(dict.fromkeys(email for email in emails if email))


def clock_contacts(clocks: Sequence[Event], policy: Policy, now: datetime) -> tuple[str, ...]:
    """The contacts whom the policy names for these, each once."""
    found = (contact.contact_id for event in clocks for contact in policy.clock_contacts(clock_of(event), now))
    return tuple(dict.fromkeys(found))


def clock_audience(clocks: Sequence[Event], incident: IncidentState, policy: Policy, now: datetime) -> str:
    """The roles that these notify, each once; of an update or what is due soon after the end the commander."""
    roles: list[str] = []
    for event in clocks:
        if clock_of(event) in _OF_COMMANDER and commander_email(incident, policy):
            roles.append(one_line(incident.incident_commander or ""))
        else:
            roles += [each.role for each in policy.clock_contacts(clock_of(event), now) if each.email_primary]
    return ", ".join(dict.fromkeys(roles))


def commander_email(incident: IncidentState, policy: Policy) -> str | None:
    """Where to reach the incident commander: an address, or that of the contact of this role or id."""
    name = one_line(incident.incident_commander or "").strip()
    found = contact_named(name, policy)
    return found.email_primary if found else name if "@" in name and " " not in name and "," not in name else None


def unreachable(clocks: Sequence[Event], policy: Policy, now: datetime) -> tuple[str, ...]:
    """Roles that are to be notified of these and have no address."""
    contacts = (contact for event in clocks for contact in policy.clock_contacts(clock_of(event), now))
    return tuple(dict.fromkeys(contact.role for contact in contacts if contact.email_primary is None))


def contact_named(name: str, policy: Policy) -> Contact | None:
    """The contact of this id or role, however it is written."""
    wanted = name.casefold()
    return next((each for each in policy.contacts.values() if wanted in (each.contact_id, each.role.casefold())), None)


def _text(event: Event) -> str:
    if event.event_type is EventType.UPDATE_DUE:
        return f"An update is due (the last one was at {_time(event)})"
    return one_line(str(event.payload.get("text") or clock_of(event)))


def _time(event: Event) -> str:
    try:
        return utc(parse_time(str(event.payload.get("last_update"))))
    except TimeError:
        return "a time that is not known"
