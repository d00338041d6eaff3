"""Slack by a bot's token, as `chat.postMessage` receives it: what follows of an incident answers its first message."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from apprise.plugins.slack import NotifySlack

from incident_ledger.ledger.events import Event
from incident_ledger.ledger.state import state_reading
from incident_ledger.ledger.writer import append
from incident_ledger.notify.channels.base import Outcome, ThreadedChannel
from incident_ledger.notify.channels.registry import channels
from incident_ledger.notify.delivery import Delivery
from incident_ledger.notify.service import notify, outlook_reading
from incident_ledger.settings import Settings
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.reading import read
from notify.helpers import KEY, MINUTE, POLICY, START, TITLE, detected, event, resolved
from notify.servers import Hook, webhook
from notify.test_mail import envelope

# As https://docs.slack.dev/reference/methods/chat.postMessage describes the arguments that are used here.
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["channel"],
    "anyOf": [{"required": ["text"]}, {"required": ["blocks"]}, {"required": ["attachments"]}],
    "additionalProperties": False,
    "properties": {
        "channel": {"type": "string", "minLength": 1},
        "text": {"type": "string", "maxLength": 40_000},
        "blocks": {"type": "array", "maxItems": 50},
        "attachments": {"type": "array", "maxItems": 100, "items": {"type": "object"}},
        "mrkdwn": {"type": "boolean"},
        "icon_url": {"type": "string"},
        "username": {"type": "string"},
        "thread_ts": {"type": "string", "pattern": r"^[0-9]+\.[0-9]+$"},
        "reply_broadcast": {"type": "boolean"},
    },
    "dependentRequired": {"reply_broadcast": ["thread_ts"]},
}
URL = "slack://xoxb-1234-1234-abcd/#incidents/#finance"
BEGINNING = event("detected", severity="P1", title=TITLE, components=[KEY])


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    """Slack's address, on this machine: it takes each message and answers with its `ts`."""

    def reply(body: dict[str, Any]) -> bytes:
        jsonschema.validate(body, SCHEMA)
        return json.dumps({"ok": True, "channel": "C1", "ts": f"1772442000.{len(found.bodies):06}"}).encode()

    with webhook() as found:
        found.reply = reply
        monkeypatch.setattr(NotifySlack, "api_url", f"http://127.0.0.1:{found.port}/api/{{}}")
        yield found


def posted(hook: Hook) -> list[tuple[str, str | None, bool]]:
    """Of each post its channel, the thread that it answers, and whether the channel shows it as well."""
    return [(body["channel"], body.get("thread_ts"), "reply_broadcast" in body) for body in hook.bodies]


def test_what_follows_answers_the_first_message_of_each_target(hook: Hook) -> None:
    (channel,) = channels(Settings(channels=URL), 5.0)
    first, second = channel.send(envelope(detected("P1"))), channel.send(envelope(resolved("P1")))
    assert (first.outcome, second.outcome) == (Outcome.SENT, Outcome.SENT)
    threads = {body["channel"]: f"1772442000.{number:06}" for number, body in enumerate(hook.bodies[:2], start=1)}
    assert set(threads) == {"#incidents", "#finance"}
    assert (first.thread, second.thread) == (threads, None)
    assert posted(hook) == [
        *((target, None, False) for target in threads),
        *((target, ts, True) for target, ts in threads.items()),
    ]
    assert {header["Authorization"] for header in hook.headers} == {"Bearer xoxb-1234-1234-abcd"}


def test_an_answer_that_is_no_message_begins_no_thread(hook: Hook) -> None:
    hook.reply = lambda _: b'{"ok": false, "error": "channel_not_found"}'
    (channel,) = channels(Settings(channels=URL), 5.0)
    result = channel.send(envelope(detected("P1")))
    assert (result.outcome, result.thread) == (Outcome.FAILED, None)


