"""The reducer gives the rows of the view `incident_state`, over random lives of incidents and on both engines."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from engines.googlesql import execute
from engines.project import raw_catalog
from incident_ledger.dbt_runner import Dbt
from incident_ledger.encoding import timestamp
from incident_ledger.ledger.events import Event, EventType, Status, incident_id
from incident_ledger.ledger.reducer import effective
from incident_ledger.ledger.state import IncidentState, read_state, to_state
from incident_ledger.ledger.writer import append
from incident_ledger.warehouse import Warehouse
from ledger.factories import T0, after
from ledger.fold import states

EXAMPLES = 250
FROM_EVENTS_TO_STATE = (
    "stg_ledger__current_incident_events",
    "stg_ledger__settled_incidents",
    "int_incident_events_sequenced",
    "int_incidents_aggregated",
    "int_incident_resolutions_aggregated",
    "int_incident_components_aggregated",
    "int_current_incidents_derived",
    "incident_state",
)
RAW = ("incident_events", "settled_incidents", "severities")
OFTEN = (
    "acknowledged",
    "severity_changed",
    *(*("war_room_opened", "commander_assigned") * 2, "escalated", "task_completed", "review_due"),
    "merged",
    "split",
    *("status_changed", "resolved", "reopened") * 4,
)
# Few minutes, so that events tie; what stands first is the simplest.
MINUTES = st.integers(-3, 8)
TIMES = st.one_of(MINUTES.map(lambda minute: timestamp(after(minute))), st.sampled_from([None, "soon"]))
TEXTS = st.sampled_from(["a", "b", "", None, True, 7, ["a"]])
LISTS = st.sampled_from([["a"], ["b", "a", "b"], ["c", None, 7], [], [["a"]]])  # the local warehouse takes no other
PAYLOADS = st.fixed_dictionaries(
    {"status": st.sampled_from([None, *(status.value for status in Status)])},
    optional={
        "title": st.sampled_from(["A", "B", None]),
        "start_time": TIMES,
        "estimated_resolution_time": TIMES,
        "components": LISTS,
        "services": LISTS,
        "evidence": st.sampled_from([{"n": 1}, {}, None]),
        "contained": st.sampled_from([True, False, None]),
        "step_id": st.sampled_from(["escalation", None]),
        "review": st.sampled_from(["weekly", None]),
        "task_id": st.sampled_from(["impact_data", None, 3]),
        "severity_level": st.sampled_from(["P1", None]),
        **dict.fromkeys(("description", "rule_id", "category", "name", "url", "into"), TEXTS),
        **dict.fromkeys(("user_impact", "financial_impact"), TEXTS),
    },
)


@dataclass(frozen=True)
class Step:
    """One event of a life. `supersedes` is the place of the event before it that it corrects."""

    kind: str
    minute: int = 0
    actor: str = "ann"
    source: str = "quality"
    severity_level: str | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)
    supersedes: int | None = None


def whole(step: Step) -> Step:
    """A detection has a title and a severity; other events may have none."""
    if step.kind != "detected":
        return step
    title = step.payload.get("title") or "T"
    return replace(step, severity_level=step.severity_level or "P2", payload={**step.payload, "title": title})


def steps(*kinds: str) -> st.SearchStrategy[Step]:
    return st.builds(
        Step,
        kind=st.sampled_from(kinds),
        minute=MINUTES,
        actor=st.sampled_from(["ann", "incident-ledger", "statuspage"]),
        source=st.sampled_from(["quality", "statuspage", "cli"]),
        severity_level=st.sampled_from([None, "P0", "P1", "P2", "P3"]),
        payload=PAYLOADS,
        supersedes=st.sampled_from([*[None] * 20, *range(10)]),
    ).map(whole)


LIVES = st.tuples(steps("detected"), st.lists(steps(*OFTEN, *EventType), min_size=2, max_size=16))

REOPENED_TWICE = [
    whole(Step(kind, minute))
    for minute, kind in enumerate(["detected", "resolved", "reopened", "resolved", "reopened"])
]

REINSTATED = [
    whole(Step("detected")),
    Step("retracted", 1),
    Step("note", 2, supersedes=1),
]


def happened(key: str, life: Sequence[Step]) -> list[Event]:
    """The events of a life, each once."""
    events: list[Event] = []
    for step in life:
        correction = {}
        if step.supersedes is not None and step.supersedes < len(events):
            correction = {"supersedes": events[step.supersedes].event_id}
        events.append(
            Event(
                incident_id=incident_id("test", key, T0),
                event_type=EventType(step.kind),
                occurred_at=after(step.minute),
                actor=step.actor,
                source=step.source,
                source_key=key,
                severity_level=step.severity_level,
                payload={**step.payload, **correction},
            )
        )
    return list({event.event_id: event for event in reversed(events)}.values())


def random_lives() -> list[list[Event]]:
    """A life for each example and those that chance seldom makes, collected so that each engine is asked once."""
    lives: list[list[Event]] = []

    @settings(max_examples=EXAMPLES, derandomize=True, deadline=None, database=None, phases=[Phase.generate])
    @given(LIVES)
    def collect(life: tuple[Step, list[Step]]) -> None:
        lives.append(happened(f"k{len(lives)}", [life[0], *life[1]]))

    collect()
    return [*lives, happened("reopened twice", REOPENED_TWICE), happened("reinstated", REINSTATED)]


@pytest.fixture(scope="module")
def lives(built_ledger: Warehouse) -> Iterator[list[list[Event]]]:
    """Random lives, written in any order and in two batches."""
    found = random_lives()
    events = [event for life in found for event in life]
    random.Random(0).shuffle(events)
    middle = len(events) // 2
    built_ledger.execute(f"delete from {built_ledger.raw('incident_events')} where true")
    for part, recorded_at in ((events[:middle], after(60)), (events[middle:], after(30))):
        append(built_ledger, part, recorded_at)
    yield found
    built_ledger.execute(f"delete from {built_ledger.raw('incident_events')} where true")


def by_google(warehouse: Warehouse) -> list[IncidentState]:
    """The rows of `incident_state` by Google's reference implementation, from the same events."""
    dbt = Dbt(warehouse.settings, warehouse.endpoint)
    catalog = raw_catalog(dbt.manifest().writable_manifest().to_dict(), warehouse.settings).catalog
    for path in [path for path in catalog.tables if path[-1] in RAW]:
        name = ".".join(path)
        catalog.add_rows(name, catalog.tables[path], warehouse.rows(f"select * from `{name}`"))
    compiled = dbt.compiled(FROM_EVENTS_TO_STATE)
    for model in FROM_EVENTS_TO_STATE:
        relation, sql = compiled[model]
        result = execute(sql, catalog)
        catalog.add(relation, result.columns, result.raw)
    return [to_state(row) for row in result.rows]


