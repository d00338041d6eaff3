"""PagerDuty's Events API v2, with Apprise's URL: an alert an incident, acknowledged and resolved with it."""

import requests
from apprise.plugins import pagerduty

from incident_ledger.encoding import one_line, shortened
from incident_ledger.notify.channels.base import Envelope
from incident_ledger.notify.channels.services import ServiceChannel
from incident_ledger.notify.followers import ACKNOWLEDGEMENT

# https://developer.pagerduty.com/docs/send-alert-event: the severities of an alert, and how long its summary may be.
_SEVERITIES = {"P0": "critical", "P1": "error", "P2": "warning", "P3": "info"}
_SUMMARY_CHARACTERS = 1024
_AFTER = ("review", "weekly")  # what is to be done after the end


class PagerDutyChannel(ServiceChannel):
    """An alert an incident, which its messages change, an acknowledgement acknowledges and its end resolves.

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
        server.severity = "info" if is_after else _SEVERITIES.get(envelope.severity_level, "error")
        server.source = "incident-ledger"
        server.details = {
            "incident_id": envelope.incident_id,
            "severity": envelope.severity_level,
            "message_id": envelope.message_id,
            "message": envelope.text,
        }

    def _notify(self, envelope: Envelope) -> bool:
        """Apprise knows no `acknowledge`: that event is sent here, by the rules of every exchange."""
        if envelope.template != ACKNOWLEDGEMENT:
            return super()._notify(envelope)
        event = {
            "routing_key": self._server.integration_key,
            "event_action": "acknowledge",
            "dedup_key": envelope.incident_id,
        }
        response = requests.post(
            pagerduty.PAGERDUTY_API_LOOKUP[self._server.region_name],
            json=event,
            verify=self._server.verify_certificate,
            timeout=self._server.request_timeout,
            allow_redirects=False,
        )
        return response.ok
