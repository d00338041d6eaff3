"""Which message an event calls for, to whom, and with which text: pure."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from incident_ledger.encoding import canonical, one_line, shortened
from incident_ledger.ledger.events import CLOCK_EVENTS, PROGRESS_EVENTS, Event, EventType, is_progress
from incident_ledger.ledger.state import IncidentState
from incident_ledger.notify.clocks import clock_audience, clock_contacts, clock_of, clock_recipients, is_running
from incident_ledger.notify.fields import MessageFields, message_fields, with_event
from incident_ledger.notify.flapping import Flapping
from incident_ledger.notify.followers import is_acknowledgement
from incident_ledger.notify.formatting import SUBJECT_CHARACTERS
from incident_ledger.notify.rendering import BUILT_IN, Templates
from incident_ledger.policy import Policy

# Of this project alone; changing it would send again what was sent.
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "incident-ledger:messages")
_DOMAIN = "incident-ledger"
# What stands before the title in the subject, so that a list of mails can be followed; a beginning is the bare title.
_NEWS = {
    EventType.DETECTED: "",
    EventType.REOPENED: "Reopened: ",
    EventType.RESOLVED: "Resolved: ",
    EventType.RETRACTED: "Retracted: ",
    EventType.ESCALATED: "Escalated: ",
    EventType.UPDATE_DUE: "Update due: ",
    EventType.ACKNOWLEDGED: "Acknowledged: ",
    EventType.REVIEW_DUE: "Review due: ",
}


# Of `notifications`: what a message is, on a channel; the other columns say what became of it.
COLUMNS = (
    *("message_id", "event_id", "incident_id", "template", "channel", "audience", "recipients"),
    *("subject", "body_text", "body_html", "severity_level"),
)


@dataclass(frozen=True, kw_only=True)
class Message:
    """One message to one audience, whatever the channel. Texts are final; `recipients` are e-mail addresses."""

    message_id: str
    event_id: str
    incident_id: str
    template: str
    severity_level: str
    audience: str
    recipients: tuple[str, ...]
    subject: str
    text: str
    html: str
    severity_levels: tuple[str, ...] = ()  # that the incident has or had, the worst first
    owner: str | None = None  # of what broke, as its check names it
    contact_ids: tuple[str, ...] = ()  # the policy's, for its severities and clocks, also those without an address
    is_directed: bool = False  # to its recipients alone, and not to whoever was notified of the incident before


def compose(
    event: Event,
    state: IncidentState,
    policy: Policy,
    now: datetime,
    *,
    history: Sequence[Event] = (),
    flapping: Flapping | None = None,
    clocks: Sequence[Event] = (),
    others: Iterable[IncidentState] = (),
    templates: Templates = BUILT_IN,
) -> list[Message]:
    """The messages that `event` calls for: one, or none where the policy has no template for it.

    `state` is the incident, read before or after the event was written. `history` holds its other events, when they
    are at hand: the template's current actions, causes in words and review dates stand only there. `flapping` is what
    no message came of before it, `clocks` is what fell due without one, and of `others` one may be its cause.
    Recipients are the audiences of every severity that the incident is known to have had, and whom the clocks notify;
    the outbox adds whoever was notified before. The message of a clock itself is for those alone whom it notifies.
    """
    incident = with_event(state, event)
    template = template_for(event, state, policy, now)
    if template is None:
        return []
    subject = _subject(event, incident, flapping)
    fields = message_fields(event, incident, policy, now, history, flapping=flapping, clocks=clocks, others=others)
    known = template_fields(fields, subject)
    levels, owner = scope(event, state, policy, history)
    audience, of_clocks = _recipients(levels, policy, now), clock_recipients(clocks, incident, policy, now)
    is_directed = event.event_type in CLOCK_EVENTS and bool(of_clocks)
    contacts = clock_contacts(clocks, policy, now) if is_directed else contacts_of(levels, policy, now)
    return [
        Message(
            message_id=message_id(event, template),
            event_id=event.event_id,
            incident_id=event.incident_id,
            template=template,
            severity_level=incident.severity_level,
            audience=clock_audience(clocks, incident, policy, now)
            if is_directed
            else policy.severity(levels[0]).audience,
            recipients=of_clocks if is_directed else tuple(dict.fromkeys((*audience, *of_clocks))),
            severity_levels=tuple(levels),
            owner=owner,
            contact_ids=contacts,
            is_directed=is_directed,
            subject=subject,
            text=templates.text(template, known),
            html=templates.html(template, known),
        )
    ]


def scope(event: Event, state: IncidentState, policy: Policy, history: Sequence[Event]) -> tuple[list[str], str | None]:
    """What routes choose by: the severities that the incident is known to have had, the worst first, and its owner."""
    incident = with_event(state, event)
    owner = incident.evidence.get("owner")
    return _severities(event, incident, history, policy), owner if isinstance(owner, str) else None


def template_fields(fields: MessageFields, subject: str) -> dict[str, Any]:
    """What a template may name."""
    return asdict(fields) | {"subject": subject}


def template_for(event: Event, state: IncidentState, policy: Policy, now: datetime) -> str | None:
    """The template of the message that an event calls for; None for no message. `state` as `compose` takes it."""
    incident = with_event(state, event)
    if event.event_type is EventType.SEVERITY_CHANGED and incident.merged_into is not None:
        return None  # the incident that it was merged into has the message
    if event.event_type in CLOCK_EVENTS and not is_running(event, incident):
        return None  # it ended, or went on again, before anybody could be notified
    if event.event_type in PROGRESS_EVENTS and not (is_progress(event) or _is_return(event)):
        return None  # nobody asked for it
    if event.event_type is EventType.ACKNOWLEDGED and not is_acknowledgement(event):
        return None
    of_clock = event.event_type in CLOCK_EVENTS and policy.template(clock_of(event), incident.severity_level, now)
    return of_clock or policy.template(_kind(event, incident).value, incident.severity_level, now)


def _kind(event: Event, incident: IncidentState) -> EventType:
    """The type that an event is sent as. A note that takes back what was sent is what it leaves: a return or an end."""
    if not _is_return(event):
        return event.event_type
    return EventType.REOPENED if incident.is_open else EventType.RESOLVED


def _is_return(event: Event) -> bool:
    return event.event_type is EventType.NOTE and "supersedes" in event.payload


def first_message_id(incident_id: str) -> str:
    """The id of an incident's first message, which follows from the incident alone: any machine can refer to it."""
    return str(uuid.uuid5(NAMESPACE, canonical([incident_id])))


