"""Mails as a real SMTP server receives them."""

import socket
import threading
import time
from datetime import timedelta

import pytest

from incident_ledger.notify.channels.base import Channel, Envelope, Outcome
from incident_ledger.notify.channels.registry import channels
from incident_ledger.notify.messages import Message, compose
from incident_ledger.settings import Settings
from notify.helpers import MINUTE, POLICY, START, TITLE, detected, event, incident, resolved
from notify.servers import Mailbox, peer, smtp_server

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:aiosmtpd")


def envelope(message: Message) -> Envelope:
    return Envelope(
        message_id=message.message_id,
        incident_id=message.incident_id,
        template=message.template,
        severity_level=message.severity_level,
        recipients=message.recipients,
        subject=message.subject,
        text=message.text,
        html=message.html,
        created_at=START,
    )


def mail_channel(mailbox: Mailbox, query: str = "", timeout: float = 5.0) -> Channel:
    settings = Settings(channels=f"mailto://127.0.0.1:{mailbox.port}{query}", mail_from="ledger@example.com")
    return channels(settings, timeout)[0]


def test_a_mail_has_text_and_html_alternatives_and_its_headers() -> None:
    message = detected("P1")
    with smtp_server() as mailbox:
        assert mail_channel(mailbox).send(envelope(message)).outcome is Outcome.SENT
    mail = mailbox.mails[0]
    assert mail.get_content_type() == "multipart/alternative"
    text, html = mail.get_body(("plain",)), mail.get_body(("html",))
    assert text is not None and html is not None
    assert text.get_content().replace("\r\n", "\n") == message.text
    assert html.get_content().replace("\r\n", "\n").strip() == message.html.strip()
    assert mail["Subject"] == f"[INCIDENT-P1] {TITLE}"
    assert mail["From"] == "ledger@example.com"
    assert mail["Date"].datetime == START
    assert mail.get_all("Message-ID") == [f"<{message.message_id}@incident-ledger>"]
    assert not mail.defects


def test_the_policys_audience_receives_a_mail_when_the_url_names_nobody() -> None:
    with smtp_server() as mailbox:
        mail_channel(mailbox).send(envelope(detected("P0")))
    assert set(mailbox.recipients[0]) == set(detected("P0").recipients)
    assert len(mailbox.mails) == 1  # one mail to all: one Message-ID
    assert "samba.tv" in mailbox.mails[0]["To"]


@pytest.mark.parametrize("query", ["?to=trial@example.com", "/trial@example.com"])
def test_a_url_with_recipients_overrides_the_audience(query: str) -> None:
    with smtp_server() as mailbox:
        mail_channel(mailbox, query).send(envelope(detected("P0")))
    assert mailbox.recipients == [["trial@example.com"]]
    assert "samba.tv" not in str(mailbox.mails[0]["To"])


def test_blind_copies_are_sent_and_not_shown() -> None:
    with smtp_server() as mailbox:
        mail_channel(mailbox, "?to=a@example.com&cc=b@example.com&bcc=c@example.com").send(envelope(detected()))
    assert mailbox.recipients == [["a@example.com", "b@example.com", "c@example.com"]]
    assert mailbox.mails[0]["Cc"] == "b@example.com"
    assert b"c@example.com" not in mailbox.raw[0]


def test_later_mails_answer_the_first_whatever_the_title() -> None:
    update = compose(
        event("severity_changed", at=START + MINUTE, severity="P0", **{"from": "P1"}),
        incident("P0", title="Now with another title"),
        POLICY,
        START + MINUTE,
    )[0]
    with smtp_server() as mailbox:
        channel = mail_channel(mailbox)
        for message in (detected("P1"), detected("P1"), update, resolved("P0")):
            channel.send(envelope(message))
    first, again, *later = mailbox.mails
    assert first["Message-ID"] == again["Message-ID"]
    assert first["References"] is None
    assert [mail["References"] for mail in later] == [first["Message-ID"]] * 2
    assert [mail["In-Reply-To"] for mail in later] == [first["Message-ID"]] * 2
    assert len({mail["Message-ID"] for mail in later}) == 2


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\u2028", "\x85", "\x0c"])
def test_cr_and_lf_in_a_title_break_no_header(end: str) -> None:
    with smtp_server() as mailbox:
        result = mail_channel(mailbox).send(
            envelope(detected("P2", title=f"a{end}Bcc: evil@example.com{end}{end}body"))
        )
    assert result.outcome is Outcome.SENT
    assert mailbox.mails[0]["Bcc"] is None
    assert mailbox.mails[0]["Subject"] == "[INCIDENT-P2] a Bcc: evil@example.com body"
    assert "evil@example.com" not in mailbox.recipients[0]


