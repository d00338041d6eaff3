"""What the ledger had recorded by a time, and the incident that `latest` is."""

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from incident_ledger.encoding import iso_time
from incident_ledger.errors import UserError
from incident_ledger.ledger.events import Event, EventType, Status, detected_at
from incident_ledger.ledger.known_at import states_known_at
from incident_ledger.ledger.state import RecordedEvent
from incident_ledger.ledger.writer import append
from incident_ledger.warehouse import Warehouse
from ledger.factories import RANKS, T0, after, event

T = "2026-03-02T09:{:02d}:00Z"


def recorded(each: Event, minutes: float) -> RecordedEvent:
    return RecordedEvent(event_id=each.event_id, recorded_at=after(minutes), event=each)


def test_a_time_knows_what_was_recorded_by_then_and_not_what_happened_by_then() -> None:
    resolved = event("resolved", 10)
    history = [recorded(event("detected", 0), 1), recorded(event("acknowledged", 2), 3), recorded(resolved, 30)]
    known = [states_known_at(history, after(minutes), RANKS) for minutes in (0.9, 1, 29, 30)]
    assert [[state.status for state, _ in states] for states in known] == [
        [], [Status.INVESTIGATING], [Status.INVESTIGATING], [Status.RESOLVED],
    ]  # fmt: skip
    assert [len(items) for _, items in known[2]] == [2]


def test_a_correction_counts_from_when_it_was_recorded() -> None:
    wrong = event("resolved", 10)
    history = [recorded(event("detected", 0), 1), recorded(wrong, 11)]
    history.append(recorded(event("note", 12, supersedes=wrong.event_id), 20))
    opened = [states_known_at(history, after(minutes), RANKS)[0][0].is_open for minutes in (10, 11, 19, 20)]
    assert opened == [True, False, False, True]


@pytest.fixture
def past(ledger: Warehouse) -> dict[str, str]:
    """One that was resolved at 09:10, which was written at 09:30; one that was retracted at once; one that is open."""
    lives = {
        "late": [
            (event("detected", 0), 1),
            (event("severity_changed", 5, severity="P0"), 6),
            (event("resolved", 10), 30),
        ],
        "gone": [(event("detected", 0, key="gone"), 1), (event("retracted", 2, key="gone"), 2)],
        "open": [(event("detected", 0, key="open"), 40)],
    }
    for life in lives.values():
        for each, minutes in life:
            append(ledger, [each], after(minutes))
    return {name: life[0][0].incident_id for name, life in lives.items()}


def ids(output: str) -> set[str]:
    return {each["incident_id"] for each in json.loads(output)}


def test_lists_are_of_what_was_recorded_by_then(run: Any, past: dict[str, str]) -> None:
    def listed(minute: int, *more: str) -> set[str]:
        return ids(run("list", "--json", "--known-at", T.format(minute), *more).stdout)

    assert listed(20) == {past["late"]}  # it was over, and nobody had written so
    assert listed(29, "--all") == {past["late"], past["gone"]}
    assert listed(30) == set()
    assert listed(40) == {past["open"]}
    assert listed(0, "--all") == set()
    (state,) = json.loads(run("list", "--json", "--known-at", T.format(20)).stdout)
    assert (state["severity_level"], state["status"], state["age_minutes"]) == ("P0", "investigating", 20.0)
    (state,) = json.loads(run("list", "--json", "--known-at", T.format(20), "--as-of", T.format(50)).stdout)
    assert state["age_minutes"] == 50.0


def test_an_incident_is_shown_as_it_was_known(run: Any, past: dict[str, str]) -> None:
    then = json.loads(run("show", past["late"], "--json", "--known-at", T.format(5)).stdout)
    assert (then["severity_level"], then["status"], then["age_minutes"], len(then["events"])) == (
        "P2", "investigating", 5.0, 1,
    )  # fmt: skip
    assert "resolved" not in run("show", past["late"], "--known-at", T.format(20)).stdout
    with pytest.raises(UserError, match=r"did not know INC-.* yet: it was recorded at 2026-03-02T09:01:00Z"):
        run("show", past["late"], "--known-at", T.format(0))


def test_a_timeline_has_a_line_an_event_with_its_minutes(run: Any, past: dict[str, str]) -> None:
    head, *lines = run("timeline", past["late"]).stdout.splitlines()
    assert head.startswith(past["late"])
    assert [line.split()[0] for line in lines] == ["+0.0", "+5.0", "+10.0"]
    assert "resolved by tester  (recorded 2026-03-02T09:30:00Z)" in lines[-1]
    assert len(run("timeline", past["late"], "--known-at", T.format(20)).stdout.splitlines()) == 3
    written = json.loads(run("timeline", past["late"], "--json").stdout)
    assert [(each["event_type"], each["minutes_since_detection"], each["recorded_at"]) for each in written] == [
        ("detected", 0.0, T.format(1)), ("severity_changed", 5.0, T.format(6)), ("resolved", 10.0, T.format(30)),
    ]  # fmt: skip


@pytest.mark.parametrize("words", [("list",), ("show", "latest"), ("timeline", "latest")])
def test_nobody_knows_what_will_be_recorded(run: Any, past: dict[str, str], words: tuple[str, ...]) -> None:  # noqa: ARG001
    with pytest.raises(UserError, match="is in the future"):
        run(*words, "--known-at", "2999-01-01T00:00:00Z")
    with pytest.raises(UserError, match="no time zone"):
        run(*words, "--known-at", "2026-03-02T09:00:00")


def test_the_latest_is_the_newest_that_is_open_or_else_the_newest(run: Any, ledger: Warehouse) -> None:
    with pytest.raises(UserError, match="There is no incident yet"):
        run("show", "latest")
    for key, minutes in (("old", 0), ("new", 1), ("over", 2)):
        append(ledger, [detected(key, after(minutes))], after(minutes))
    over = detected("over", after(2))
    end: dict[str, Any] = {"event_type": EventType.RESOLVED, "occurred_at": after(3), "payload": {}}
    append(ledger, [replace(over, **end)], after(3))
    shown = run("note", " Latest ", "seen", "--at", T.format(9))
    assert detected("new", after(1)).incident_id in shown.stdout
    assert f"latest is {detected('new', after(1)).incident_id}: P2 investigating, T" in shown.stderr
    for key in ("old", "new"):
        run("resolve", detected(key, after(0 if key == "old" else 1)).incident_id, "--at", T.format(10))
    assert over.incident_id in run("show", "latest").stdout
    with pytest.raises(UserError, match="into itself"):
        run("merge", "latest", "latest")


def detected(key: str, at: datetime) -> Event:
    first = event("detected", key=key)
    return replace(first, incident_id=first.incident_id.replace(f"{T0:%H%M%S}", f"{at:%H%M%S}"), occurred_at=at)


def test_the_ids_of_this_module_have_their_time() -> None:
    assert iso_time(detected_at(detected("x", after(1)).incident_id)) == T.format(1)
