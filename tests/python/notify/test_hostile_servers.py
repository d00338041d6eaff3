"""Servers that lead elsewhere, that are never done, or that answer nonsense: each is an outcome, in time."""

import math
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from incident_ledger.deadline import within
from incident_ledger.notify.channels.attempts import Waits, attempt, kept
from incident_ledger.notify.channels.base import Channel, Outcome, Result
from incident_ledger.notify.channels.exchanges import RedirectError, _target, retry_after, watch_exchanges
from incident_ledger.notify.channels.registry import channels
from incident_ledger.notify.delivery import deliver
from incident_ledger.settings import Settings
from incident_ledger.warehouse import Warehouse
from notify.helpers import MINUTE, POLICY, START, detected, enqueue, policy_with
from notify.servers import Hook, dripping, peer, webhook
from notify.test_mail import envelope
from notify.test_outbox import rows, with_channels

SECRET = "tok3nt0ken7"
# Services of several kinds that can be pointed at a server of one's own, each with a secret in a header or its path.
SERVICES = {
    "json": "json://user:{secret}@127.0.0.1:{port}/path?+X-Token={secret}",
    "xml": "xml://127.0.0.1:{port}/path?+X-Token={secret}",
    "form": "form://127.0.0.1:{port}/path?+X-Token={secret}",
    "gotify": "gotify://127.0.0.1:{port}/{secret}",
    "ntfy": "ntfy://user:{secret}@127.0.0.1:{port}/topic",
    "mattermost": "mmost://127.0.0.1:{port}/{secret}3ozxz7o8hvtzbi5tg",
    "apprise": "apprise://127.0.0.1:{port}/{secret}",
}


@pytest.fixture
def hook() -> Iterator[Hook]:
    with webhook() as server:
        yield server


def channel(url: str, timeout: float = 5.0) -> Channel:
    return channels(Settings(channels=f"it={url}"), timeout)[0]


def answer(head: str) -> Callable[[socket.socket, threading.Event], None]:
    return lambda connection, _: connection.sendall(f"HTTP/1.1 {head}\r\nContent-Length: 0\r\n\r\n".encode())


@pytest.mark.parametrize("service", SERVICES)
def test_no_redirect_takes_a_message_or_a_secret_to_another_host(service: str) -> None:
    with peer(answer("200 OK")) as thief:
        for status in (301, 302, 303, 307, 308):
            moved = answer(f"{status} Moved\r\nLocation: http://localhost:{thief.port}/there")
            with peer(moved) as server:
                url = SERVICES[service].format(port=server.port, secret=SECRET)
                result = channel(url).send(envelope(detected()))
            assert result.outcome is Outcome.FAILED
            assert result.error == f"answers with a redirect (HTTP {status}) to another host, localhost: not followed"
            assert any(SECRET.encode() in heard or b"Authorization" in heard for heard in server.heard)
    assert thief.heard == []


def test_a_secret_that_a_redirect_repeats_is_in_no_error() -> None:
    with peer(answer(f"302 Moved\r\nLocation: http://{SECRET}.example/")) as server:
        result = channel(SERVICES["json"].format(port=server.port, secret=SECRET)).send(envelope(detected()))
    assert result.error and SECRET not in result.error


def test_the_same_server_may_say_that_the_place_is_another_one_if_it_takes_the_message_there() -> None:
    with webhook() as hook:
        hook.answers = [(307, {"Location": "/other"}, 0.0)]
        assert channel(f"json://127.0.0.1:{hook.port}/a").send(envelope(detected())).outcome is Outcome.SENT
        assert [body["title"] for body in hook.bodies] == [detected().subject] * 2
        hook.answers = [(302, {"Location": "/other"}, 0.0)]
        lost = channel(f"json://127.0.0.1:{hook.port}/a").send(envelope(detected()))
        assert lost == Result(Outcome.FAILED, "answers with a redirect (HTTP 302) that drops the message: not followed")
        hook.answers = [(308, {"Location": "/again"}, 0.0)] * 9
        round_and_round = channel(f"json://127.0.0.1:{hook.port}/a").send(envelope(detected()))
        assert round_and_round.error == "answers with more than 3 redirects: not followed"


