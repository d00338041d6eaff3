"""The channel of an Apprise URL: PagerDuty and a Slack bot follow an incident, all others take its messages."""

from urllib.parse import parse_qsl, urlsplit

from apprise import Apprise
from apprise.plugins.pagerduty import NotifyPagerDuty
from apprise.plugins.slack import NotifySlack, SlackMode
from apprise.plugins.workflows import NotifyWorkflows

from incident_ledger.notify.channels.base import Channel, secrets_of
from incident_ledger.notify.channels.pagerduty import PagerDutyChannel
from incident_ledger.notify.channels.services import ServiceChannel
from incident_ledger.notify.channels.slack import SlackBotChannel
from incident_ledger.notify.channels.teams import TeamsChannel


def open_service(name: str, url: str, timeout: float) -> Channel | None:
    """The channel of an Apprise URL, which sends nothing yet; None when Apprise cannot use it."""
    server = Apprise.instantiate(url, suppress_exceptions=True)
    if not server:
        return None
    given = dict(parse_qsl(urlsplit(url).query))
    server.socket_connect_timeout = server.socket_connect_timeout if "cto" in given else timeout
    server.socket_read_timeout = server.socket_read_timeout if "rto" in given else timeout
    kind: type[ServiceChannel] = ServiceChannel
    if isinstance(server, NotifyPagerDuty):
        kind = PagerDutyChannel
    elif isinstance(server, NotifySlack) and server.mode is SlackMode.BOT:
        kind = SlackBotChannel
    elif isinstance(server, NotifyWorkflows):
        kind = TeamsChannel
    return kind(name, server, secrets_of(url, whole=True))
