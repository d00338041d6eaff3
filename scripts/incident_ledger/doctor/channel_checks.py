"""Whether messages can leave: the channels as far as that can be checked without sending, and what they owe."""

import os
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from incident_ledger.doctor.findings import Finding, Grade, wrong
from incident_ledger.errors import IncidentLedgerError, UserError
from incident_ledger.policy import Policy
from incident_ledger.settings import Settings
from incident_ledger.variables import PREFIX
from incident_ledger.warehouse import Warehouse

if TYPE_CHECKING:
    from incident_ledger.notify.channels.folder import FolderChannel

CHANNEL_SECONDS = 10.0


def check_channels(settings: Settings) -> Iterator[Finding]:
    """Each channel as far as it can be checked without sending; URLs are never shown."""
    from incident_ledger.notify.channels.base import BrokenChannel
    from incident_ledger.notify.channels.folder import FolderChannel
    from incident_ledger.notify.channels.registry import channels, require_channels

    try:
        require_channels(settings)
    except UserError as error:
        yield wrong("channels", error)
        return
    for channel in channels(settings, CHANNEL_SECONDS):
        if isinstance(channel, FolderChannel):
            yield _check_folder(channel)
            continue
        if isinstance(channel, BrokenChannel):
            remedy = f"Fix that entry of {PREFIX}CHANNELS."
            yield Finding("channels", Grade.WRONG, f"{channel.name}: {channel.reason}", remedy)
            continue
        yield Finding("channels", Grade.OK, f"{channel.name}: its URL can be used; nothing was sent")
    if settings.channels is None:
        return
    if "mailto" in settings.channels.get_secret_value() and settings.mail_from.endswith("@localhost"):
        text = f"mail is sent from {settings.mail_from}, which other servers refuse"
        yield Finding("channels", Grade.WARN, text, f"Let {PREFIX}MAIL_FROM name an address of yours.")


def check_templates(settings: Settings, files: Policy, now: datetime) -> Iterator[Finding]:
    """A team's own templates: whether each replaces one, can be read, and names only fields that there are."""
    from incident_ledger.notify.digest import digest_fields
    from incident_ledger.notify.rendering import DIGEST, Templates
    from incident_ledger.notify.samples import sample_digest, sample_fields

    folder = settings.templates_dir
    if folder is None:
        return
    remedy = "Until then the package's own is sent; incident-ledger notify preview shows what is."
    if not folder.is_dir():
        text = f"{folder}, which {PREFIX}TEMPLATES names, is not a folder"
        yield Finding("templates", Grade.WRONG, text, remedy)
        return
    templates, seen = Templates(folder), dict[str, str]()
    for severity in files.severities:
        for fields in sample_fields(files, severity.severity_level, now):
            seen |= {name: problem for name, problem in templates.problems(fields) if name not in seen}
        fields = digest_fields(sample_digest(files, severity.severity_level, now))
        seen |= dict(templates.problems(fields, of=DIGEST))
    for name, problem in seen.items():
        yield Finding("templates", Grade.WRONG, f"{folder / name}: {problem}", remedy)
    if not seen:
        yield Finding("templates", Grade.OK, f"{folder}: each can be used")


def check_owed(warehouse: Warehouse, files: Policy, now: datetime) -> Iterator[Finding]:
    """Messages that wait for a channel which is no longer set."""
    from incident_ledger.notify.queries import left_behind

    try:
        owed = left_behind(warehouse, files, now)
    except IncidentLedgerError as error:
        yield wrong("outbox", error)
        return
    for channel, count in owed.items():
        text = f"{count} to be sent by {channel}, which the settings no longer name"
        remedy = "The next run sends them by the channels that are set; incident-ledger outbox list shows them."
        yield Finding("outbox", Grade.WARN, text, remedy)


def _check_folder(channel: "FolderChannel") -> Finding:
    folder = channel.folder
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        text = f"{channel.name}: {folder} cannot be written: {there} forbids it"
        remedy = f"Let {PREFIX}LOCAL_DIR, or the folder that {PREFIX}CHANNELS names, be one that can be written."
        return Finding("channels", Grade.WRONG, text, remedy)
    return Finding(
        "channels", Grade.OK, f"{channel.name}: messages become files in {folder}, nothing leaves the machine"
    )
