"""Every other service of Apprise, which sends by itself; its HTTP exchanges are watched to know how a send ended."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from apprise import Apprise, NotifyFormat, NotifyType

from incident_ledger.encoding import one_line
from incident_ledger.notify.channels.base import Channel, Envelope, Outcome, Result, masked, secrets_of
from incident_ledger.notify.channels.exchanges import watch_exchanges

_KINDS = {"critical": NotifyType.FAILURE, "initial": NotifyType.WARNING, "resolution": NotifyType.SUCCESS}


def open_service(name: str, url: str, timeout: float) -> Channel | None:
    """The channel of an Apprise URL, which sends nothing yet; None when Apprise cannot use it."""
    server = Apprise.instantiate(url, suppress_exceptions=True)
    if not server:
        return None
    given = dict(parse_qsl(urlsplit(url).query))
    server.socket_connect_timeout = server.socket_connect_timeout if "cto" in given else timeout
    server.socket_read_timeout = server.socket_read_timeout if "rto" in given else timeout
    return ServiceChannel(name, server, secrets_of(url, whole=True))


class ServiceChannel:
    """Any other service of Apprise: subject and plain text to the targets of its URL."""

    is_idempotent = False

    def __init__(self, name: str, server: Any, secrets: frozenset[str]) -> None:
        self.name = name
        self._server = server
        self._secrets = secrets

    def send(self, envelope: Envelope) -> Result:
        """Send once. The message's id goes along where the service has a place for it, so that a repeat is known."""
        self._mark(envelope.message_id)
        with watch_exchanges() as exchange:
            try:
                is_sent = self._server.notify(
                    title=one_line(envelope.subject),
                    body=envelope.text,
                    notify_type=_KINDS.get(envelope.template, NotifyType.INFO),
                    body_format=NotifyFormat.TEXT,
                )
            except Exception as error:
                may_have_arrived = exchange.is_taken or exchange.is_uncertain
                outcome = Outcome.UNCERTAIN if may_have_arrived else Outcome.FAILED
                return Result(outcome, masked(str(error) or type(error).__name__, self._secrets))
        if is_sent and not exchange.redirect:
            return Result(Outcome.SENT)
        reason = exchange.redirect or exchange.error or "the service refused it and did not say why"
        outcome = Outcome.UNCERTAIN if exchange.is_uncertain else Outcome.FAILED
        return Result(outcome, masked(reason, self._secrets), exchange.wait_seconds)

    def _mark(self, message_id: str) -> None:
        extras = getattr(self._server, "payload_extras", None)
        if isinstance(extras, dict):
            extras["message_id"] = message_id
        headers = getattr(self._server, "headers", None)
        if isinstance(headers, dict):
            headers["Idempotency-Key"] = message_id
