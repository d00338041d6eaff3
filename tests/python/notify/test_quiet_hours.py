"""Messages of mild incidents wait for the end of the quiet hours, and are seen to."""

from collections.abc import Callable
from datetime import UTC, datetime, time

import pytest

from incident_ledger.cli.actions.outbox import outcome
from incident_ledger.ledger.events import Event
from incident_ledger.ledger.state import state_reading
from incident_ledger.ledger.writer import append
from incident_ledger.notify import delivery, queries
from incident_ledger.notify.service import notify, outlook_reading
from incident_ledger.policy import Calendar
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.reading import read
from notify.helpers import KEY, MINUTE, POLICY, START, TITLE, event

OPENING = datetime(2026, 3, 2, 16, tzinfo=UTC)  # 08:00 in Los Angeles
LOS_ANGELES = Calendar("America/Los_Angeles", time(9), time(17), ("MON",), frozenset())


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("begins", "ends", "at", "expected"),
    [
        ("20:00", "08:00", "2026-03-02 03:59", None),  # 19:59 there
        ("20:00", "08:00", "2026-03-02 04:00", "2026-03-02 16:00"),
        ("20:00", "08:00", "2026-03-02 15:59", "2026-03-02 16:00"),
        ("20:00", "08:00", "2026-03-02 16:00", None),
        ("20:00", "08:00", "2026-03-08 05:00", "2026-03-08 15:00"),  # the clocks go forward in that night
        ("12:00", "14:00", "2026-03-02 19:59", None),
        ("12:00", "14:00", "2026-03-02 20:00", "2026-03-02 22:00"),
        ("12:00", "14:00", "2026-03-02 22:00", None),
        ("22:00", "01:30", "2026-11-01 08:10", "2026-11-01 08:30"),  # 01:10 for the first time, before they go back
        ("22:00", "01:30", "2026-11-01 09:10", "2026-11-01 09:30"),  # and for the second
    ],
)
def test_quiet_hours_are_those_of_the_calendars_zone(begins: str, ends: str, at: str, expected: str | None) -> None:
    found = LOS_ANGELES.quiet_until(time.fromisoformat(begins), time.fromisoformat(ends), utc(at))
    assert found == (utc(expected) if expected else None)


@pytest.mark.parametrize(
    ("levels", "expected"),
    [(("P3",), OPENING), (("P3", "P2"), None), (("P2",), None), (("P1",), None), (("P0",), None), ((), None)],
)
def test_only_what_never_was_worse_than_the_policy_says_waits(
    levels: tuple[str, ...], expected: datetime | None
) -> None:
    assert POLICY.quiet_until(levels, START) == expected


def record(warehouse: Warehouse, *events: Event) -> None:
    append(warehouse, events, max(each.occurred_at for each in events))


@pytest.fixture
def sent(ledger: Warehouse) -> Callable[[datetime], list[str]]:
    """The subjects that a run sends."""
    return lambda at: [each.subject for each in notify(ledger, POLICY, at)]


BEGINNING = event("detected", severity="P3", title=TITLE, components=[KEY])


def test_a_message_waits_where_it_can_be_seen_and_goes_when_the_hours_end(
    ledger: Warehouse, sent: Callable[[datetime], list[str]]
) -> None:
    record(ledger, BEGINNING)
    assert sent(START) == sent(START + MINUTE) == []
    (row,) = queries.messages(ledger)
    assert outcome(row) == "pending: quiet hours, goes at 2026-03-02 16:00 UTC"
    outlook = read(ledger, outlook_reading(ledger, POLICY, START + MINUTE))
    assert outlook.is_idle(read(ledger, state_reading(ledger)))
    assert outlook.next_due == OPENING  # when a watch wakes
    assert sent(OPENING - MINUTE) == []
    assert sent(OPENING) == [f"[INCIDENT-P3] {TITLE}"]
    assert sent(OPENING + MINUTE) == []
    assert outcome(queries.messages(ledger)[0]) == "sent"


def test_what_gets_worse_takes_what_waits_with_it_the_beginning_first(
    ledger: Warehouse, sent: Callable[[datetime], list[str]]
) -> None:
    record(ledger, BEGINNING)
    assert sent(START) == []
    record(ledger, event("severity_changed", at=START + MINUTE, severity="P2", **{"from": "P3"}))
    assert sent(START + MINUTE) == [f"[INCIDENT-P3] {TITLE}", f"[INCIDENT-P2] Now P2: {TITLE}"]
    assert sent(OPENING) == []


