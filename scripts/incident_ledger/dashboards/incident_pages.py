"""A page an incident: what it is, its timeline, its clocks, its messages and its evidence. Values alone, no HTML."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from incident_ledger.dashboards.card_queries import CardResult
from incident_ledger.dashboards.definition import Dashboard
from incident_ledger.encoding import canonical, clean, iso_time, shortened
from incident_ledger.errors import OutsideError
from incident_ledger.ledger.lookup import minutes_of
from incident_ledger.ledger.state import IncidentState, RecordedEvent, read_events, read_state
from incident_ledger.notify.formatting import whole_minutes
from incident_ledger.warehouse import Warehouse

Rows = list[Mapping[str, Any]]
MOST = 300  # pages; the incidents that the dashboards list, the first of each list before the others
_LONGEST = 4000  # characters of a text
_HIDDEN = ("supersedes", "updated_at", "seen_at", "evidence")  # which has a section of its own
_TIMES = (
    ("Began", "start_time"),
    ("Detected", "detection_time"),
    ("Acknowledged", "our_acknowledged_time"),
    ("Cause known", "identified_time"),
    ("Contained", "contained_time"),
    ("Resolved", "resolution_time"),
    ("Closed", "closed_time"),
)
_MINUTES = (
    ("Open for", "age_minutes"),
    ("To detection (MTTD)", "mttd_minutes"),
    ("To an answer (MTTA)", "mtta_minutes"),
    ("To containment (MTTC)", "mttc_minutes"),
    ("To the end (MTTR)", "mttr_minutes"),
)


@dataclass(frozen=True, kw_only=True)
class TimelineEntry:
    """An event: minutes since the detection, when, what, who, and its payload in words."""

    minutes: str
    at: datetime
    what: str
    who: str
    text: str
    is_superseded: bool


@dataclass(frozen=True, kw_only=True)
class IncidentPage:
    """All that a page shows. Rows of `clocks` and `messages` are those of the marts, None where they cannot be read."""

    incident: IncidentState
    facts: Sequence[tuple[str, str]]
    times: Sequence[tuple[str, datetime]]
    timeline: Sequence[TimelineEntry]
    clocks: Sequence[Mapping[str, Any]] | None = ()
    messages: Sequence[Mapping[str, Any]] | None = ()
    evidence: Sequence[tuple[str, str]] = field(default=())

    @property
    def file(self) -> str:
        """The name of its file."""
        return file_of(self.incident.incident_id)


def file_of(incident_id: str) -> str:
    """The page of an incident; its id holds nothing but letters, digits and dashes."""
    return f"incident-{incident_id}.html"


def listed_incidents(dashboards: Sequence[Dashboard], results: Mapping[str, CardResult]) -> list[str]:
    """The ids that cards show as incidents: the first row of each card, then the second, and so on; at most `MOST`."""
    lists: list[list[str]] = []
    for card in (card for dashboard in dashboards for card in dashboard.cards):
        for column in card.columns:
            if column.format == "incident":
                lists.append([row[column.column] for row in results[card.card].rows if row.get(column.column)])
    ranked = sorted((place, ident) for ids in lists for place, ident in enumerate(ids))
    return list(dict.fromkeys(ident for _, ident in ranked))[:MOST]


def read_pages(
    warehouse: Warehouse, incident_ids: Sequence[str], as_of: datetime
) -> tuple[list[IncidentPage], dict[str, str]]:
    """The pages of incidents, by four statements for all of them; and the marts that could not be read, with why."""
    if not incident_ids:
        return [], {}
    failed: dict[str, str] = {}
    states = read_state(warehouse, incident_ids=incident_ids)
    events: dict[str, list[RecordedEvent]] = defaultdict(list)
    for item in read_events(warehouse, incident_ids=incident_ids):
        events[item.event.incident_id].append(item)

    def rows(mart: str, order: str) -> dict[str, Rows] | None:
        try:
            return _rows(warehouse, mart, incident_ids, order)
        except OutsideError as error:
            failed[mart] = str(error).splitlines()[0]
            return None

    clocks, messages = rows("fct_response_sla", "due_at"), rows("fct_notifications", "created_at")
    pages = [
        incident_page(
            state,
            events[state.incident_id],
            as_of,
            None if clocks is None else clocks.get(state.incident_id, []),
            None if messages is None else messages.get(state.incident_id, []),
        )
        for state in states
    ]
    return pages, failed


def _rows(warehouse: Warehouse, mart: str, incident_ids: Sequence[str], order: str) -> dict[str, Rows]:
    sql = f"select * from {warehouse.mart(mart)} where incident_id in unnest(@incident_ids) order by {order}"  # noqa: S608
    found: dict[str, Rows] = defaultdict(list)
    for row in warehouse.rows(sql, {"incident_ids": list(incident_ids)}):
        found[row["incident_id"]].append(row)
    return found


def incident_page(
    incident: IncidentState,
    events: Sequence[RecordedEvent],
    as_of: datetime,
    clocks: Sequence[Mapping[str, Any]] | None = (),
    messages: Sequence[Mapping[str, Any]] | None = (),
) -> IncidentPage:
    """One page. Pure."""
    return IncidentPage(
        incident=incident,
        facts=[(name, text) for name, text in _facts(incident, as_of) if text],
        times=[(name, time) for name, key in _TIMES if (time := getattr(incident, key)) is not None],
        timeline=_timeline(incident, events),
        clocks=clocks,
        messages=messages,
        evidence=[(str(key), _text(value)) for key, value in incident.evidence.items()],
    )


def _facts(incident: IncidentState, as_of: datetime) -> list[tuple[str, str]]:
    known = minutes_of(incident, as_of)
    return [
        ("Severity", incident.severity_level),
        ("Status", incident.status.value),
        *((name, _minutes(known.get(key))) for name, key in _MINUTES),
        ("Components", ", ".join(incident.components)),
        ("Found by", incident.detected_by),
        ("Source", incident.source),
        ("Rule", incident.rule_id or ""),
        ("Cause", incident.root_cause_category or ""),
        ("Incident commander", incident.incident_commander or ""),
        ("User impact", incident.user_impact or ""),
        ("Financial impact", incident.financial_impact or ""),
        ("Expected end", iso_time(incident.estimated_resolution_time) if incident.estimated_resolution_time else ""),
        ("Merged into", incident.merged_into or ""),
        ("Retracted", "yes" if incident.is_retracted else ""),
        ("Reopened", _times(incident.reopen_count) if incident.reopen_count else ""),
    ]


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _minutes(value: float | None) -> str:
    """Full minutes, or with a decimal below ten; a negative time is named as what cannot be."""
    if value is None:
        return ""
    if value < 0:
        return f"{value:,.1f} minutes (times that cannot be)"
    return f"{value:.1f} minutes" if value < 10 else whole_minutes(timedelta(minutes=value))


def _timeline(incident: IncidentState, events: Sequence[RecordedEvent]) -> list[TimelineEntry]:
    superseded = {str(item.event.payload.get("supersedes")) for item in events}
    return [
        TimelineEntry(
            minutes=f"{(item.event.occurred_at - incident.detection_time) / timedelta(minutes=1):+,.1f}",
            at=item.event.occurred_at,
            what=item.event.event_type.value.replace("_", " "),
            who=item.event.actor,
            text=_payload(item),
            is_superseded=item.event_id in superseded,
        )
        for item in events
    ]


def _payload(item: RecordedEvent) -> str:
    payload = {key: value for key, value in item.event.payload.items() if key not in _HIDDEN}
    level = [item.event.severity_level] if item.event.severity_level else []
    return shortened("; ".join([*level, *(f"{key}: {_text(value)}" for key, value in payload.items())]), _LONGEST)


def _text(value: Any) -> str:
    if isinstance(value, dict | list):
        value = json.dumps(value, indent=1, ensure_ascii=False) if len(canonical(value)) > 120 else canonical(value)
    return shortened(clean(str(value)), _LONGEST)
