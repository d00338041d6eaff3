"""Every other service of Apprise, which sends by itself; its HTTP exchanges are watched to know how a send ended."""

from typing import Any
from urllib.parse import parse_qsl, urlsplit

from apprise import Apprise, NotifyFormat, NotifyType
from apprise.plugins.pagerduty import NotifyPagerDuty

from incident_ledger.encoding import one_line, shortened
from incident_ledger.notify.channels.base import Channel, Envelope, Outcome, Result, masked, secrets_of
from incident_ledger.notify.channels.exchanges import watch_exchanges

# https://developer.pagerduty.com/docs/send-alert-event: the severities of an alert, and how long its summary may be.
_PAGERDUTY_SEVERITIES = {"P0": "critical", "P1": "error", "P2": "warning", "P3": "info"}
_SUMMARY_CHARACTERS = 1024
_AFTER = ("review", "weekly")  # what is to be done after the end
_KINDS = {"critical": NotifyType.FAILURE, "initial": NotifyType.WARNING, "resolution": NotifyType.SUCCESS}


def open_service(name: str, url: str, timeout: float) -> Channel | None:
    """The channel of an Apprise URL, which sends nothing yet; None when Apprise cannot use it."""
    server = Apprise.instantiate(url, suppress_exceptions=True)
    if not server:
        return None
    given = dict(parse_qsl(urlsplit(url).query))
    server.socket_connect_timeout = server.socket_connect_timeout if "cto" in given else timeout
    server.socket_read_timeout = server.socket_read_timeout if "rto" in given else timeout
    kind = PagerDutyChannel if isinstance(server, NotifyPagerDuty) else ServiceChannel
    return kind(name, server, secrets_of(url, whole=True))


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
                is_sent = self._server.notify(
                    title=self._title(envelope),
                    body=self._body(envelope),
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


class PagerDutyChannel(ServiceChannel):
    """PagerDuty's Events API v2: an alert an incident, which its messages change and its end resolves.

    Of one incident all messages have one `dedup_key`, so that a repeat, a rise or an escalation joins the alert that
    there is. What is to be done after the end is an alert of its own, or it would open that of the incident again; so
    is a digest, which is of many.
    """

    is_idempotent = True  # PagerDuty takes what has the key of an open alert as a line of its log

    def _title(self, _: Envelope) -> str:
        return ""  # Apprise would put it before the body

    def _body(self, envelope: Envelope) -> str:
        return shortened(one_line(envelope.subject), _SUMMARY_CHARACTERS)

    def _prepare(self, envelope: Envelope) -> None:
        server, is_after = self._server, envelope.template in _AFTER
        own = dict.fromkeys(_AFTER, f"{envelope.incident_id}/review") | {"digest": envelope.message_id}
        server.dedup = own.get(envelope.template, envelope.incident_id)
        server.action = "resolve" if envelope.template == "resolution" else "trigger"
        server.severity = "info" if is_after else _PAGERDUTY_SEVERITIES.get(envelope.severity_level, "error")
        server.source = "incident-ledger"
        server.details = {
            "incident_id": envelope.incident_id,
            "severity": envelope.severity_level,
            "message_id": envelope.message_id,
            "message": envelope.text,
        }
