"""Mail by SMTP, with Apprise's URLs and its session.

Apprise knows mail providers, ports and logins. What a record of delivery needs it keeps to itself: a mail's
`Message-ID` and its second alternative (its `NotifyEmail` makes both), and why a send failed. So Apprise parses the URL
and opens the session, and our own mail is handed over in it.
"""

import contextlib
import smtplib
from typing import Any

from apprise.exception import AppriseException
from apprise.plugins.email.base import NotifyEmail
from apprise.plugins.email.smtp import AppriseSMTPController
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from incident_ledger.notify.channels.base import Channel, Envelope, Outcome, Result, masked, secrets_of
from incident_ledger.notify.channels.mime import email_bytes

_TRIES = 3  # within one delivery; the policy's attempts are across runs


class _PassingError(Exception):
    """Nothing was handed over, and the next moment may be better."""


class _UncertainError(Exception):
    """All was handed over, and no answer came."""


def open_mail(name: str, url: str, sender: str, timeout: float) -> Channel | None:
    parsed = NotifyEmail.parse_url(url)
    server = _mail_server(parsed, sender) if parsed else None
    if server is None:
        return None
    connect = server.socket_connect_timeout if "cto" in parsed["qsd"] else timeout
    read = server.socket_read_timeout if "rto" in parsed["qsd"] else connect
    return MailChannel(name, server, bool(parsed["targets"]), (connect, read), secrets_of(url, whole=False))


def _mail_server(parsed: dict[str, Any], sender: str) -> NotifyEmail | None:
    """Apprise's server; from `sender` where the URL says nobody, or nobody who could be one (`user` at an address)."""
    given = parsed.get("from_addr")
    for from_addr in (given, sender) if given or parsed.get("user") else (sender,):
        with contextlib.suppress(AppriseException, TypeError):
            return NotifyEmail(**{**parsed, "from_addr": from_addr})
    return None


class MailChannel:
    """SMTP. One mail a message, to all its recipients, with the Message-ID of the outbox on each attempt."""

    is_idempotent = False

    def __init__(
        self,
        name: str,
        server: NotifyEmail,
        own_recipients: bool,
        timeouts: tuple[float, float],
        secrets: frozenset[str],
    ) -> None:
        self.name = name
        self._server = server
        self._own_recipients = own_recipients
        self._timeouts = timeouts
        self._secrets = secrets

    def send(self, envelope: Envelope) -> Result:
        """Send once. Only what fails before the mail is handed over is tried again at once."""
        server = self._server
        to = tuple(address for _, address in server.targets) if self._own_recipients else envelope.recipients
        sender = server.from_addr[1]
        copies, blind = tuple(sorted(server.cc)), tuple(sorted(server.bcc))
        everybody = tuple(dict.fromkeys((*to, *copies, *blind)))
        if not everybody:
            return Result(Outcome.FAILED, "nobody to send to: the policy names no address for this severity")
        try:
            data = email_bytes(envelope, sender, to, cc=copies)
            refused = _tries()(self._hand_over, sender, everybody, data)
        except _UncertainError as error:
            return Result(Outcome.UNCERTAIN, masked(str(error), self._secrets))
        except Exception as error:
            there = f"{server.smtp_host}:{server.port}: " if _is_about_the_connection(error) else ""
            return Result(Outcome.FAILED, masked(f"{there}{_words(error)}", self._secrets))
        if refused:
            return Result(Outcome.SENT, masked(f"refused for {_words_of_refusals(refused)}", self._secrets))
        return Result(Outcome.SENT)

    def _hand_over(self, sender: str, recipients: tuple[str, ...], data: bytes) -> dict[str, tuple[int, bytes]]:
        server = self._server
        connect, read = self._timeouts
        try:
            with _SmtpSession(
                host=server.smtp_host,
                port=server.port,
                secure_mode=server.secure_mode,
                user=server.user,
                password=server.password,
                verify_certificate=server.verify_certificate,
                socket_connect_timeout=connect,
            ) as session:
                refused: dict[str, tuple[int, bytes]] = session.hand_over(sender, recipients, data, read)
                return refused
        except smtplib.SMTPResponseException as error:
            if 400 <= error.smtp_code < 500:  # RFC 5321: try again later
                raise _PassingError(_words(error)) from error
            raise
        except (ConnectionError, smtplib.SMTPServerDisconnected) as error:
            if isinstance(error.__context__, TimeoutError):
                raise  # the whole timeout was waited already
            raise _PassingError(_words(error)) from error


class _SmtpSession(AppriseSMTPController):  # type: ignore[misc]
    """Apprise's SMTP session (connection, TLS, login), with a hand-over that says where it stopped."""

    def hand_over(
        self, sender: str, recipients: tuple[str, ...], data: bytes, read_timeout: float
    ) -> dict[str, tuple[int, bytes]]:
        """Recipients that were refused, when others were not.

        Raises `_UncertainError` when the mail was under way and no answer came, smtplib's errors otherwise.
        """
        smtp: smtplib.SMTP = self._socket
        if smtp.sock is not None:
            smtp.sock.settimeout(read_timeout)
        smtp.ehlo_or_helo_if_needed()
        code, words = smtp.mail(sender)
        if code != 250:
            raise smtplib.SMTPSenderRefused(code, words, sender)
        answers = {recipient: smtp.rcpt(recipient) for recipient in recipients}
        refused = {recipient: answer for recipient, answer in answers.items() if answer[0] not in {250, 251}}
        if len(refused) == len(recipients):
            raise smtplib.SMTPResponseException(*next(iter(refused.values())))
        code, words = smtp.docmd("DATA")
        if code != 354:
            raise smtplib.SMTPDataError(code, words)
        try:
            smtp.send(_stuffed(data))
            code, words = smtp.getreply()
        except (OSError, smtplib.SMTPServerDisconnected) as error:
            raise _UncertainError(f"the server took the mail and did not answer: {_words(error)}") from error
        if code != 250:
            raise smtplib.SMTPDataError(code, words)
        return refused

    def __exit__(self, *_: object) -> None:
        """Close without waiting for a farewell that may never come."""
        if self._socket is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                if self._socket.sock is not None:
                    self._socket.sock.settimeout(min(self._socket.timeout, 1.0))
                self._socket.quit()
            self._socket.close()


def _tries() -> Retrying:
    return Retrying(
        retry=retry_if_exception_type(_PassingError),
        stop=stop_after_attempt(_TRIES),
        wait=wait_exponential_jitter(initial=0.2, max=2.0, jitter=0.2),
        reraise=True,
    )


def _stuffed(data: bytes) -> bytes:
    """The body of a DATA command: lines that begin with a dot get another, and the end is marked."""
    lines = data.split(b"\r\n")
    stuffed = b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines)
    return stuffed + (b"" if stuffed.endswith(b"\r\n") else b"\r\n") + b".\r\n"


def _words(error: BaseException) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        words = error.smtp_error
        return f"{error.smtp_code} {words.decode('utf-8', 'replace') if isinstance(words, bytes) else words}"
    return str(error) or type(error).__name__


def _is_about_the_connection(error: BaseException) -> bool:
    """Whether no answer of the server is at hand that says whose it is (an `SMTPException` is an `OSError`, too)."""
    cause = error.__cause__ or error
    return isinstance(cause, OSError) and not isinstance(cause, smtplib.SMTPResponseException)


def _words_of_refusals(refused: dict[str, tuple[int, bytes]]) -> str:
    return "; ".join(f"{who}: {code} {words.decode('utf-8', 'replace')}" for who, (code, words) in refused.items())