def message_id(event: Event, template: str) -> str:
    """A UUID (version 5): the same message has the same id whoever composes it, on every channel and attempt.

    A beginning has the id of its incident, so that a corrected beginning is not sent twice.
    """
    if event.event_type is EventType.DETECTED:
        return first_message_id(event.incident_id)
    return str(uuid.uuid5(NAMESPACE, canonical([event.event_id, template])))


def header_id(message: str) -> str:
    """A message's id as a mail's `Message-ID`."""
    return f"<{message}@{_DOMAIN}>"


def _subject(event: Event, incident: IncidentState, flapping: Flapping | None) -> str:
    news = _NEWS.get(event.event_type, "Update: ")
    if event.event_type is EventType.REVIEW_DUE and clock_of(event).endswith("_late"):
        news = "Review late: "
    if flapping and event.event_type is EventType.REOPENED:
        news = "Flapping: "
    if event.event_type is EventType.NOTE:
        news = "Update: " if not _is_return(event) else "Reinstated: " if incident.is_open else "Resolved: "
    if event.event_type is EventType.SEVERITY_CHANGED:
        news = f"Now {incident.severity_level}: "
    return shortened(one_line(f"[INCIDENT-{incident.severity_level}] {news}{incident.title}"), SUBJECT_CHARACTERS)


def _severities(event: Event, incident: IncidentState, history: Sequence[Event], policy: Policy) -> list[str]:
    """Severities whose audiences are notified, the worst first: for a beginning its own, later every one before too."""
    had: set[str | None] = {incident.severity_level}
    if event.event_type is not EventType.DETECTED:
        had |= {incident.initial_severity_level, event.payload.get("from")}
        had |= {each.severity_level for each in history if each.occurred_at <= event.occurred_at}
    return sorted({severity.severity_level for severity in policy.severities} & had, key=policy.rank)


def contacts_of(levels: Iterable[str], policy: Policy, now: datetime) -> tuple[str, ...]:
    """The contacts of the audiences of these severities, each once."""
    return tuple(dict.fromkeys(contact.contact_id for level in levels for contact in policy.recipients(level, now)))


def _recipients(levels: Iterable[str], policy: Policy, now: datetime) -> tuple[str, ...]:
    emails = (contact.email_primary for level in levels for contact in policy.recipients(level, now))
    return tuple(dict.fromkeys(email for email in emails if email))
