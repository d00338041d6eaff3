"""Delivery in batches: the worst first, few statements, channels side by side, nothing lost by who is killed."""

import json
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from incident_ledger.ledger.events import Event, incident_id
from incident_ledger.ledger.writer import append
from incident_ledger.notify import delivery, outbox
from incident_ledger.notify.channels.base import Envelope, Outcome
from incident_ledger.notify.channels.mail import MailChannel
from incident_ledger.notify.channels.registry import channel_names
from incident_ledger.notify.delivery import deliver
from incident_ledger.notify.outbox import new_rows
from incident_ledger.notify.service import notify
from incident_ledger.policy import Policy
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.client import Client
from notify.helpers import MINUTE, POLICY, SOURCE, START, detected, enqueue, event, policy_with
from notify.servers import Hook, Mailbox, peer, smtp_server, webhook
from notify.test_outbox import mail, rows, send, with_channels


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with smtp_server() as server:
        yield server


@pytest.fixture
def hook() -> Iterator[Hook]:
    with webhook() as server:
        yield server


def both(warehouse: Warehouse, mailbox: Mailbox, hook: Hook) -> Warehouse:
    urls = f"mail=mailto://127.0.0.1:{mailbox.port}, hook=json://127.0.0.1:{hook.port}"
    return with_channels(warehouse, urls)


def beginning(key: str, severity: str) -> Event:
    return event("detected", severity=severity, key=key, title=key, components=[key])


@dataclass
class Statements:
    """What is sent to the warehouse, and by which threads. With `left` it is the end before so many more were sent."""

    sent: list[str] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)
    left: int | None = None


class Died(BaseException):
    """The process is gone."""


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> Statements:
    noted = Statements()
    original = Client.query

    def query(client: Client, sql: str, *args: Any, **options: Any) -> Any:
        if noted.left is not None:
            if noted.left == 0:
                raise Died
            noted.left -= 1
        noted.sent.append(sql)
        noted.threads.add(threading.current_thread().name)
        return original(client, sql, *args, **options)

    monkeypatch.setattr(Client, "query", query)
    return noted


@pytest.fixture
def claims(monkeypatch: pytest.MonkeyPatch) -> list[list[tuple[str, str]]]:
    """Incident and channel of what each statement claims."""
    found: list[list[tuple[str, str]]] = []
    write = outbox.write

    def noting(warehouse: Warehouse, given: Any, **options: Any) -> int:
        begun = [row for row in given if row.get("status") == "uncertain"]
        found.append([(row["message_id"], row["channel"]) for row in begun])
        return write(warehouse, given, **options)

    monkeypatch.setattr(outbox, "write", noting)
    return found


def test_fifty_incidents_on_two_channels_take_few_statements_and_the_worst_goes_first_and_alone(
    ledger: Warehouse, mailbox: Mailbox, hook: Hook, statements: Statements, claims: list[list[tuple[str, str]]]
) -> None:
    place = both(ledger, mailbox, hook)
    others = [beginning(f"table:{n}", ("P1", "P2", "P2")[n % 3]) for n in range(49)]
    append(place, [*others[:20], beginning("table:worst", "P0"), *others[20:]], START)
    statements.sent.clear()
    sent = notify(place, POLICY, START)
    assert len(statements.sent) <= 30
    assert statements.threads == {threading.main_thread().name}
    assert Counter((each.channel, each.status) for each in sent) == {("mail", "sent"): 50, ("hook", "sent"): 50}
    assert [len(batch) for batch in claims if batch] == [2, *[10] * 9, 8]
    worst = incident_id(SOURCE, "table:worst", START)
    assert {each.incident_id for each in sent[:2]} == {worst}
    subjects = [str(found["Subject"]) for found in mailbox.mails]
    assert [subject[:13] for subject in subjects] == sorted(subject[:13] for subject in subjects)
    assert "P0" in subjects[0]
    assert len({found["Message-ID"] for found in mailbox.mails}) == 50
    assert {row["status"] for row in rows(place)} == {"sent"}
    assert notify(place, POLICY, START) == []


def recorded(place: Warehouse) -> Counter[str]:
    sql = f"select payload from {place.raw('incident_events')} where event_type = 'notified'"
    payloads = [row["payload"] for row in place.rows(sql)]
    return Counter((json.loads(each) if isinstance(each, str) else each)["outcome"] for each in payloads)


