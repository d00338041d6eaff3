"""The loop of `watch` without a warehouse: when it ticks, when it looks next, how healthy it is."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_ledger.cli.actions.watch import parse_address, parse_interval
from incident_ledger.errors import UserError
from incident_ledger.runner.watch import Reason, next_look, reason_to_tick
from incident_ledger.runner.watch_status import HEALTHY_INTERVALS, TickOutcome, WatchStatus

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
TABLE = ("p", "d", "t")
THEN, LATER = "2026-03-02T08:00:00Z", "2026-03-02T08:59:00Z"


@pytest.mark.parametrize(
    ("seen", "found", "due", "reason"),
    [
        (None, {TABLE: THEN}, None, Reason.FIRST),
        ({TABLE: THEN}, {TABLE: THEN}, None, None),
        ({TABLE: THEN}, {TABLE: LATER}, None, Reason.CHANGED),
        ({TABLE: LATER}, {TABLE: THEN}, None, Reason.CHANGED),
        ({TABLE: THEN}, {TABLE: None}, None, Reason.CHANGED),
        ({TABLE: THEN}, {}, None, Reason.CHANGED),
        ({TABLE: THEN}, {TABLE: THEN, ("p", "d", "new"): None}, None, Reason.CHANGED),
        ({TABLE: THEN}, {TABLE: THEN}, NOW + SECOND, None),
        ({TABLE: THEN}, {TABLE: THEN}, NOW, Reason.DUE),
        ({TABLE: THEN}, {TABLE: THEN}, NOW - MINUTE, Reason.DUE),
    ],
)
def test_a_look_ticks_when_a_table_changed_or_something_is_due(
    seen: dict[tuple[str, str, str], str | None] | None,
    found: dict[tuple[str, str, str], str | None],
    due: datetime | None,
    reason: Reason | None,
) -> None:
    assert reason_to_tick(seen, found, due, NOW) is reason


@given(
    st.lists(st.integers(0, 400), max_size=8).map(sorted),
    st.lists(st.tuples(st.integers(1, 5), st.integers(1, 5), st.booleans()), min_size=1, max_size=40),
)
def test_no_change_is_lost_whenever_it_is_made(changes: Sequence[int], looks: Sequence[tuple[int, int, bool]]) -> None:
    """Of each look: the seconds until it reads when tables were modified, from then to its tick, whether it ends."""
    seen: dict[tuple[str, str, str], str | None] | None = None
    clock, known = 0, -1  # `known`: what was written by then has been read by a tick that ended
    for before, between, is_ended in looks:
        clock += before
        read_at = clock
        found: dict[tuple[str, str, str], str | None] = {TABLE: str(sum(change <= read_at for change in changes))}
        clock += between
        if reason_to_tick(seen, found, None, NOW) and is_ended:
            seen, known = found, clock
        if is_ended:
            assert not [change for change in changes if known < change <= read_at]


@pytest.mark.parametrize(
    ("took", "due", "failures", "seconds"),
    [
        (2, None, 0, 58),
        (70, None, 0, 0),
        (2, 30, 0, 28),
        (2, 1, 0, 0),
        (2, 90, 0, 58),
        (2, 0, 0, 58),
        (2, -30, 0, 58),
        (2, None, 1, 58),
        (2, None, 2, 118),
        (2, None, 3, 238),
        (2, None, 4, 298),
        (2, None, 1_000_000, 298),
        (2, 30, 3, 238),
    ],
)
def test_the_next_look_is_after_an_interval_or_when_something_is_due(
    took: int, due: int | None, failures: int, seconds: int
) -> None:
    next_due = NOW + due * SECOND if due is not None else None
    now = NOW + took * SECOND
    assert next_look(NOW, now, every=MINUTE, next_due=next_due, failures=failures) - now == seconds * SECOND


def test_the_wait_after_failures_is_never_shorter_than_the_interval() -> None:
    every = timedelta(hours=1)
    assert [next_look(NOW, NOW, every=every, failures=failures) for failures in (1, 5)] == [NOW + every] * 2


def test_it_is_healthy_until_some_intervals_pass_without_a_success() -> None:
    status = WatchStatus()
    assert not status.is_healthy(NOW, MINUTE)
    status = status.after_skip(NOW)
    limit = NOW + HEALTHY_INTERVALS * MINUTE
    assert status.is_healthy(limit, MINUTE)
    assert not status.is_healthy(limit + SECOND, MINUTE)
    for without_success in (status.after_busy(), status.after_error(is_tick=True), status.after_error(is_tick=False)):
        assert not without_success.is_healthy(limit + SECOND, MINUTE)
    assert status.after_skip(limit).is_healthy(limit + SECOND, MINUTE)


def test_ticks_are_counted_by_how_they_ended() -> None:
    status = WatchStatus().after_skip(NOW).after_busy().after_error(is_tick=True).after_error(is_tick=False)
    for outcome in (TickOutcome.IDLE, TickOutcome.DONE, TickOutcome.DONE, TickOutcome.FAILED):
        status = status.after_tick(outcome, NOW, seconds=1.5, open_incidents={"P0": 1}, undelivered=2)
    assert {outcome.value: count for outcome, count in status.ticks.items()} == {
        "idle": 1,
        "done": 2,
        "failed": 1,
        "busy": 1,
        "error": 1,
    }
    assert (status.skipped_looks, status.warehouse_errors) == (1, 2)


@pytest.mark.parametrize(
    ("text", "seconds"), [("60s", 60), ("60", 60), ("2m", 120), ("1.5m", 90), ("1h", 3600), ("1s", 1)]
)
def test_an_interval_is_a_number_with_its_unit(text: str, seconds: float) -> None:
    assert parse_interval(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    "text", ["", "0", "0.5s", "-1s", "61m", "2h", "1d", "60 s", "1e3", "nan", "\u0666\u0660s", "9" * 400]
)
def test_what_is_not_an_interval_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(UserError, match="Write it as 60s"):
        parse_interval(text)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("9464", ("127.0.0.1", 9464)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),
        ("[::1]:9464", ("::1", 9464)),
        ("localhost:0", ("localhost", 0)),
        ("none", None),
    ],
)
def test_an_address_is_a_port_of_this_machine_unless_it_names_a_host(
    text: str, address: tuple[str, int] | None
) -> None:
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", "host", "host:", ":9464", "1:2:3", "::1:9464", "65536", "a b:1", "http://a:1"])
def test_what_is_not_an_address_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(UserError, match="Write it as 127"):
        parse_address(text)