def test_what_began_and_got_worse_between_two_runs_waits_for_nothing(
    ledger: Warehouse, sent: Callable[[datetime], list[str]]
) -> None:
    record(ledger, BEGINNING, event("severity_changed", at=START + MINUTE, severity="P1", **{"from": "P3"}))
    assert len(sent(START + MINUTE)) == 2


def test_what_a_person_asks_to_be_sent_is_sent(ledger: Warehouse, sent: Callable[[datetime], list[str]]) -> None:
    record(ledger, BEGINNING)
    assert sent(START) == []
    record(ledger, event("note", at=START + MINUTE, text="seen", notify=True))
    assert sent(START + MINUTE) == [f"[INCIDENT-P3] {TITLE}", f"[INCIDENT-P3] Update: {TITLE}"]


def test_a_night_is_one_message_in_the_morning_the_worst_first(
    ledger: Warehouse, sent: Callable[[datetime], list[str]]
) -> None:
    others = [event("detected", at=START + n * MINUTE, severity="P3", key=f"k{n}", title=f"T{n}") for n in range(3)]
    record(ledger, BEGINNING, *others)
    assert sent(START + 5 * MINUTE) == []
    record(ledger, event("resolved", at=START + 30 * MINUTE))
    assert sent(START + 60 * MINUTE) == sent(OPENING - MINUTE) == []
    assert sent(OPENING) == ["[INCIDENT-P3] After quiet hours: 5 messages of 4 incidents"]
    (digest,) = [row for row in queries.messages(ledger) if row["template"] == "digest"]
    (whole,) = queries.message(ledger, digest["message_id"])
    body = str(whole["body_text"])
    assert body.startswith("5 messages of 4 incidents waited for the end of quiet hours: 5 P3.")
    titles = [line.partition(": ")[2] for line in body.splitlines() if line.startswith("- ")]
    assert sorted(titles) == sorted([TITLE, f"Resolved: {TITLE}", "T0", "T1", "T2"])
    assert titles.index(f"Resolved: {TITLE}") == titles.index(TITLE) + 1
    assert [row["status"] for row in queries.messages(ledger)].count("digested") == 5
    assert sent(OPENING + MINUTE) == []


def test_a_run_that_dies_while_it_sends_the_night_leaves_one_digest_to_the_next(
    ledger: Warehouse, sent: Callable[[datetime], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    record(ledger, *(event("detected", severity="P3", key=f"k{n}", title=f"T{n}") for n in range(3)))
    assert sent(START) == []

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(delivery, "send_side_by_side", die)
        with pytest.raises(KeyboardInterrupt):
            sent(OPENING)
    written = sorted((row["template"], row["status"]) for row in queries.messages(ledger))
    assert written == [("digest", "pending"), *[("initial", "digested")] * 3]
    assert sent(OPENING + MINUTE) == ["[INCIDENT-P3] After quiet hours: 3 messages of 3 incidents"]
    assert sent(OPENING + 2 * MINUTE) == []


def test_a_digest_of_the_night_has_no_other_digest_and_nothing_of_what_got_worse(
    ledger: Warehouse, sent: Callable[[datetime], list[str]]
) -> None:
    record(ledger, *(event("detected", severity="P3", key=f"k{n}", title=f"T{n}") for n in range(60)))
    assert sent(START) == []  # many at once: a digest that waits
    later = [event("detected", at=START + MINUTE, severity="P3", key=f"l{n}", title=f"L{n}") for n in range(3)]
    record(ledger, *later)
    assert sent(START + MINUTE) == []
    record(ledger, event("severity_changed", at=OPENING, key="l0", severity="P1", **{"from": "P3"}))
    assert sorted(sent(OPENING)) == [
        "[INCIDENT-P1] Now P1: L0",
        "[INCIDENT-P3] 60 messages of 60 incidents at once",
        "[INCIDENT-P3] After quiet hours: 2 messages of 2 incidents",
        "[INCIDENT-P3] L0",
    ]


def test_what_waited_alone_is_sent_as_it_was_written(ledger: Warehouse, sent: Callable[[datetime], list[str]]) -> None:
    record(ledger, BEGINNING)
    assert sent(START) == []
    assert sent(OPENING) == [f"[INCIDENT-P3] {TITLE}"]