@pytest.mark.parametrize("title", ["word " * 30, "größer als früher " * 9, "\U0001f525 " * 70, "x" * 180, "ü" * 180])
def test_a_long_subject_arrives_as_it_was(title: str) -> None:
    message = detected("P2", title=title.strip())
    with smtp_server() as mailbox:
        mail_channel(mailbox).send(envelope(message))
    assert mailbox.mails[0]["Subject"] == message.subject
    assert max(map(len, mailbox.raw[0].split(b"\r\n"))) < 998


def test_a_title_of_100_kb_arrives() -> None:
    message = detected("P1", title="ü" * 51_200)
    with smtp_server() as mailbox:
        assert mail_channel(mailbox).send(envelope(message)).outcome is Outcome.SENT
    text = mailbox.mails[0].get_body(("plain",))
    assert text is not None and "ü" * 51_200 in text.get_content()
    assert len(mailbox.mails[0]["Subject"]) <= 200


def test_a_line_that_is_a_dot_arrives_and_ends_nothing() -> None:
    message = detected("P2", user_impact="above\n.\n..\nQUIT\nbelow")
    with smtp_server() as mailbox:
        mail_channel(mailbox).send(envelope(message))
    text = mailbox.mails[0].get_body(("plain",))
    assert text is not None and "above\n  .\n  ..\n  QUIT\n  below" in text.get_content().replace("\r\n", "\n")


def test_the_same_message_is_the_same_bytes() -> None:
    with smtp_server() as mailbox:
        channel = mail_channel(mailbox)
        channel.send(envelope(detected("P1")))
        time.sleep(1.1)
        channel.send(envelope(detected("P1")))
    bodies = [raw.split(b"From:", 1)[1] for raw in mailbox.raw]  # without what the server put in front
    assert bodies[0] == bodies[1]


def test_a_passing_fault_is_tried_again_at_once() -> None:
    with smtp_server() as mailbox:
        mailbox.answers = ["451 busy", "451 busy"]
        assert mail_channel(mailbox).send(envelope(detected())).outcome is Outcome.SENT
    assert len(mailbox.mails) == 1


def test_a_lasting_refusal_is_not_tried_again() -> None:
    with smtp_server() as mailbox:
        mailbox.answers = ["554 we do not like it", "250 not asked"]
        result = mail_channel(mailbox).send(envelope(detected()))
        assert mailbox.answers == ["250 not asked"]
    assert (result.outcome, result.error) == (Outcome.FAILED, "554 we do not like it")


def test_a_server_that_is_not_there_fails_soon_and_without_secrets() -> None:
    with smtp_server() as mailbox:
        port = mailbox.port
    url = f"mailto://someone:Geheimnis7@127.0.0.1:{port}?from=a@example.com&mode=insecure"
    channel = channels(Settings(channels=url), 5.0)[0]
    begin = time.monotonic()
    result = channel.send(envelope(detected()))
    assert result.outcome is Outcome.FAILED
    assert result.error
    assert "Geheimnis7" not in result.error + channel.name
    assert result.error == f"127.0.0.1:{port}: [Errno 111] Connection refused"
    assert time.monotonic() - begin < 5


def test_a_recipient_who_is_refused_is_named_and_the_others_get_the_mail() -> None:
    with smtp_server() as mailbox:
        mailbox.refused = {"finance@samba.tv"}
        result = mail_channel(mailbox).send(envelope(detected("P1")))
    assert result.outcome is Outcome.SENT
    assert result.error == "refused for finance@samba.tv: 550 no such person"
    assert set(mailbox.recipients[0]) == set(detected("P1").recipients) - {"finance@samba.tv"}


