"""Random lives of a page that lists its newest in either order, read whole, filtered, cut and shuffled."""

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from importers.pages import at, import_all, incident, poll, update
from importers.test_statuspage_vanished import by_creation, by_resolution, hidden, of
from incident_ledger.ledger.events import Event

Record = dict[str, Any]
ORDERS: tuple[Callable[[Record], str], ...] = (by_creation, by_resolution)
IMPACTS = ("none", "minor", "major")


@dataclass
class Page:
    """A page of our own, which knows what it has deleted. Each change takes a minute."""

    order: Callable[[Record], str]
    length: int
    minute: int = 0
    records: dict[str, Record] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)

    def post(self, impact: str) -> None:
        self.minute += 1
        key = f"i{self.minute}"
        self.records[key] = incident(
            key, impact=impact, created_at=at(self.minute), updated_at=at(self.minute), started_at=None
        )

    def change(self, key: str) -> None:
        """What is open is resolved, what is over is reopened."""
        self.minute += 1
        record = self.records[key]
        is_over = record["resolved_at"] is not None
        status, end = ("identified", None) if is_over else ("resolved", at(self.minute))
        record["incident_updates"].insert(0, update(f"{key}u{self.minute}", status, self.minute))
        record |= {"status": status, "resolved_at": end, "updated_at": at(self.minute)}

    def delete(self, key: str) -> None:
        self.minute += 1
        self.deleted.add(key)
        del self.records[key]

    def listed(self) -> list[Record]:
        """What an answer holds now, in the page's order."""
        newest = sorted(self.records.values(), key=by_creation, reverse=True)
        return deepcopy(sorted(newest, key=self.order, reverse=True)[: self.length])

    def answer(self, records: list[Record], **more: Any) -> dict[str, Any]:
        self.minute += 1
        return poll(self.minute, *records, **more)


def step(draw: st.DrawFn, page: Page, *, fewest: int, most: int) -> None:
    """Something happens on the page, which keeps at least and at most so many."""
    keys = st.sampled_from(sorted(page.records))
    what = draw(st.sampled_from(["post", "change", "change", "delete"]))
    if what == "delete" and len(page.records) > fewest:
        page.delete(draw(keys))
    elif what == "post" and len(page.records) < most:
        page.post(draw(st.sampled_from(IMPACTS)))
    else:
        page.change(draw(keys))


def copy_of(draw: st.DrawFn, listed: list[Record]) -> list[Record]:
    """What somebody made of an answer."""
    how = draw(st.sampled_from(["whole", "impact", "open", "over", "some", "head", "tail", "shuffled"]))
    chosen = draw(st.lists(st.booleans(), min_size=len(listed), max_size=len(listed)))
    number, impact = draw(st.integers(0, len(listed))), draw(st.sampled_from(IMPACTS))
    return {
        "whole": listed,
        "impact": [record for record in listed if record["impact"] != impact],
        "open": [record for record in listed if record["resolved_at"] is None],
        "over": [record for record in listed if record["resolved_at"] is not None],
        "some": [record for record, is_kept in zip(listed, chosen, strict=True) if is_kept],
        "head": listed[:number],
        "tail": listed[number:],
        "shuffled": draw(st.permutations(listed)),
    }[how]


def long_pages(draw: st.DrawFn) -> Page:
    """A page with at least as many incidents as it lists."""
    page = Page(draw(st.sampled_from(ORDERS)), length=draw(st.integers(3, 6)))
    for _ in range(page.length + draw(st.integers(0, 3))):
        page.post(draw(st.sampled_from(IMPACTS)))
    for key in list(page.records):
        if draw(st.integers(0, 3)):
            page.change(key)
    return page


def life_is_told_truly(data: st.DataObject) -> None:
    page = data.draw(st.composite(long_pages)())
    events: list[Event] = import_all(page.answer(page.listed()), importer=of(page.length))
    for _ in range(data.draw(st.integers(1, 6))):
        for _ in range(data.draw(st.integers(0, 3))):
            data.draw(st.composite(step)(page, fewest=page.length, most=14))
        listed = data.draw(st.composite(copy_of)(page.listed()))
        more = data.draw(st.sampled_from([{}, {}, {"status": {}}]))
        events += import_all(page.answer(listed, **more), known=events, importer=of(page.length))
        assert hidden(events) <= page.deleted


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_no_incident_that_the_page_still_has_is_retracted_by_whole_filtered_or_cut_copies(data: st.DataObject) -> None:
    life_is_told_truly(data)


@pytest.mark.soak
@settings(max_examples=5_000, deadline=None)
@given(st.data())
def test_no_incident_that_the_page_still_has_is_ever_retracted(data: st.DataObject) -> None:
    life_is_told_truly(data)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_incident_of_a_page_with_few_is_retracted_by_whole_answers_or_their_beginnings(data: st.DataObject) -> None:
    page = Page(data.draw(st.sampled_from(ORDERS)), length=12)
    page.post("minor")
    events: list[Event] = []
    for _ in range(data.draw(st.integers(1, 6))):
        for _ in range(data.draw(st.integers(0, 3))):
            data.draw(st.composite(step)(page, fewest=1, most=10))
        listed = page.listed()
        beginning = listed[: data.draw(st.integers(0, len(listed)))]
        for copy in data.draw(st.permutations([listed, beginning]))[: data.draw(st.integers(1, 2))]:
            events += import_all(page.answer(copy), known=events, importer=of(page.length))
            assert hidden(events) <= page.deleted


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_what_is_deleted_from_the_middle_of_a_full_listing_is_retracted(data: st.DataObject) -> None:
    page = data.draw(st.composite(long_pages)())
    page.post("minor")  # one more than it lists
    events = import_all(page.answer(page.listed()), importer=of(page.length))
    listed = page.listed()
    gone = data.draw(st.sampled_from(listed[:-1]))["id"]
    page.delete(gone)
    after = page.listed()
    before = next(record for record in listed if record["id"] == gone)
    assume(any(record["resolved_at"] for record in after))
    assume(
        all(order(before) > min(map(order, after)) for order in ORDERS)
    )  # else it may have slid out of the other one
    events += import_all(page.answer(after), known=events, importer=of(page.length))
    assert hidden(events) == {gone}
