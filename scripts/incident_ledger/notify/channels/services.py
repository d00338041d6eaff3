"""Every other service of Apprise, which sends by itself; its HTTP exchanges are watched to know how a send ended."""

from typing import Any

from apprise import NotifyFormat, NotifyType

from incident_ledger.encoding import one_line
from incident_ledger.notify.channels.base import Envelope, Outcome, Result, masked
from incident_ledger.notify.channels.exchanges import watch_exchanges

_KINDS = {"critical": NotifyType.FAILURE, "initial": NotifyType.WARNING, "resolution": NotifyType.SUCCESS}


class ServiceChannel:
    """Any other service of Apprise: subject and plain text to the targets of its URL."""

    is_idempotent = False

    def __init__(self, name: str, server: Any, secrets: frozenset[str]) -> None:
        self.name = name
        self._server = server
        self._secrets = secrets

    def send(self, envelope: Envelope) -> Result:
        """Send once. The message's id goes along where the service has a place for it, so that a repeat is known."""
        self._prepare(envelope)
        with watch_exchanges() as exchange:
            try:
                is_sent = self._notify(envelope)
            except Exception as error:
                may_have_arrived = exchange.is_taken or exchange.is_uncertain
                outcome = Outcome.UNCERTAIN if may_have_arrived else Outcome.FAILED
                return Result(outcome, masked(str(error) or type(error).__name__, self._secrets))
        if is_sent and not exchange.redirect:
            return Result(Outcome.SENT)
        reason = exchange.redirect or exchange.error or "the service refused it and did not say why"
        outcome = Outcome.UNCERTAIN if exchange.is_uncertain else Outcome.FAILED
        return Result(outcome, masked(reason, self._secrets), exchange.wait_seconds)

    def _notify(self, envelope: Envelope) -> bool:
        """Whether the service took it. May raise."""
        return bool(
            self._server.notify(
                title=self._title(envelope),
                body=self._body(envelope),
                notify_type=_KINDS.get(envelope.template, NotifyType.INFO),
                body_format=NotifyFormat.TEXT,
            )
        )

    def _title(self, envelope: Envelope) -> str:
        return one_line(envelope.subject)

    def _body(self, envelope: Envelope) -> str:
        return envelope.text

    def _prepare(self, envelope: Envelope) -> None:
        extras = getattr(self._server, "payload_extras", None)
        if isinstance(extras, dict):
            extras["message_id"] = envelope.message_id
        headers = getattr(self._server, "headers", None)
        if isinstance(headers, dict):
            headers["Idempotency-Key"] = envelope.message_id