SMALL: Policy = policy_with(delivery_batch_messages="4")
KEYS = {"table:0": "P1", "table:1": "P0", "table:2": "P1"}


def assert_all_was_sent(place: Warehouse, mailbox: Mailbox, hook: Hook, *, repeats: int) -> None:
    """Each message at least once and at most twice on each channel, with one id; no more repeats than a batch has."""
    arrived = Counter(("mail", str(found["Message-ID"])) for found in mailbox.mails)
    arrived += Counter(("hook", body["message_id"]) for body in hook.bodies)
    assert len(arrived) == 2 * len(KEYS)
    assert set(arrived.values()) <= {1, 2}
    assert sum(arrived.values()) - len(arrived) <= repeats
    assert {row["status"] for row in rows(place)} == {"sent"}
    assert recorded(place)["sent"] == 2 * len(KEYS)


def test_whoever_is_killed_before_any_of_its_statements_loses_nothing_and_repeats_a_batch_at_most(
    ledger: Warehouse, mailbox: Mailbox, hook: Hook, statements: Statements
) -> None:
    place = both(ledger, mailbox, hook)
    survived = seam = 0
    while not survived:
        for table in ("incident_events", "notifications"):
            ledger.execute(f"delete from {ledger.raw(table)} where true")
        mailbox.mails.clear()
        hook.bodies.clear()
        append(place, [beginning(key, severity) for key, severity in KEYS.items()], START)
        statements.left = seam
        try:
            notify(place, SMALL, START)
            survived = 1
        except Died:
            seam += 1
        statements.left = None
        notify(place, SMALL, START)
        assert_all_was_sent(place, mailbox, hook, repeats=4)
        assert notify(place, SMALL, START + MINUTE) == []
    assert seam == 6  # what to do; the new ones with a claim; two batches' outcomes, each with its events


@pytest.mark.parametrize("killed_at", [1, 2, 3])
def test_whoever_is_killed_in_the_middle_of_a_batch_loses_nothing_and_repeats_that_batch_at_most(
    ledger: Warehouse, mailbox: Mailbox, hook: Hook, monkeypatch: pytest.MonkeyPatch, killed_at: int
) -> None:
    place = both(ledger, mailbox, hook)
    append(place, [beginning(key, severity) for key, severity in KEYS.items()], START)
    original, count = MailChannel.send, iter(range(1, 100))

    def dying(way: MailChannel, envelope: Envelope) -> Any:
        result = original(way, envelope)
        if next(count) == killed_at:
            raise Died
        return result

    with monkeypatch.context() as patch, pytest.raises(Died):
        patch.setattr(MailChannel, "send", dying)
        notify(place, SMALL, START)
    notify(place, SMALL, START)
    assert_all_was_sent(place, mailbox, hook, repeats=4)


