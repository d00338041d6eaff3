"""What a tick would cost on BigQuery: statements, megabytes and seconds of the bill, from what goes over the wire."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from benchmark.billing.charges import MB, Bill, total
from benchmark.billing.day_sets import ALL_DAYS
from benchmark.billing.schedule import elapsed
from benchmark.billing.table_sizes import read_sizes
from bills import charges
from conftest import PROJECT_DIR
from incident_ledger.ledger.state import read_state
from incident_ledger.ledger.writer import append
from incident_ledger.policy import load_files
from incident_ledger.response.planner import plan
from incident_ledger.runner.job import Job
from incident_ledger.warehouse import Warehouse, connect
from notify.servers import webhook
from openings import open_incident
from relay import Delay, Relay

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
POLICY = load_files(PROJECT_DIR / "seeds" / "policy")


@pytest.fixture
def relay(endpoint: str) -> Iterator[Relay]:
    with Relay(endpoint) as relay:
        yield relay


@pytest.fixture
def place(ledger: Warehouse, relay: Relay) -> Warehouse:
    """The shared ledger, empty, by way of the relay."""
    return connect(ledger.settings.model_copy(update={"api_endpoint": relay.endpoint}))


# An incident every quarter of an hour of a year ago, each over after ten minutes, and ten messages of each.
OLD_EVENTS = """
    insert into {table} (
        event_id, incident_id, event_type, occurred_at, recorded_at, actor, source, source_key, severity_level, payload
    )
    select
        concat(if(minutes = 0, 'detected-', 'resolved-'), cast(n as string)),
        concat('INC-', format_timestamp('%Y%m%dT%H%M%SZ', detected_at), '-', lpad(cast(n as string), 8, '0')),
        if(minutes = 0, 'detected', 'resolved'),
        timestamp_add(detected_at, interval minutes minute),
        timestamp_add(detected_at, interval minutes minute),
        'tester',
        'test',
        cast(n as string),
        if(minutes = 0, 'P2', null),
        parse_json('{{"title": "T"}}')
    from unnest(generate_array(0, 9999)) as n
    cross join unnest([timestamp_seconds(1740787200 + 900 * n)]) as detected_at
    cross join unnest([0, 10]) as minutes
"""
OLD_MESSAGES = """
    insert into {table} (
        message_id, event_id, incident_id, template, channel, audience, recipients, subject, body_text, body_html,
        created_at, status, attempts, uncertain_attempts, last_attempt_at, sent_at, severity_level
    )
    select
        concat('m', cast(n as string), '-', cast(copy as string)),
        concat(if(copy <= 5, 'detected-', 'resolved-'), cast(n as string)),
        concat('INC-', format_timestamp('%Y%m%dT%H%M%SZ', detected_at), '-', lpad(cast(n as string), 8, '0')),
        'incident',
        'folder',
        'all',
        'ann@example.com',
        'S',
        repeat('x', 200),
        repeat('x', 300),
        detected_at,
        'sent',
        1,
        0,
        detected_at,
        detected_at,
        'P2'
    from unnest(generate_array(0, 9999)) as n
    cross join unnest([timestamp_seconds(1740787200 + 900 * n)]) as detected_at
    cross join unnest(generate_array(1, 10)) as copy
"""


def tick_bill(place: Warehouse, relay: Relay, ledger: Warehouse, minutes: float) -> Bill:
    """The bill of one tick; what the ticks before it asked may be in BigQuery's cache."""
    before = list(relay.requests)
    Job(place, NOW + timedelta(minutes=minutes), command="tick").tick(wait=0)
    return total(charges(relay.requests[len(before) :], ledger, before=before))


def test_an_idle_tick_costs_no_more_than_its_budget(place: Warehouse, relay: Relay, ledger: Warehouse) -> None:
    tick_bill(place, relay, ledger, 0)  # its heartbeat
    bill = tick_bill(place, relay, ledger, 1)
    assert bill.dml == 0
    assert 0 < bill.jobs <= 2, bill
    assert 0 < bill.megabytes <= 80, bill


def test_a_tick_that_sends_one_message_costs_no_more_than_its_budget(
    place: Warehouse, relay: Relay, ledger: Warehouse
) -> None:
    for minutes, key in enumerate(("first", "second")):
        open_incident(ledger, key, NOW)
        # As the command that opens one does.
        append(ledger, plan(read_state(ledger), [], POLICY, NOW), NOW)
        bill = tick_bill(place, relay, ledger, minutes)
    assert 0 < bill.dml <= 5, bill
    assert 0 < bill.jobs <= 7, bill
    assert 0 < bill.megabytes <= 120, bill


def test_a_tick_that_plans_and_sends_on_two_channels_costs_no_more_than_its_budget(
    place: Warehouse, relay: Relay, ledger: Warehouse
) -> None:
    """Beside the message it writes the first clock of what was opened; what was is read once, and the record is last.

    Of this minute, as a scheduler's are: what has an older as-of time asks for the week that is settled as well. What
    is in flight together is so on BigQuery too, where an answer takes its time.
    """
    relay.rule(lambda request: request.method == "GET" and "/tables" in request.path, Delay(0.2))
    relay.rule(lambda request: bool(request.query), Delay(0.8))
    begin = datetime.now(UTC) - timedelta(minutes=2)
    with webhook() as hook:
        channels = SecretStr(f"hook=json://127.0.0.1:{hook.port}\nfolder://")
        two = connect(place.settings.model_copy(update={"channels": channels}))
        for minutes, key in enumerate(("first", "second")):
            open_incident(ledger, key, begin + timedelta(minutes=minutes))
            before = list(relay.requests)
            report = Job(two, begin + timedelta(minutes=minutes), command="tick").tick(wait=0)
            assert report.events
            found = charges(relay.requests[len(before) :], ledger, before=before)
        assert len(hook.bodies) == 2
    bill = total(found)
    assert 0 < bill.dml <= 6, bill
    assert 0 < bill.jobs <= 8, bill
    assert 0 < bill.megabytes <= 140, bill
    assert 0 < elapsed(found) <= 18, bill


def test_an_idle_tick_costs_the_same_with_a_hundred_thousand_old_messages_behind_it(
    place: Warehouse, relay: Relay, ledger: Warehouse
) -> None:
    tick_bill(place, relay, ledger, 0)
    without = tick_bill(place, relay, ledger, 1)
    ledger.execute(OLD_EVENTS.format(table=ledger.raw("incident_events")))
    ledger.execute(OLD_MESSAGES.format(table=ledger.raw("notifications")))
    assert read_sizes(ledger, {}).size(f"{ledger.settings.raw_dataset}.notifications", ALL_DAYS) > 50 * MB
    bill = tick_bill(place, relay, ledger, 2)
    assert bill == without
    assert bill.dml == 0
    assert 0 < bill.megabytes <= 80, bill
