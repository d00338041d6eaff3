"""What a target answers: each kind of failure by name, in time and bounded whatever the other side does."""

import gzip
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from incident_ledger.probes.http_answers import Failure
from incident_ledger.probes.http_calls import Bounds, Outcome, call
from incident_ledger.probes.probe_targets import Key, key_of, not_watched
from notify.test_mail_tls import identity
from probes.targets import KEY, Service, free_port, says, service, target

BOUNDS = Bounds(attempts=1, redirects=3, body_bytes=64 * 1024)
CONTEXT = httpx.create_ssl_context()
PAGE = b"<html><head><title>System health</title></head><body>ok</body></html>"


@pytest.fixture(scope="module")
def server() -> Iterator[Service]:
    with service() as found:
        yield found


def asked(server: Service, answer: Any, *, key: str | None = None, bounds: Bounds = BOUNDS, **fields: Any) -> Outcome:
    """How a target ends that is answered so."""
    server.answers["/usage"] = answer
    own = Key("x-api-key", SecretStr(key)) if key else None
    variable = {"key_variable": "K", "key_header": "x-api-key"} if key else {}
    return call(target(f"{server.url}/usage", **variable, **fields), own, bounds, CONTEXT)


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (200, None), (204, None), (401, "authentication"), (403, "authentication"), (429, "throttled"),
        (500, "server"), (503, "server"), (404, "request"), (304, "redirect"),
    ],
)  # fmt: skip
def test_a_status_is_a_kind_of_failure(server: Service, status: int, failure: str | None) -> None:
    outcome = asked(server, says(status))
    assert (outcome.failure, outcome.status_code) == (failure, status)
    assert outcome.latency_ms > 0


@pytest.mark.parametrize(
    ("expects", "body", "detail"),
    [
        ("json", b"<html><title>502 Bad Gateway</title></html>", "is no JSON"),
        ("json", b'{"error": {"type": "overloaded"}}', "is JSON of an error"),
        ("json", b"", "is no JSON"),
        ("json", b'{"data": [' + b"1," * 50_000, None),
        ("json", b'{"data": [], "error": null}', None),
        ("html", b"<html><title>503 Service Unavailable</title></html>", "titled '503 Service Unavailable'"),
        ("html", b"<html><title>Oops - Server Error</title>", "titled 'Oops - Server Error'"),
        ("html", b'{"status": "down"}', "is no HTML"),
        ("html", PAGE, None),
        ("html", b"<html><title>Error budget of 2026</title></html>", None),
        (None, b"anything", None),
    ],
)
def test_an_error_page_with_200_is_found(server: Service, expects: str, body: bytes, detail: str | None) -> None:
    outcome = asked(server, says(200, body), expects=expects)
    assert outcome.failure == (Failure.ERROR_PAGE if detail else None)
    assert (detail or "") in (outcome.detail or "")


def test_a_page_without_its_text_is_an_error_page_and_one_with_it_never(server: Service) -> None:
    assert asked(server, says(200, PAGE), expects="html", expected_text="Usage by day").failure == Failure.ERROR_PAGE
    titled = b"<title>404 not found, by day</title> Usage by day"
    assert asked(server, says(200, titled), expects="html", expected_text="Usage by day").failure is None


def hangs(_: BaseHTTPRequestHandler) -> None:
    time.sleep(3)