def test_when_all_recipients_are_refused_nothing_was_sent() -> None:
    with smtp_server() as mailbox:
        mailbox.refused = set(detected("P2").recipients)
        assert mail_channel(mailbox).send(envelope(detected("P2"))).outcome is Outcome.FAILED
    assert mailbox.mails == []


def test_an_invalid_address_is_named() -> None:
    broken = detected("P2")
    with smtp_server() as mailbox:
        bad = Envelope(**{**vars(envelope(broken)), "recipients": ("no address\r\nBcc: x@example.com",)})
        result = mail_channel(mailbox).send(bad)
    assert result.outcome is Outcome.FAILED
    assert result.error and "not an e-mail address" in result.error
    assert mailbox.mails == []


def test_a_server_that_takes_the_mail_and_answers_too_late_leaves_it_uncertain() -> None:
    with smtp_server() as mailbox:
        mailbox.answer_after = 2.0
        begin = time.monotonic()
        result = mail_channel(mailbox, timeout=0.5).send(envelope(detected()))
        assert time.monotonic() - begin < 2.0
        assert result.outcome is Outcome.UNCERTAIN
        assert len(mailbox.mails) == 1  # not repeated at once
        mailbox.answer_after = 0.0


def test_a_server_that_takes_the_mail_and_drops_the_connection_leaves_it_uncertain() -> None:
    dots: list[bytes] = []

    def talk(connection: socket.socket, _: threading.Event) -> None:
        connection.sendall(b"220 here\r\n")
        while line := connection.recv(100_000):
            if line.upper().startswith(b"DATA"):
                connection.sendall(b"354 go on\r\n")
            elif line.endswith(b"\r\n.\r\n"):
                dots.append(line)
                return  # the mail is taken, and the connection gone
            else:
                connection.sendall(b"250 ok\r\n")

    with peer(talk, listens_first=False) as server:
        url = f"mailto://127.0.0.1:{server.port}?from=a@example.com"
        result = channels(Settings(channels=url), 2.0)[0].send(envelope(detected()))
        assert len(server.heard) == len(dots) == 1  # not repeated at once
    assert result.outcome is Outcome.UNCERTAIN
    assert result.error and "the server took the mail and did not answer" in result.error


def test_a_server_that_says_nothing_at_all_is_waited_for_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"mailto://127.0.0.1:{silent.getsockname()[1]}?from=a@example.com"
        result = channels(Settings(channels=url), 0.4)[0].send(envelope(detected()))
        silent.setblocking(False)
        silent.accept()[0].close()
        with pytest.raises(BlockingIOError):  # nobody came a second time
            silent.accept()
    assert result.outcome is Outcome.FAILED


@pytest.mark.parametrize(("query", "waits"), [("?cto=0.3", 0.3), ("?cto=5&rto=0.3", 0.3), ("", 0.5)])
def test_the_timeout_is_the_urls_or_the_policys(query: str, waits: float) -> None:
    with smtp_server() as mailbox:
        mailbox.answer_after = 1.5
        begin = time.monotonic()
        assert mail_channel(mailbox, query, timeout=0.5).send(envelope(detected())).outcome is Outcome.UNCERTAIN
        assert waits <= time.monotonic() - begin  # and less than the answer takes, which would be a success
        mailbox.answer_after = 0.0


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")
def test_apprise_logs_in_with_the_urls_user_and_password() -> None:
    with smtp_server(login=("someone", "Geheimnis7")) as mailbox:
        url = f"mailto://{{}}@127.0.0.1:{mailbox.port}?from=a@example.com&mode=insecure"
        good = channels(Settings(channels=url.format("someone:Geheimnis7")), 5.0)[0]
        bad = channels(Settings(channels=url.format("someone:Falsch99")), 5.0)[0]
        assert good.send(envelope(detected())).outcome is Outcome.SENT
        result = bad.send(envelope(detected()))
    assert result.outcome is Outcome.FAILED
    assert result.error and "535" in result.error
    assert len(mailbox.mails) == 1
    assert good.name == bad.name  # a new password is no new channel


def test_dates_are_the_messages_own() -> None:
    later = Envelope(**{**vars(envelope(detected())), "created_at": START + timedelta(days=3)})
    with smtp_server() as mailbox:
        mail_channel(mailbox).send(later)
    assert mailbox.mails[0]["Date"].datetime == START + timedelta(days=3)
