"""When an incident was open, and at which severity: what its clocks are measured by. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from incident_ledger.ledger.clock_history import CONTAINED, ClockEntry, parse_entries
from incident_ledger.ledger.events import EventType, Status
from incident_ledger.ledger.state import IncidentState

_NO_ACTION = (EventType.DETECTED, EventType.NOTE)
_SETS_SEVERITY = (EventType.DETECTED, EventType.SEVERITY_CHANGED)


@dataclass(frozen=True)
class Timeline:
    """The past of an open incident. Ages are measured without the times in which it was resolved, or merged."""

    incident: IncidentState

    @cached_property
    def entries(self) -> Sequence[ClockEntry]:
        """What its clocks depend on, in order."""
        return parse_entries(self.incident.clock_history)

    @cached_property
    def runs_since(self) -> datetime:
        """From when on its clocks may fall due: a vendor's incident has none until a person here acts."""
        began = self.incident.detection_time
        if self.incident.detected_by != "vendor":
            return began
        acts = (each.occurred_at for each in self.entries if each.is_by_person and each.event_type not in _NO_ACTION)
        return max(min(acts, default=began), began)

    @cached_property
    def severities(self) -> Sequence[tuple[datetime, str]]:
        """Since when each severity held, as `int_incident_severity_history`."""
        found: list[tuple[datetime, str]] = []
        for each in self.entries:
            level = each.severity_level if each.event_type in _SETS_SEVERITY else None
            if level and (not found or found[-1][1] != level):
                found.append((max(each.occurred_at, self.incident.detection_time), level))
        return found or [(self.incident.detection_time, self.incident.severity_level)]

    @cached_property
    def periods(self) -> Sequence[tuple[datetime, datetime | None]]:
        """When it was open, from and to; the last has no end. While it was merged others were at work on it."""
        found: list[tuple[datetime, datetime | None]] = [(self.incident.detection_time, None)]
        is_resolved = is_merged = False
        for each in self.entries:
            at, (since, until) = max(each.occurred_at, self.incident.detection_time), found[-1]
            if each.status == Status.RESOLVED.value or each.event_type is EventType.REOPENED:
                is_resolved = each.status == Status.RESOLVED.value
            elif each.event_type in (EventType.MERGED, EventType.SPLIT):
                is_merged = each.event_type is EventType.MERGED
            if until is None and (is_resolved or is_merged):
                found[-1] = (since, at)
            elif until is not None and not (is_resolved or is_merged):
                found.append((at, None))
        return found

    @cached_property
    def resolved_at(self) -> datetime | None:
        """Its first resolution."""
        ends = [each.occurred_at for each in self.entries if each.status == Status.RESOLVED.value]
        return max(ends[0], self.incident.detection_time) if ends else None

    @cached_property
    def reopenings(self) -> Sequence[datetime]:
        """Its detection, and when it was reopened."""
        found, is_resolved = [self.incident.detection_time], False
        for each in self.entries:
            if each.event_type is EventType.REOPENED and is_resolved:
                found.append(max(each.occurred_at, self.incident.detection_time))
            if each.status == Status.RESOLVED.value or each.event_type is EventType.REOPENED:
                is_resolved = each.status == Status.RESOLVED.value
        return found

    def is_open_at(self, at: datetime) -> bool:
        """Whether it was open; at the time of its resolution it is no longer."""
        return any(since <= at and (until is None or at < until) for since, until in self.periods)

    def severity_at(self, at: datetime) -> str:
        """The severity that held."""
        held = [level for since, level in self.severities if since <= at]
        return held[-1] if held else self.severities[0][1]

    def is_uncontained_at(self, at: datetime) -> bool:
        """Whether its impact goes on: it was not stopped, or its status was set back since."""
        opened = max((since for since in self.reopenings if since <= at), default=self.incident.detection_time)
        statuses = [each.status for each in self.entries if each.status and opened <= each.occurred_at <= at]
        turns = [status for status in statuses if status != Status.RESOLVING.value]  # work on it changes nothing
        return turns[-1:] != [CONTAINED]

    def has_severity(self, *levels: str) -> Callable[[datetime], bool]:
        """Whether one of these severities held, of a time."""
        return lambda at: self.severity_at(at) in levels

    def has_before(self, event_type: EventType, at: datetime) -> bool:
        """Whether there was an event of this type by then."""
        return any(each.event_type is event_type and each.occurred_at <= at for each in self.entries)

    def after_open_time(self, since: datetime, span: timedelta) -> datetime | None:
        """When it has been open for `span` since a time; None when it never is."""
        left = span
        for begin, end in self.periods:
            start = max(begin, since)
            if end is None or start + left < end:
                return start + left
            left -= max(end - start, timedelta())
        return None

    def first_time(
        self, earliest: datetime | None, holds: Callable[[datetime], bool], *, before: datetime | None = None
    ) -> datetime | None:
        """The first time from `earliest` on at which it is open, its clocks run and `holds` is true; None for none.

        What `holds` says changes to true only with a severity, a status, a reopening or a split. `before` ends the
        search.
        """
        if earliest is None:
            return None
        start = max(earliest, self.runs_since)
        turns = {since for since, _ in (*self.severities, *self.periods)}
        turns |= {each.occurred_at for each in self.entries if each.status}
        for at in sorted({start, *(turn for turn in turns if turn > start)}):
            if before is not None and at >= before:
                return None
            if self.is_open_at(at) and holds(at):
                return at
        return None
