"""`incident_state`: from events alone, true as soon as an event is written."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from incident_ledger.encoding import screen_line, timestamp
from incident_ledger.errors import UserError
from incident_ledger.importers.statuspage import history
from incident_ledger.ledger.events import MACHINES, PLANNER, EventType, Status
from incident_ledger.ledger.lookup import find_incident, minutes_of
from incident_ledger.ledger.state import IncidentState, in_order, read_events, read_state
from incident_ledger.ledger.writer import append
from incident_ledger.notify import delivery_events
from incident_ledger.warehouse import Warehouse
from ledger.factories import T0, after, event, resolved, state
from ledger.fold import fold

PAGE = (("detected", 0), ("acknowledged", 0), ("resolved", 40), ("reopened", 60))
MODELS = Path(__file__).resolve().parents[3] / "models"


def test_state_is_true_as_soon_as_an_event_is_written(ledger: Warehouse) -> None:
    append(ledger, [event("detected")], T0)
    assert read_state(ledger)[0].is_open
    append(ledger, [event("resolved", 5)], T0)
    assert read_state(ledger)[0].resolution_time == after(5)
    append(ledger, [event("reopened", 7)], T0)
    (now,) = read_state(ledger)
    assert (now.is_open, now.status, now.resolution_time) == (True, Status.INVESTIGATING, None)
    assert now.reopened_gap_microseconds == 120_000_000


def test_sql_and_the_reducer_agree_on_a_whole_life(ledger: Warehouse) -> None:
    life = [
        event("detected", components=["a"], start_time=timestamp(after(-5))),
        event("acknowledged", 2),
        event("status_changed", 3, status="identified"),
        event("severity_changed", 4, severity="P1", **{"from": "P2"}),
        event("status_changed", 5, status="resolving"),
        event("resolved", 6),
        event("reopened", 8, status="identified"),
        event("impact_assessed", 9, components=["b", "a"]),
        event("note", 10, title="Renamed"),
        event("resolved", 12),
    ]
    wrong = event("resolved", 11)
    life += [wrong, event("note", 13, supersedes=wrong.event_id)]
    append(ledger, life, T0)
    (row,) = read_state(ledger)
    assert vars(row) == fold(life)[row.incident_id]
    assert row.reopened_gap_microseconds == 120_000_000


def test_a_vendors_incident_has_an_sla_from_what_a_person_does_before_its_end(ledger: Warehouse) -> None:
    """Acknowledged by the page at 0; ann acts, or notes, or comes too late: whether it has an SLA, and from when."""
    lives = {
        "nobody": [],
        "noted": [("note", 5)],
        "answered": [("note", 5), ("acknowledged", 12)],
        "answered at its end": [("acknowledged", 40)],
        "too late": [("root_cause_identified", 50)],
        "when it was back": [("acknowledged", 70)],
    }
    for key, acts in lives.items():
        of_page = [event(kind, at, key=key) for kind, at in PAGE]
        by_ann = [event(kind, at, key=key) for kind, at in acts]
        actors = [*((one, "statuspage") for one in of_page), *((one, "ann") for one in by_ann)]
        append(ledger, [replace(one, source="statuspage", actor=actor) for one, actor in actors], T0)
    found = {item.source_key: item for item in read_state(ledger)}
    assert {key: (item.has_sla, item.our_acknowledged_time) for key, item in found.items()} == {
        "nobody": (False, None),
        "noted": (False, None),
        "answered": (True, after(12)),
        "answered at its end": (True, after(40)),
        "too late": (False, None),
        "when it was back": (False, after(70)),
    }
    assert {item.detected_by for item in found.values()} == {"vendor"}
    assert {item.acknowledged_time for item in found.values()} == {T0}
    minutes = {key: minutes_of(item, after(80))["mtta_minutes"] for key, item in found.items()}
    assert {key: value for key, value in minutes.items() if value is not None} == {
        "answered": 12.0,
        "answered at its end": 40.0,
    }
    events = [item.event for item in read_events(ledger, incident_ids=[item.incident_id for item in found.values()])]
    assert {item.incident_id: vars(item) for item in found.values()} == fold(events)


def test_sql_knows_the_programs_that_write_events() -> None:
    macro = (MODELS.parent / "macros/actors.sql").read_text()
    listed = re.search(r"not in \((.*?)\)", macro)
    assert listed is not None
    assert set(re.findall(r"'([^']+)'", listed.group(1))) == MACHINES == {PLANNER, delivery_events.ACTOR, history.ACTOR}


def test_read_state_selects_by_openness_source_key_and_id(ledger: Warehouse) -> None:
    append(ledger, [event("detected", key="a"), event("detected", key="b"), event("resolved", 1, key="b")], T0)
    a, b = (event(key=key).incident_id for key in "ab")
    assert {item.incident_id for item in read_state(ledger)} == {a, b}
    assert [item.incident_id for item in read_state(ledger, is_open=True)] == [a]
    assert [item.incident_id for item in read_state(ledger, is_open=False)] == [b]
    assert [item.incident_id for item in read_state(ledger, source="test", source_keys=["b"])] == [b]
    assert [item.incident_id for item in read_state(ledger, incident_ids=[a])] == [a]
    assert read_state(ledger, incident_ids=[]) == read_state(ledger, source="other") == []


def test_incident_is_found_by_any_unique_prefix(ledger: Warehouse) -> None:
    append(ledger, [event("detected", key="a"), event("detected", key="b")], T0)
    wanted = event(key="a").incident_id
    digits = wanted.rpartition("-")[2]
    for part in (wanted, wanted.lower(), wanted.removeprefix("INC-"), digits, digits[:7]):
        assert find_incident(ledger, part).incident_id == wanted


@pytest.mark.parametrize("part", ["INC-20260302", "20260302T09"])
def test_ambiguous_prefix_names_the_candidates(ledger: Warehouse, part: str) -> None:
    append(ledger, [event("detected", key="a"), event("detected", key="b")], T0)
    with pytest.raises(UserError) as error:
        find_incident(ledger, part)
    assert all(event(key=key).incident_id in str(error.value) for key in "ab")


@pytest.mark.parametrize("part", ["zzz", "%", "'", " "])
def test_unknown_prefix_is_refused(ledger: Warehouse, part: str) -> None:
    append(ledger, [event("detected")], T0)
    with pytest.raises(UserError):
        find_incident(ledger, part)


def test_the_clock_stops_at_the_end() -> None:
    over = resolved(1)
    assert minutes_of(over, after(31)) == minutes_of(over, after(30 * 24 * 60))
    assert minutes_of(over, after(31))["mttr_minutes"] == 1.0
    assert minutes_of(over, after(31))["age_minutes"] is None


def test_an_open_incident_has_no_mttr_and_its_full_age(ledger: Warehouse) -> None:
    append(ledger, [event("detected")], T0)
    (now,) = read_state(ledger, is_open=True)
    minutes = minutes_of(now, after(26 * 60))
    assert (minutes["mttr_minutes"], minutes["age_minutes"]) == (None, 1560.0)


def test_time_between_resolution_and_reopening_is_not_counted() -> None:
    assert minutes_of(resolved(100, reopened_gap_microseconds=90 * 60_000_000), after(200))["mttr_minutes"] == 10.0


def test_unknown_minutes_are_none_and_reversed_ones_stay_negative() -> None:
    assert minutes_of(state(), T0)["mtta_minutes"] is None
    assert minutes_of(resolved(-5), T0)["mttr_minutes"] == -5.0


def test_python_and_sql_order_the_types_alike() -> None:
    sql = (MODELS / "intermediate/incidents/int_incident_events_sequenced.sql").read_text()
    listed = re.search(r"set event_types = \[(.*?)\]", sql, re.S)
    assert listed is not None
    assert re.findall(r"'(\w+)'", listed.group(1)) == [kind.value for kind in EventType]


def test_events_of_one_microsecond_are_ordered_by_type_and_then_by_id() -> None:
    events = [event("resolved"), event("detected"), event(text="b"), event(text="a"), event("reopened")]
    kinds = [item.event_type.value for item in sorted(events, key=in_order)]
    assert kinds == ["detected", "note", "note", "resolved", "reopened"]


def test_every_column_of_the_view_but_none_else_is_in_the_python_state() -> None:
    columns = yaml.safe_load((MODELS / "marts/incidents/incident_state.yml").read_text())["models"][0]["columns"]
    assert {column["name"] for column in columns} == set(IncidentState.__dataclass_fields__)


def test_text_for_one_line_has_no_breaks_and_an_end() -> None:
    assert screen_line("a\r\nb\tc\x1b[31m \u2028d") == "a b c [31m d"
    assert len(screen_line("x" * 100_000)) == 80
