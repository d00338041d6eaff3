"""A target's answer, in time as a whole, bounded in size and redirects; its key goes to its own address alone."""

import ssl
import time
from dataclasses import dataclass, replace

import httpx

from incident_ledger import __version__
from incident_ledger.deadline import within
from incident_ledger.encoding import one_line, shortened
from incident_ledger.probes.http_answers import Answer, Failure, failure_of
from incident_ledger.probes.probe_targets import Key, ProbeTarget

_AGENT = f"incident-ledger/{__version__} (probe)"
_SHOWN = 200
_HIDDEN = "(key)"
# What may pass within a second. A refused key and a request for patience would only be repeated.
_PASSING = (Failure.NETWORK, Failure.TIMEOUT, Failure.SERVER, Failure.INVALID_ANSWER)
_PAUSE_SECONDS = 0.5
_CHAIN = 10  # of causes, looked through for a certificate


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """How often a target is called, how many redirects are followed, and how many bytes of an answer are read."""

    attempts: int
    redirects: int
    body_bytes: int


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a call ended: without `failure` well. `latency_ms` is of the last attempt."""

    failure: Failure | None = None
    status_code: int | None = None
    latency_ms: float = 0.0
    attempts: int = 1
    detail: str | None = None


class _Redirected(Exception):  # noqa: N818 - no fault of a program
    """A redirect that is not followed."""


def call(target: ProbeTarget, key: Key | None, bounds: Bounds, context: ssl.SSLContext) -> Outcome:
    """What a target answers; once more what may have been a passing trouble."""
    outcome = Outcome()
    for attempt in range(1, bounds.attempts + 1):
        outcome = replace(_attempt(target, key, bounds, context), attempts=attempt)
        if outcome.failure not in _PASSING:
            break
        if attempt < bounds.attempts:
            time.sleep(_PAUSE_SECONDS)
    return outcome


def _attempt(target: ProbeTarget, key: Key | None, bounds: Bounds, context: ssl.SSLContext) -> Outcome:
    began = time.perf_counter()
    ended = within(target.timeout_seconds, lambda: _outcome(target, key, bounds, context))
    latency_ms = (time.perf_counter() - began) * 1000
    if ended.value is None or ended.is_late:
        text = f"no whole answer within {target.timeout_seconds:g} s"
        return Outcome(failure=Failure.TIMEOUT, latency_ms=latency_ms, detail=text)
    detail = ended.value.detail
    if detail is not None:
        detail = shortened(one_line(_without(key, detail)), _SHOWN)
    return replace(ended.value, latency_ms=latency_ms, detail=detail)


def _outcome(target: ProbeTarget, key: Key | None, bounds: Bounds, context: ssl.SSLContext) -> Outcome:
    try:
        answer = _fetch(target, key, bounds, context)
    except _Redirected as error:
        return Outcome(failure=Failure.REDIRECT, detail=str(error))
    except httpx.TimeoutException:
        return Outcome(failure=Failure.TIMEOUT, detail=f"no whole answer within {target.timeout_seconds:g} s")
    except (httpx.ProtocolError, httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        return Outcome(failure=Failure.INVALID_ANSWER, detail=f"{type(error).__name__}: {error}")
    except (httpx.HTTPError, OSError) as error:
        return _not_reached(error)
    found = failure_of(target, answer, bounds.body_bytes)
    failure, detail = found or (None, None)
    return Outcome(failure=failure, status_code=answer.status_code, detail=detail)


def _not_reached(error: BaseException) -> Outcome:
    cause: BaseException | None = error
    for _ in range(_CHAIN):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Outcome(failure=Failure.CERTIFICATE, detail=cause.verify_message)
        cause = cause and (cause.__cause__ or cause.__context__)
    return Outcome(failure=Failure.NETWORK, detail=f"{type(error).__name__}: {error}")


def _fetch(target: ProbeTarget, key: Key | None, bounds: Bounds, context: ssl.SSLContext) -> Answer:
    """The answer. It redirects without the key: by https anywhere, by http on the same server alone."""
    headers = {"User-Agent": _AGENT, "Accept-Encoding": "identity"}
    with httpx.Client(timeout=target.timeout_seconds, verify=context, headers=headers) as client:
        own = {key.header: key.value.get_secret_value()} if key else {}
        request = client.build_request("GET", target.url or "", headers=own)
        for hop in range(bounds.redirects + 1):
            response = client.send(request, stream=True)
            try:
                if response.next_request is None:
                    return _read(response, bounds.body_bytes, with_key=hop == 0)
                request = client.build_request("GET", _next(request.url, response.next_request.url))
            finally:
                response.close()
    raise _Redirected(f"redirects more than {bounds.redirects} times")


def _next(here: httpx.URL, there: httpx.URL) -> httpx.URL:
    is_same = (here.scheme, here.host, here.port) == (there.scheme, there.host, there.port)
    if there.scheme != "https" and not is_same:
        raise _Redirected(f"redirects to another server by {there.scheme}, which is not followed")
    return there


def _read(response: httpx.Response, limit: int, *, with_key: bool) -> Answer:
    body = bytearray()
    is_whole = True
    for part in response.iter_raw():
        body += part
        if len(body) > limit:
            is_whole = False
            break
    encoding = response.headers.get("Content-Encoding", "")
    return Answer(
        status_code=response.status_code,
        body=bytes(body[:limit]),
        is_whole=is_whole,
        encoding=encoding,
        with_key=with_key,
    )


def _without(key: Key | None, text: str) -> str:
    """A text without the key, should a server or a library repeat it."""
    if key is None:
        return text
    value = key.value.get_secret_value()
    for secret in (value, value.rpartition(" ")[2]):
        text = text.replace(secret, _HIDDEN)
    return text
