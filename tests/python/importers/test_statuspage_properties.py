"""Any life of a status page, read in any order and as often as one likes."""

import json
from copy import deepcopy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from importers.pages import IMPORTER, at, document, import_all, in_turn, incident, poll, resolved
from incident_ledger.errors import IncidentLedgerError
from incident_ledger.importers import Document
from ledger.fold import fold

# What does not depend on when the page was looked at.
LASTING = (
    "title", "severity_level", "status", "is_open", "detection_time", "acknowledged_time", "identified_time",
    "contained_time", "resolution_time", "start_time", "components",
)  # fmt: skip
STEPS = ("update", "impact", "title", "resolve", "reopen", "edit", "component", "wait")


@st.composite
def lives(draw: st.DrawFn) -> list[dict[str, Any]]:
    """The polls of a page with up to three incidents, each poll later and each record changed as pages change them."""
    records: list[dict[str, Any]] = [
        resolved("old", 1, created_at=at(-500), updated_at=at(-490), resolved_at=at(-490), started_at=None)
    ]
    polls, minute = [], 0
    for _ in range(draw(st.integers(2, 8))):
        minute += draw(st.integers(1, 50))
        if len(records) < 4 and draw(st.booleans()):
            key = f"i{len(records)}"
            records.append(incident(key, created_at=at(minute), updated_at=at(minute), started_at=None))
        for record in records[1:]:
            step = draw(st.sampled_from(STEPS))
            if step != "wait":
                minute += 1
                _step(draw, record, step, minute)
        minute += 1
        polls.append(poll(minute, *reversed(deepcopy(records))))
    return polls


def _step(draw: st.DrawFn, record: dict[str, Any], step: str, minute: int) -> None:
    updates = record["incident_updates"]
    common = {"id": f"{record['id']}-{minute}", "body": f"written at {minute}", "display_at": at(minute)}
    if step == "update" and record["resolved_at"] is None:
        status = draw(st.sampled_from(["investigating", "identified", "monitoring"]))
        updates.insert(0, common | {"status": status})
        record["status"] = status
    elif step == "impact":
        record["impact"] = draw(st.sampled_from(["none", "minor", "major", "critical"]))
    elif step == "title":
        record["name"] = draw(st.sampled_from(["A", "B", "C"]))
    elif step == "resolve":
        updates.insert(0, common | {"status": "resolved"})
        record |= {"status": "resolved", "resolved_at": at(minute)}
    elif step == "reopen" and record["resolved_at"] is not None:
        updates.insert(0, common | {"status": "investigating"})
        record |= {"status": "investigating", "resolved_at": None}
    elif step == "edit" and updates:
        updates[0]["body"] = f"edited at {minute}"
    elif step == "component":
        record["components"] = [*record["components"], {"name": f"C{minute}"}]
    record["updated_at"] = at(minute)


def lasting(events: list[Any]) -> dict[str, dict[str, Any]]:
    return {key: {name: state[name] for name in LASTING} for key, state in fold(events).items()}


@settings(max_examples=60, deadline=None)
@given(lives())
def test_each_poll_twice_and_all_again_adds_nothing(polls: list[dict[str, Any]]) -> None:
    events = in_turn(*(each for each in polls for _ in range(2)))
    for again in [*polls, *reversed(polls)]:
        assert import_all(again, known=events) == []


@settings(max_examples=60, deadline=None)
@given(lives(), st.randoms(use_true_random=False))
def test_any_order_within_one_import_gives_the_same_events(polls: list[dict[str, Any]], chance: Any) -> None:
    shuffled = [*polls, *polls]
    chance.shuffle(shuffled)
    assert [event.event_id for event in import_all(*shuffled)] == [event.event_id for event in import_all(*polls)]
    assert {event.event_id for event in in_turn(*polls)} == {event.event_id for event in import_all(*polls)}


@settings(max_examples=60, deadline=None)
@given(lives(), st.randoms(use_true_random=False))
def test_any_order_of_imports_ends_in_the_same_state(polls: list[dict[str, Any]], chance: Any) -> None:
    shuffled = list(polls)
    chance.shuffle(shuffled)
    assert lasting(in_turn(*shuffled)) == lasting(in_turn(*polls))


@settings(max_examples=60, deadline=None)
@given(lives())
def test_the_end_is_what_the_last_poll_says(polls: list[dict[str, Any]]) -> None:
    events = in_turn(*polls)
    folded = fold(events)
    states = {event.source_key: folded[event.incident_id] for event in events}
    for record in polls[-1]["incidents"]:
        state = states[record["id"]]
        assert state["title"] == record["name"]
        assert state["is_open"] == (record["resolved_at"] is None)
        assert {"critical": "P0", "major": "P1", "minor": "P2", "none": "P3"}[record["impact"]] == state[
            "severity_level"
        ]


@settings(max_examples=100, deadline=None)
@given(lives(), st.data())
def test_poll_with_a_hole_retracts_and_the_next_takes_it_back(polls: list[dict[str, Any]], data: st.DataObject) -> None:
    holed = deepcopy(polls)
    where = data.draw(st.integers(0, len(polls) - 1))
    keys = [record["id"] for record in holed[where]["incidents"]]
    gone = data.draw(st.sampled_from(keys))
    holed[where]["incidents"] = [record for record in holed[where]["incidents"] if record["id"] != gone]
    events = in_turn(*holed, *holed)
    if where < len(polls) - 1:
        assert not any(state["is_retracted"] for state in fold(events).values())
    for again in [*holed, *holed]:
        assert import_all(again, known=events) == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from([at(0), "resolved", "minor"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([*incident()]), json_values)
def test_any_value_in_any_field_is_read_or_refused_by_name(field: str, value: Any) -> None:
    parsed = IMPORTER.parse(document(incident("good"), incident("bad") | {field: value}))
    assert IMPORTER.size(parsed.records) + len(parsed.rejects) == 2
    assert all(reject.line == 2 and reject.field for reject in parsed.rejects)
    IMPORTER.plan(parsed.records, [])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=60), st.integers(0, 200))
def test_any_bytes_are_read_or_refused(junk: bytes, cut: int) -> None:
    good = json.dumps(poll(9, incident())).encode()
    for content in (junk, good[:cut] + junk, good + b"\n" + junk):
        try:
            IMPORTER.parse(Document("x", content))
        except IncidentLedgerError as error:  # pragma: no cover - none is raised
            raise AssertionError from error
