"""Microsoft Teams, as a workflow's address receives it: a card in which what others say is text and nothing else."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from incident_ledger.notify.channels.base import Outcome
from incident_ledger.notify.channels.registry import channels
from incident_ledger.notify.channels.teams import card
from incident_ledger.settings import Settings
from notify.helpers import detected
from notify.servers import Hook, webhook
from notify.test_mail import envelope
from notify.test_mail_tls import identity

# Of http://adaptivecards.io/schemas/adaptive-card.json what is used here, and the message around it of
# https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using.
RUN: dict[str, Any] = {
    "type": "object",
    "required": ["type", "text"],
    "additionalProperties": False,
    "properties": {
        "type": {"const": "TextRun"},
        "text": {"type": "string"},
        "weight": {"enum": ["Lighter", "Default", "Bolder"]},
        "size": {"enum": ["Small", "Default", "Medium", "Large", "ExtraLarge"]},
    },
}
BLOCK: dict[str, Any] = {
    "type": "object",
    "required": ["type", "inlines"],
    "additionalProperties": False,
    "properties": {
        "type": {"const": "RichTextBlock"},
        "inlines": {"type": "array", "items": RUN, "minItems": 1},
        "spacing": {"enum": ["None", "Small", "Default", "Medium", "Large"]},
    },
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "attachments"],
    "properties": {
        "type": {"const": "message"},
        "attachments": {
            "type": "array",
            "minItems": 1,
            "maxItems": 1,
            "items": {
                "type": "object",
                "required": ["contentType", "content"],
                "properties": {
                    "contentType": {"const": "application/vnd.microsoft.card.adaptive"},
                    "content": {
                        "type": "object",
                        "required": ["type", "version", "body"],
                        "properties": {
                            "type": {"const": "AdaptiveCard"},
                            "version": {"enum": ["1.2", "1.3", "1.4", "1.5"]},
                            "body": {"type": "array", "items": BLOCK, "minItems": 2},
                            "msteams": {"additionalProperties": False, "properties": {"width": {"const": "full"}}},
                        },
                    },
                },
            },
        },
    },
}
HOSTILE = "<at>ann@example.com</at> [All good](https://evil.example) **bold** # head `x` &lt;at&gt;"


@pytest.fixture
def hook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hook]:
    made = identity(tmp_path)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(made.certificate))
    with webhook(made.server) as found:
        yield found


def texts(message: dict[str, Any]) -> list[str]:
    """The lines of a card."""
    blocks = message["attachments"][0]["content"]["body"]
    return ["".join(run["text"] for run in block["inlines"]) for block in blocks]


def test_a_message_is_a_card_in_which_texts_of_others_are_text(hook: Hook) -> None:
    url = f"workflows://127.0.0.1:{hook.port}/643e69f83c8944/signature"
    (channel,) = channels(Settings(channels=url), 5.0)
    message = envelope(detected("P0", title=HOSTILE, description=f"First\n{HOSTILE}"))
    assert channel.send(message).outcome is Outcome.SENT
    (body,) = hook.bodies
    jsonschema.validate(body, SCHEMA)
    lines = texts(body)
    assert lines[0] == message.subject
    assert HOSTILE in lines[0]
    wanted = [line.replace(" ", "\u00a0", len(line) - len(line.lstrip())) for line in message.text.split("\n") if line]
    assert lines[1:] == wanted


def test_what_is_longer_than_teams_takes_is_cut_and_says_so() -> None:
    for body in ("🚨 line\n" * 5_000, "x" * 100_000, "🚨" * 30_000):
        message = card("A title", body)
        jsonschema.validate(message, SCHEMA)
        assert len(json.dumps(message)) < 28_000
        assert any("…" in line for line in texts(message))


def test_what_teams_refuses_has_failed(hook: Hook) -> None:
    hook.answers = [(413, {}, 0.0)]
    url = f"workflows://127.0.0.1:{hook.port}/643e69f83c8944/signature"
    (channel,) = channels(Settings(channels=url), 5.0)
    assert channel.send(envelope(detected("P1"))).outcome is Outcome.FAILED
