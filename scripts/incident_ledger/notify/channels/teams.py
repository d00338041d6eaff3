"""Microsoft Teams by a workflow's address, with Apprise's URL: an adaptive card of which every text is shown as it is.

A `TextBlock`, as Apprise writes one, reads Markdown, and Apprise escapes the body alone; a `TextRun` reads none.
"""

import json
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from apprise import NotifyFormat

from incident_ledger.encoding import shortened
from incident_ledger.notify.channels.base import Envelope
from incident_ledger.notify.channels.services import ServiceChannel

_CARD_BYTES = 24_000  # Teams refuses a message over 28 kB
_SCHEMA = "http://adaptivecards.io/schemas/adaptive-card.json"


class TeamsChannel(ServiceChannel):
    """A card a message. A team's own template of a card (`?template=`) is filled by Apprise, with Markdown escaped."""

    def _prepare(self, envelope: Envelope) -> None:
        super()._prepare(envelope)
        if not self._server.template:
            self._server.notify_format = NotifyFormat.TEXT  # or Apprise escapes the body, and backslashes are seen
            self._server.gen_payload = lambda body, title="", **_: card(title, body)


def card(title: str, body: str) -> dict[str, Any]:
    """The message that a workflow posts: the title, and a block of plain text for each line of the body."""
    blocks = [_block(title, weight="Bolder", size="Large")]
    size = len(json.dumps(blocks))
    for line, is_first in _lines(body):
        block = _block(line, spacing="Medium" if is_first else "None")
        size += len(json.dumps(block))
        if size > _CARD_BYTES:
            blocks.append(_block("… (cut: the message is longer than Teams takes)", spacing="Medium"))
            break
        blocks.append(block)
    content = {
        "$schema": _SCHEMA,
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": blocks,
        "msteams": {"width": "full"},
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": content}
    return {"type": "message", "attachments": [attachment]}


def _lines(body: str) -> Iterator[tuple[str, bool]]:
    """Lines that are not empty, and whether one begins a paragraph."""
    for is_text, lines in groupby(body.split("\n"), key=lambda line: bool(line.strip())):
        if is_text:
            for place, line in enumerate(lines):
                yield line, place == 0


def _block(text: str, *, spacing: str | None = None, **run: str) -> dict[str, Any]:
    """One line. The indent of a continued line stays: a run of blanks would be shown as one."""
    indent = len(text) - len(text.lstrip(" "))
    shown = "\u00a0" * indent + shortened(text[indent:], _CARD_BYTES // 4)
    block: dict[str, Any] = {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": shown, **run}]}
    return block | ({"spacing": spacing} if spacing else {})
