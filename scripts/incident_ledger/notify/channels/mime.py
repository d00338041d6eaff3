"""A message as an e-mail: text and HTML alternatives, headers that hold a thread together, the same bytes each time."""

from collections.abc import Sequence
from datetime import UTC
from email.errors import MessageError
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime
from typing import Any

from incident_ledger.encoding import one_line
from incident_ledger.errors import UserError
from incident_ledger.notify.channels.base import Envelope
from incident_ledger.notify.messages import first_message_id, header_id


class _MailPolicy(EmailPolicy):
    """Subjects that arrive as they were: Python's own folding doubles blanks and leaves empty encoded words (RFC 2047).

    A plain one stays plain and on one line. Any other is encoded whole, since blanks between such words do not count.
    """

    def header_store_parse(self, name: str, value: Any) -> tuple[str, Any]:
        if name.lower() != "subject":
            return super().header_store_parse(name, value)
        is_plain = value.isascii() and "=?" not in value
        return name, value if is_plain else Header(value, "utf-8", _LINE, header_name=name).encode()


_LINE = 76  # RFC 2047's limit for a line with encoded words
_POLICY = _MailPolicy(linesep="\r\n", refold_source="none")


def email_bytes(envelope: Envelope, sender: str, recipients: Sequence[str], *, cc: Sequence[str] = ()) -> bytes:
    """The mail with CRLF line ends. No clock and no chance: sent again, it is the same mail.

    Raises `UserError` naming the address that is none.
    """
    mail = EmailMessage(policy=_POLICY)
    mail["From"] = address(sender)
    if recipients:
        mail["To"] = [address(each) for each in recipients]
    if cc:
        mail["Cc"] = [address(each) for each in cc]
    mail["Subject"] = one_line(envelope.subject)
    mail["Date"] = format_datetime(envelope.created_at.astimezone(UTC))
    mail["Message-ID"] = header_id(envelope.message_id)
    first = first_message_id(envelope.incident_id) if envelope.incident_id else envelope.message_id
    if envelope.message_id != first and envelope.template != "digest":  # which is of many incidents
        mail["In-Reply-To"] = header_id(first)
        mail["References"] = header_id(first)
    if envelope.incident_id:
        mail["X-Incident-ID"] = one_line(envelope.incident_id)
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    mail.set_content(envelope.text, cte="quoted-printable")
    mail.add_alternative(envelope.html, subtype="html", cte="quoted-printable")
    mail.set_boundary(f"=_{envelope.message_id}")
    return mail.as_bytes()


def address(text: str) -> Address:
    """An address of a mail. Raises `UserError` for what is none."""
    try:
        return Address(addr_spec=text)
    except (ValueError, MessageError, IndexError):
        raise UserError(
            f"{text!r} is not an e-mail address; fix it in seeds/policy/contacts.csv or in the setting."
        ) from None
