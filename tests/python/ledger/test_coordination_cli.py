"""The commands of who works together on an incident: each writes its event once, and says what it wrote."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from incident_ledger.errors import UserError
from incident_ledger.ledger.state import read_events, read_state
from incident_ledger.warehouse import Warehouse

T = "2026-03-02T09:{:02d}:00Z"
ROOM = "https://meet.example.com/room"


def opened(run: Any, title: str = "API down", *, severity: str = "P2", minute: int = 0) -> str:
    return str(run("open", title, "--severity", severity, "--at", T.format(minute)).stdout.split()[1])


def test_who_works_on_it_and_what_it_does_to_whom(run: Any) -> None:
    incident = opened(run)
    acts = [
        ("assign", incident, "Bob  Smith"),
        ("eta", incident, T.format(50), "--text", "two hosts left"),
        ("eta", incident, "--in", "90m"),
        ("impact", incident, "--users", "cannot log in", "--service", "login", "--service", "search"),
        ("impact", incident, "--money", "$5", "--data", "a day is missing"),
        ("action", incident, "rolling back"),
        ("action", incident, "rolling back", "--done"),
        ("war-room", incident, ROOM),
    ]
    for number, act in enumerate(acts, start=1):
        for turn in range(2):
            output = run(*act, "--at", T.format(number), "--actor", "alice").stdout
            assert output.endswith("(was written before)\n") == bool(turn)
    shown = json.loads(run("show", incident, "--json").stdout)
    assert {name: shown[name] for name in ("incident_commander", "war_room_url", "services", "user_impact")} == {
        "incident_commander": "Bob Smith", "war_room_url": ROOM, "services": ["login", "search"],
        "user_impact": "cannot log in",
    }  # fmt: skip
    assert shown["estimated_resolution_time"] == "2026-03-02T10:33:00Z"
    assert [event["event_type"] for event in shown["events"]][2:] == [
        "commander_assigned", "eta_set", "eta_set", "impact_assessed", "impact_assessed", "action_taken",
        "action_taken", "war_room_opened",
    ]  # fmt: skip


def test_the_war_room_of_the_setting_is_the_one_unless_another_is_named(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = opened(run)
    with pytest.raises(UserError, match="INCIDENT_LEDGER_WAR_ROOM_URL"):
        run("war-room", incident)
    monkeypatch.setenv("INCIDENT_LEDGER_WAR_ROOM_URL", ROOM)
    assert f"war_room_opened by alice  url: {ROOM}" in run("war-room", incident, "--actor", "alice").stdout


def test_a_merged_incident_is_open_no_more_until_it_is_split(run: Any, ledger: Warehouse) -> None:
    first, second = opened(run, "One"), opened(run, "Two", minute=1)
    for turn in range(2):
        output = run("merge", second, first, "--at", T.format(5), "--actor", "alice").stdout
        assert output.endswith("(was written before)\n") == bool(turn)
    assert [state.incident_id for state in read_state(ledger, is_open=True)] == [first]
    with pytest.raises(UserError, match=f"merged into {first}; only notes"):
        run("ack", second)
    with pytest.raises(UserError, match=f"{second} was merged into {first}"):
        run("retract", first, "--reason", "a test")
    third = opened(run, "Three", minute=2)
    with pytest.raises(UserError, match=f"incident merge {third} {first}"):
        run("merge", third, second)
    with pytest.raises(UserError, match=f"incident merge {third} {first}"):
        run("merge", first, third)
    for turn in range(2):
        output = run("split", second, "--at", T.format(9), "--actor", "alice").stdout
        assert output.endswith("(was written before)\n") == bool(turn)
    assert {state.incident_id for state in read_state(ledger, is_open=True)} == {first, second, third}
    joined = [item.event for item in read_events(ledger, incident_ids=[first])][2:]
    assert [(each.event_type.value, each.payload["incident_id"]) for each in joined] == [
        ("joined", second), ("note", second),
    ]  # fmt: skip


def test_a_false_alarm_is_open_no_more_until_it_is_reinstated(run: Any, ledger: Warehouse) -> None:
    incident = opened(run)
    run("retract", incident, "--reason", "a test", "--at", T.format(5))
    assert read_state(ledger, is_open=True) == []
    with pytest.raises(UserError, match="is retracted; only notes"):
        run("retract", incident, "--reason", "a test")
    with pytest.raises(UserError, match=f"incident reinstate {incident}"):
        run("ack", incident)
    assert "retracted" in run("list", "--all").stdout
    for turn in range(2):
        output = run("reinstate", incident, "--reason", "none", "--at", T.format(9), "--actor", "alice").stdout
        assert output.endswith("(was written before)\n") == bool(turn)
    assert [state.incident_id for state in read_state(ledger, is_open=True)] == [incident]
    assert "(superseded)" in run("timeline", incident).stdout
    with pytest.raises(UserError, match="investigating, not retracted"):
        run("reinstate", incident, "--reason", "none")


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("assign", "{}", " "), "Name the commander"),
        (("eta", "{}"), "either a TIME, or --in"),
        (("eta", "{}", T.format(30), "--in", "90m"), "either a TIME, or --in"),
        (("eta", "{}", "--in", "soon"), "--in 'soon' is not a span of time; write it as 90m or 2h"),
        (("eta", "{}", "--in", "0m"), "is past"),
        (("eta", "{}", "2026-03-02T10:00:00"), "no time zone"),
        (("eta", "{}", T.format(1)), "is past"),
        (("impact", "{}"), "at least one"),
        (("action", "{}", ""), "needs a text"),
        (("war-room", "{}", "meet.example.com"), "not an address"),
        (("retract", "{}", "--reason", ""), "--reason"),
        (("reinstate", "{}", "--reason", "none"), "not retracted"),
        (("merge", "{}", "{}"), "into itself"),
        (("merge", "{}", "zzz"), "No incident's id begins with zzz"),
        (("split", "{}"), "not merged"),
        (("assign", "INC-2026", "bob"), "may be 2 incidents"),
        (("assign", "{}", "bob", "--at", "2026-03-02T08:00:00Z"), "before"),
        (("assign", "{}", "bob", "--at", "2999-01-01T00:00:00Z"), "in the future"),
    ],
)
def test_nonsense_is_refused_and_nothing_written(
    run: Any, ledger: Warehouse, args: tuple[str, ...], message: str
) -> None:
    incident = opened(run)
    opened(run, "Two")
    with pytest.raises(UserError, match=message):
        run(*(arg.format(incident) for arg in args))
    assert [state.event_count for state in read_state(ledger)] == [2, 2]


def test_eight_at_once_are_one_event(at_once: Callable[..., list[list[Any]]], ledger: Warehouse) -> None:
    at_once("open", "API down", "--severity", "P2", "--component", "api:x")
    at_once("open", "API down", "--severity", "P2", "--component", "api:y")
    one, two = (state.incident_id for state in read_state(ledger))
    acts = [("assign", one, "bob"), ("war-room", one, ROOM), ("merge", one, two), ("split", one)]
    acts += [("retract", one, "--reason", "a test"), ("reinstate", one, "--reason", "none")]
    for act in acts:
        output = at_once(*act)
        assert sorted(error for _, error, _ in output) == ["NoneType", *["UserError"] * 7], output
    events = [item.event.event_type.value for item in read_events(ledger, incident_ids=[one])]
    assert events[2:] == ["commander_assigned", "war_room_opened", "merged", "split", "retracted", "note"]