def differing(lives: Sequence[Sequence[Event]], rows: Sequence[IncidentState]) -> list[str]:
    """The shortest life whose replay is not its row, with the columns that differ and its events; none when all are."""
    expected = {row.incident_id: vars(row) for row in rows}
    for life in sorted(lives, key=len):
        (replayed,) = [vars(state) for state in states(life)] or [{}]
        row = expected.get(life[0].incident_id, {})
        names = [name for name in replayed.keys() | row.keys() if replayed.get(name) != row.get(name)]
        if names:
            columns = [f"{name}: replayed {replayed.get(name)!r}, in the row {row.get(name)!r}" for name in names]
            return [*columns, *(f"{each.event_id} {each}" for each in effective(life))]
    return []


def test_the_reducer_gives_the_rows_of_the_local_warehouse(built_ledger: Warehouse, lives: list[list[Event]]) -> None:
    assert differing(lives, read_state(built_ledger)) == []


def test_the_reducer_gives_the_rows_of_google(built_ledger: Warehouse, lives: list[list[Event]]) -> None:
    assert differing(lives, by_google(built_ledger)) == []


def test_the_random_lives_go_every_way(lives: list[list[Event]]) -> None:
    found = [state for life in lives for state in states(life)]
    assert len(lives) > EXAMPLES > len(found)  # of some every detection was superseded
    assert {state.status for state in found} == set(Status)
    for name in ("is_open", "is_retracted", "has_sla", "detected_by", "worst_detected_severity_level"):
        assert len({getattr(state, name) for state in found}) > 1, name
    for name in IncidentState.__dataclass_fields__:
        assert any(getattr(state, name) for state in found), name
    merged = [life for life in lives if EventType.MERGED in {each.event_type for each in effective(life)}]
    assert {state.merged_into is None for life in merged for state in states(life)} == {True, False}
    retracted = [life for life in lives if EventType.RETRACTED in {each.event_type for each in life}]
    assert {state.is_retracted for life in retracted for state in states(life)} == {True, False}
    assert max(state.reopen_count for state in found) > 1
    assert any(state.event_count < len(life) for life in lives for state in states(life))
