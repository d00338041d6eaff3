"""`incident` on the command line: one event a command."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from email.parser import BytesParser
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from incident_ledger.cli._app import app
from incident_ledger.errors import UserError
from incident_ledger.ledger.state import read_events, read_state
from incident_ledger.runner.job import Job
from incident_ledger.warehouse import Warehouse
from ledger.test_writer import NASTY

T = "2026-03-02T09:{:02d}:00Z"


def test_an_incident_from_its_opening_to_its_cause(run: Any, ledger: Warehouse) -> None:
    output = run("open", "API down", "--severity", "P2", "--component", "api:anthropic", "--at", T.format(0),
               "--start", "2026-03-02T08:50:00Z", "--actor", "alice").stdout  # fmt: skip
    incident = output.split()[1]
    assert output.startswith(f"2026-03-02T09:00:00Z {incident} detected P2 by alice")
    run("ack", incident, "--at", T.format(4))
    run("status", incident[4:], "identified", "--at", T.format(5))
    run("severity", incident, "P1", "--reason", "more users", "--at", T.format(6))
    run("contain", incident, "--at", T.format(10))
    run("note", incident, "two\nlines", "--at", T.format(11))
    run("resolve", incident, "--at", T.format(30), "--text", "rolled back")
    run("cause", incident, "deploy", "--at", T.format(40))
    shown = json.loads(run("show", incident, "--json").stdout)
    minutes = {name: shown[f"{name}_minutes"] for name in ("mttd", "mtta", "mttc", "mttr", "age")}
    assert minutes == {"mttd": 10.0, "mtta": 4.0, "mttc": 10.0, "mttr": 30.0, "age": None}
    assert (shown["status"], shown["severity_level"], shown["root_cause_category"]) == ("resolved", "P1", "deploy")
    assert [event["event_type"] for event in shown["events"]] == [
        "detected", "escalated", "acknowledged", "status_changed", "severity_changed", "status_changed", "note",
        "resolved", "root_cause_identified",
    ]  # fmt: skip
    text = run("show", incident).stdout
    assert "mttr             30.000 minutes" in text
    assert "text: two lines" in text
    assert len(read_events(ledger, incident_ids=[incident])) == 9


def test_list_shows_the_open_ones_and_all_shows_all(run: Any) -> None:
    for title, severity in (("One", "P3"), ("Two", "P0"), ("Three", "P2")):
        run("open", title, "--severity", severity, "--at", T.format(0), "--no-notify")
    third = next(line for line in run("list").stdout.splitlines() if "Three" in line).split()[0]
    run("resolve", third, "--at", T.format(1))
    as_of = "2026-03-03T11:00:00Z"
    listed = json.loads(run("list", "--json", "--as-of", as_of).stdout)
    assert {item["title"] for item in listed} == {"One", "Two"}
    assert {item["age_minutes"] for item in listed} == {1560.0}
    assert {item["mttr_minutes"] for item in listed} == {None}
    lines = run("list").stdout.splitlines()
    assert "Two" in lines[1]
    assert "One" in lines[2]
    assert len(json.loads(run("list", "--all", "--json").stdout)) == 3


def test_as_of_sets_the_clock_and_shows_what_is_recorded_now(run: Any) -> None:
    incident = run("open", "API down", "--severity", "P2", "--at", T.format(0)).stdout.split()[1]
    run("severity", incident, "P0", "--at", T.format(20))
    (listed,) = json.loads(run("list", "--json", "--as-of", T.format(10)).stdout)
    shown = json.loads(run("show", incident, "--json", "--as-of", T.format(10)).stdout)
    assert (listed["severity_level"], listed["age_minutes"]) == ("P0", 10.0)
    assert (shown["severity_level"], shown["age_minutes"]) == ("P0", 10.0)


@pytest.mark.parametrize(
    ("command", "says"),
    [
        (
            ("incident", "list"),
            "shown as they are recorded now: it only sets the clock, and leaves out what was detected",
        ),
        (("incident", "show"), "shown as they are recorded now: it only sets the clock."),
        (("run",), "shown, and make the alarm, as they are recorded now: it only sets the clock, and leaves out"),
        (("tick",), "shown, and make the alarm, as they are recorded now: it only sets the clock, and leaves out"),
    ],
)
def test_help_says_that_as_of_derives_no_past_state(command: tuple[str, ...], says: str) -> None:
    help_text = CliRunner().invoke(app, [*command, "--help"]).stdout
    assert says in " ".join(help_text.replace("│", " ").split())


def test_second_opening_of_what_is_open_names_it_and_new_opens_another(run: Any, ledger: Warehouse) -> None:
    first = run("open", "API down", "--severity", "P2", "--component", "api:x", "--at", T.format(0)).stdout.split()[1]
    again = run("open", " api DOWN", "--severity", "P1", "--component", "api:x", "--at", T.format(9))
    assert again.stdout == f"{first} is open already, since 2026-03-02T09:00:00Z: P2 investigating, API down\n"
    assert "Nothing was opened." in again.stderr
    assert f"For P1: incident severity {first} P1." in again.stderr
    event = json.loads(run("open", "API down", "--severity", "P2", "--component", "api:x", "--json").stdout)
    assert (event["incident_id"], event["event_type"], event["is_new"]) == (first, "detected", False)
    assert len(read_state(ledger)) == 1
    run("open", "API down", "--severity", "P2", "--component", "api:y", "--at", T.format(9))
    run("open", "API down", "--severity", "P2", "--component", "api:x", "--at", T.format(10), "--new")
    assert len(read_state(ledger)) == 3


def test_what_was_resolved_is_opened_again(run: Any, ledger: Warehouse) -> None:
    first = run("open", "API down", "--severity", "P2", "--at", T.format(0)).stdout.split()[1]
    run("resolve", first, "--at", T.format(5))
    run("open", "API down", "--severity", "P2", "--at", T.format(9))
    assert [state.is_open for state in read_state(ledger)] == [False, True]


def test_opening_shows_who_is_notified_when_and_by_which_command(run: Any) -> None:
    opened = run("open", "API down", "--severity", "P0", "--at", T.format(0), "--no-notify")
    assert len(opened.stdout.splitlines()) == 1
    output = " ".join(opened.stderr.split())
    assert "Nobody is notified yet. The next run or tick notifies All stakeholders (" in output
    assert "finance@samba.tv" in output
    assert "through folder. At once: incident-ledger tick" in output
    assert f"An answer is due by 2026-03-02 09:05Z: incident-ledger incident ack {opened.stdout.split()[1]}" in output


def test_the_same_act_of_one_person_at_one_time_is_one_event(run: Any, ledger: Warehouse) -> None:
    incident = run("open", "API down", "--severity", "P2", "--at", T.format(0)).stdout.split()[1]
    acts = [
        ("ack", incident, "--text", "on it"),
        ("status", incident, "identified"),
        ("severity", incident, "P1", "--reason", "worse"),
        ("cause", incident, "deploy"),
        ("note", incident, "seen"),
        ("resolve", incident, "--text", "rolled back"),
        ("reopen", incident),
        ("status", incident, "resolved"),
    ]
    for number, act in enumerate(acts, start=1):
        for turn in range(2):
            output = run(*act, "--at", T.format(number), "--actor", "alice").stdout
            assert output.endswith("(was written before)\n") == bool(turn)
    assert len(read_events(ledger, incident_ids=[incident])) == len(("detected", "escalated", *acts))
    with pytest.raises(UserError, match="resolved already"):
        run("resolve", incident, "--at", T.format(8), "--actor", "bob")


def test_eight_openings_at_once_are_one_incident_and_one_message(
    at_once: Callable[..., list[list[Any]]], ledger: Warehouse
) -> None:
    output = at_once("open", "API down", "--severity", "P1", "--component", "api:x")
    assert {code for code, _, _ in output} == {0}, output
    assert sum("is open already" in shown for _, _, shown in output) == 7
    (state,) = read_state(ledger)
    assert [item.event.event_type.value for item in read_events(ledger, incident_ids=[state.incident_id])] == [
        "detected",
        "escalated",
        "notified",
    ]
    assert Job(ledger, datetime.now(UTC), command="tick").tick().delivered == []  # who opened it has sent it
    (row,) = ledger.rows(f"select message_id from {ledger.raw('notifications')}")
    files = [BytesParser().parsebytes(file.read_bytes()) for file in outbox(ledger).glob("*.eml")]
    assert sum(str(mail["Message-ID"]).startswith(f"<{row['message_id']}@") for mail in files) == 1
    assert sum(state.incident_id in mail.as_string() for mail in files) == 1
    assert Job(ledger, datetime.now(UTC), command="tick").tick().delivered == []


def test_eight_of_one_act_at_once_are_one_event(at_once: Callable[..., list[list[Any]]], ledger: Warehouse) -> None:
    """Each command is given to eight at once, after the one before it; all but one of them learn that it is done."""
    at_once("open", "API down", "--severity", "P2", "--component", "api:x")
    (incident,) = (state.incident_id for state in read_state(ledger))
    acts = [("severity", "P1"), ("status", "identified"), ("resolve",), ("reopen",), ("status", "resolved")]
    for act, *value in acts:
        output = at_once(act, incident, *value)
        assert sorted(error for _, error, _ in output) == ["NoneType", *["UserError"] * 7], output
    events = [item.event.event_type.value for item in read_events(ledger, incident_ids=[incident])]
    assert events == ["detected", "escalated", "severity_changed", "status_changed", "resolved", "reopened", "resolved"]


def outbox(ledger: Warehouse) -> Path:
    return ledger.settings.local_path / "outbox"


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("ack", "zzz"), "No incident's id begins with zzz"),
        (("status", "{}", "monitoring"), "is unknown"),
        (("severity", "{}", "P5"), "is unknown"),
        (("resolve", "{}", "--at", "2026-03-02T08:00:00Z"), "before"),
        (("resolve", "{}", "--at", "2999-01-01T00:00:00Z"), "in the future"),
        (("resolve", "{}", "--at", "2026-03-02T10:00:00"), "no time zone"),
        (("resolve", "{}", "--at", "yesterday"), "is not a time"),
        (("open", "X", "--severity", "critical"), "is unknown"),
    ],
)
def test_nonsense_is_refused_and_nothing_written(
    run: Any, ledger: Warehouse, args: tuple[str, ...], message: str
) -> None:
    incident = run("open", "API down", "--severity", "P2", "--at", T.format(0)).stdout.split()[1]
    with pytest.raises(UserError, match=message):
        run(*(arg.format(incident) for arg in args))
    assert [state.event_count for state in read_state(ledger)] == [2]  # the opening and what fell due at it


def test_a_note_comes_back_by_sql_to_the_byte(run: Any, ledger: Warehouse) -> None:
    incident = run("open", NASTY, "--severity", "P2", "--at", T.format(0)).stdout.split()[1]
    run("note", incident, "--at", T.format(1), "--", NASTY)
    query = f"""
        select title, (select max(json_value(payload, '$.text')) from {ledger.raw("incident_events")}) as note
        from {ledger.mart("incident_state")}
    """
    result = CliRunner().invoke(app, ["sql", query, "--format", "json"])
    assert result.exit_code == 0, result.output
    (row,) = json.loads(result.stdout_bytes)
    assert row["title"].encode() == row["note"].encode() == NASTY.encode()
    assert "{{ 7*7 }} {% raw %} -- @event" in run("show", incident).stdout


def test_every_command_can_answer_in_json(run: Any) -> None:
    event = json.loads(run("open", "Ünïcode 🚨", "--severity", "P2", "--at", T.format(0), "--json").stdout)
    assert (event["event_type"], event["payload"]["title"]) == ("detected", "Ünïcode 🚨")
    noted = json.loads(run("note", event["incident_id"], "x", "--at", T.format(1), "--json").stdout)
    assert noted["occurred_at"] == "2026-03-02T09:01:00.000000Z"


def test_what_is_recorded_afterwards_is_compared_with_the_state_of_then(run: Any) -> None:
    """P2 from 09:00 and P0 from 09:20; resolving from 09:40."""
    incident = run("open", "API down", "--severity", "P2", "--at", T.format(0)).stdout.split()[1]
    run("severity", incident, "P0", "--at", T.format(20))
    run("status", incident, "resolving", "--at", T.format(40))
    assert "from: P2" in run("severity", incident, "P1", "--at", T.format(10)).stdout
    for args, message in (
        (("severity", incident, "P0", "--at", T.format(30)), r"is P0 already \(at 2026-03-02T09:30:00Z\)"),
        (("severity", incident, "P1", "--at", T.format(15)), r"is P1 already \(at 2026-03-02T09:15:00Z\)"),
        (("status", incident, "resolving", "--at", T.format(50)), r"is resolving already \(at 2026-03-02T09:50:00Z\)"),
    ):
        with pytest.raises(UserError, match=message):
            run(*args)
    run("contain", incident, "--at", T.format(35))  # contained earlier than was thought
    shown = json.loads(run("show", incident, "--json").stdout)
    assert (shown["severity_level"], shown["status"], shown["mttc_minutes"]) == ("P0", "resolving", 35.0)


def test_one_cause_is_one_word_however_it_is_written(run: Any) -> None:
    incident = run("open", "API down", "--severity", "P2", "--at", T.format(0)).stdout.split()[1]
    for written in ("deploy", " Deploy ", "DEPLOY"):
        run("cause", incident, written, "--at", T.format(5))
        shown = json.loads(run("show", incident, "--json").stdout)
        assert shown["root_cause_category"] == "deploy"
    with pytest.raises(UserError, match=r"'bad deploy' is no root cause\. Did you mean deploy\? There are deploy, "):
        run("cause", incident, "Bad  DEPLOY", "--at", T.format(6))
