"""What is settled reads as before, costs ticks nothing, and is current again once somebody writes of it."""

import random
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from conftest import PROJECT_DIR
from incident_ledger.dbt_runner import Dbt
from incident_ledger.ledger import settling, writer
from incident_ledger.ledger.events import Event, EventType
from incident_ledger.ledger.settling import DETECTORS, VIEW, current_since, monday, rescue, settle
from incident_ledger.ledger.setup import with_ledger
from incident_ledger.ledger.state import current_view, read_events, read_state
from incident_ledger.ledger.writer import append
from incident_ledger.warehouse import Warehouse
from ledger.factories import T0, after, event
from ledger.fold import states
from ledger.test_reducer import differing, random_lives

WEEK = timedelta(weeks=1)
FIRST, SECOND = monday(T0 + 6 * WEEK), monday(T0 + 12 * WEEK)


@pytest.fixture
def place(ledger: Warehouse) -> Warehouse:
    """A ledger of which nothing is settled."""
    return ledger


def build(place: Warehouse, since: datetime | None) -> None:
    dbt = Dbt(place.settings, place.endpoint)
    dbt.current_since = since
    assert all(result.is_success for result in dbt.build_exactly([VIEW]))


def settled(place: Warehouse, before: datetime, now: datetime) -> int:
    """All of it, as a run does."""
    found = settle(place, before, now)
    build(place, before)
    rescue(place, before, now)
    assert current_since(place) == before
    return found


def current(place: Warehouse) -> set[str]:
    """The incidents whose events are folded."""
    name = place.name(place.settings.staging_dataset, VIEW)
    return {row["incident_id"] for row in place.rows(f"select distinct incident_id from {name}")}


def test_whatever_is_settled_and_comes_again_the_state_is_what_all_events_come_to(place: Warehouse) -> None:
    chance, lives = random.Random(1), random_lives()
    for life in lives[::2]:
        life.append(
            replace(life[0], event_type=EventType.RESOLVED, occurred_at=after(9), severity_level=None, payload={})
        )
    written: list[list[Event]] = [[] for _ in lives]

    def write(share: float, recorded_at: datetime) -> None:
        chosen = [number for number in range(len(lives)) if chance.random() < share]
        some = {number: chance.randint(1, 2 * len(lives[number])) for number in chosen}
        events = [each for number, count in some.items() for each in lives[number][:count]]
        append(place, events, recorded_at)
        for number, count in some.items():
            written[number] = list(
                {each.event_id: each for each in [*written[number], *lives[number][:count]]}.values()
            )

    def is_right() -> None:
        assert differing([life for life in written if life], read_state(place)) == []

    write(0.9, T0 + timedelta(hours=1))
    assert settled(place, FIRST, FIRST + 5 * WEEK) > 50
    is_right()
    assert len(current(place)) < len([life for life in written if life]) - 50
    write(0.3, FIRST + 5 * WEEK + timedelta(hours=1))  # of what is settled, what is not, and what nobody knew
    is_right()
    before = len(current(place))
    assert settled(place, SECOND, SECOND + 5 * WEEK) > 10
    is_right()
    assert len(current(place)) < before
    build(place, None)  # by hand
    is_right()
    assert settled(place, SECOND, SECOND + 6 * WEEK) > 60
    is_right()


def test_what_is_open_or_goes_on_stays_current(place: Warehouse) -> None:
    for key in ("open", "over", "late", "child", "failing"):
        append(place, [event("detected", key=key)], T0)
    for key in ("over", "child", "failing"):
        append(place, [event("resolved", 5, key=key)], T0 + timedelta(minutes=5))
    append(place, [event("resolved", 5, key="late")], FIRST)
    parent = event("detected", key="open").incident_id
    append(place, [event("merged", 6, key="child", into=parent)], T0 + timedelta(minutes=6))
    source = event(key="failing").source
    place.execute(
        f"insert into {place.raw('signals')} (source, source_key, rule_id, component, severity_level, title,"
        " started_at, observed_at) values (@source, 'failing', 'r', 'c', 'P2', 't', @at, @at)",
        {"source": source, "at": T0},
    )
    assert settled(place, FIRST, FIRST + 5 * WEEK) == 1
    keys = {each.source_key for each in read_state(place) if each.incident_id in current(place)}
    assert keys == {"open", "late", "child", "failing"}
    assert {each.source_key for each in read_state(place)} == {*keys, "over"}


