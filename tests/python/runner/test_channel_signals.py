"""A channel that takes no messages is an incident, which the other channels tell of."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from incident_ledger.ledger.state import read_state
from incident_ledger.notify.queries import ChannelFinding
from incident_ledger.policy import load
from incident_ledger.runner.channel_signals import channel_signals
from incident_ledger.runner.job import Job
from incident_ledger.warehouse import Warehouse, connect
from notify.servers import Hook, webhook
from openings import open_incident
from simulated import POLICY

NOW = datetime(2026, 3, 2, 17, tzinfo=UTC)  # after the quiet hours of P3
MINUTE = timedelta(minutes=1)


@pytest.fixture
def hook() -> Iterator[Hook]:
    with webhook() as found:
        yield found


@pytest.fixture
def two_channels(place: Warehouse, hook: Hook, tmp_path: Path) -> Warehouse:
    """The ledger, with a webhook and a folder."""
    address = f"hook=json://127.0.0.1:{hook.port},files=folder://{tmp_path}"
    return connect(place.settings.model_copy(update={"channels": SecretStr(address)}))


def tick(place: Warehouse, minutes: float) -> None:
    Job(place, NOW + minutes * MINUTE, command="tick").tick(wait=0)


def test_a_channel_that_is_set_aside_is_told_of_by_another_until_it_takes_a_message_again(
    two_channels: Warehouse, hook: Hook, tmp_path: Path
) -> None:
    open_incident(two_channels, "k", NOW, severity="P3")
    attempts = int(load(two_channels).limit("delivery_attempts", NOW))
    hook.answers = [(500, {}, 0.0)] * 100
    for number in range(attempts):
        tick(two_channels, 1 + 60 * number)
    assert len(read_state(two_channels)) == 1
    last = 1 + 60 * (attempts - 1)
    tick(two_channels, last + 1)
    (incident,) = [each for each in read_state(two_channels) if each.source == "delivery"]
    assert (incident.severity_level, incident.component) == ("P1", "channel:hook")
    assert incident.detection_time == NOW + last * MINUTE
    mails = [path.read_text() for path in tmp_path.glob("*.eml")]
    assert sum("The channel hook takes no messages" in mail for mail in mails) >= 1
    hook.answers.clear()
    tick(two_channels, last + 120)  # the hook takes what was to be tried again
    tick(two_channels, last + 121)
    (after,) = [each for each in read_state(two_channels) if each.source == "delivery"]
    assert after.resolution_time == NOW + (last + 120) * MINUTE


def finding(*, set_aside: int = 1, **times: datetime) -> ChannelFinding:
    return ChannelFinding(channel="c", waiting=0, set_aside=set_aside, uncertain=0, refused=0, last_error="no", **times)


def test_what_was_set_aside_long_ago_begins_nothing_and_still_ends() -> None:
    """`set_aside` counts what is within the notification window."""
    times = {"set_aside_since": NOW, "set_aside_until": NOW}
    assert list(channel_signals([finding(set_aside=0, **times)], POLICY, NOW)) == []
    (ended,) = channel_signals([finding(set_aside=0, **times, last_sent_at=NOW + MINUTE)], POLICY, NOW)
    assert ended.ended_at == NOW + MINUTE


def test_a_signal_holds_until_the_channel_takes_a_later_message() -> None:
    since, until = NOW, NOW + 10 * MINUTE
    (open_,) = channel_signals([finding(set_aside_since=since, set_aside_until=until)], POLICY, NOW)
    assert (open_.started_at, open_.observed_at, open_.ended_at, open_.severity_level) == (since, until, None, "P1")
    sent_before = finding(set_aside_since=since, set_aside_until=until, last_sent_at=until - MINUTE)
    assert next(channel_signals([sent_before], POLICY, NOW)).ended_at is None
    sent_after = finding(set_aside_since=since, set_aside_until=until, last_sent_at=until + MINUTE)
    assert next(channel_signals([sent_after], POLICY, NOW)).ended_at == until + MINUTE
    assert list(channel_signals([finding()], POLICY, NOW)) == []
