"""Slack by a bot's token (`chat.postMessage`), with Apprise's URL: what follows answers an incident's first message.

An incoming webhook cannot: it answers "ok" and not which message it posted, so it is a service like any other.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from apprise.plugins.slack import CHANNEL_RE

from incident_ledger.notify.channels.base import Envelope, Result
from incident_ledger.notify.channels.services import ServiceChannel

# What people who follow no thread are to see as well: it is shown in the channel, too.
_BROADCAST = frozenset({"critical", "initial", "escalation", "war_room", "resolution"})
_OF_MANY = "digest"


class SlackBotChannel(ServiceChannel):
    """A thread an incident and target.

    `threads` are those known, by incident: of each target, as it is posted to, the `ts` of the first message. The
    delivery reads them beforehand. The result of a message that begins a thread has it, for whoever comes next. A
    digest is of many incidents: it answers none and begins none.
    """

    def __init__(self, name: str, server: Any, secrets: frozenset[str]) -> None:
        super().__init__(name, server, secrets)
        self.threads: dict[str, Mapping[str, str]] = {}
        self._targets = tuple(server.channels)

    def send(self, envelope: Envelope) -> Result:
        """Post, as an answer where the thread is known."""
        known = {} if envelope.template == _OF_MANY else self.threads.get(envelope.incident_id, {})
        begun: dict[str, str] = {}
        self._server.channels = [_answering(target, known) for target in self._targets]
        self._server._send = _noting(type(self._server)._send, self._server, begun, envelope.template in _BROADCAST)
        result = super().send(envelope)
        thread = {**begun, **known}
        if envelope.template == _OF_MANY or len(thread) == len(known):
            return result
        self.threads[envelope.incident_id] = thread
        return replace(result, thread=thread)


def _answering(target: str, known: Mapping[str, str]) -> str:
    """A target with the thread that it has: as Apprise writes it, `channel:ts`."""
    thread = known.get(_posted_to(target))
    return f"{target}:{thread}" if thread and ":" not in target else target


def _posted_to(target: str) -> str:
    """What Apprise posts to for a target. Of an address it finds the person: there is no thread."""
    found = CHANNEL_RE.match(target)
    channel = str(found["channel"]) if found else target
    if channel.startswith("+"):
        return channel[1:]
    return channel if channel[:1] in ("#", "@") else f"#{channel}"


def _noting(post: Any, server: Any, begun: dict[str, str], is_broadcast: bool) -> Any:
    """Apprise's `_send`, which notes the `ts` of each first message of a target that Slack took."""

    def send(url: str, payload: dict[str, Any], **more: Any) -> Any:
        if is_broadcast and "thread_ts" in payload:
            payload = {**payload, "reply_broadcast": True}
        answer = post(server, url, payload, **more)
        if isinstance(answer, dict) and isinstance(answer.get("ts"), str) and "thread_ts" not in payload:
            begun.setdefault(str(payload.get("channel")), answer["ts"])
        return answer

    return send