def test_an_incoming_webhook_has_no_threads() -> None:
    for url, has_threads in ((URL, True), ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#incidents", False)):
        (channel,) = channels(Settings(channels=url), 5.0)
        assert isinstance(channel, ThreadedChannel) is has_threads


@pytest.fixture
def ledger(ledger: Warehouse) -> Warehouse:
    return with_channels(ledger, "slack://xoxb-1234-1234-abcd/#incidents\nfolder://")


def with_channels(warehouse: Warehouse, urls: str) -> Warehouse:
    settings = Settings(**{**dict(warehouse.settings), "channels": urls})
    return Warehouse(warehouse.client, settings, warehouse.endpoint)


def record(warehouse: Warehouse, *events: Event) -> None:
    append(warehouse, events, max(each.occurred_at for each in events))


def run(warehouse: Warehouse, minutes: float) -> list[Delivery]:
    return notify(warehouse, POLICY, START + minutes * MINUTE)


def acknowledged(minutes: float = 2) -> Event:
    return event("acknowledged", at=START + minutes * MINUTE, text="Looking.")


def test_every_run_finds_the_thread_in_the_outbox(ledger: Warehouse, hook: Hook) -> None:
    record(ledger, BEGINNING)
    run(ledger, 1)
    record(ledger, event("note", at=START + 5 * MINUTE, text="The export was cut.", notify=True))
    run(ledger, 6)
    record(ledger, event("resolved", at=START + 90 * MINUTE))
    run(ledger, 90)
    assert posted(hook) == [
        ("#incidents", None, False),
        ("#incidents", "1772442000.000001", False),
        ("#incidents", "1772442000.000001", True),
    ]


def test_a_beginning_that_is_sent_again_begins_one_thread(ledger: Warehouse, hook: Hook) -> None:
    hook.answers = [(500, {}, 0.0)]
    record(ledger, BEGINNING)
    run(ledger, 1)
    run(ledger, 10)
    record(ledger, event("resolved", at=START + 90 * MINUTE))
    run(ledger, 90)
    assert posted(hook)[1:] == [("#incidents", None, False), ("#incidents", "1772442000.000002", True)]


def test_an_acknowledgement_goes_into_the_thread_alone_and_once(ledger: Warehouse, hook: Hook) -> None:
    record(ledger, BEGINNING, acknowledged())
    assert sorted((each.template, each.channel.partition("-")[0]) for each in run(ledger, 3)) == [
        ("acknowledgement", "slack"), ("critical", "folder"), ("critical", "slack"),
    ]  # fmt: skip
    assert posted(hook)[1:] == [("#incidents", "1772442000.000001", False)]
    assert run(ledger, 4) == []
    record(ledger, event("acknowledged", at=START + 5 * MINUTE, supersedes=acknowledged().event_id))
    assert run(ledger, 6) == []


@pytest.mark.parametrize("urls", ["folder://", "pagerduty://0123456789abcdef0123456789abcdef@token"])
def test_an_acknowledgement_that_no_channel_takes_leaves_nothing_to_do(
    ledger: Warehouse, hook: Hook, urls: str
) -> None:
    """By the routes of the policy a pager gets no P2."""
    place = with_channels(ledger, "folder://")
    record(place, event("detected", severity="P2", title=TITLE, components=[KEY]))
    run(place, 1)
    record(place, acknowledged())
    place = with_channels(ledger, f"{urls}\nfolder://" if urls != "folder://" else urls)
    outlook = read(place, outlook_reading(place, POLICY, START + 3 * MINUTE))
    assert outlook.is_idle(read(place, state_reading(place)))
    assert run(place, 3) == hook.bodies == []


def test_a_vendors_own_acknowledgement_is_sent_to_nobody(ledger: Warehouse, hook: Hook) -> None:
    record(ledger, BEGINNING)
    run(ledger, 1)
    page = Event(**{**vars(acknowledged()), "actor": "statuspage"})
    record(ledger, page)
    assert run(ledger, 3) == []
    assert len(hook.bodies) == 1