@pytest.mark.parametrize(
    ("place", "error"),
    [
        ("https://example.com/b", None),
        ("/b", None),
        ("//EXAMPLE.com:443/b", None),
        ("http://example.com/b", "another scheme or port"),
        ("https://example.com:8443/b", "another scheme or port"),
        ("https://example.com.evil.example/", "another host, example.com.evil.example"),
        ("https://example.com@evil.example/", "another host, evil.example"),
        ("https://sub.example.com/", "another host"),
        ("file:///etc/passwd", "another host"),
        ("https://[::1/", "to no address"),
        ("https://example.com:99999/", "to no address"),
    ],
)
def test_a_redirect_stays_with_scheme_host_and_port(place: str, error: str | None) -> None:
    request = requests.Request("POST", "https://example.com/a", data="x").prepare()
    if error is None:
        assert _target(request, 307, place).endswith("/b")
    else:
        with pytest.raises(RedirectError, match=error):
            _target(request, 307, place)


DRIPS = {
    "an answer's head": ("json", b"HTTP/1.1 200 OK\r\nX-Much: ", Outcome.UNCERTAIN),
    "an answer's body": ("json", b"HTTP/1.1 200 OK\r\n\r\n", Outcome.UNCERTAIN),
    "a status line": ("json", b"HTTP/1.1 ", Outcome.UNCERTAIN),
    "a refusal": ("json", b"HTTP/1.1 500 No\r\n\r\n", Outcome.FAILED),
    "a greeting": ("mailto", b"220-", Outcome.FAILED),
}


@pytest.mark.parametrize("drip", DRIPS)
def test_a_server_that_drips_for_ever_is_cut_off_at_the_deadline(drip: str) -> None:
    scheme, start, outcome = DRIPS[drip]
    with peer(dripping(start), listens_first=scheme != "mailto") as server:
        result = attempt(channel(f"{scheme}://127.0.0.1:{server.port}"), envelope(detected()), 1.5)
    assert result.is_late
    assert result.outcome is outcome
    assert result.error and result.error.startswith("not done after 1.5 s, and cut off")


def test_a_mail_server_that_drips_after_it_has_the_mail_leaves_it_uncertain() -> None:
    def talk(connection: socket.socket, stopping: threading.Event) -> None:
        connection.sendall(b"220 hello\r\n")
        lines = connection.makefile("rb")
        for line in lines:
            if line.startswith(b"DATA"):
                break
            connection.sendall(b"250 yes\r\n")
        connection.sendall(b"354 go on\r\n")
        dripping(b"250-")(connection, stopping)

    with peer(talk, listens_first=False) as server:
        result = attempt(channel(f"mailto://127.0.0.1:{server.port}"), envelope(detected()), 1.5)
    assert (result.is_late, result.outcome) == (True, Outcome.UNCERTAIN), result.error


def test_what_cannot_be_cut_off_is_left_behind_and_can_connect_nothing_more() -> None:
    """As when a name is not resolved, or a service sleeps until its rate limit is over."""
    woken, errors = threading.Event(), list[str]()

    def sleep_and_connect() -> None:
        woken.wait(20)
        try:
            socket.create_connection(("127.0.0.1", 9), timeout=1)
        except OSError as error:
            errors.append(str(error))

    ended = within(0.05, sleep_and_connect)
    assert (ended.value, ended.is_late, ended.has_connected) == (None, True, False)
    woken.set()
    while not errors:
        woken.wait(0.01)
        threading.Event().wait(0.01)
    assert errors == ["the deadline is over"]


def test_a_thread_that_was_left_behind_takes_no_watch_from_the_next_send() -> None:
    begun, go_on, gone = threading.Event(), threading.Event(), threading.Event()

    def lingering() -> None:
        with watch_exchanges():
            begun.set()
            go_on.wait(20)
        gone.set()

    threading.Thread(target=lingering, daemon=True).start()
    assert begun.wait(20)
    with watch_exchanges() as heard, peer(answer("302 Moved\r\nLocation: http://localhost:9/")) as server:
        go_on.set()
        assert gone.wait(20)
        with pytest.raises(RedirectError):
            requests.post(f"http://127.0.0.1:{server.port}/", timeout=5)
    assert heard.redirect


