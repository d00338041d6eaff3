"""The channels that the settings name, or, outside production, a folder when they name none.

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
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from incident_ledger.errors import UserError
from incident_ledger.notify.channels.base import BrokenChannel, Channel
from incident_ledger.notify.channels.folder import FOLDER, FolderChannel
from incident_ledger.settings import Settings
from incident_ledger.variables import PREFIX

_ENTRY = re.compile(r"(?:(?P<name>[A-Za-z0-9][A-Za-z0-9_-]{0,39})=)?(?P<url>(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://\S*)")
_BETWEEN = re.compile(r"\s*\n\s*|\s*,\s*(?=(?:[A-Za-z0-9][A-Za-z0-9_-]*=)?[A-Za-z][A-Za-z0-9+.-]*://)")
_ALERTS = re.compile(r"pagerduty://", re.IGNORECASE)
# A token of a bot begins with xo, after the name that it posts under, if any.
_FOLLOWS = re.compile(r"pagerduty://|slack://([^/?#]*@)?xo", re.IGNORECASE)
_MAIL_SCHEMES = {"mailto", "mailtos"}
_PASSWORD = re.compile(r"(?<=://)([^:@/?]*):[^@/]*@")


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


def follower_names(settings: Settings) -> list[str]:
    """Names of the channels that keep one alert or thread an incident: PagerDuty, and Slack with a bot's token."""
    return [entry.name for entry in _entries(settings) if _FOLLOWS.match(entry.url)]


def alert_names(settings: Settings) -> list[str]:
    """Names of the channels that keep an alert an incident, which its end must resolve."""
    return [entry.name for entry in _entries(settings) if _ALERTS.match(entry.url)]


def channels(settings: Settings, timeout: float) -> list[Channel]:
    """The channels in the order of the settings. `timeout` (seconds) holds where a URL gives none (`cto`, `rto`).

    Raises `UserError` where `require_channels` does.
    """
    return _opened(_required(settings), settings, timeout)


def mail_channels(settings: Settings, timeout: float) -> list[Channel]:
    """Of the channels those that take an e-mail which is of no incident: mail, folders, and what is no URL."""
    mails = [
        entry for entry in _required(settings) if not entry.url or _is_folder(entry) or _scheme(entry) in _MAIL_SCHEMES
    ]
    return _opened(mails, settings, timeout)


def _required(settings: Settings) -> list["_Entry"]:
    require_channels(settings)
    return _entries(settings) or [_Entry(FOLDER, f"{FOLDER}://", "")]


def _opened(entries: Sequence["_Entry"], settings: Settings, timeout: float) -> list[Channel]:
    if all(_is_folder(entry) for entry in entries):
        return [_folder(entry, settings) for entry in entries]
    from incident_ledger.notify.channels.mail import open_mail  # Apprise is slow to import
    from incident_ledger.notify.channels.opening import open_service

    opened: list[Channel] = []
    for entry in entries:
        if _is_folder(entry):
            opened.append(_folder(entry, settings))
            continue
        channel: Channel | None = None
        with contextlib.suppress(Exception):  # whatever a URL makes of its parser: it cannot be used
            if _scheme(entry) in _MAIL_SCHEMES:
                channel = open_mail(entry.name, entry.url, settings.mail_from, timeout)
            elif entry.url:
                channel = open_service(entry.name, entry.url, timeout)
        opened.append(channel or BrokenChannel(entry.name, entry.reason))
    return opened


def _scheme(entry: "_Entry") -> str:
    return entry.url.partition("://")[0].lower()


def _is_folder(entry: "_Entry") -> bool:
    return entry.url.lower().startswith(f"{FOLDER}://")


def _folder(entry: "_Entry", settings: Settings) -> FolderChannel:
    path = unquote(entry.url.partition("://")[2])
    return FolderChannel(Path(path) if path else settings.local_path / "outbox", settings.mail_from, entry.name)


@dataclass(frozen=True)
class _Entry:
    name: str
    url: str  # empty when it is none
    reason: str  # shown when it cannot be used


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
            f"channel-{position}", "", f"{where}is not a URL (name=scheme://…); it is not shown, it may be secret."
        )
    if parts["scheme"].lower() == FOLDER:
        path = parts["url"].partition("://")[2]
        if path and (not path.startswith("/") or "\0" in unquote(path)):
            return _Entry(
                parts["name"] or f"channel-{position}", "", f"{where}is not an absolute path: {FOLDER}:///path"
            )
        return _Entry(parts["name"] or FOLDER, parts["url"], "")
    # Without the password: a new one is no new channel.
    digest = hashlib.sha256(_PASSWORD.sub(r"\1@", parts["url"]).encode()).hexdigest()[:8]
    reason = f"{where}({parts['scheme']}://…) is not a URL that Apprise can use; it is not shown, it may be secret."
    return _Entry(parts["name"] or f"{parts['scheme'].lower()}-{digest}", parts["url"], reason)
