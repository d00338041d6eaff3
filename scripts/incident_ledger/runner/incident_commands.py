"""What a person does to an incident: one event, written once, by one person at a time where the state matters."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any

from incident_ledger import policy
from incident_ledger.ledger import commands
from incident_ledger.ledger.commands import CommandContext
from incident_ledger.ledger.events import PROGRESS_EVENTS, Event, EventType
from incident_ledger.ledger.lookup import find_incident
from incident_ledger.ledger.reducer import opened
from incident_ledger.ledger.state import IncidentState, read_events, read_state
from incident_ledger.ledger.writer import append
from incident_ledger.policy import Policy
from incident_ledger.response.rules.clock_rules import clock_events
from incident_ledger.runner.lease import COMMANDS, Lease, with_lease
from incident_ledger.warehouse import Warehouse

_ASKABLE = (*PROGRESS_EVENTS, EventType.RESOLVED, EventType.REOPENED)


@dataclass(frozen=True)
class IncidentCommand:
    """What a command records: an event of `kind` with this payload, by the state of the incident.

    `kind` is None where the state does not matter (notes, causes): the same words at one time are one event anyway.
    `is_of_then`: it is about the state at its time, and not about the state now. `also`: what is written with it.
    `notify`: whoever was notified of the beginning is to be notified of it too.
    """

    kind: EventType | None
    on: Callable[[IncidentState, CommandContext], Event]
    payload: Mapping[str, Any] = field(default_factory=dict)
    severity_level: str | None = None
    is_of_then: bool = False
    also: Callable[[Event], Sequence[Event]] = lambda _: ()
    notify: bool = False


def record_opening(
    warehouse: Warehouse, rules: Policy, context: CommandContext, event: Event, *, is_another: bool = False
) -> tuple[int, IncidentState | None]:
    """How many incidents were opened, and the one of the same title and component that is open already.

    While there is one nothing is written, unless this is another one. What falls due at its detection is written with
    it, so that no tick has to.
    """
    with _exclusive(warehouse, rules, context):
        known: list[IncidentState] = []
        if not is_another:
            known = read_state(warehouse, is_open=True, source=event.source, source_keys=[event.source_key])
        if known:
            return 0, known[-1]
        at_once = clock_events(opened(event), rules, event.occurred_at)
        return int(append(warehouse, [event, *at_once], context.now) > 0), None


def record_command(
    warehouse: Warehouse, part: str, context: CommandContext, command: IncidentCommand, *, is_dated: bool
) -> tuple[Event, int]:
    """A command's event and how many were written: one, or none when it is repeated or done by several at once.

    `part` is an incident's id or the beginning of it; `is_dated` when the time was given, and is not now.
    """
    if command.kind in (None, EventType.ACKNOWLEDGED):  # of several acknowledgements the first counts, and none is sent
        event = _event(warehouse, part, context, command, is_dated=is_dated)
        return event, _append(warehouse, event, command, context)
    with _exclusive(warehouse, policy.load(warehouse), context):
        event = _event(warehouse, part, context, command, is_dated=is_dated)
        return event, _append(warehouse, event, command, context)


def _append(warehouse: Warehouse, event: Event, command: IncidentCommand, context: CommandContext) -> int:
    return int(append(warehouse, [event, *command.also(event)], context.now) > 0)


def record_events(
    warehouse: Warehouse, part: str, context: CommandContext, events_of: Callable[[IncidentState], Sequence[Event]]
) -> tuple[IncidentState, Sequence[Event], int]:
    """Several events of one incident, written together: it as it was before, they, and how many of them are new."""
    incident = find_incident(warehouse, part)
    events = events_of(incident)
    return incident, events, append(warehouse, events, context.now)


def _event(
    warehouse: Warehouse, part: str, context: CommandContext, command: IncidentCommand, *, is_dated: bool
) -> Event:
    incident = find_incident(warehouse, part)
    asked = {"notify": True} if command.notify else {}
    if command.kind is None or not is_dated:
        return _asking(command.on(incident, context), asked)
    history = [item.event for item in read_events(warehouse, incident_ids=[incident.incident_id])]
    asks = {"notify": asked.get("notify")} if command.kind in _ASKABLE else {}
    payload = {**command.payload, **asks}
    known = commands.written_before(history, context, command.kind, payload, command.severity_level)
    if known:
        return known
    state = commands.state_at(incident, history, context.at) if command.is_of_then else incident
    return _asking(command.on(state, context), asked)


def _asking(event: Event, asked: Mapping[str, Any]) -> Event:
    """The event with the wish that it be sent, where it would not be sent by itself, or not at once."""
    if not asked or event.event_type not in _ASKABLE:
        return event
    return replace(event, payload={**event.payload, **asked})


def _exclusive(warehouse: Warehouse, rules: Policy, context: CommandContext) -> AbstractContextManager[Lease]:
    """One person's command at a time: what is read before it still holds when it is written."""
    return with_lease(warehouse, COMMANDS, rules, context.now, who=context.actor)