def test_a_copy_is_no_other_event_and_is_of_the_time_of_the_first(place: Warehouse) -> None:
    events = [event("detected"), event("note", 5, text="a")]
    append(place, events, T0 + timedelta(minutes=6))
    for before in (FIRST, SECOND):
        settled(place, before, before + 5 * WEEK)
        settled(place, before, before + 5 * WEEK)
    (count,) = place.rows(f"select count(*) as rows_there from {place.raw('incident_events')}")
    assert count["rows_there"] == 6  # as written, and once a settling
    found = read_events(place, incident_ids=[events[0].incident_id])
    assert [(each.event_id, each.recorded_at) for each in found] == [
        (each.event_id, T0 + timedelta(minutes=6)) for each in events
    ]
    (state,) = read_state(place, is_open=True)
    assert state.event_count == 2


def test_an_event_of_somebody_who_did_not_know_is_found(place: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the copies and the view, and after the view: the row that was kept, until it is put right."""
    append(place, [event("detected", key=key) for key in "ab"], T0)
    append(place, [event("resolved", 5, key=key) for key in "ab"], T0)
    now = FIRST + 5 * WEEK
    assert settle(place, FIRST, now) == 2
    monkeypatch.setattr(writer, "bring_back", lambda *_: None)
    append(place, [event("reopened", 10, key="a")], now)
    build(place, FIRST)
    assert [each.is_open for each in read_state(place)] == [False, False]
    rescue(place, FIRST, now)
    assert {each.source_key: each.is_open for each in read_state(place)} == {"a": True, "b": False}


def test_what_is_written_with_an_earlier_as_of_time_is_seen(place: Warehouse) -> None:
    for key in ("open", "over"):
        append(place, [event("detected", key=key)], T0)
    append(place, [event("resolved", 5, key="over")], T0)
    settled(place, FIRST, FIRST + 5 * WEEK)
    since = FIRST - WEEK
    append(place, [event("resolved", 9, key="open"), event("reopened", 9, key="over")], since)
    append(place, [event("detected", key="new")], since)
    assert {each.source_key: each.is_open for each in read_state(place)} == {"open": False, "over": True, "new": True}
    (late,) = read_events(place, source=event().source, source_keys=["new"])
    assert late.recorded_at == since


@pytest.mark.parametrize("step", ["merge_query", "_copy"])
def test_a_settling_that_breaks_off_changes_nothing_that_is_read(
    place: Warehouse, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    append(place, [event("detected", key=key) for key in "ab"], T0)
    append(place, [event("resolved", 5, key="a")], T0)
    before = read_state(place)

    def die(*_: object, **__: object) -> None:
        raise ConnectionError

    with monkeypatch.context() as patch:
        patch.setattr(settling, step, die)
        with pytest.raises(ConnectionError):
            settle(place, FIRST, FIRST + 5 * WEEK)
    assert read_state(place) == before
    late = event("note", 20, key="a", text="late")
    append(place, [late], FIRST + 5 * WEEK)  # it was announced: the writer copies
    expected = states([event("detected", key=key) for key in "ab"] + [event("resolved", 5, key="a"), late])
    assert {each.incident_id: each for each in read_state(place)} == {each.incident_id: each for each in expected}
    assert settled(place, FIRST, FIRST + 5 * WEEK) == 0
    assert {each.incident_id: each for each in read_state(place)} == {each.incident_id: each for each in expected}


def test_a_ledger_of_an_older_version_gets_the_view_of_what_is_current(place: Warehouse) -> None:
    append(place, [event("detected", key="open")], T0)
    place.execute(f"drop view {current_view(place)}")
    assert [each.source_key for each in with_ledger(place, lambda here: read_state(here, is_open=True))] == ["open"]


def test_a_monday_is_at_the_beginning_of_the_week() -> None:
    assert monday(datetime(2026, 3, 8, 23, 59, tzinfo=UTC)) == datetime(2026, 3, 2, tzinfo=UTC)
    assert monday(datetime(2026, 3, 2, tzinfo=UTC)) == datetime(2026, 3, 2, tzinfo=UTC)


def test_the_detectors_are_those_of_the_signals() -> None:
    listed = re.search(r"set detectors = \[(.*?)\]", (PROJECT_DIR / "models/marts/signals/fct_signals.sql").read_text())
    assert listed is not None
    assert tuple(re.findall(r"'(\w+)'", listed[1])) == DETECTORS
