"""Who follows an incident beside its messages: channels that keep one alert or thread of it. Pure.

An acknowledgement is sent to these alone: it stops a pager and stands in a thread, and fills no mailbox.
"""

from incident_ledger.ledger.events import MACHINES, PROGRESS_EVENTS, Event, EventType, is_progress

ACKNOWLEDGEMENT = "acknowledgement"
"""The template of an acknowledgement."""

APART = (*PROGRESS_EVENTS, EventType.ACKNOWLEDGED)
"""What is sent beside beginnings, turns and clocks, and delays none of them: to whoever was notified of a beginning."""


def is_acknowledgement(event: Event) -> bool:
    """Whether a person acknowledged it, and corrected no earlier acknowledgement."""
    is_by_person = event.actor not in MACHINES and "supersedes" not in event.payload
    return event.event_type is EventType.ACKNOWLEDGED and is_by_person


def is_apart(event: Event) -> bool:
    """Whether it is sent: what people write where they asked for it, what they acknowledge always."""
    return is_acknowledgement(event) or is_progress(event)
