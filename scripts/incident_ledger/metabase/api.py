"""Metabase's REST API: one call at a time, each with an end, and the key shown to the one host that it is for.

A redirect is not followed, since the key would go with it. What a server says about a request that it may have taken is
no reason to send it again: a `POST` that may have arrived is an error with `may_have_arrived`, for the caller to look.
"""

import json
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from incident_ledger.deadline import within
from incident_ledger.encoding import clean, shortened
from incident_ledger.errors import OutsideError, UserError
from incident_ledger.notify.channels.exchanges import retry_after
from incident_ledger.settings import Settings
from incident_ledger.variables import PREFIX

SECONDS = 60.0  # for a whole call; Metabase computes the columns of a query that it saves
ATTEMPTS = 4
_LONGEST_WAIT = 120.0  # seconds that a server may ask for
_FIRST_WAIT = 1.0  # seconds, doubled from attempt to attempt
_LARGEST = 64 * 1024**2  # bytes of an answer
_PASSING = frozenset({429, 500, 502, 503, 504})
_NOT_TAKEN = frozenset({429, 503})  # the request was refused before anything was done
_OLDEST = "Metabase 50"  # dashboards with `dashcards` and tabs; API keys are older by one


class MetabaseError(OutsideError):
    """Metabase did not do what it was asked. `status` is HTTP's, None without an answer."""

    def __init__(self, message: str, *, status: int | None = None, may_have_arrived: bool = False) -> None:
        super().__init__(message)
        self.status = status
        self.may_have_arrived = may_have_arrived


@dataclass(frozen=True)
class _Answer:
    status: int
    headers: httpx.Headers
    body: bytes


class MetabaseApi:
    """One Metabase. Nothing is sent before the first call."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        seconds: float = SECONDS,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = url.rstrip("/")
        self._key = key
        self._seconds, self._sleep = seconds, sleep
        self._tls = ssl.create_default_context()  # made once: reading the certificates takes longer than a call

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """What is at a path below `/api`. Raises `MetabaseError`, or `UserError` for what the user can set right."""
        return self._call("GET", path, None, params)

    def put(self, path: str, body: Mapping[str, Any]) -> Any:
        """Change what is at a path. Sent again where it may not have arrived: twice is the same as once."""
        return self._call("PUT", path, body, None)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Make something. Not sent again where it may have arrived."""
        return self._call("POST", path, body, None)

    def pause(self, attempt: int) -> None:
        """Wait before another attempt, longer from one to the next."""
        self._sleep(_FIRST_WAIT * 2.0**attempt)

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None, params: Mapping[str, Any] | None) -> Any:
        for attempt in range(ATTEMPTS):
            is_last = attempt == ATTEMPTS - 1
            try:
                answer = self._send(method, path, body, params)
            except MetabaseError as error:
                if is_last or (method == "POST" and error.may_have_arrived):
                    raise
                self.pause(attempt)
                continue
            if answer.status not in _PASSING or is_last or (method == "POST" and answer.status not in _NOT_TAKEN):
                return self._read(method, path, answer)
            self._wait(answer, attempt, f"{method} {path}")
        raise AssertionError("unreachable")

    def _send(
        self, method: str, path: str, body: Mapping[str, Any] | None, params: Mapping[str, Any] | None
    ) -> _Answer:
        def talk() -> _Answer:
            headers = {"X-API-Key": self._key, "Accept": "application/json"}
            with (
                httpx.Client(verify=self._tls, timeout=self._seconds + 1, follow_redirects=False) as client,
                client.stream(method, f"{self.url}/api{path}", json=body, params=params, headers=headers) as response,
            ):
                received = bytearray()
                for part in response.iter_bytes():
                    received += part
                    if len(received) > _LARGEST:
                        raise MetabaseError(f"{self._named(method, path)} answered with over {_LARGEST} bytes.")
                return _Answer(response.status_code, response.headers, bytes(received))

        try:
            ended = within(self._seconds, talk)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise MetabaseError(f"{self._named(method, path)} cannot be reached ({type(error).__name__}).") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            text = f"{self._named(method, path)} broke the connection ({type(error).__name__})."
            raise MetabaseError(text, may_have_arrived=True) from None
        if ended.value is None:
            text = f"{self._named(method, path)} did not answer within {self._seconds:g} s."
            raise MetabaseError(text, may_have_arrived=ended.has_connected)
        return ended.value

    def _wait(self, answer: _Answer, attempt: int, what: str) -> None:
        asked = retry_after(answer.headers.get("Retry-After"), datetime.now(UTC))
        if asked > _LONGEST_WAIT:
            raise MetabaseError(
                f"Metabase asks to wait {asked:.0f} s before {what} ({answer.status}). Try again then.",
                status=answer.status,
            )
        self._sleep(max(asked, _FIRST_WAIT * 2.0**attempt))

    def _read(self, method: str, path: str, answer: _Answer) -> Any:
        if 300 <= answer.status < 400:
            place = urlsplit(answer.headers.get("Location", ""))
            to = f"{place.scheme}://{place.hostname}" if place.hostname else "another path"
            raise UserError(
                f"{self._named(method, path)} is sent on to {to}. Set {PREFIX}METABASE_URL to the address where "
                "Metabase itself answers; the key was not sent on."
            )
        if answer.status == 401:
            raise UserError(
                f"Metabase refuses the key in {PREFIX}METABASE_API_KEY (401). An administrator makes one under "
                f"Authentication, API keys; {_OLDEST} or later is needed."
            )
        if answer.status == 403:
            raise ForbiddenError(f"The key may not {method} {path} (403).")
        if answer.status >= 400:
            text = f"{self._named(method, path)} answered {answer.status}: {self._words(answer)}"
            may = answer.status >= 500 and answer.status not in _NOT_TAKEN
            raise MetabaseError(text, status=answer.status, may_have_arrived=may)
        if not answer.body:
            return None
        try:
            return json.loads(answer.body)
        except ValueError:
            kind = answer.headers.get("Content-Type", "no type")
            raise MetabaseError(
                f"{self._named(method, path)} answered with {kind} and not with JSON: is {PREFIX}METABASE_URL the "
                "address of Metabase, without a login page before it?",
                status=answer.status,
            ) from None

    def _words(self, answer: _Answer) -> str:
        text = answer.body.decode("utf-8", errors="replace").replace(self._key, "***")
        return shortened(" ".join(clean(text).split()), 300)

    def _named(self, method: str, path: str) -> str:
        return f"Metabase at {urlsplit(self.url).hostname} ({method} {path})"


class ForbiddenError(UserError):
    """The key lacks a right (403)."""


def connect_metabase(settings: Settings) -> MetabaseApi:
    """The Metabase of the settings. Raises `UserError` where they lack its address or the key."""
    missing = [
        f"{PREFIX}{name}"
        for name, value in (("METABASE_URL", settings.metabase_url), ("METABASE_API_KEY", settings.metabase_api_key))
        if not value
    ]
    if missing or settings.metabase_api_key is None:
        raise UserError(f"Set {' and '.join(missing)}: they say which Metabase, and who asks.")
    return MetabaseApi(settings.metabase_url, settings.metabase_api_key.get_secret_value())


def too_old(what: str) -> UserError:
    """The error for an answer without what this needs."""
    return UserError(f"This Metabase is too old: {what}. {_OLDEST} or later is needed.")
