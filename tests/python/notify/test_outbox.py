"""The outbox in the local warehouse: each message once, retried, recorded, and never lost in silence."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from incident_ledger.errors import UserError
from incident_ledger.notify import delivery, outbox
from incident_ledger.notify.channels.base import Outcome
from incident_ledger.notify.delivery import Delivery, deliver
from incident_ledger.notify.delivery_events import notified_events
from incident_ledger.notify.messages import Message, compose
from incident_ledger.notify.outbox import requeue
from incident_ledger.notify.queries import channel_findings, left_behind, message, messages
from incident_ledger.warehouse import Warehouse
from notify.helpers import MINUTE, POLICY, START, detected, enqueue, event, incident, policy_with, resolved
from notify.servers import Hook, Mailbox, smtp_server, webhook

HOUR = 60 * MINUTE


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with smtp_server() as server:
        yield server


@pytest.fixture
def hook() -> Iterator[Hook]:
    with webhook() as server:
        yield server


def with_channels(warehouse: Warehouse, urls: str) -> Warehouse:
    settings = warehouse.settings.model_copy(update={"channels": SecretStr(urls)})
    return Warehouse(warehouse.client, settings, warehouse.endpoint)


def mail(warehouse: Warehouse, mailbox: Mailbox, query: str = "") -> Warehouse:
    return with_channels(warehouse, f"mail=mailto://127.0.0.1:{mailbox.port}{query}")


def send(warehouse: Warehouse, at: Any = START) -> list[Delivery]:
    return deliver(warehouse, warehouse.settings, POLICY, at)


def rows(warehouse: Warehouse) -> list[dict[str, Any]]:
    sql = f"select * from {warehouse.raw('notifications')} order by created_at, message_id, channel"
    return warehouse.rows(sql)


def eml_files(warehouse: Warehouse) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (warehouse.settings.local_path / "outbox").iterdir()}


def test_without_a_channel_messages_become_files_named_by_their_id(warehouse: Warehouse) -> None:
    beginning = detected("P1")
    assert enqueue(warehouse, [beginning], START) == 1
    assert [each.status for each in send(warehouse)] == [Outcome.SENT]
    assert list(eml_files(warehouse)) == [f"{beginning.message_id}.eml"]
    row = rows(warehouse)[0]
    assert (row["status"], row["attempts"], row["sent_at"], row["last_error"]) == ("sent", 1, START, None)
    assert row["recipients"] == ",".join(beginning.recipients)
    assert (row["channel"], row["audience"]) == ("folder", "Engineering + Finance")


def test_the_folder_of_messages_and_each_of_them_are_their_owners_alone(warehouse: Warehouse, tmp_path: Path) -> None:
    """Both of the local warehouse and one that a channel names, which was there before; whatever the umask."""
    named = tmp_path / "named"
    named.mkdir(mode=0o755)
    before = os.umask(0)
    try:
        for place in (warehouse, with_channels(warehouse, f"folder://{named}")):
            enqueue(place, [detected("P1", key=str(place is warehouse))], START)
            assert [each.status for each in send(place)] == [Outcome.SENT]
    finally:
        os.umask(before)
    for folder in (warehouse.settings.local_path / "outbox", named):
        modes = {path.suffix: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())}
        assert modes == {"": 0o700, ".eml": 0o600}


def test_what_is_enqueued_again_is_not_sent_again(warehouse: Warehouse) -> None:
    assert enqueue(warehouse, [detected("P1"), resolved("P1")], START) == 2
    assert len(send(warehouse)) == 2
    for n in range(3):
        assert enqueue(warehouse, [detected("P1"), resolved("P1")], START + n * MINUTE) == 0
        assert send(warehouse, START + n * HOUR) == []
    assert len(rows(warehouse)) == 2


def test_a_message_goes_to_every_channel(warehouse: Warehouse, mailbox: Mailbox, hook: Hook) -> None:
    urls = f"mail=mailto://127.0.0.1:{mailbox.port}, json://127.0.0.1:{hook.port}/a,\nsecond=json://127.0.0.1:{hook.port}/b"
    both = with_channels(warehouse, urls)
    assert enqueue(both, [detected("P1")], START) == 3
    assert [each.status for each in send(both)] == [Outcome.SENT] * 3
    assert (len(mailbox.mails), len(hook.bodies)) == (1, 2)


def test_the_outbox_holds_any_text_as_it_is(warehouse: Warehouse) -> None:
    title = "it's \"\"\" '''\nC:\\new\\table {{ 7*7 }} {% raw %} -- @event \U0001f525 <b>"
    beginning = detected("P1", title=title, user_impact=title)
    enqueue(warehouse, [beginning], START)
    row = rows(warehouse)[0]
    assert (row["subject"], row["body_text"], row["body_html"]) == (beginning.subject, beginning.text, beginning.html)


def test_messages_larger_than_a_request_are_all_written(warehouse: Warehouse) -> None:
    many = [detected("P1", key=f"table:{n}", title="\U0001f525" * 100_000) for n in range(8)]
    assert enqueue(warehouse, many, START) == 8
    assert len(send(warehouse)) == 8


def test_a_file_that_was_written_before_the_run_died_is_the_same_afterwards(warehouse: Warehouse) -> None:
    enqueue(warehouse, [detected("P1")], START)
    send(warehouse)
    before = eml_files(warehouse)
    warehouse.execute(f"update {warehouse.raw('notifications')} set status = 'pending', attempts = 0 where true")
    assert [each.status for each in send(warehouse, START + HOUR)] == [Outcome.SENT]
    assert eml_files(warehouse) == before


def test_a_failing_server_is_tried_again_by_later_runs(warehouse: Warehouse, mailbox: Mailbox) -> None:
    place = mail(warehouse, mailbox)
    enqueue(place, [detected("P1")], START)
    mailbox.answers = ["554 not now", "554 not now"]
    assert [each.status for each in send(place)] == [Outcome.FAILED]
    assert send(place) == []  # the same moment again: nothing
    assert send(place, START + 59 * MINUTE / 60) == []
    assert [each.status for each in send(place, START + MINUTE)] == [Outcome.FAILED]
    assert send(place, START + 2 * MINUTE) == []  # the wait has doubled
    assert [each.status for each in send(place, START + 3 * MINUTE)] == [Outcome.SENT]
    row = rows(place)[0]
    assert (row["status"], row["attempts"], row["last_error"]) == ("sent", 3, None)
    assert len(mailbox.mails) == 1


def test_after_the_policys_attempts_a_message_is_set_aside_and_shown(warehouse: Warehouse, mailbox: Mailbox) -> None:
    place = mail(warehouse, mailbox)
    enqueue(place, [detected("P1")], START)
    mailbox.answers = ["554 never"] * 20
    times = [START + n * HOUR for n in range(8)]
    assert [len(send(place, at)) for at in times] == [1, 1, 1, 1, 1, 0, 0, 0]
    found = channel_findings(place, place.settings, POLICY, times[-1])
    assert [(each.channel, each.set_aside, each.waiting, each.last_error) for each in found] == [
        ("mail", 1, 0, "554 never")
    ]
    assert "set aside after all attempts" in str(found[0])
    mailbox.answers = []
    assert requeue(place) == 1
    assert [each.status for each in send(place, times[-1])] == [Outcome.SENT]
    assert channel_findings(place, place.settings, POLICY, times[-1]) == []


def test_a_channel_that_waits_is_a_finding(warehouse: Warehouse, mailbox: Mailbox) -> None:
    place = mail(warehouse, mailbox)
    enqueue(place, [detected("P1")], START)
    assert channel_findings(place, place.settings, POLICY, START) == []
    mailbox.answers = ["554 no"]
    send(place)
    found = channel_findings(place, place.settings, POLICY, START)
    assert [(each.channel, each.waiting) for each in found] == [("mail", 1)]


@pytest.mark.parametrize("channel", ["mail", "hook"])
def test_a_late_answer_is_uncertain_and_repeated_once_with_the_same_id(
    warehouse: Warehouse, mailbox: Mailbox, hook: Hook, channel: str
) -> None:
    mailbox.answer_after = 1.2
    hook.answers = [(200, {}, 1.2)] * 5
    if channel == "mail":
        place = mail(warehouse, mailbox, "?cto=0.3")
    else:
        place = with_channels(warehouse, f"hook=json://127.0.0.1:{hook.port}?cto=5&rto=0.3")
    beginning = detected("P1")
    enqueue(place, [beginning], START)
    statuses = [[each.status for each in send(place, START + n * HOUR)] for n in range(5)]
    assert statuses == [[Outcome.UNCERTAIN], [Outcome.UNCERTAIN], [], [], []]
    if channel == "mail":
        assert [each["Message-ID"] for each in mailbox.mails] == [f"<{beginning.message_id}@incident-ledger>"] * 2
    else:
        assert [each["message_id"] for each in hook.bodies] == [beginning.message_id] * 2
    assert rows(place)[0]["status"] == "uncertain"
    found = channel_findings(place, place.settings, POLICY, START + 5 * HOUR)
    assert [(each.uncertain, each.set_aside) for each in found] == [(1, 0)]
    mailbox.answer_after = 0.0


def test_an_uncertain_message_that_the_repeat_confirms_is_sent(warehouse: Warehouse, mailbox: Mailbox) -> None:
    mailbox.answer_after = 1.2
    place = mail(warehouse, mailbox, "?cto=0.3")
    enqueue(place, [detected("P1")], START)
    assert [each.status for each in send(place)] == [Outcome.UNCERTAIN]
    mailbox.answer_after = 0.0
    assert [each.status for each in send(place, START + MINUTE)] == [Outcome.SENT]
    assert rows(place)[0]["status"] == "sent"
    assert channel_findings(place, place.settings, POLICY, START + MINUTE) == []


class Died(BaseException):
    """The process is gone."""


_write = outbox.write


def dying(*, after: int = 0) -> Any:
    """Writes into the outbox so many times, then the process is gone."""
    left = [None] * after

    def write(*args: Any, **options: Any) -> Any:
        if not left:
            raise Died
        left.pop()
        return _write(*args, **options)

    return write


@pytest.mark.parametrize("dies", ["before", "after"])
def test_a_run_that_dies_around_a_send_repeats_it_at_most_once(
    warehouse: Warehouse, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, dies: str
) -> None:
    """Between claim and record: the next run cannot know whether it was sent, and sends once more."""
    place = mail(warehouse, mailbox)
    enqueue(place, [detected("P1")], START)

    with monkeypatch.context() as patch:
        if dies == "after":
            patch.setattr(outbox, "write", dying(after=1))
        else:
            patch.setattr("incident_ledger.notify.channels.mail.MailChannel.send", dying())
        with pytest.raises(Died):
            send(place)
    assert rows(place)[0]["status"] == "uncertain"
    assert [each.status for each in send(place)] == [Outcome.SENT]  # at the same moment: a dead run needs no wait
    assert send(place, START + HOUR) == []
    assert len(mailbox.mails) == (2 if dies == "after" else 1)
    assert len({each["Message-ID"] for each in mailbox.mails}) == 1


def test_runs_that_die_at_every_send_repeat_it_once_and_no_more(
    warehouse: Warehouse, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = mail(warehouse, mailbox)
    enqueue(place, [detected("P1")], START)

    for _ in range(2):
        with monkeypatch.context() as patch, pytest.raises(Died):
            patch.setattr(outbox, "write", dying(after=1))
            send(place)
    assert send(place) == []
    assert len(mailbox.mails) == 2


def test_a_row_that_another_took_meanwhile_is_left_to_it(
    warehouse: Warehouse, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = mail(warehouse, mailbox)
    enqueue(place, [detected("P1")], START)
    read = delivery.read_contents

    def read_and_lose(*args: Any) -> Any:
        found = read(*args)
        monkeypatch.setattr(delivery, "read_contents", read)
        assert len(send(place)) == 1  # the other one
        return found

    monkeypatch.setattr(delivery, "read_contents", read_and_lose)
    assert send(place) == []
    assert len(mailbox.mails) == 1


def test_a_message_that_two_merges_inserted_at_once_is_sent_once(warehouse: Warehouse, mailbox: Mailbox) -> None:
    place = mail(warehouse, mailbox)
    enqueue(place, [detected("P1")], START)
    table = place.raw("notifications")
    place.execute(f"insert into {table} select * from {table}")
    assert [each.status for each in send(place)] == [Outcome.SENT]
    assert send(place, START + HOUR) == []
    assert [row["status"] for row in rows(place)] == ["sent", "sent"]
    assert len(mailbox.mails) == 1


def test_a_dead_channel_is_left_alone_after_two_failures(warehouse: Warehouse, mailbox: Mailbox) -> None:
    place = mail(warehouse, mailbox)
    mailbox.answers = ["554 no"] * 9
    enqueue(place, [detected("P1", key=f"table:{n}") for n in range(5)], START)
    assert len(send(place)) == 2
    assert sorted(row["attempts"] for row in rows(place)) == [0, 0, 0, 1, 1]


def test_a_broken_channel_keeps_its_messages_and_says_so_without_showing_the_url(warehouse: Warehouse) -> None:
    place = with_channels(warehouse, "nonsense://Geheimnis7@x\nno url at all")
    assert enqueue(place, [detected("P1")], START) == 2
    assert [each.status for each in send(place)] == [Outcome.FAILED] * 2
    findings = " ".join(str(each) for each in channel_findings(place, place.settings, POLICY, START))
    assert "INCIDENT_LEDGER_CHANNELS: entry 1" in findings
    assert "INCIDENT_LEDGER_CHANNELS: entry 2" in findings
    assert "Geheimnis7" not in findings + str(rows(place))


@pytest.mark.parametrize("before", ["never tried", "refused"])
def test_what_a_channel_owed_that_left_the_settings_goes_to_those_that_are_set(
    before: str, warehouse: Warehouse, mailbox: Mailbox, hook: Hook
) -> None:
    old = mail(warehouse, mailbox)
    enqueue(old, [detected("P1")], START)
    if before == "refused":
        mailbox.answers = ["554 no"]
        send(old)
    new = with_channels(warehouse, f"hook=json://127.0.0.1:{hook.port}")
    assert [(each.channel, each.status) for each in send(new, START + HOUR)] == [("hook", Outcome.SENT)]
    assert channel_findings(new, new.settings, POLICY, START + HOUR) == []
    assert requeue(new) == 0
    tried = 1 if before == "refused" else 0
    assert {row["channel"]: (row["status"], row["attempts"]) for row in rows(new)} == {
        "hook": ("sent", 1),
        "mail": ("rerouted", tried),
    }
    error = next(row["last_error"] for row in rows(new) if row["channel"] == "mail")
    assert ("554" in error) if tried else error is None
    attempts = [each.payload for each in notified_events(new, POLICY, START + HOUR)]
    outcomes = {"mail": "failed", "hook": "sent"} if tried else {"hook": "sent"}
    assert {each["channel"]: each["outcome"] for each in attempts} == outcomes
    for place in (new, old):  # the old channel that comes back sends no old news
        assert send(place, START + 2 * HOUR) == []
    assert mailbox.mails == []


def test_what_another_channel_has_sent_is_not_sent_again_when_one_leaves(
    warehouse: Warehouse, mailbox: Mailbox, hook: Hook
) -> None:
    alone = f"hook=json://127.0.0.1:{hook.port}"
    both = with_channels(warehouse, f"mail=mailto://127.0.0.1:{mailbox.port},{alone}")
    mailbox.answers = ["554 no"]
    enqueue(both, [detected("P1")], START)
    send(both)
    assert send(with_channels(warehouse, alone), START + HOUR) == []


def test_a_message_that_was_set_aside_goes_to_the_channels_that_are_set_when_it_is_sent_again(
    warehouse: Warehouse, mailbox: Mailbox
) -> None:
    old = mail(warehouse, mailbox)
    enqueue(old, [detected("P1")], START)
    mailbox.answers = ["554 never"] * 20
    for hour in range(6):
        send(old, START + hour * HOUR)
    assert send(warehouse, START + 7 * HOUR) == []  # over, until a person says otherwise
    assert requeue(warehouse) == 1
    assert [(each.channel, each.status) for each in send(warehouse, START + 7 * HOUR)] == [("folder", Outcome.SENT)]
    assert requeue(warehouse) == 0


def test_a_partly_refused_mail_is_a_finding(warehouse: Warehouse, mailbox: Mailbox) -> None:
    place = mail(warehouse, mailbox)
    mailbox.refused = {"finance@samba.tv"}
    enqueue(place, [detected("P1")], START)
    assert [each.status for each in send(place)] == [Outcome.SENT]
    found = channel_findings(place, place.settings, POLICY, START)
    assert [(each.refused, each.last_error) for each in found] == [
        (1, "refused for finance@samba.tv: 550 no such person")
    ]


def test_a_service_that_asks_for_a_wait_gets_it(warehouse: Warehouse, hook: Hook) -> None:
    place = with_channels(warehouse, f"hook=json://127.0.0.1:{hook.port}")
    hook.answers = [(429, {"Retry-After": "600"}, 0.0)]
    enqueue(place, [detected("P1")], START)
    assert [each.status for each in send(place)] == [Outcome.FAILED]
    assert send(place, START + 9 * MINUTE) == []
    assert [each.status for each in send(place, START + 10 * MINUTE)] == [Outcome.SENT]


def test_the_beginning_is_sent_first_and_the_end_last_when_all_are_of_one_time(
    warehouse: Warehouse, mailbox: Mailbox
) -> None:
    place = mail(warehouse, mailbox)
    for n in range(5):
        key = f"table:{n}"
        worse = event("severity_changed", severity="P0", key=key, **{"from": "P1"})
        update = compose(worse, incident("P0", key=key), POLICY, START)[0]
        enqueue(place, [resolved("P0", key=key), update, detected("P1", key=key)], START)
    sent = [each.template for each in send(place)]
    assert sent == ["critical", "critical", "resolution"] * 5
    assert [mail["References"] is None for mail in mailbox.mails] == [True, False, False] * 5


def test_a_lost_lease_stops_before_the_next_send(warehouse: Warehouse, mailbox: Mailbox) -> None:
    place = mail(warehouse, mailbox)
    enqueue(place, [detected("P1", key=f"table:{n}") for n in range(3)], START)
    left = iter([None])

    def confirm() -> None:
        if next(left, "lost") == "lost":
            raise Died

    with pytest.raises(Died):
        deliver(place, place.settings, policy_with(delivery_batch_messages="1"), START, confirm=confirm)
    assert sorted(row["status"] for row in rows(place)) == ["pending", "pending", "sent"]


def test_the_list_is_newest_first_and_can_be_narrowed(warehouse: Warehouse) -> None:
    first, last = detected("P1"), resolved("P1")
    other: Message = detected("P2", key="table:other")
    enqueue(warehouse, [first], START)
    enqueue(warehouse, [last, other], START + HOUR)
    assert messages(warehouse)[-1]["message_id"] == first.message_id
    assert [row["message_id"] for row in messages(warehouse, incident=other.incident_id)] == [other.message_id]
    assert messages(warehouse, statuses=["sent"]) == []
    assert len(messages(warehouse, statuses=["pending"], limit=2)) == 2


def test_a_message_is_found_by_the_beginning_of_its_id(warehouse: Warehouse) -> None:
    beginning = detected("P1")
    enqueue(warehouse, [beginning, resolved("P1")], START)
    assert message(warehouse, beginning.message_id[:8])[0]["body_text"] == beginning.text
    with pytest.raises(UserError, match="No message begins with 'zz'"):
        message(warehouse, "zz")
    with pytest.raises(UserError, match="No message begins with ''"):
        message(warehouse, "")


def test_an_error_of_a_channel_never_stops_the_other_channels(
    warehouse: Warehouse, mailbox: Mailbox, hook: Hook
) -> None:
    urls = f"mail=mailto://127.0.0.1:{mailbox.port}, hook=json://127.0.0.1:{hook.port}"
    place = with_channels(warehouse, urls)
    mailbox.answers = ["554 no"]
    enqueue(place, [detected("P1")], START)
    assert {each.channel: each.status for each in send(place)} == {"mail": Outcome.FAILED, "hook": Outcome.SENT}


def test_a_new_channel_is_not_given_what_one_that_stayed_has_sent(
    warehouse: Warehouse, mailbox: Mailbox, hook: Hook
) -> None:
    alone = f"hook=json://127.0.0.1:{hook.port}"
    both = with_channels(warehouse, f"mail=mailto://127.0.0.1:{mailbox.port},{alone}")
    mailbox.answers = ["554 no"]
    enqueue(both, [detected("P1")], START)
    send(both)
    assert send(with_channels(warehouse, f"{alone},new=json://127.0.0.1:{hook.port}"), START + HOUR) == []


def test_what_may_have_arrived_stays_uncertain_when_its_channel_leaves(
    warehouse: Warehouse, mailbox: Mailbox, hook: Hook
) -> None:
    old = mail(warehouse, mailbox)
    enqueue(old, [detected("P1")], START)
    table = warehouse.raw("notifications")
    warehouse.execute(f"update {table} set status = 'uncertain', attempts = 1, uncertain_attempts = 1 where true")
    new = with_channels(warehouse, f"hook=json://127.0.0.1:{hook.port}")
    assert left_behind(new, POLICY, START) == {"mail": 1}
    send(new, START + HOUR)
    assert {row["channel"]: row["status"] for row in rows(new)} == {"hook": "sent", "mail": "uncertain"}
    assert left_behind(new, POLICY, START + HOUR) == {}
    assert send(old, START + 2 * HOUR) == []