def test_what_was_in_doubt_when_a_run_died_is_not_lost_when_the_next_one_dies_as_well(
    ledger: Warehouse, mailbox: Mailbox, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a batch in doubt each channel repeats one message at a time: only that one is in doubt for good."""
    place = both(ledger, mailbox, hook)
    append(place, [beginning(f"table:{n}", "P1") for n in range(4)], START)
    for _ in range(2):
        with monkeypatch.context() as patch, pytest.raises(Died):
            patch.setattr(delivery, "send_side_by_side", lambda *_: (_ for _ in ()).throw(Died()))
            notify(place, policy_with(delivery_batch_messages="10"), START)
    assert Counter(each["uncertain_attempts"] for each in rows(place)) == {1: 6, 2: 2}
    notify(place, POLICY, START)
    assert Counter(row["status"] for row in rows(place)) == {"sent": 6, "uncertain": 2}


def test_what_was_claimed_and_not_tried_gets_back_what_it_had(warehouse: Warehouse, mailbox: Mailbox) -> None:
    place = mail(warehouse, mailbox)
    mailbox.answers = ["554 no"] * 9
    enqueue(place, [detected("P1", key=f"table:{n}") for n in range(5)], START)
    before = {row["message_id"]: row for row in rows(place)}
    tried = {each.message_id for each in send(place)}
    left = [row for row in rows(place) if row["message_id"] not in tried]
    assert len(left) == 3
    assert [row | {"claim_id": None} for row in left] == [before[row["message_id"]] for row in left]


@pytest.mark.parametrize("state", ["pending", "sent"])
def test_a_new_message_that_another_wrote_meanwhile_is_left_to_it(
    warehouse: Warehouse, mailbox: Mailbox, state: str
) -> None:
    place = mail(warehouse, mailbox)
    mine = new_rows([detected("P1")], channel_names(place.settings), {}, POLICY, START)
    enqueue(place, [detected("P1")], START)
    if state == "sent":
        assert len(send(place)) == 1
    assert deliver(place, place.settings, POLICY, START, new_rows=mine, owed=[]) == []
    assert [row["status"] for row in rows(place)] == [state]
    assert len(mailbox.mails) == (1 if state == "sent" else 0)


def test_a_lost_lease_writes_no_new_message(warehouse: Warehouse, mailbox: Mailbox) -> None:
    place = mail(warehouse, mailbox)
    mine = new_rows([detected("P1")], channel_names(place.settings), {}, POLICY, START)

    def confirm() -> None:
        raise Died

    with pytest.raises(Died):
        deliver(place, place.settings, POLICY, START, new_rows=mine, confirm=confirm)
    assert rows(place) == []


def test_bodies_are_read_of_what_is_sent_alone_and_from_its_days(
    warehouse: Warehouse, mailbox: Mailbox, statements: Statements
) -> None:
    place = mail(warehouse, mailbox)
    enqueue(place, [detected("P1", key="table:waits")], START)
    place.execute(
        f"update {place.raw('notifications')} set status = 'failed', attempts = 1, not_before = @at where true",
        {"at": START + 3 * 24 * 60 * MINUTE},
    )
    enqueue(place, [detected("P1", key="table:due")], START + 24 * 60 * MINUTE)
    statements.sent.clear()
    assert len(send(place, START + 25 * 60 * MINUTE)) == 1
    (bodies,) = [sql for sql in statements.sent if "body_text" in sql and sql.strip().startswith("select")]
    assert "date(created_at) in (date '2026-03-03')" in bodies


def meeting(barrier: threading.Barrier) -> Callable[[socket.socket, threading.Event], None]:
    """Answers once every server has been asked; not at all when that does not happen."""

    def talk(connection: socket.socket, _: threading.Event) -> None:
        try:
            barrier.wait(timeout=15)
        except threading.BrokenBarrierError:
            return
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    return talk


def test_channels_are_sent_to_side_by_side(warehouse: Warehouse) -> None:
    barrier = threading.Barrier(3)
    with peer(meeting(barrier)) as one, peer(meeting(barrier)) as two, peer(meeting(barrier)) as three:
        servers = {"one": one, "two": two, "three": three}
        place = with_channels(
            warehouse, ",".join(f"{name}=json://127.0.0.1:{server.port}" for name, server in servers.items())
        )
        enqueue(place, [detected("P1")], START)
        assert {each.channel: each.status for each in send(place)} == dict.fromkeys(servers, Outcome.SENT)


def test_two_channels_that_drip_take_one_deadline_together(warehouse: Warehouse) -> None:
    """Both are heard before either is cut off."""
    happened: list[str] = []

    def dripping(connection: socket.socket, stopping: threading.Event) -> None:
        happened.append("heard")
        try:
            while not stopping.wait(0.05):
                connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        except OSError:
            happened.append("cut off")

    with peer(dripping) as one, peer(dripping) as two:
        place = with_channels(warehouse, f"one=json://127.0.0.1:{one.port},two=json://127.0.0.1:{two.port}")
        enqueue(place, [detected("P1", key=f"table:{n}") for n in range(3)], START)
        sent = deliver(place, place.settings, policy_with(delivery_timeout_seconds="3"), START)
    assert {(each.channel, each.status) for each in sent} == {("one", Outcome.UNCERTAIN), ("two", Outcome.UNCERTAIN)}
    assert happened[:2] == ["heard", "heard"]
    assert happened.count("heard") == 2


def test_an_error_of_a_channel_is_its_messages_failure_and_no_others(
    warehouse: Warehouse, mailbox: Mailbox, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = both(warehouse, mailbox, hook)
    enqueue(place, [detected("P1", key=f"table:{n}") for n in range(3)], START)
    original, count = MailChannel.send, iter(range(3))

    def breaking(way: MailChannel, envelope: Envelope) -> Any:
        if next(count) == 1:
            raise LookupError(envelope.message_id)
        return original(way, envelope)

    monkeypatch.setattr(MailChannel, "send", breaking)
    found = Counter((each.channel, each.status) for each in send(place))
    assert found == {("mail", "sent"): 2, ("mail", "failed"): 1, ("hook", "sent"): 3}
