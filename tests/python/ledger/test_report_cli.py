"""`report weekly`: shown, written to a file, or sent by the channels of mail."""

from collections.abc import Callable
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from typer.testing import Result

from incident_ledger.errors import UserError

WEEK = ("--week", "2026-W10", "--as-of", "2026-03-09T09:00:00Z")


@pytest.fixture
def report(command: Callable[..., Result]) -> Callable[..., Result]:
    """`report weekly` of a week with one P2."""
    command(
        *("incident", "open", "API down", "--severity", "P2", "--at", "2026-03-02T09:00:00Z"),
        *("--actor", "ann", "--no-notify"),
    )
    return lambda *arguments: command("report", "weekly", *WEEK, *arguments)


def test_it_is_shown_with_who_would_get_it(report: Callable[..., Result]) -> None:
    done = report()
    assert "# Weekly review" in done.stdout
    assert "engineering-oncall@samba.tv" in done.stderr
    assert "For ann@example.com;" in report("--to", "ann@example.com").stderr


def test_a_file_is_an_e_mail_and_is_never_replaced(report: Callable[..., Result], tmp_path: Path) -> None:
    path = tmp_path / "week.eml"
    report("--output", str(path), "--to", "ann@example.com")
    mail = message_from_bytes(path.read_bytes(), policy=default)
    assert (mail["To"], mail["Subject"][:24]) == ("ann@example.com", "[INCIDENT] Weekly review")
    with pytest.raises(UserError, match=r"week\.eml is there already"):
        report("--output", str(path))
    with pytest.raises(UserError, match="give one of them"):
        report("--output", str(path), "--send")
    with pytest.raises(UserError, match="is not an e-mail address"):
        report("--to", "ann")


def test_it_is_sent_by_channels_of_mail_alone(
    report: Callable[..., Result], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert report("--send", "--to", "ann@example.com").stdout == "folder: sent\n"
    monkeypatch.setenv("INCIDENT_LEDGER_CHANNELS", f"files=folder://{tmp_path / 'mails'}\nslack://xoxb-1-2-3/%23ops")
    assert report("--send").stdout == "files: sent\n"
    assert len(list((tmp_path / "mails").glob("*.eml"))) == 1
    report("--send")
    assert len(list((tmp_path / "mails").glob("*.eml"))) == 1
    monkeypatch.setenv("INCIDENT_LEDGER_CHANNELS", "slack://xoxb-1-2-3/%23ops")
    with pytest.raises(UserError, match="names no channel of mail"):
        report("--send")
