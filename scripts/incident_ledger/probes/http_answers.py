"""How an answer failed. Pure."""

import re
import zlib
from dataclasses import dataclass
from enum import StrEnum

from incident_ledger.encoding import JsonError, one_line, read_json, shortened
from incident_ledger.probes.probe_targets import ProbeTarget


class Failure(StrEnum):
    """How a probe failed."""

    AUTHENTICATION = "authentication"
    THROTTLED = "throttled"
    SERVER = "server"
    REQUEST = "request"
    REDIRECT = "redirect"
    NETWORK = "network"
    TIMEOUT = "timeout"
    CERTIFICATE = "certificate"
    INVALID_ANSWER = "invalid_answer"
    ERROR_PAGE = "error_page"


# What refuses a key or asks for patience was reached.
REACHED = (Failure.AUTHENTICATION, Failure.THROTTLED)

_REFUSED, _TOO_MANY = (401, 403, 407), 429
_OK, _REDIRECTS, _ERRORS, _SERVER_ERRORS = 200, 300, 400, 500
_TITLE = re.compile(r"<title[^>]*>([^<]{1,300})", re.IGNORECASE)
# Titles of error pages. A dashboard whose own title is such a one has an `expected_text`.
_ERROR_TITLE = re.compile(
    r"^\W*[45]\d\d\b|\berror\W+[45]\d\d\b|\b(bad gateway|gateway time-?out|service unavailable|server error|not found|"
    r"application error|temporarily unavailable|site maintenance|under maintenance|access denied)\b",
    re.IGNORECASE,
)
_SHOWN = 80


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What came back: the beginning of the body, or the whole. `with_key`: no redirect was followed."""

    status_code: int
    body: bytes
    is_whole: bool
    encoding: str = ""
    with_key: bool = True


def failure_of(target: ProbeTarget, answer: Answer, limit: int) -> tuple[Failure, str] | None:
    """How an answer failed and in which words; None for a good one. No more than `limit` bytes are unpacked."""
    status = answer.status_code
    if status in _REFUSED:
        if target.key_variable and not answer.with_key:
            return Failure.REDIRECT, "it redirects, and no key is sent on: name the address that it leads to"
        return Failure.AUTHENTICATION, f"HTTP {status}"
    if status >= _ERRORS:
        of_request = Failure.THROTTLED if status == _TOO_MANY else Failure.REQUEST
        return Failure.SERVER if status >= _SERVER_ERRORS else of_request, f"HTTP {status}"
    if not _OK <= status < _REDIRECTS:
        return Failure.REDIRECT, f"HTTP {status} that leads nowhere"
    return _content_failure(target, answer, limit)


def _content_failure(target: ProbeTarget, answer: Answer, limit: int) -> tuple[Failure, str] | None:
    if target.expects is None and target.expected_text is None:
        return None
    body = _unpacked(answer, limit)
    if body is None:
        return (
            Failure.INVALID_ANSWER,
            f"is packed as {shortened(one_line(answer.encoding), 20)}, which nobody asked for",
        )
    text = body.decode(errors="replace")
    if target.expected_text is not None and target.expected_text not in text:
        return Failure.ERROR_PAGE, f"HTTP {answer.status_code} without the expected text"
    if target.expects == "json":
        return _json_failure(body, is_whole=answer.is_whole and len(body) < limit)
    if target.expects == "html" and target.expected_text is None:
        return _html_failure(text)
    return None


def _unpacked(answer: Answer, limit: int) -> bytes | None:
    """The body, of a packed one its beginning; None where it cannot be unpacked."""
    if answer.encoding.strip().lower() in ("", "identity"):
        return answer.body
    try:
        return zlib.decompressobj(wbits=zlib.MAX_WBITS | 32).decompress(answer.body, limit)
    except zlib.error:
        return None


def _json_failure(body: bytes, *, is_whole: bool) -> tuple[Failure, str] | None:
    if not is_whole:
        is_json = body.lstrip()[:1] in (b"{", b"[")
        return None if is_json else (Failure.ERROR_PAGE, "is no JSON")
    try:
        value = read_json(body)
    except JsonError:
        return Failure.ERROR_PAGE, "is no JSON"
    if isinstance(value, dict) and (value.get("error") or value.get("errors")):
        return Failure.ERROR_PAGE, "is JSON of an error"
    return None


def _html_failure(text: str) -> tuple[Failure, str] | None:
    if "<" not in text:
        return Failure.ERROR_PAGE, "is no HTML"
    title = _TITLE.search(text)
    if title and _ERROR_TITLE.search(title[1]):
        return Failure.ERROR_PAGE, f"is a page titled {shortened(one_line(title[1]), _SHOWN)!r}"
    return None
