"""Which events of one incident get a message now, so that one that flaps fills no mailbox. Pure.

An incident's turns are its ends and its returns. Its beginning, a change of its severity and a retraction are sent at
once; so is a return of what people believe to be over, and a turn that a person asks to be sent. Any other turn waits
until the policy's interval has passed since the last message of a beginning or a turn. Then one message says how it
is, and how often it flapped meanwhile; an end of what flapped is sent as one when it has lasted for the interval. So
the last word is always how it is.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from incident_ledger.ledger.events import Event, EventType, is_asked_for

TURNS = (EventType.RESOLVED, EventType.REOPENED, EventType.RETRACTED)


@dataclass(frozen=True, kw_only=True)
class Flapping:
    """How often an incident was resolved and reopened without a message of it, and from when to when."""

    times: int
    since: datetime
    until: datetime
    calm_after: timedelta  # for so long it must stay resolved before that is sent


@dataclass(frozen=True, kw_only=True)
class Due:
    """An event to notify of now; with what no message came of before it."""

    event: Event
    flapping: Flapping | None = None
    clocks: tuple[Event, ...] = ()  # what fell due of the incident and no message was sent of


def due(events: Sequence[Event], notified: Mapping[str, datetime], interval: timedelta, now: datetime) -> list[Due]:
    """The events of one incident to notify of at `now`.

    `events` are those that ask for a message and are not superseded, in order, none later than `now`, with the notes
    that take back an event that was sent; `notified` has the event of each message of the incident and when it was
    written.
    """
    found = [Due(event=event) for event in events if event.event_type is EventType.DETECTED and not notified]
    severities = [event for event in events if event.event_type is EventType.SEVERITY_CHANGED]
    found += [Due(event=event) for event in severities[-1:] if event.event_id not in notified]
    found += [
        Due(event=event) for event in events if event.event_type is EventType.NOTE and event.event_id not in notified
    ]
    turn = _turn(events, notified, interval, now)
    return [*found, turn] if turn else found


def next_change(
    events: Sequence[Event], notified: Mapping[str, datetime], interval: timedelta, now: datetime
) -> datetime | None:
    """The first time after `now` at which `due` gives something else though nothing happens; None when it never does.

    `due` compares the clock with nothing but the interval after a message or after a turn.
    """
    times = {at + interval for at in notified.values()}
    times |= {event.occurred_at + interval for event in events if event.event_type in TURNS}
    present = due(events, notified, interval, now)
    ahead = sorted(time for time in times if time > now)
    return next((time for time in ahead if due(events, notified, interval, time) != present), None)


def _turn(events: Sequence[Event], notified: Mapping[str, datetime], interval: timedelta, now: datetime) -> Due | None:
    turns = [event for event in events if event.event_type in TURNS]
    is_notified = [event.event_id in notified for event in turns]
    believed = next((event for event, is_it in zip(turns[::-1], is_notified[::-1], strict=True) if is_it), None)
    unsent = [event for event in turns[_end_of(is_notified) :] if not _is_correction(event, believed, notified)]
    if not unsent:
        return None
    last, returns = unsent[-1], [event for event in unsent if event.event_type is EventType.REOPENED]
    # Between one return and the next there was an end, whether it is at hand or was corrected away.
    flapping = Flapping(times=len(returns), since=unsent[0].occurred_at, until=last.occurred_at, calm_after=interval)
    is_news = believed is not None and believed.event_type is not EventType.REOPENED
    if last.event_type is EventType.REOPENED and is_news and len(returns) == 1:
        return Due(event=last)
    whole = Due(event=last, flapping=flapping if returns else None)
    last_message_at = _last_message(events, notified)
    if (
        last_message_at is None
        or last.event_type is EventType.RETRACTED
        or is_asked_for(last)
        or (last.event_type is EventType.REOPENED and is_news)
    ):
        return whole
    if now - last_message_at < interval:
        return None
    if last.event_type is EventType.RESOLVED and returns and now - last.occurred_at < interval:
        return Due(event=returns[-1], flapping=flapping)  # how it is now, and not yet an end
    return whole


def _end_of(is_notified: Sequence[bool]) -> int:
    """The place after the last that was sent: what came before it is over."""
    return len(is_notified) - is_notified[::-1].index(True) if True in is_notified else 0


def _is_correction(event: Event, believed: Event | None, notified: Mapping[str, datetime]) -> bool:
    """Whether an end only corrects the time or words of an end that was sent."""
    earlier = event.payload.get("supersedes")
    if event.event_type is not EventType.RESOLVED or earlier is None:
        return False
    return earlier in notified or (believed is not None and believed.event_type is EventType.RESOLVED)


def _last_message(events: Sequence[Event], notified: Mapping[str, datetime]) -> datetime | None:
    """When the last message of the incident's beginning or of a turn was written."""
    severities = {event.event_id for event in events if event.event_type is EventType.SEVERITY_CHANGED}
    return max((at for event_id, at in notified.items() if event_id not in severities), default=None)
