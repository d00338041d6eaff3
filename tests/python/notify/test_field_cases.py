"""Faults that users of neighbouring tools reported of their messages, each as a small trial of ours."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from apprise.plugins.slack import NotifySlack

from incident_ledger.notify.channels.base import Outcome
from incident_ledger.notify.channels.registry import channels
from incident_ledger.notify.delivery import Delivery, deliver
from incident_ledger.notify.messages import compose, first_message_id, header_id
from incident_ledger.notify.queries import channel_findings
from incident_ledger.runner.channel_signals import channel_signals
from incident_ledger.settings import Settings
from incident_ledger.warehouse import Warehouse
from notify.helpers import ID, MINUTE, POLICY, START, detected, enqueue, event, incident, policy_with, resolved
from notify.servers import Hook, smtp_server, webhook
from notify.test_mail import envelope
from notify.test_outbox import with_channels

SECOND = timedelta(seconds=1)
# A wait of the channel's own, and not the policy's, decides.
QUICK = policy_with(delivery_retry_seconds="1")


@pytest.fixture
def hook() -> Iterator[Hook]:
    with webhook() as found:
        yield found


@pytest.fixture
def place(warehouse: Warehouse, hook: Hook) -> Warehouse:
    return with_channels(warehouse, f"hook=json://127.0.0.1:{hook.port}")


def send(place: Warehouse, at: datetime) -> list[Delivery]:
    return deliver(place, place.settings, QUICK, at)


def test_c5_a_wish_to_wait_is_kept_to_the_second(place: Warehouse, hook: Hook) -> None:
    hook.answers = [(429, {"Retry-After": "3"}, 0.0)]
    enqueue(place, [detected("P1")], START)
    assert [each.status for each in send(place, START)] == [Outcome.FAILED]
    assert send(place, START + 2 * SECOND) == []
    assert [each.status for each in send(place, START + 3 * SECOND)] == [Outcome.SENT]
    assert len(hook.bodies) == 2


def test_c5_a_date_to_wait_for_is_kept(place: Warehouse, hook: Hook) -> None:
    now = datetime.now(UTC)
    hook.answers = [(429, {"Retry-After": format_datetime(now + timedelta(minutes=20), usegmt=True)}, 0.0)]
    enqueue(place, [detected("P1")], now)
    assert [each.status for each in send(place, now)] == [Outcome.FAILED]
    assert send(place, now + timedelta(minutes=19)) == []
    assert [each.status for each in send(place, now + timedelta(minutes=20))] == [Outcome.SENT]


def test_c5_a_channel_that_always_asks_to_wait_is_set_aside_and_a_p1_of_monitoring(
    place: Warehouse, hook: Hook
) -> None:
    hook.answers = [(429, {"Retry-After": "1"}, 0.0)] * 20
    enqueue(place, [detected("P1")], START)
    attempts = int(POLICY.limit("delivery_attempts", START))
    times = [START + n * MINUTE for n in range(attempts + 3)]
    assert [len(send(place, at)) for at in times] == [1] * attempts + [0] * 3
    assert len(hook.bodies) == attempts
    found = channel_findings(place, place.settings, POLICY, times[-1])
    assert [(each.channel, each.set_aside) for each in found] == [("hook", 1)]
    assert "429" in str(found[0].last_error)
    (signal,) = channel_signals(found, POLICY, times[-1])
    assert (signal.severity_level, signal.component, signal.ended_at) == ("P1", "channel:hook", None)


@pytest.mark.parametrize(
    "url", ["slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general", "slack://xoxb-1234-1234-abcd/#general"]
)
def test_c6_a_title_and_a_note_mention_nobody_and_name_no_link_in_any_field(
    hook: Hook, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook.reply = lambda _: json.dumps({"ok": True, "ts": "1.2"}).encode() if "xoxb" in url else b"ok"
    monkeypatch.setattr(NotifySlack, "webhook_url", f"http://127.0.0.1:{hook.port}")
    monkeypatch.setattr(NotifySlack, "api_url", f"http://127.0.0.1:{hook.port}/{{}}")
    state = incident(
        "P0", title="<!channel> <https://evil.example/x|All good>", war_room_url="https://meet.example/?a=1&b=2"
    )
    note = event("note", at=START + MINUTE, text="See <@U1> https://bare.example/y", notify=True)
    beginning = event("detected", severity="P0", title=state.title)
    (channel,) = channels(Settings(channels=url), 5.0)
    for cause in (beginning, note):
        (message,) = compose(cause, state, POLICY, START + MINUTE)
        assert channel.send(envelope(message)).outcome is Outcome.SENT
    texts = [text for body in hook.bodies for text in strings(body)]
    assert any("&lt;!channel&gt; &lt;https://evil.example/x|All good&gt;" in text for text in texts)
    assert any("https://meet.example/?a=1&amp;b=2" in text for text in texts)
    assert any("https://bare.example/y" in text for text in texts)
    assert not [text for text in texts if "<" in text or ">" in text]


def strings(value: Any) -> Iterator[str]:
    """Each text of a payload."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for part in value.values() if isinstance(value, dict) else value:
            yield from strings(part)


def test_c8_all_later_mails_answer_the_first_whoever_sends_them_and_whatever_the_title() -> None:
    renamed = incident("P0", title="Another title")
    rise = event("severity_changed", at=START + MINUTE, severity="P0", **{"from": "P1"})
    (update,) = compose(rise, renamed, POLICY, START + MINUTE)
    with smtp_server() as mailbox:
        for message in (detected("P1"), detected("P1"), update, resolved("P0", title="Another title")):
            (machine,) = channels(Settings(channels=f"mailto://127.0.0.1:{mailbox.port}"), 5.0)
            assert machine.send(envelope(message)).outcome is Outcome.SENT
    first = header_id(first_message_id(ID))  # which follows from the incident's id in the ledger
    assert [str(mail["Message-ID"]) for mail in mailbox.mails[:2]] == [first, first]
    assert [str(mail["References"]) for mail in mailbox.mails[2:]] == [first, first]
