"""`incident-ledger report weekly`."""

from datetime import datetime
from pathlib import Path

from incident_ledger import policy
from incident_ledger.cli._console import err, out, write_text
from incident_ledger.cli.actions.command_context import open_ledger
from incident_ledger.cli.actions.review import read_week
from incident_ledger.encoding import screen_line
from incident_ledger.errors import OutsideError, UserError
from incident_ledger.notify.channels.base import Envelope, Outcome
from incident_ledger.notify.channels.mime import address, email_bytes
from incident_ledger.notify.channels.registry import mail_channels
from incident_ledger.policy import Policy
from incident_ledger.postmortem.weekly_mail import weekly_mail
from incident_ledger.settings import Settings

_TIMEOUT_SECONDS = 30.0


def weekly(week: str | None, to: list[str], *, send: bool, output: Path | None, as_of: str | None) -> None:
    """Show the week's report, write it to a file, or send it. Raises `OutsideError` where a channel failed."""
    if send and output is not None:
        raise UserError("--send and --output: give one of them.")
    for each in to:
        address(each)
    warehouse = open_ledger()
    rules, found = policy.load(warehouse), read_week(warehouse, week, as_of)
    mail = weekly_mail(found, to or _reviewers(rules, found.now))
    if send:
        _send(mail, warehouse.settings)
    elif output is not None:
        _create(output, mail, warehouse.settings)
    else:
        write_text(mail.text, end="")
        err.print(f"For {', '.join(mail.recipients) or 'nobody'}; --send sends it with charts.", soft_wrap=True)


def _reviewers(rules: Policy, now: datetime) -> list[str]:
    """The addresses of who is notified of incidents that are reviewed weekly."""
    levels = dict.fromkeys(row["severity_level"] for row in rules.rows("review_cycles", now))
    contacts = [contact for level in levels for contact in rules.recipients(level, now)]
    return list(dict.fromkeys(contact.email_primary for contact in contacts if contact.email_primary))


def _send(mail: Envelope, settings: Settings) -> None:
    channels = mail_channels(settings, _TIMEOUT_SECONDS)
    if not channels:
        raise UserError("INCIDENT_LEDGER_CHANNELS names no channel of mail: add mailtos://…, or write with --output.")
    failed: list[str] = []
    for channel in channels:
        result = channel.send(mail)
        words = f": {screen_line(result.error)}" if result.error else ""
        if result.outcome is Outcome.SENT:
            out.print(f"{channel.name}: sent{words}", soft_wrap=True)
        else:
            failed.append(f"{channel.name}: {result.outcome.value}{words}")
    if failed:
        raise OutsideError("The report was not sent by every channel: " + "; ".join(failed))


def _create(path: Path, mail: Envelope, settings: Settings) -> None:
    try:
        with path.open("xb") as file:
            file.write(email_bytes(mail, settings.mail_from, mail.recipients))
    except FileExistsError:
        raise UserError(f"{path} is there already. Give another name.") from None
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}") from error
