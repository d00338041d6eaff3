"""The HTTP exchanges of a channel, which Apprise's services make by `requests` and keep to themselves.

Every exchange of the sending thread is watched, and held to three rules whichever service makes it:

- No redirect takes a message, or the secrets that go with it, anywhere else than where the settings send it.
- No answer is read without end.
- What the server asks to wait is a number of seconds that can be waited.
"""

import contextlib
import math
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter

_MAX_ANSWER_BYTES = 1024**2  # services answer with a few hundred
_PART_BYTES = 64 * 1024
_MAX_REDIRECTS = 3
_REDIRECTS = {301, 302, 303, 307, 308}
_KEEP_METHOD = {307, 308}  # RFC 9110; the others make a GET of a POST, without its message
_WITHOUT_MESSAGE = {"GET", "HEAD"}
_PORTS = {"http": 80, "https": 443}


class RedirectError(requests.RequestException):
    """A redirect that is not followed. What it asks for was not done."""


@dataclass
class ExchangeStatus:
    """What is known of the exchanges: of the last one, and whether any was a redirect that was not followed."""

    error: str | None = None
    is_taken: bool = False  # the last one was answered well
    is_uncertain: bool = False  # it was sent, and no whole answer came
    wait_seconds: float = 0.0
    redirect: str | None = None  # in words: whatever the service makes of it, a message did not arrive


_here = threading.local()  # `status`, while a thread sends
_watching = threading.Lock()


@contextlib.contextmanager
def watch_exchanges() -> Iterator[ExchangeStatus]:
    """Note how the exchanges of this thread end: services swallow both the error and the answer."""
    _watch()
    _here.status = status = ExchangeStatus()
    try:
        yield status
    finally:
        _here.status = None


def _watch() -> None:
    """Have every exchange of `requests` come by here, once and for good.

    To take that back after each send would take it from the next one, too, when a thread that was left behind ends.
    """
    with _watching:
        original = HTTPAdapter.send
        if getattr(original, "is_watched", False):
            return

        def send(adapter: HTTPAdapter, request: requests.PreparedRequest, **options: Any) -> requests.Response:
            status: ExchangeStatus | None = getattr(_here, "status", None)
            if status is None:
                return original(adapter, request, **options)
            return _watched(status, lambda each: original(adapter, each, **{**options, "stream": True}), request)

        send.is_watched = True  # type: ignore[attr-defined]
        HTTPAdapter.send = send  # type: ignore[method-assign,assignment]


def _watched(
    status: ExchangeStatus,
    send: Callable[[requests.PreparedRequest], requests.Response],
    request: requests.PreparedRequest,
) -> requests.Response:
    status.error, status.is_taken, status.is_uncertain, status.wait_seconds = None, False, False, 0.0
    try:
        response = _exchange(send, request)
        status.is_uncertain = response.ok  # it is taken, should the rest of the answer not come
        _read(response)
    except requests.RequestException as error:
        status.error = str(error) or type(error).__name__
        status.is_uncertain = status.is_uncertain or _may_have_arrived(error)
        status.redirect = status.error if isinstance(error, RedirectError) else status.redirect
        raise
    status.is_taken, status.is_uncertain = response.ok, False
    status.error = None if response.ok else f"HTTP {response.status_code} {response.reason}"
    status.wait_seconds = retry_after(response.headers.get("Retry-After"), datetime.now(UTC))
    return response


def _exchange(
    send: Callable[[requests.PreparedRequest], requests.Response], request: requests.PreparedRequest
) -> requests.Response:
    """The answer, its content not read yet; also of where the same server says that it is now."""
    for _ in range(1 + _MAX_REDIRECTS):
        response = send(request)
        place = response.headers.get("Location")
        if response.status_code not in _REDIRECTS or not place:
            return response
        response.close()
        target = _target(request, response.status_code, place)
        request = request.copy()
        request.url = target
    raise RedirectError(f"answers with more than {_MAX_REDIRECTS} redirects: not followed")


def _target(request: requests.PreparedRequest, status_code: int, place: str) -> str:
    """Where a redirect leads, if it may be followed. Raises `RedirectError` if not."""
    url = request.url or ""
    try:
        target = urljoin(url, place)
        here, there = _origin(urlsplit(url)), _origin(urlsplit(target))
    except ValueError:  # no URL at all
        raise RedirectError(f"answers with a redirect (HTTP {status_code}) to no address: not followed") from None
    if here[1] != there[1]:
        raise RedirectError(f"answers with a redirect (HTTP {status_code}) to another host, {there[1]}: not followed")
    if here != there:
        raise RedirectError(f"answers with a redirect (HTTP {status_code}) to another scheme or port: not followed")
    if request.method not in _WITHOUT_MESSAGE and status_code not in _KEEP_METHOD:
        raise RedirectError(f"answers with a redirect (HTTP {status_code}) that drops the message: not followed")
    return target


def _origin(parts: SplitResult) -> tuple[str, str, int | None]:
    return parts.scheme, (parts.hostname or "").rstrip("."), parts.port or _PORTS.get(parts.scheme)


def _read(response: requests.Response) -> None:
    """Read the content, as much of it as an answer can need."""
    content = bytearray()
    with response:
        for part in response.iter_content(_PART_BYTES):
            content += part
            if len(content) >= _MAX_ANSWER_BYTES:
                break
    response._content = bytes(content[:_MAX_ANSWER_BYTES])
    response._content_consumed = True


def _may_have_arrived(error: requests.RequestException) -> bool:
    """Whether the request may have been taken: it was sent, and the answer did not come or not whole."""
    if isinstance(error, requests.ConnectTimeout):
        return False
    if isinstance(error, requests.ReadTimeout | requests.exceptions.ChunkedEncodingError):
        return True
    return isinstance(error, requests.ConnectionError) and "aborted" in str(error).lower()


def retry_after(value: str | None, now: datetime) -> float:
    """Seconds that a server asks for, as a number or as a date (RFC 9110); finite, and 0 for what is neither."""
    if not value:
        return 0.0
    try:
        seconds = float(value)
    except ValueError:
        seconds = _until(value, now)
    return max(seconds, 0.0) if math.isfinite(seconds) else 0.0


def _until(value: str, now: datetime) -> float:
    try:
        until = parsedate_to_datetime(value)
        return (until if until.tzinfo else until.replace(tzinfo=UTC)).timestamp() - now.timestamp()
    except (ValueError, TypeError, OverflowError):
        return 0.0
