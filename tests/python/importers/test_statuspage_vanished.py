"""What a page does not list any more: deleted only when nothing else can explain it."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from importers.pages import IMPORTER, T0, at, document, import_all, in_turn, incident, notes, poll, resolved
from incident_ledger.importers import Document
from incident_ledger.importers.statuspage import StatuspageImporter
from incident_ledger.ledger.events import Event, EventType
from ledger.fold import fold

VOUCHED = StatuspageImporter(replace(IMPORTER.rule, is_complete=True))


def ended(key: str, created: float, end: float, **fields: Any) -> dict[str, Any]:
    """A resolved incident of these minutes."""
    return resolved(key, end, created_at=at(created), started_at=None, **fields)


def opened(key: str, created: float, **fields: Any) -> dict[str, Any]:
    """An open incident of this minute."""
    return incident(key, created_at=at(created), updated_at=at(created), started_at=None, **fields)


def of(length: int) -> StatuspageImporter:
    """The importer of a page that lists so many."""
    return StatuspageImporter(replace(IMPORTER.rule, full_length=length))


def retracted(events: Sequence[Event]) -> list[str]:
    """The keys of what was retracted, whatever came after it."""
    return [event.source_key for event in events if event.event_type is EventType.RETRACTED]


def hidden(events: Sequence[Event]) -> set[str]:
    """The keys of what does not count."""
    states = fold(events)
    return {event.source_key for event in events if states[event.incident_id]["is_retracted"]}


NEW, MIDDLE, OLD = ended("new", 50, 55), ended("middle", 0, 30), ended("old", -100, -95)


def test_incident_that_vanishes_from_the_middle_is_retracted_at_the_polls_time() -> None:
    events = in_turn(poll(60, NEW, MIDDLE, OLD), poll(90, NEW, OLD))
    gone = [event for event in events if event.event_type is EventType.RETRACTED]
    assert [(event.source_key, event.occurred_at) for event in gone] == [("middle", T0 + timedelta(minutes=90))]


def test_open_incident_that_vanishes_from_the_middle_is_retracted() -> None:
    assert retracted(in_turn(poll(60, NEW, opened("middle", 0), OLD), poll(90, NEW, OLD))) == ["middle"]


def test_incident_that_slides_out_is_not_retracted() -> None:
    newest = ended("newest", 70, 75)
    for importer in (IMPORTER, of(3)):
        events = in_turn(poll(60, NEW, MIDDLE, OLD), poll(90, newest, NEW, MIDDLE), importer=importer)
        assert retracted(events) == []


def test_long_incident_that_stays_at_the_end_retracts_none_of_those_that_slide_out_before_it() -> None:
    """By resolution: the one that was open for days stays, created long before those that were resolved before it."""
    long = ended("long", -1000, 50)
    first = poll(60, long, ended("c", 20, 40), ended("b", 10, 30), ended("a", 0, 20))
    second = poll(90, ended("e", 70, 80), ended("d", 60, 70), long, ended("c", 20, 40))
    third = poll(120, ended("f", 90, 100), ended("e", 70, 80), ended("d", 60, 70), long)
    assert retracted(in_turn(first, second, third, importer=of(4))) == []


def test_deletion_is_seen_on_a_page_that_lists_by_resolution_too() -> None:
    longer, long = ended("longer", -2000, 45), ended("long", -1000, 50)
    rest = [ended("b", 10, 30), ended("a", 0, 20)]
    first = poll(60, opened("now", 55), long, longer, ended("c", 20, 40), *rest)
    for gone, left in (("c", [long, longer]), ("long", [longer, ended("c", 20, 40)])):
        without = poll(90, opened("now", 55), *left, *rest, ended("z", -9, -5))
        assert retracted(in_turn(first, without, importer=of(6))) == [gone]


def test_where_both_orders_fit_what_vanished_ranks_before_the_last_in_both() -> None:
    """Created after the last that is listed, and resolved before it: it may have slid out."""
    long = ended("long", -1000, 50)
    first = poll(60, long, ended("short", 0, 20))
    assert retracted(in_turn(first, poll(90, ended("d", 60, 70), long), importer=of(2))) == []


def test_copy_that_was_sorted_into_the_other_order_retracts_nothing() -> None:
    """Listed by resolution and sorted by creation: what slid out ended before all that is listed."""
    long, c, b = ended("long", -1000, 50), ended("c", 20, 40), ended("b", 10, 30)
    now = sorted([ended("d", 60, 70), long, c], key=by_creation, reverse=True)
    assert now != sorted(now, key=by_resolution, reverse=True)
    assert retracted(in_turn(poll(60, long, c, b), poll(90, *now), importer=of(3))) == []


def test_open_incident_that_may_be_over_meanwhile_may_have_slid_out() -> None:
    """Last seen open at minute 60; what is listed last was resolved after that."""
    first = poll(60, opened("middle", 0), ended("old", -1000, -10))
    later = poll(500, ended("y", 100, 400), ended("x", -1500, 300))
    assert retracted(in_turn(first, later, importer=of(2))) == []


@pytest.mark.parametrize("order", [[OLD, NEW], [ended("x", -50, 5), NEW, OLD]])
def test_listing_in_neither_order_retracts_nothing_and_says_so(order: list[dict[str, Any]]) -> None:
    known = import_all(poll(60, NEW, MIDDLE, OLD))
    assert retracted(import_all(poll(90, *order), known=known)) == []
    (note,) = notes(poll(90, *order), known=known)
    assert (
        "(over here): nothing is retracted, since its order is neither that of creation nor that of resolution" in note
    )
    assert retracted(import_all(poll(90, *order), known=known, importer=VOUCHED)) == ["middle"]


def test_listing_of_nothing_but_open_incidents_retracts_nothing() -> None:
    """`unresolved.json` has the keys of `incidents.json`."""
    known = import_all(poll(60, opened("b", 20), opened("a", 0)))
    for importer in (IMPORTER, of(1), VOUCHED):
        for later in (poll(90, opened("a", 0)), poll(95)):
            assert import_all(later, known=known, importer=importer) == []
    (note,) = notes(poll(90, opened("a", 0)), known=known)
    assert note.startswith("x.json does not list INC-20260302T092000Z-")
    assert note.endswith("(open here): nothing is retracted, since it lists nothing that is over")


def test_several_that_vanish_at_once_are_kept_unless_somebody_vouches_for_the_listing() -> None:
    many = [ended(f"i{number}", -number, -number + 0.5) for number in range(6)]
    known = import_all(poll(60, *many))
    filtered = poll(90, many[0], many[2], many[4], many[5])
    assert import_all(filtered, known=known) == []
    (note,) = notes(filtered, known=known)
    assert "2 are missing at once, as in a filtered copy" in note
    assert retracted(import_all(filtered, known=known, importer=VOUCHED)) == ["i3", "i1"]


def test_filtered_copy_of_a_full_listing_is_shorter_than_the_page_lists_and_retracts_nothing() -> None:
    many = [ended(f"i{number}", -number, -number + 0.5) for number in range(50)]
    known = import_all(poll(60, *many))
    assert import_all(poll(90, *many[:7], *many[8:]), known=known) == []
    slid_in = ended("i50", -50, -49.5)
    assert retracted(import_all(poll(90, *many[:7], *many[8:], slid_in), known=known)) == ["i7"]


def test_copy_that_was_cut_retracts_nothing() -> None:
    many = [ended(f"i{number}", -number, -number + 0.5) for number in range(8)]
    known = import_all(poll(60, *many))
    for part in (many[:5], many[3:], many[:2] + many[3:6]):
        assert import_all(poll(90, *part), known=known) == []


def test_listing_that_is_older_than_what_is_known_retracts_nothing() -> None:
    events = in_turn(poll(60, NEW, MIDDLE, OLD), poll(95, NEW | {"name": "Renamed", "updated_at": at(94)}, MIDDLE, OLD))
    assert import_all(poll(90, NEW, OLD), known=events) == []
    assert import_all(poll(60, NEW, OLD), known=events) == []


def test_another_listing_of_the_same_time_that_lists_less_retracts_nothing() -> None:
    assert import_all(poll(60, NEW, OLD), known=import_all(poll(60, NEW, MIDDLE, OLD))) == []


def test_incident_of_another_page_is_not_retracted() -> None:
    other = opened("bbb", 0, page_id="page2")
    assert retracted(in_turn(poll(60, other, page="page2"), poll(90, NEW, OLD))) == []


def test_poll_without_a_page_or_of_a_part_retracts_nothing() -> None:
    first = poll(60, NEW, opened("middle", 0), OLD)
    nameless = {"incidents": [NEW, OLD]}
    summary = poll(90, NEW, OLD, components=[], scheduled_maintenances=[])
    for second in (nameless, summary):
        assert retracted(in_turn(first, second)) == []
        assert import_all(second, known=import_all(first), importer=VOUCHED) == []


def test_to_vouch_for_an_archive_says_nothing_and_is_noted() -> None:
    known = import_all(NEW, MIDDLE, OLD)
    assert import_all(NEW, OLD, known=known, importer=VOUCHED) == []
    assert "--complete has no effect" in notes(NEW, OLD, known=known, importer=VOUCHED)[0]


def test_summary_names_the_open_incidents_that_it_does_not_list() -> None:
    known = import_all(poll(60, NEW, opened("middle", 0), OLD))
    summary = poll(90, NEW, components=[], scheduled_maintenances=[])
    (note,) = notes(summary, known=known)
    assert note.startswith("x.json does not list INC-20260302T090000Z-")
    assert note.endswith("(open here): nothing is retracted, since it is a part of what the page lists")
    assert notes(poll(90, opened("middle", 0), status={}), known=known) == []


def test_open_incident_that_slid_out_is_named() -> None:
    known = import_all(poll(60, MIDDLE, opened("old", -100)), importer=of(2))
    (note,) = notes(poll(90, NEW, MIDDLE), known=known, importer=of(2))
    assert note.endswith("(open here): it may have slid out of what the page lists")


def test_note_of_a_listing_that_a_later_one_makes_good_is_not_printed() -> None:
    known = import_all(poll(60, NEW, opened("middle", 0), OLD))
    part, whole = poll(90, NEW, OLD, status={}), poll(95, NEW, opened("middle", 0), OLD)
    assert notes(part, whole, known=known) == []


def test_record_that_was_refused_is_still_present() -> None:
    known = import_all(poll(60, NEW, MIDDLE, OLD))
    parsed = IMPORTER.parse(document(poll(90, NEW, MIDDLE | {"impact": "huge"}, OLD)))
    assert len(parsed.rejects) == 1
    assert IMPORTER.plan(parsed.records, known).events == ()


def test_incident_posted_later_with_an_earlier_date_is_not_retracted_by_the_poll_before() -> None:
    polls = [poll(60, NEW, OLD), poll(90, NEW, ended("late", 10, 20, updated_at=at(85)), OLD)]
    events = in_turn(*polls)
    for again in polls:
        assert import_all(again, known=events) == []


# What comes back

GONE = [poll(60, NEW, MIDDLE, OLD), poll(90, NEW, OLD)]


def test_incident_that_comes_back_counts_with_its_real_times_and_nothing_is_added_by_reading_all_again() -> None:
    polls = [*GONE, poll(95, NEW, MIDDLE, OLD)]
    events = in_turn(*polls)
    before, after = fold(import_all(GONE[0])), fold(events)
    assert hidden(events) == set()
    for name in ("detection_time", "acknowledged_time", "resolution_time", "severity_level", "is_open"):
        assert [state[name] for state in after.values()] == [state[name] for state in before.values()]
    for again in [*polls, *polls]:
        assert import_all(again, known=events) == []


def test_later_archive_reinstates_what_it_shows_and_an_older_one_does_not() -> None:
    events = in_turn(*GONE)
    assert hidden(events) == {"middle"}
    older = [NEW, MIDDLE, OLD]
    assert import_all(*older, known=events) == []
    later = [ended("newest", 100, 110), *older]
    again = import_all(*later, known=events)
    assert hidden(events + again) == set()
    assert import_all(*later, known=events + again) == []


def test_summary_of_a_later_time_reinstates_what_it_shows() -> None:
    events = in_turn(poll(60, NEW, opened("middle", 0), OLD), poll(90, NEW, OLD))
    summary = poll(95, opened("middle", 0), components=[])
    assert hidden(events + import_all(summary, known=events)) == set()
    assert hidden(events + import_all(poll(85, opened("middle", 0), components=[]), known=events)) == {"middle"}


def test_what_is_deleted_again_is_retracted_again() -> None:
    events = in_turn(*GONE, poll(95, NEW, MIDDLE, OLD), poll(97, NEW, OLD))
    assert retracted(events) == ["middle", "middle"]
    assert hidden(events) == {"middle"}


def test_archive_and_polls_of_one_import_count_by_their_times() -> None:
    archive = [ended("newest", 92, 93), NEW, MIDDLE, OLD]
    assert hidden(import_all(*GONE, *archive)) == set()
    gone_after = poll(99, archive[0], NEW, OLD)
    assert hidden(import_all(gone_after, *archive, *GONE)) == {"middle"}


# The real page, and what failed


def test_unresolved_answers_retract_nothing_and_the_full_one_later_resolves(shared_data: Path) -> None:
    files = sorted((shared_data / "field").glob("unres_*.json"))
    assert len(files) == 4
    events: list[Event] = []
    for file in files:
        records = IMPORTER.parse(Document(file.name, file.read_bytes())).records
        events += IMPORTER.plan(records, events).events
    states = {event.source_key: fold(events)[event.incident_id] for event in events}
    assert retracted(events) == []
    assert {key: state["is_open"] for key, state in states.items()} == {"aaaa00000001": True, "bbbb00000002": False}
    assert states["bbbb00000002"]["resolution_time"] == datetime.fromisoformat("2026-08-05T10:55:00+00:00")


def by_creation(record: dict[str, Any]) -> str:
    return str(record["created_at"])


def by_resolution(record: dict[str, Any]) -> str:
    return record["resolved_at"] or "9999"


def as_of(record: dict[str, Any], time: str) -> dict[str, Any]:
    """The record as a page showed it then, roughly: its later updates and its resolution had not come yet."""
    updates = [update for update in record["incident_updates"] if update["display_at"] <= time]
    is_over = (record["resolved_at"] or "9999") <= time
    last = max((update["display_at"] for update in updates), default=record["created_at"])
    status = record["status"] if is_over else next((update["status"] for update in updates), "investigating")
    return record | {
        "incident_updates": updates, "resolved_at": record["resolved_at"] if is_over else None,
        "status": status if is_over or status in ("investigating", "identified", "monitoring") else "monitoring",
        "updated_at": max(last, record["resolved_at"]) if is_over else last,
    }  # fmt: skip


@pytest.mark.parametrize("order", [by_creation, by_resolution])
def test_polls_of_a_real_year_in_either_order_retract_nothing_but_what_is_deleted(
    order: Any, shared_data: Path
) -> None:
    lines = (shared_data / "statuspage" / "claude_incidents_2023_2025.jsonl").read_text().splitlines()
    history = [record for line in lines if (record := json.loads(line))["impact"] != "maintenance"]
    polls, importer = [], of(40)
    for month in range(3, 13, 2):
        now = f"2025-{month:02}-01T00:00:00.000Z"
        there = sorted(
            (as_of(record, now) for record in history if by_creation(record) <= now), key=order, reverse=True
        )
        polls.append({"page": {"id": "page1", "updated_at": now}, "incidents": there[:40]})
        polls[-1]["incidents"] = [record | {"page_id": "page1"} for record in polls[-1]["incidents"]]
    assert len({record["id"] for each in polls for record in each["incidents"]}) > 120
    events = in_turn(*polls, importer=importer)
    assert retracted(events) == []
    last = polls[-1]
    cut = last | {"page": last["page"] | {"updated_at": "2025-11-02T00:00:00Z"}, "incidents": last["incidents"][:30]}
    assert import_all(cut, known=events, importer=importer) == []
    gone = last["incidents"][20]["id"]
    there = sorted(
        (as_of(record, now) for record in history if record["id"] != gone and by_creation(record) <= now),
        key=order,
        reverse=True,
    )
    deleted = cut | {"incidents": [record | {"page_id": "page1"} for record in there[:40]]}
    assert retracted(import_all(deleted, known=events, importer=importer)) == [gone]
