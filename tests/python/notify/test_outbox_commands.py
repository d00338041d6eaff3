"""`incident-ledger outbox`, as a person and as a machine use it."""

import json
from collections.abc import Iterator

import pytest
from typer.testing import CliRunner

from incident_ledger.cli._app import app
from incident_ledger.cli.actions import outbox as commands
from incident_ledger.errors import UserError
from incident_ledger.notify import service
from incident_ledger.notify.delivery import deliver
from incident_ledger.warehouse import Warehouse
from notify.helpers import POLICY, START, detected, enqueue, resolved
from notify.servers import Mailbox, smtp_server
from notify.test_outbox import mail, rows

BEGINNING = detected("P1")


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with smtp_server() as server:
        yield server


@pytest.fixture
def place(warehouse: Warehouse, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch) -> Warehouse:
    """A warehouse with one failed and one sent mail, which the commands find."""
    found = mail(warehouse, mailbox)
    enqueue(found, [resolved("P2")], START)
    deliver(found, found.settings, POLICY, START)
    enqueue(found, [BEGINNING], START)
    mailbox.answers = ["554 we know {{ 7*7 }} [red]you[/red]"]
    deliver(found, found.settings, POLICY, START)
    monkeypatch.setattr(commands, "_warehouse", lambda: found)
    monkeypatch.setattr(commands, "load_policy", lambda _: POLICY)
    monkeypatch.setattr(service, "notify", lambda one, policy, now: deliver(one, one.settings, policy, now))
    return found


def run(*words: str) -> str:
    result = CliRunner().invoke(app, ["outbox", *words], env={"COLUMNS": "200"})
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.output


@pytest.mark.usefixtures("place")
def test_the_list_shows_what_failed_and_why() -> None:
    shown = run("list")
    assert "failed, 1 attempt: 554 we know {{ 7*7 }} [red]you[/red]" in shown
    assert BEGINNING.message_id[:8] in shown
    assert "INCIDENT-P1" in shown


@pytest.mark.usefixtures("place")
def test_the_list_for_machines_is_json_and_can_be_narrowed() -> None:
    assert len(json.loads(run("list", "--json"))) == 2
    failed = json.loads(run("list", "--json", "--status", "failed"))
    assert [row["message_id"] for row in failed] == [BEGINNING.message_id]
    assert failed[0]["created_at"] == "2026-03-02T09:00:00Z"
    assert json.loads(run("list", "--json", "--incident", "INC-1999")) == []
    with pytest.raises(UserError, match="'lost' is not a status; there are pending, sent, uncertain, failed"):
        run("list", "--status", "lost")


@pytest.mark.usefixtures("place")
def test_a_message_is_shown_as_it_was_sent() -> None:
    shown = run("show", BEGINNING.message_id[:6])
    assert BEGINNING.text in shown
    assert "finance@samba.tv" in shown
    assert run("show", BEGINNING.message_id, "--html").strip() == BEGINNING.html.strip()
    assert json.loads(run("show", BEGINNING.message_id, "--json"))[0]["body_text"] == BEGINNING.text


def test_retry_sends_what_failed_and_nothing_else(place: Warehouse, mailbox: Mailbox) -> None:
    before = len(mailbox.mails)
    shown = run("retry", BEGINNING.message_id[:6], "--as-of", "2026-03-02T09:00:00Z")
    assert "1 to resend." in shown
    assert "sent      mail: [INCIDENT-P1]" in shown
    assert len(mailbox.mails) == before + 1
    assert {row["status"] for row in rows(place)} == {"sent"}
    assert "0 to resend." in run("retry")


@pytest.mark.usefixtures("place")
def test_a_retry_that_fails_again_exits_with_3(mailbox: Mailbox) -> None:
    mailbox.answers = ["554 no"]
    result = CliRunner().invoke(app, ["outbox", "retry", "--json"])
    assert result.exit_code == 3
    assert [(each["status"], each["error"]) for each in json.loads(result.stdout)] == [("failed", "554 no")]


@pytest.mark.usefixtures("place")
def test_an_unknown_channel_is_an_error() -> None:
    with pytest.raises(UserError, match="No channel 'fax' in the settings; there are mail"):
        run("retry", "--channel", "fax")
