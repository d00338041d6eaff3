"""`--notify`: what a command wrote is sent at once, and a failure to send it undoes nothing."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from incident_ledger.cli._app import app
from incident_ledger.encoding import iso_time
from incident_ledger.errors import ExitCode, UserError
from incident_ledger.ledger.state import read_events, read_state
from incident_ledger.warehouse import Warehouse

ROOM = "https://meet.example.com/room"


def unchecked(*args: str) -> Result:
    return CliRunner().invoke(app, ["incident", *args])


def sent(ledger: Warehouse) -> list[dict[str, Any]]:
    rows = ledger.rows(f"select template, recipients, status from {ledger.raw('notifications')} order by created_at")
    return [dict(row) for row in rows]


def test_a_beginning_at_p0_is_sent_at_once(run: Any, ledger: Warehouse) -> None:
    result = run("open", "API down", "--severity", "P0")
    assert "Sent to engineering-lead@samba.tv, " in result.stderr
    assert "through folder: [INCIDENT-P0] API down" in result.stderr
    assert [each["template"] for each in sent(ledger)] == ["critical"]


@pytest.mark.parametrize(
    ("severity", "more", "number"),
    [("P1", (), 1), ("P2", (), 0), ("P2", ("--notify",), 1), ("P0", ("--no-notify",), 0)],
)
def test_the_severity_decides_unless_the_command_does(
    run: Any, ledger: Warehouse, severity: str, more: tuple[str, ...], number: int
) -> None:
    result = run("open", "API down", "--severity", severity, *more)
    assert len(sent(ledger)) == number
    assert ("Nobody is notified yet." in result.stderr) == (number == 0)


def test_each_command_sends_what_it_wrote_to_whoever_was_notified(run: Any, ledger: Warehouse) -> None:
    opened = json.loads(run("open", "API down", "--severity", "P2", "--notify", "--json").stdout)
    incident = opened["incident_id"]
    assert [each["status"] for each in opened["deliveries"]] == ["sent"]
    assert "--notify sends it to whoever was notified" in run("note", incident, "for us").stderr
    for act in (
        ("note", incident, "seen"),
        ("action", incident, "rolling back"),
        ("eta", incident, "--in", "90m"),
        ("impact", incident, "--users", "cannot log in"),
        ("assign", incident, "bob"),
        ("war-room", incident, ROOM),
        ("status", incident, "identified"),
        ("cause", incident, "deploy"),
        ("contain", incident),
    ):
        assert "[INCIDENT-P2] Update: API down" in run(*act, "--notify").stderr, act
    assert "[INCIDENT-P2] Resolved: API down" in run("resolve", incident, "--notify").stderr
    messages = sent(ledger)
    assert [each["template"] for each in messages] == ["initial", *["progress"] * 9, "resolution"]
    assert len({each["recipients"] for each in messages}) == 1
    asked = [item.event for item in read_events(ledger, incident_ids=[incident]) if item.event.payload.get("notify")]
    assert len(asked) == 10


def test_an_end_soon_after_its_beginning_says_when_it_is_sent(run: Any, ledger: Warehouse) -> None:
    quiet = run("open", "Seen by nobody", "--severity", "P2").stdout.split()[1]
    assert "At once: incident-ledger tick" in run("resolve", quiet).stderr
    incident = run("open", "API down", "--severity", "P2", "--notify").stdout.split()[1]
    begun = read_state(ledger, incident_ids=[incident])[0].detection_time
    hint = run("resolve", incident).stderr
    assert "is notified at" in hint
    at = datetime.fromisoformat(hint.split(" is notified at ")[1].split(": ends")[0])
    assert timedelta(minutes=15) <= at - begun < timedelta(minutes=17)
    assert [each["template"] for each in sent(ledger)].count("resolution") == 1  # of the first, with its beginning


def test_an_acknowledgement_names_the_pager_that_gets_it(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    incidents = [run("open", f"API {n} down", "--severity", "P1", "--no-notify").stdout.split()[1] for n in range(2)]
    assert "acknowledges it through" not in run("ack", incidents[0]).stderr
    monkeypatch.setenv("INCIDENT_LEDGER_CHANNELS", f"pager=pagerduty://{'0' * 32}@token\nfolder://")
    assert "The next run or tick acknowledges it through pager." in run("ack", incidents[1]).stderr


def test_the_same_act_at_the_same_time_is_sent_once(run: Any, ledger: Warehouse) -> None:
    incident = run("open", "API down", "--severity", "P2", "--notify").stdout.split()[1]
    at = iso_time(datetime.now(UTC))
    for turn in range(2):
        result = run("assign", incident, "bob", "--at", at, "--notify", "--actor", "alice")
        assert ("Nothing was sent" in result.stderr) == bool(turn)
    assert [each["template"] for each in sent(ledger)] == ["initial", "progress"]


def test_what_cannot_be_sent_is_written_all_the_same(
    run: Any, ledger: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = run("open", "API down", "--severity", "P2", "--notify").stdout.split()[1]
    monkeypatch.setenv("INCIDENT_LEDGER_CHANNELS", "json://127.0.0.1:9/")  # nobody listens there
    result = unchecked("note", incident, "seen", "--notify")
    assert result.exit_code == ExitCode.OUTSIDE
    assert "note by" in result.stdout
    assert "Not sent (" in result.stderr
    assert any(item.event.payload.get("text") == "seen" for item in read_events(ledger, incident_ids=[incident]))


def test_without_a_channel_a_wish_to_send_is_refused_before_anything_is_written(
    run: Any, ledger: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    incident = run("open", "API down", "--severity", "P2").stdout.split()[1]

    def refuse(_: Any) -> None:
        raise UserError("INCIDENT_LEDGER_CHANNELS names no channel")

    monkeypatch.setattr("incident_ledger.cli.actions.incident_recording.require_channels", refuse)
    monkeypatch.setattr("incident_ledger.runner.notify_now.require_channels", refuse)
    with pytest.raises(UserError, match="INCIDENT_LEDGER_CHANNELS"):
        run("note", incident, "seen", "--notify")
    result = unchecked("open", "Worse", "--severity", "P0")
    assert result.exit_code == ExitCode.OUTSIDE
    assert "Nobody was notified." in result.stderr
    assert {state.title: state.event_count for state in read_state(ledger)}["API down"] == 2
    assert "Worse" in {state.title for state in read_state(ledger)}
