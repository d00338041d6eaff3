"""PagerDuty as its Events API v2 receives it: one alert an incident, from its beginning to its end."""

from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from apprise.plugins import pagerduty

from incident_ledger.notify.channels.base import Channel, Outcome
from incident_ledger.notify.channels.registry import channels
from incident_ledger.notify.messages import Message, compose
from incident_ledger.notify.samples import sample_messages
from incident_ledger.settings import Settings
from notify.helpers import MINUTE, POLICY, START, detected, event, incident
from notify.servers import Hook, webhook
from notify.test_mail import envelope

KEY = "r" * 32
# As https://developer.pagerduty.com/docs/send-alert-event describes an event and what is at most taken of it.
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["routing_key", "event_action"],
    "properties": {
        "routing_key": {"type": "string", "minLength": 32, "maxLength": 32},
        "event_action": {"enum": ["trigger", "acknowledge", "resolve"]},
        "dedup_key": {"type": "string", "maxLength": 255},
        "payload": {
            "type": "object",
            "required": ["summary", "source", "severity"],
            "properties": {
                "summary": {"type": "string", "minLength": 1, "maxLength": 1024},
                "source": {"type": "string", "minLength": 1},
                "severity": {"enum": ["critical", "error", "warning", "info"]},
                "component": {"type": "string"},
                "group": {"type": "string"},
                "class": {"type": "string"},
                "custom_details": {"type": "object"},
            },
        },
        "images": {"type": "array", "items": {"type": "object", "required": ["src"]}},
        "links": {"type": "array", "items": {"type": "object", "required": ["href"]}},
    },
    "if": {"properties": {"event_action": {"const": "trigger"}}},
    "then": {"required": ["payload"]},
    "else": {"required": ["dedup_key"]},
}


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    """PagerDuty's address, on this machine."""
    with webhook() as found:
        monkeypatch.setitem(pagerduty.PAGERDUTY_API_LOOKUP, "us", f"http://127.0.0.1:{found.port}/v2/enqueue")
        yield found


def channel() -> Channel:
    return channels(Settings(channels=f"pager=pagerduty://{KEY}@{'a' * 20}"), 5.0)[0]


def sent(hook: Hook, *messages: Message) -> list[dict[str, Any]]:
    pager = channel()
    for message in messages:
        assert pager.send(envelope(message)).outcome is Outcome.SENT
    for body in hook.bodies:
        jsonschema.validate(body, SCHEMA)
    return hook.bodies


def test_every_message_of_an_incident_is_of_one_alert_which_its_end_resolves(hook: Hook) -> None:
    messages = sample_messages(POLICY, "P0", START)
    bodies = sent(hook, *messages)
    found = [
        (message.template, body["event_action"], body["dedup_key"])
        for message, body in zip(messages, bodies, strict=True)
    ]
    incident = messages[0].incident_id
    actions = {"acknowledgement": "acknowledge", "resolution": "resolve"}
    assert [each for each in found if each[0] != "review"] == [
        (message.template, actions.get(message.template, "trigger"), incident)
        for message in messages
        if message.template != "review"
    ]
    assert set(actions) <= {each[0] for each in found}
    assert ("review", "trigger", f"{incident}/review") in found


@pytest.mark.parametrize(
    ("severity", "urgency"), [("P0", "critical"), ("P1", "error"), ("P2", "warning"), ("P3", "info")]
)
def test_the_severity_is_pagerdutys(hook: Hook, severity: str, urgency: str) -> None:
    (body,) = sent(hook, detected(severity))
    assert body["payload"]["severity"] == urgency


def test_the_summary_is_the_subject_and_the_details_are_the_message(hook: Hook) -> None:
    message = detected("P1", title="x" * 5000)
    (body,) = sent(hook, message)
    assert body["payload"]["summary"] == message.subject
    assert body["payload"]["custom_details"]["message"].startswith("🚨 CRITICAL INCIDENT NOTIFICATION")
    assert body["payload"]["custom_details"]["message_id"] == message.message_id


def test_an_acknowledgement_is_the_key_alone(hook: Hook) -> None:
    (acknowledged,) = compose(event("acknowledged", at=START + MINUTE), incident("P1"), POLICY, START + MINUTE)
    (body,) = sent(hook, acknowledged)
    assert body == {"routing_key": KEY, "event_action": "acknowledge", "dedup_key": acknowledged.incident_id}


@pytest.mark.parametrize(("status", "outcome"), [(202, Outcome.SENT), (429, Outcome.FAILED), (500, Outcome.FAILED)])
def test_an_acknowledgement_that_pagerduty_refuses_has_failed(hook: Hook, status: int, outcome: Outcome) -> None:
    hook.answers = [(status, {"Retry-After": "7"} if status == 429 else {}, 0.0)]
    (acknowledged,) = compose(event("acknowledged"), incident("P1"), POLICY, START)
    result = channel().send(envelope(acknowledged))
    assert (result.outcome, result.wait_seconds) == (outcome, 7.0 if status == 429 else 0.0)


def test_a_repeat_has_the_same_key(hook: Hook) -> None:
    first, again = sent(hook, detected("P1"), detected("P1"))
    assert first == again
    assert channel().is_idempotent
