"""What all channels have in common: an envelope in, a result out, and no secret in what is written of it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable
from urllib.parse import parse_qsl, unquote, urlsplit

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")
_ERROR_CHARACTERS = 500


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """What a channel sends: one row of the outbox, or an e-mail that is of no incident (`incident_id` is empty).

    `created_at` is the message's own date.
    """

    message_id: str
    incident_id: str
    template: str
    severity_level: str
    recipients: tuple[str, ...]
    subject: str
    text: str
    html: str
    created_at: datetime


class Outcome(StrEnum):
    """What became of one attempt. `uncertain`: the channel may have taken it and did not say so."""

    SENT = "sent"
    FAILED = "failed"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True)
class Result:
    """One attempt. `error` is for people, without secrets; `wait_seconds` is how long the channel asked to wait.

    `is_late`: it was cut off at the deadline, so that the channel is left alone until the next delivery. `thread`: of
    a channel that has threads, the one that the message begins.
    """

    outcome: Outcome
    error: str | None = None
    wait_seconds: float = 0.0
    is_late: bool = False
    thread: Mapping[str, str] | None = None


class Channel(Protocol):
    """One way out. `is_idempotent`: sending twice leaves what sending once leaves."""

    name: str
    is_idempotent: bool

    def send(self, envelope: Envelope) -> Result:
        """Send once; what goes wrong is in the result and is never raised."""


@runtime_checkable
class ThreadedChannel(Channel, Protocol):
    """A channel whose messages answer the first of their incident: `threads` has those that are known, by incident."""

    threads: dict[str, Mapping[str, str]]


class BrokenChannel:
    """A channel of the settings that cannot be used. It refuses every message, so that they are kept and it is seen."""

    is_idempotent = True

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason

    def send(self, envelope: Envelope) -> Result:  # noqa: ARG002
        """Refuse."""
        return Result(Outcome.FAILED, self.reason)


def masked(text: str, secrets: Iterable[str] = ()) -> str:
    """An error on one line, without URLs and without any of `secrets`."""
    shown = _URL.sub("<url>", text)
    for secret in sorted(secrets, key=len, reverse=True):
        shown = shown.replace(secret, "***")
    return " ".join(shown.split())[:_ERROR_CHARACTERS]


def secrets_of(url: str, *, whole: bool) -> frozenset[str]:
    """The parts of a URL that no error may show; `whole`: with user and host, which are tokens of some services."""
    split = urlsplit(url)
    parts = {split.password, *split.path.split("/"), *(value for _, value in parse_qsl(split.query))}
    parts |= {split.username, split.hostname} if whole else set()
    return frozenset(unquote(part) for part in parts if part and len(part) > 3)  # "yes" is no secret