def drips(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(30):
        handler.wfile.write(b" ")
        time.sleep(0.1)


@pytest.mark.parametrize("answer", [hangs, drips])
def test_what_hangs_or_drips_ends_at_its_time(server: Service, answer: Any) -> None:
    began = time.monotonic()
    outcome = asked(server, answer, timeout_seconds=0.4)
    assert (outcome.failure, outcome.detail) == (Failure.TIMEOUT, "no whole answer within 0.4 s")
    assert time.monotonic() - began < 2.5


def test_an_answer_shorter_than_it_says_is_invalid(server: Service) -> None:
    outcome = asked(server, says(200, b'{"a": 1}', Content_Length="5000"), expects="json")
    assert outcome.failure == Failure.INVALID_ANSWER


def test_an_answer_longer_than_it_says_is_read_as_far_as_it_says(server: Service) -> None:
    assert asked(server, says(200, b'{"a": 1} and more', Content_Length="8"), expects="json").failure is None


def test_an_answer_without_end_is_read_to_its_bound(server: Service) -> None:
    sent: list[int] = []

    def floods(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        for _ in range(10_000):
            sent.append(handler.wfile.write(b"[" * 100_000))

    assert asked(server, floods, expects="json").failure is None
    assert sum(sent) < 100_000_000


def test_a_packed_answer_is_unpacked_to_its_bound(server: Service) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    outcome = asked(server, says(200, bomb, Content_Encoding="gzip"), expects="json")
    assert outcome.failure == Failure.ERROR_PAGE
    packed = gzip.compress(b'{"data": []}')
    assert asked(server, says(200, packed, Content_Encoding="gzip"), expects="json").failure is None


def test_what_does_not_speak_http_is_invalid(server: Service) -> None:
    assert asked(server, lambda handler: handler.wfile.write(b"220 mail\r\n")).failure == Failure.INVALID_ANSWER


def test_nobody_there_is_the_network() -> None:
    outcome = call(target(f"http://127.0.0.1:{free_port()}/"), None, BOUNDS, CONTEXT)
    assert (outcome.failure, outcome.status_code) == (Failure.NETWORK, None)


def test_redirects_without_end_are_given_up(server: Service) -> None:
    server.requests.clear()
    outcome = asked(server, says(302, Location="/usage"))
    assert (outcome.failure, outcome.detail) == (Failure.REDIRECT, "redirects more than 3 times")
    assert len(server.requests) == 4


def test_a_key_goes_to_its_own_address_alone(server: Service) -> None:
    server.requests.clear()
    server.answers["/login"] = says(401)
    outcome = asked(server, says(302, Location="/login"), key=KEY)
    assert outcome.failure == Failure.REDIRECT
    assert [headers.get("x-api-key") for _, headers in server.requests] == [KEY, None]


def test_another_server_is_not_called_without_https(server: Service) -> None:
    with service() as other:
        outcome = asked(server, says(302, Location=f"{other.url}/usage"), key=KEY)
        assert (outcome.failure, other.requests) == (Failure.REDIRECT, [])


def test_a_server_that_repeats_the_key_puts_it_in_no_text(server: Service) -> None:
    titled = f"<title>403 access denied for {KEY}</title>".encode()
    outcome = asked(server, says(200, titled), key=KEY, expects="html")
    assert outcome.failure == Failure.ERROR_PAGE
    assert KEY not in repr(outcome)
    assert "(key)" in str(outcome.detail)


def test_what_breaks_once_is_asked_again(server: Service) -> None:
    answers = [says(503), says(200)]

    def each_once(handler: BaseHTTPRequestHandler) -> None:
        answers.pop(0)(handler)

    outcome = asked(server, each_once, bounds=Bounds(attempts=2, redirects=3, body_bytes=9))
    assert (outcome.failure, outcome.attempts) == (None, 2)


def test_a_refused_key_is_not_shown_again(server: Service) -> None:
    server.requests.clear()
    outcome = asked(server, says(401), key=KEY, bounds=Bounds(attempts=3, redirects=3, body_bytes=9))
    assert (outcome.attempts, len(server.requests)) == (1, 1)


def test_a_certificate_that_nobody_signed_is_named(tmp_path: Path) -> None:
    with service(identity(tmp_path).server) as secured:
        assert secured.url.startswith("https://")
        assert call(target(secured.url), None, BOUNDS, CONTEXT).failure == Failure.CERTIFICATE


@pytest.mark.parametrize(("value", "reason"), [(None, "K is not set"), ("  ", "K is not set"), ("a\nb", "K holds")])
def test_a_target_without_a_usable_key_is_not_called(value: str | None, reason: str) -> None:
    keyed = target(key_variable="K", key_header="Authorization", key_scheme="Basic")
    assert (not_watched(keyed, {"K": value} if value else {}) or "").startswith(reason)
    key = key_of(keyed, {"K": f" {KEY} "})
    assert key is not None
    assert key.value.get_secret_value() == f"Basic {KEY}"
    assert KEY not in repr(key)
