"""Each channel in the documents is one that can be used as it stands there."""

import re

import pytest

from conftest import PROJECT_DIR
from incident_ledger.notify.channels.base import BrokenChannel
from incident_ledger.notify.channels.registry import channels
from incident_ledger.settings import Settings

DOCUMENT = (PROJECT_DIR / "analyses" / "channels.md").read_text(encoding="utf-8")
ADDRESSES = re.findall(r"(?<!`)`([a-z]+://[^`]+/?[^`]*)`(?=\n| for a bot)", DOCUMENT)


def test_every_service_has_its_page() -> None:
    services = {address.partition("://")[0] for address in ADDRESSES}
    assert services == {"mailtos", "pagerduty", "slack", "workflows", "jsons", "folder"}


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_of_the_documents_can_be_used(address: str) -> None:
    (channel,) = channels(Settings(channels=address), 5.0)
    assert not isinstance(channel, BrokenChannel)


def test_the_example_is_three_channels_by_their_names() -> None:
    (example,) = re.findall(r"INCIDENT_LEDGER_CHANNELS='\n(.*?)'", DOCUMENT, re.DOTALL)
    assert [channel.name for channel in channels(Settings(channels=example), 5.0)] == ["mail", "pager", "slack"]
