"""What makes of an incident none of its own, and what undoes it: retracted, reinstated, merged, split. Pure."""

from collections.abc import Sequence

from incident_ledger.errors import UserError
from incident_ledger.ledger.commands import CommandContext, check_not_before, check_time, ending, person_event, shown
from incident_ledger.ledger.events import Event, EventType
from incident_ledger.ledger.reducer import effective
from incident_ledger.ledger.state import IncidentState


def retract(
    incident: IncidentState, context: CommandContext, reason: str, *, members: Sequence[IncidentState] = ()
) -> Event:
    """`retracted`, of an incident that was none. `members` are those that were merged into it."""
    if not reason.strip():
        raise UserError("Say why it was a false alarm: --reason TEXT.")
    check_time(incident, context)
    if members:
        raise UserError(
            f"{_names(members)} merged into {incident.incident_id}, and would be retracted with it. First: "
            f"incident-ledger incident split {members[0].incident_id}"
        )
    return person_event(incident, context, EventType.RETRACTED, {"reason": reason})


def reinstate(
    incident: IncidentState, context: CommandContext, reason: str, history: Sequence[Event] = ()
) -> list[Event]:
    """Notes that supersede its retractions, one each: it counts as if it had never been retracted.

    `history` has its events. As a status page's that is listed again, but by a person.
    """
    if not reason.strip():
        raise UserError("Say why it was an incident after all: --reason TEXT.")
    retractions = [event for event in effective(history) if event.event_type is EventType.RETRACTED]
    if not retractions:
        raise UserError(f"{incident.incident_id} is {ending(incident)}, not retracted.")
    if context.at < retractions[-1].occurred_at:
        raise UserError(f"{incident.incident_id} was retracted after that, at {shown(retractions[-1].occurred_at)}.")
    payloads = ({"text": reason, "supersedes": event.event_id} for event in reversed(retractions))
    return [person_event(incident, context, EventType.NOTE, payload) for payload in payloads]


def merge(
    incident: IncidentState,
    into: IncidentState,
    context: CommandContext,
    *,
    history: Sequence[Event] = (),
    members: Sequence[IncidentState] = (),
    end: IncidentState | None = None,
) -> Event:
    """`merged`: it is the same trouble as `into`, and counts no more.

    `history` has its events, `members` are those that were merged into it, and `end` is what `into` was merged into in
    the end.
    """
    if incident.incident_id == into.incident_id:
        raise UserError(f"{incident.incident_id} cannot be merged into itself.")
    check_time(incident, context)
    check_not_before(into, context)
    if into.is_retracted:
        raise UserError(f"{into.incident_id} is retracted. Merge into the incident that there is.")
    if into.merged_into:
        raise UserError(_chain(incident, into, end))
    if members:
        raise UserError(
            f"{_names(members)} merged into {incident.incident_id}. The other way round there is no chain: "
            f"incident-ledger incident merge {into.incident_id} {incident.incident_id}"
        )
    split = [event for event in effective(history) if event.event_type is EventType.SPLIT]
    if split and context.at < split[-1].occurred_at:
        raise UserError(f"{incident.incident_id} was split off after that, at {shown(split[-1].occurred_at)}.")
    return person_event(incident, context, EventType.MERGED, {"into": into.incident_id})


def join(into: IncidentState, context: CommandContext, incident: IncidentState) -> Event:
    """`joined`, of the incident that another was merged into."""
    return person_event(into, context, EventType.JOINED, {"incident_id": incident.incident_id, "title": incident.title})


def split(incident: IncidentState, context: CommandContext, history: Sequence[Event] = ()) -> Event:
    """`split`: an incident of its own again, open unless it is resolved. `history` has its events."""
    check_not_before(incident, context)
    if incident.merged_into is None:
        raise UserError(f"{incident.incident_id} is {ending(incident)}, not merged.")
    merged = [event for event in effective(history) if event.event_type is EventType.MERGED]
    if merged and context.at <= merged[-1].occurred_at:
        raise UserError(f"{incident.incident_id} was merged after that, at {shown(merged[-1].occurred_at)}.")
    return person_event(incident, context, EventType.SPLIT, {"from": incident.merged_into})


def leave(into: IncidentState, context: CommandContext, incident: IncidentState) -> Event:
    """A note, of the incident that another was split from."""
    text = f"{incident.incident_id} was split off: it is an incident of its own again"
    return person_event(into, context, EventType.NOTE, {"text": text, "incident_id": incident.incident_id})


def _chain(incident: IncidentState, into: IncidentState, end: IncidentState | None) -> str:
    if end is None or end.incident_id == into.incident_id:
        return f"{into.incident_id} is {ending(into)}, which leads back to itself. Split one of them first."
    if end.incident_id == incident.incident_id:
        return f"{into.incident_id} is merged into {end.incident_id} already, and not the other way round."
    return (
        f"{into.incident_id} is merged into {end.incident_id}: incident-ledger incident merge {incident.incident_id} "
        f"{end.incident_id}"
    )


def _names(members: Sequence[IncidentState]) -> str:
    names = ", ".join(member.incident_id for member in members)
    return f"{names} {'was' if len(members) == 1 else 'were'}"
