"""Services of Apprise other than mail, as a real HTTP server receives them."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import requests

from incident_ledger.notify.channels.base import Channel, Outcome, masked
from incident_ledger.notify.channels.registry import channels
from incident_ledger.settings import Settings
from notify.helpers import detected, resolved
from notify.servers import Hook, webhook
from notify.test_mail import envelope


def hook_channel(hook: Hook, timeout: float = 5.0) -> Channel:
    return channels(Settings(channels=f"hook=json://127.0.0.1:{hook.port}/path"), timeout)[0]


def test_a_webhook_gets_subject_text_and_the_messages_id() -> None:
    message = detected("P1")
    with webhook() as hook:
        assert hook_channel(hook).send(envelope(message)).outcome is Outcome.SENT
    assert hook.bodies[0]["title"] == message.subject
    assert hook.bodies[0]["message"].strip() == message.text.strip()
    assert hook.bodies[0]["message_id"] == hook.headers[0]["Idempotency-Key"] == message.message_id


def test_a_webhook_that_answers_too_late_leaves_it_uncertain() -> None:
    with webhook() as hook:
        hook.answers = [(200, {}, 3.0)]
        begin = time.monotonic()
        result = hook_channel(hook, timeout=0.5).send(envelope(detected()))
        assert time.monotonic() - begin < 2.5
    assert result.outcome is Outcome.UNCERTAIN
    assert len(hook.bodies) == 1


@pytest.mark.parametrize("status", [400, 401, 404, 500, 503])
def test_a_webhook_that_refuses_has_failed(status: int) -> None:
    with webhook() as hook:
        hook.answers = [(status, {}, 0.0)]
        result = hook_channel(hook).send(envelope(detected()))
    assert result.outcome is Outcome.FAILED
    assert result.error and str(status) in result.error


def test_a_wait_in_seconds_or_until_a_date_is_kept() -> None:
    until = datetime.now(UTC) + timedelta(seconds=60)
    with webhook() as hook:
        hook.answers = [
            (429, {"Retry-After": "3"}, 0.0),
            (429, {"Retry-After": format_datetime(until, usegmt=True)}, 0.0),
            (429, {"Retry-After": "soon"}, 0.0),
        ]
        channel = hook_channel(hook)
        waits = [channel.send(envelope(detected())).wait_seconds for _ in range(3)]
    assert waits[0] == 3.0
    assert 50 < waits[1] <= 60
    assert waits[2] == 0.0


def test_a_webhook_that_is_not_there_has_failed_and_is_not_uncertain() -> None:
    with webhook() as hook:
        port = hook.port
    url = f"json://user:Geheimnis7@127.0.0.1:{port}/tok3nt0ken"
    result = channels(Settings(channels=url), 5.0)[0].send(envelope(detected()))
    assert result.outcome is Outcome.FAILED
    assert result.error
    assert not any(secret in result.error for secret in ("Geheimnis7", "tok3nt0ken"))


def test_errors_are_masked() -> None:
    text = masked("cannot post to https://hooks.example/T000/B000/XXXX with s3cret-t0ken\n", {"s3cret-t0ken"})
    assert text == "cannot post to <url> with ***"


def test_slack_gets_no_mention_and_no_named_link(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []

    def answer(_: requests.Session, request: requests.PreparedRequest, **__: Any) -> requests.Response:
        body = request.body or b""
        sent.append(body if isinstance(body, str) else body.decode())
        response = requests.Response()
        response.status_code, response._content = 200, b"ok"
        return response

    monkeypatch.setattr(requests.Session, "send", answer)
    title = "<!channel> <https://evil.example/x|All good> @here"
    message = detected("P0", title=title, war_room_url="https://meet.example/?a=1&b=2")
    url = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general"
    channel = channels(Settings(channels=url), 5.0)[0]
    assert channel.send(envelope(message)).outcome is Outcome.SENT
    assert sent
    for body in sent:
        assert "<!channel" not in body
        assert "<https://evil" not in body
        assert "&lt;!channel&gt;" in body
        assert "https://meet.example/?a=1&amp;b=2" in body


def test_every_kind_of_message_goes_to_a_service() -> None:
    with webhook() as hook:
        channel = hook_channel(hook)
        for message in (detected("P1"), detected("P3"), resolved("P1")):
            assert channel.send(envelope(message)).outcome is Outcome.SENT
    assert [body["type"] for body in hook.bodies] == ["failure", "warning", "success"]
