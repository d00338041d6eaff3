"""Where messages go: the channels that the settings name, or, outside production, a folder when they name none.

`INCIDENT_LEDGER_CHANNELS` holds Apprise URLs, one a line or joined by commas, each with a name of its own in front if
wanted: `oncall=mailtos://user:password@example.com?smtp=mail.example.com`. A mail channel without recipients of its own
sends to the policy's audience; with `to=` (or `/address` in its path) it sends there alone, which is how to try it.
Without any channel nothing leaves the machine: messages become `.eml` files in `outbox/` of the local folder. In
production that would be a file of a container that is gone in a minute, and "sent": there a folder must be named, by
`folder:///path` or `folder://` for the one above.
"""

import contextlib
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote

from incident_ledger.errors import UserError
from incident_ledger.notify.mime import Envelope, email_bytes
from incident_ledger.private import private_files, private_folder
from incident_ledger.settings import PREFIX, Settings

FOLDER = "folder"
_ENTRY = re.compile(r"(?:(?P<name>[A-Za-z0-9][A-Za-z0-9_-]{0,39})=)?(?P<url>(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://\S*)")
_BETWEEN = re.compile(r"\s*\n\s*|\s*,\s*(?=(?:[A-Za-z0-9][A-Za-z0-9_-]*=)?[A-Za-z][A-Za-z0-9+.-]*://)")
_PASSWORD = re.compile(r"(?<=://)([^:@/?]*):[^@/]*@")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S+")
_ERROR_CHARACTERS = 500


class Outcome(StrEnum):
    """What became of one attempt. `uncertain`: the channel may have taken it and did not say so."""

    SENT = "sent"
    FAILED = "failed"
    UNCERTAIN = "uncertain"


@dataclass(frozen=True)
class Result:
    """One attempt. `error` is for people, without secrets; `wait_seconds` is how long the channel asked to wait.

    `is_late`: it was cut off at the deadline, so that the channel is left alone until the next delivery.
    """

    outcome: Outcome
    error: str | None = None
    wait_seconds: float = 0.0
    is_late: bool = False


class Channel(Protocol):
    """One way out. `is_idempotent`: sending twice leaves what sending once leaves."""

    name: str
    is_idempotent: bool

    def send(self, envelope: Envelope) -> Result:
        """Send once; what goes wrong is in the result and is never raised."""


class FolderChannel:
    """`.eml` files named by message id. Each is written beside its place and moved there, so that none is half."""

    is_idempotent = True

    def __init__(self, folder: Path, sender: str, name: str = FOLDER) -> None:
        self.name = name
        self.folder = folder
        self._sender = sender

    def send(self, envelope: Envelope) -> Result:
        """Write the file, or leave an equal one."""
        target = self.folder / f"{envelope.message_id}.eml"
        try:
            data = email_bytes(envelope, self._sender, envelope.recipients)
            private_folder(self.folder)
            if not target.is_file() or target.read_bytes() != data:
                partial = target.with_suffix(".part")
                with private_files():
                    partial.write_bytes(data)
                partial.replace(target)
        except (OSError, UserError) as error:
            return Result(Outcome.FAILED, str(error))
        return Result(Outcome.SENT)


class BrokenChannel:
    """A channel of the settings that cannot be used. It refuses every message, so that they are kept and it is seen."""

    is_idempotent = True

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason

    def send(self, envelope: Envelope) -> Result:  # noqa: ARG002
        """Refuse."""
        return Result(Outcome.FAILED, self.reason)


def require_channels(settings: Settings) -> None:
    """Raise `UserError` when messages would be sent to nobody: in production, with no channel set."""
    if settings.target == "prod" and not _entries(settings):
        raise UserError(
            f"{PREFIX}TARGET is prod and {PREFIX}CHANNELS names no channel: messages would go to nobody. Name one, "
            "such as mailtos://user:password@smtp.example.com?from=incidents@example.com; to keep them as files, name "
            "a folder that lasts: folder:///srv/incident-ledger/outbox"
        )


def channel_names(settings: Settings) -> list[str]:
    """Names of the channels in the order of the settings."""
    return [entry.name for entry in _entries(settings)] or [FOLDER]


def channels(settings: Settings, timeout: float) -> list[Channel]:
    """The channels in the order of the settings. `timeout` (seconds) holds where a URL gives none (`cto`, `rto`).

    Raises `UserError` where `require_channels` does.
    """
    require_channels(settings)
    entries = _entries(settings) or [_Entry(FOLDER, f"{FOLDER}://", "")]
    if all(_is_folder(entry) for entry in entries):
        return [_folder(entry, settings) for entry in entries]
    from incident_ledger.notify.apprise_channels import open_channel  # Apprise is slow to import

    opened: list[Channel] = []
    for entry in entries:
        if _is_folder(entry):
            opened.append(_folder(entry, settings))
            continue
        channel = None
        with contextlib.suppress(Exception):  # whatever a URL makes of its parser: it cannot be used
            channel = open_channel(entry.name, entry.url, settings.mail_from, timeout) if entry.url else None
        opened.append(channel or BrokenChannel(entry.name, entry.reason))
    return opened


def _is_folder(entry: "_Entry") -> bool:
    return entry.url.lower().startswith(f"{FOLDER}://")


def _folder(entry: "_Entry", settings: Settings) -> FolderChannel:
    path = unquote(entry.url.partition("://")[2])
    return FolderChannel(Path(path) if path else settings.local_path / "outbox", settings.mail_from, entry.name)


@dataclass(frozen=True)
class _Entry:
    name: str
    url: str  # empty when it is none
    reason: str  # said when it cannot be used


def _entries(settings: Settings) -> list[_Entry]:
    text = settings.channels.get_secret_value().strip() if settings.channels else ""
    found: dict[str, _Entry] = {}
    parts = [part.strip(" ,\t") for part in _BETWEEN.split(text)]
    for position, part in enumerate(filter(None, parts), start=1):
        entry = _entry(part, position)
        if entry.name in found:
            reason = f"{PREFIX}CHANNELS names the channel {entry.name} twice; give one of them another name."
            entry = _Entry(f"{entry.name}-{position}", "", reason)
        found[entry.name] = entry
    return list(found.values())


def _entry(text: str, position: int) -> _Entry:
    where = f"{PREFIX}CHANNELS: entry {position} "
    parts = _ENTRY.fullmatch(text)
    if parts is None:
        return _Entry(
            f"channel-{position}", "", f"{where}is no URL (name=scheme://…); it is not shown, it may be secret."
        )
    if parts["scheme"].lower() == FOLDER:
        path = parts["url"].partition("://")[2]
        if path and (not path.startswith("/") or "\0" in unquote(path)):
            return _Entry(parts["name"] or f"channel-{position}", "", f"{where}is no absolute path: {FOLDER}:///path")
        return _Entry(parts["name"] or FOLDER, parts["url"], "")
    # Without the password: a new one is no new channel.
    digest = hashlib.sha256(_PASSWORD.sub(r"\1@", parts["url"]).encode()).hexdigest()[:8]
    reason = f"{where}({parts['scheme']}://…) is no URL that Apprise can use; it is not shown, it may be secret."
    return _Entry(parts["name"] or f"{parts['scheme'].lower()}-{digest}", parts["url"], reason)


def masked(text: str, secrets: Iterable[str] = ()) -> str:
    """An error on one line, without URLs and without any of `secrets`."""
    shown = _URL.sub("<url>", text)
    for secret in sorted(secrets, key=len, reverse=True):
        shown = shown.replace(secret, "***")
    return " ".join(shown.split())[:_ERROR_CHARACTERS]
