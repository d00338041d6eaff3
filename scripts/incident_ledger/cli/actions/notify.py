"""`incident-ledger notify preview` and `test`."""

import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from incident_ledger.cli._console import err, out, write_text
from incident_ledger.encoding import screen_line
from incident_ledger.errors import OutsideError, UserError
from incident_ledger.notify.channels.base import Envelope, Outcome
from incident_ledger.notify.channels.registry import channels
from incident_ledger.notify.digest import digest_fields
from incident_ledger.notify.messages import Message
from incident_ledger.notify.rendering import DIGEST, Templates
from incident_ledger.notify.samples import sample_digest, sample_messages
from incident_ledger.policy import load_files
from incident_ledger.settings import load_settings

_TIMEOUT_SECONDS = 30.0
_SUBJECT = "[TEST] Incident Ledger reaches you"
_TEXT = (
    "This is a test. No incident was opened, and nothing is to be done.\n\n"
    "Whoever reads this would be notified of incidents by this channel.\n"
)


def preview(template: str | None, severity: str, html: bool) -> None:
    """Show the messages of an incident that never was."""
    settings = load_settings()
    policy = load_files(settings.project_dir / "seeds" / "policy")
    policy.severity(severity)
    templates = Templates.of(settings)
    found = sample_messages(policy, severity, datetime.now(UTC), templates)
    found.append(_digest(sample_digest(policy, severity, datetime.now(UTC)), found[0], templates))
    chosen = [message for message in found if template in (None, message.template)]
    if not chosen:
        known = ", ".join(message.template for message in found) or "none"
        raise UserError(f"The policy has no message {template!r} for a {severity}; there are {known}.")
    if html:
        if len(chosen) > 1:
            names = ", ".join(message.template for message in chosen)
            raise UserError(f"--html shows one template; name one of {names}.")
        write_text(chosen[0].html, end="")
        return
    for number, message in enumerate(chosen):
        if number:
            write_text("")
        to = ", ".join(message.recipients) or "nobody"
        out.print(f"{message.template}, to {message.audience}: {to}", style="dim", soft_wrap=True)
        write_text(f"Subject: {message.subject}\n\n{message.text}", end="")


def _digest(rows: list[dict[str, Any]], sample: Message, templates: Templates) -> Message:
    fields = digest_fields(rows)
    return replace(
        sample,
        template=DIGEST,
        subject=fields["subject"],
        text=templates.text(DIGEST, fields),
        html=templates.html(DIGEST, fields),
    )


def test(channel: str | None, to: list[str]) -> None:
    """Send one message that says that it is a test through each channel. Raises `OutsideError` where one failed."""
    settings = load_settings()
    found = channels(settings, _TIMEOUT_SECONDS)
    chosen = [each for each in found if channel in (None, each.name)]
    if not chosen:
        raise UserError(f"There is no channel {channel!r}; there are {', '.join(each.name for each in found)}.")
    failed: list[str] = []
    now = datetime.now(UTC)
    for each in chosen:
        message_id = str(uuid.uuid4())
        envelope = Envelope(
            message_id=message_id,
            incident_id=f"TEST-{message_id[:8]}",
            template="test",
            severity_level="",
            recipients=tuple(to),
            subject=_SUBJECT,
            text=_TEXT,
            html=f"<p>{_TEXT}</p>",
            created_at=now,
        )
        result = each.send(envelope)
        words = f": {screen_line(result.error)}" if result.error else ""
        if result.outcome is Outcome.SENT:
            out.print(f"{each.name}: sent{words}", soft_wrap=True)
        else:
            failed.append(each.name)
            err.print(f"{each.name}: {result.outcome.value}{words}", soft_wrap=True)
    if failed:
        raise OutsideError(f"{len(failed)} of {len(chosen)} channels did not take the test: {', '.join(failed)}.")
