"""Commands that read more than one incident: a false alarm, a merger and what undoes it."""

from collections.abc import Sequence

from incident_ledger.ledger import linking
from incident_ledger.ledger.commands import CommandContext
from incident_ledger.ledger.events import Event, EventType
from incident_ledger.ledger.lookup import find_incident
from incident_ledger.ledger.state import IncidentState, read_events, read_state
from incident_ledger.runner.incident_commands import IncidentCommand
from incident_ledger.warehouse import Warehouse


def retract_command(warehouse: Warehouse, reason: str) -> IncidentCommand:
    """A false alarm."""

    def on(incident: IncidentState, context: CommandContext) -> Event:
        return linking.retract(incident, context, reason, members=_members(warehouse, incident))

    return IncidentCommand(EventType.RETRACTED, on, {"reason": reason})


def reinstate_command(warehouse: Warehouse, reason: str) -> IncidentCommand:
    """No false alarm after all."""
    events: list[Event] = []

    def on(incident: IncidentState, context: CommandContext) -> Event:
        events.extend(linking.reinstate(incident, context, reason, _history(warehouse, incident)))
        return events[0]

    return IncidentCommand(EventType.NOTE, on, {"text": reason}, also=lambda _: events[1:])


def merge_command(warehouse: Warehouse, into_part: str, given: CommandContext) -> IncidentCommand:
    """It is the same trouble as the incident that `into_part` names."""
    target = find_incident(warehouse, into_part)

    def on(incident: IncidentState, context: CommandContext) -> Event:
        (into,) = read_state(warehouse, incident_ids=[target.incident_id])
        return linking.merge(
            incident,
            into,
            context,
            history=_history(warehouse, incident),
            members=_members(warehouse, incident),
            end=_end(warehouse, into),
        )

    def also(merged: Event) -> Sequence[Event]:
        (incident,) = read_state(warehouse, incident_ids=[merged.incident_id])
        return [linking.join(target, given, incident)]

    return IncidentCommand(EventType.MERGED, on, {"into": target.incident_id}, also=also)


def split_command(warehouse: Warehouse, given: CommandContext) -> IncidentCommand:
    """It is an incident of its own again."""

    def on(incident: IncidentState, context: CommandContext) -> Event:
        return linking.split(incident, context, _history(warehouse, incident))

    def also(split: Event) -> Sequence[Event]:
        known = read_state(warehouse, incident_ids=[split.incident_id, split.payload["from"]])
        incident = next(each for each in known if each.incident_id == split.incident_id)
        return [linking.leave(each, given, incident) for each in known if each is not incident]

    return IncidentCommand(EventType.SPLIT, on, also=also)


def _members(warehouse: Warehouse, incident: IncidentState) -> list[IncidentState]:
    return read_state(warehouse, merged_into=incident.incident_id)


def _history(warehouse: Warehouse, incident: IncidentState) -> list[Event]:
    return [item.event for item in read_events(warehouse, incident_ids=[incident.incident_id])]


def _end(warehouse: Warehouse, into: IncidentState) -> IncidentState | None:
    """What an incident was merged into in the end; None where that leads round in a circle, or nowhere."""
    seen = {into.incident_id}
    while into.merged_into and into.merged_into not in seen:
        seen.add(into.merged_into)
        found = read_state(warehouse, incident_ids=[into.merged_into])
        if not found:
            return None
        into = found[0]
    return None if into.merged_into else into