def test_a_channel_that_drips_costs_a_delivery_one_deadline_and_no_more(warehouse: Warehouse) -> None:
    with peer(dripping(b"HTTP/1.1 200 OK\r\n\r\n")) as server:
        place = with_channels(warehouse, f"slow=json://127.0.0.1:{server.port}")
        enqueue(place, [detected("P1", key=f"table:{n}") for n in range(3)], START)
        (delivery,) = deliver(place, place.settings, policy_with(delivery_timeout_seconds="0.3"), START)
    assert delivery.status is Outcome.UNCERTAIN
    assert sorted(row["attempts"] for row in rows(place)) == [0, 0, 1]
    assert len(server.heard) == 1


def test_a_channel_that_takes_long_for_each_message_gets_the_rest_in_the_next_delivery(
    warehouse: Warehouse, hook: Hook
) -> None:
    place = with_channels(warehouse, f"hook=json://127.0.0.1:{hook.port}")
    hook.answers = [(200, {}, 0.6)] * 2
    enqueue(place, [detected("P1", key=f"table:{n}") for n in range(3)], START)
    slow = policy_with(delivery_timeout_seconds="1")
    first, second = (deliver(place, place.settings, slow, START) for _ in range(2))
    assert [len(first), len(second)] == [2, 1]
    assert {row["status"] for row in rows(place)} == {"sent"}


def test_whatever_a_channel_asks_to_wait_is_recorded_and_no_longer_than_the_policy_allows(
    warehouse: Warehouse, hook: Hook
) -> None:
    place = with_channels(warehouse, f"hook=json://127.0.0.1:{hook.port}")
    hook.answers = [(429, {"Retry-After": asked}, 0.0) for asked in ("nan", "1e300")]
    enqueue(place, [detected("P1", key=f"table:{n}") for n in range(2)], START)
    sent = deliver(place, place.settings, POLICY, START)
    assert [(each.status, str(each.error)[:8]) for each in sent] == [(Outcome.FAILED, "HTTP 429")] * 2
    assert sorted((row["not_before"] - START) / MINUTE for row in rows(place)) == [1, 60]


WAITS = {"nan": 60, "1e300": 3600, "inf": 60, "-inf": 60, "-5": 60, "1e400": 60, "9" * 400: 60, "90": 90, "soon": 60}
WAITS |= {"Fri, 31 Dec 9999 23:59:59 GMT": 3600, "Mon, 01 Jan 0001 00:00:00 +2300": 60, "Thu, 99 Foo 2026": 60}


@pytest.mark.parametrize("asked", WAITS, ids=lambda text: text[:12])
def test_a_wish_to_wait_is_kept_within_the_policys_bounds(asked: str) -> None:
    wish = Result(Outcome.FAILED, wait_seconds=retry_after(asked, datetime.now(UTC)))
    assert Waits(first=60, longest=3600).after(1, wish).total_seconds() == WAITS[asked]


@given(st.one_of(st.text(), st.floats().map(str), st.integers().map(str), st.datetimes().map(str)))
def test_any_wish_to_wait_is_a_number_that_can_be_waited(value: str) -> None:
    seconds = retry_after(value, datetime.now(UTC))
    assert math.isfinite(seconds)
    assert seconds >= 0
    Waits(first=60, longest=3600).after(1, Result(Outcome.FAILED, wait_seconds=seconds))


def test_a_wait_doubles_up_to_the_policys_longest_however_often_it_failed() -> None:
    waits = Waits(first=60, longest=3600)
    minutes = [waits.after(n, Result(Outcome.FAILED)) / MINUTE for n in (1, 2, 3, 7, 10_000)]
    assert minutes == [1, 2, 4, 60, 60]
    assert waits.after(1, Result(Outcome.FAILED, wait_seconds=math.nan)) == timedelta(seconds=60)


def test_whatever_breaks_in_a_channel_is_its_failure_and_shows_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise LookupError(SECRET)

    way = channel(SERVICES["json"].format(port=9, secret=SECRET))
    monkeypatch.setattr(type(way._server), "notify", broken)  # type: ignore[attr-defined]
    assert way.send(envelope(detected())) == Result(Outcome.FAILED, "***")
    monkeypatch.setattr(type(way), "send", broken)
    assert attempt(way, envelope(detected()), 1.0) == Result(Outcome.FAILED, "the channel broke: LookupError")


def test_an_error_is_kept_as_text_of_a_bounded_length() -> None:
    assert kept("\x1b[31m" + "x" * 5000) == "\x1b[31m" + "x" * 995
    assert kept("file \udcff") == "file ?"
