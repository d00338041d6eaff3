"""Which nodes a run builds: a chain of a source, a view, a table with a test, and a table that reads it."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from incident_ledger.runner.node_selection import (
    Built,
    Clock,
    Node,
    Relation,
    Selection,
    models_between,
    recorded,
    select,
)

AS_OF = datetime(2026, 3, 2, 9, tzinfo=UTC)
OTHER = "other"
NODES = {
    node.unique_id: node
    for node in (
        Node("events", "events", relation=("raw", "events"), is_built=False),
        Node(OTHER, OTHER, relation=("raw", OTHER), is_built=False),
        Node("staged", "staged", parents=("events",), relation=("staging", "staged"), is_view=True),
        Node("staged_test", "staged_test", parents=("staged",)),
        Node("incidents", "incidents", parents=("staged",), relation=("marts", "incidents")),
        Node("incidents_test", "incidents_test", parents=("incidents",)),
        Node("ages", "ages", parents=("incidents",), relation=("marts", "ages"), clock="open"),
        Node("ages_test", "ages_test", parents=("ages",)),
        Node("late", "late", parents=(OTHER,), relation=("marts", "late"), clock="run"),
        Node("daily", "daily", parents=(OTHER,), relation=("marts", "daily"), clock="day"),
    )
}
WANTED = [name for name, node in NODES.items() if node.is_built]
MODIFIED: dict[Relation, str | None] = {node.relation: "1" for node in NODES.values() if node.relation}


def selected(
    built: Mapping[str, Built],
    *,
    as_of: datetime = AS_OF,
    is_open: bool = False,
    project: str = "p",
    modified: Mapping[Relation, str | None] | None = None,
) -> Selection:
    return select(
        NODES,
        WANTED,
        project=project,
        clock=Clock(as_of, is_open),
        modified=MODIFIED | dict(modified or {}),
        built=built,
    )


@pytest.fixture
def built() -> dict[str, Built]:
    """All of it, as of the time."""
    keys = selected({}).keys
    tables = {name for name in keys if NODES[name].relation and not NODES[name].is_view}
    sources = {name: Built("", "1") for name, node in NODES.items() if not node.is_built}
    return sources | {name: Built(key, "1" if name in tables else None) for name, key in keys.items()}


def test_everything_is_built_where_nothing_is_recorded() -> None:
    assert list(selected({}).keys) == WANTED


def test_nothing_is_built_when_nothing_changed(built: dict[str, Built]) -> None:
    found = selected(built)
    assert (found.keys, found.unchanged, found.changed) == ({}, len(WANTED), ())


def test_what_reads_a_changed_source_is_built_and_tested_and_no_view(built: dict[str, Built]) -> None:
    found = selected(built, modified={("raw", "events"): "2"})
    assert list(found.keys) == ["staged_test", "incidents", "incidents_test", "ages", "ages_test"]
    assert found.changed == ("events",)


def test_every_node_is_built_when_the_project_changed(built: dict[str, Built]) -> None:
    assert list(selected(built, project="q").keys) == WANTED


@pytest.mark.parametrize("now", [None, "2"], ids=["dropped", "written by another"])
def test_a_table_that_is_not_as_built_is_built_again_with_what_reads_it(
    built: dict[str, Built], now: str | None
) -> None:
    found = selected(built, modified={("marts", "incidents"): now})
    assert list(found.keys) == ["incidents", "incidents_test", "ages", "ages_test"]


def test_a_view_that_was_dropped_is_built_again(built: dict[str, Built]) -> None:
    assert list(selected(built, modified={("staging", "staged"): None}).keys) == ["staged"]


def test_a_test_that_found_rows_is_asked_again(built: dict[str, Built]) -> None:
    del built["incidents_test"]
    assert list(selected(built).keys) == ["incidents_test"]


@pytest.mark.parametrize(
    ("hours", "is_open", "expected"),
    [
        (1, False, ["late"]),
        (1, True, ["ages", "late"]),
        (24, False, ["ages", "ages_test", "late", "daily"]),
    ],
)
def test_the_clock_alone_builds_what_depends_on_it(
    built: dict[str, Built], hours: int, is_open: bool, expected: list[str]
) -> None:
    # `built` was recorded while nothing was open: an open incident is a change of the clock, too.
    assert list(selected(built, as_of=AS_OF + timedelta(hours=hours), is_open=is_open).keys) == expected


def test_a_test_of_what_the_moment_changed_is_asked_once_a_day_and_when_its_table_is_not_as_built(
    built: dict[str, Built],
) -> None:
    later = AS_OF + timedelta(hours=1)
    assert "ages_test" not in selected(built, as_of=later, is_open=True).keys
    for now in (None, "2"):
        found = selected(built, as_of=later, is_open=True, modified={("marts", "ages"): now})
        assert {"ages", "ages_test"} <= found.keys.keys()
    # A build that failed leaves a record without a key, and its test is asked after the next one.
    assert "ages_test" in selected(built | {"ages": Built("")}, as_of=later, is_open=True).keys


def test_what_failed_is_built_again_and_what_passed_is_not(built: dict[str, Built]) -> None:
    """A test that finds rows now may have passed under the same key: somebody else wrote the table below it."""
    keys = {name: built[name].key for name in ("incidents", "incidents_test", "ages")}
    noted = recorded(NODES, keys, {"incidents", "ages"}, MODIFIED)
    assert list(selected(built | noted).keys) == ["incidents_test"]
    noted = recorded(NODES, keys, {"incidents_test"}, MODIFIED)
    # What reads a table that could not be built is built again with it.
    assert list(selected(built | noted).keys) == ["incidents", "incidents_test", "ages", "ages_test"]


def test_a_source_with_a_clock_is_news_by_that_clock_alone() -> None:
    nodes = {
        "steps": Node("steps", "steps", relation=("raw", "steps"), is_built=False, clock="day"),
        "test": Node("test", "test", parents=("steps",)),
    }

    def selection(built: Mapping[str, Built], as_of: datetime, modified: str) -> Selection:
        clock = Clock(as_of, is_open=True)
        return select(nodes, ["test"], project="p", clock=clock, modified={("raw", "steps"): modified}, built=built)

    built = {name: Built(key) for name, key in selection({}, AS_OF, "1").keys.items()}
    assert not selection(built, AS_OF + timedelta(hours=1), "2").keys
    assert selection(built, AS_OF + timedelta(days=1), "2").keys


def test_the_models_between_a_source_and_a_model_come_in_order_and_no_others() -> None:
    assert models_between(NODES, ("raw", "events"), ("marts", "ages")) == ["staged", "incidents", "ages"]
    assert models_between(NODES, ("raw", "events"), ("staging", "staged")) == ["staged"]
    assert models_between(NODES, ("raw", OTHER), ("marts", "ages")) == []
