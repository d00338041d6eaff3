"""A relay between the commands and the local warehouse, which notes, delays, cuts, or answers in its place.

    with Relay(endpoint) as relay:
        relay.rule(lambda request: "insertAll" in request.path, Answer(403, {"error": …}), times=1)
        settings = fresh_settings(relay.endpoint, tmp_path)
        …
        assert relay.requests[0].json["query"] …

Rules are tried in order, and the first that fits acts; without one the request is passed on. One rule may act only
`times` times. Everything that came is noted in `requests`, with the status that it was answered with (None: cut).
"""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "te", "upgrade"}


@dataclass
class Request:
    """A request that came to the relay."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)
    answered_at: float = 0.0
    status: int | None = None

    @property
    def json(self) -> dict[str, Any]:
        """The body as JSON; empty when it is none."""
        try:
            content = json.loads(self.body)
        except ValueError:
            return {}
        return content if isinstance(content, dict) else {}

    @property
    def query(self) -> str:
        """The statement that it sends, or ''."""
        content = self.json
        configuration = content.get("configuration", {}).get("query", {})
        return str(content.get("query") or configuration.get("query") or "")


@dataclass(frozen=True)
class Answer:
    """Answer in the warehouse's place. `body` is bytes, or what JSON can hold."""

    status: int = 200
    body: Any = b""
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Delay:
    """Wait, then pass the request on."""

    seconds: float


@dataclass(frozen=True)
class Cut:
    """Close the connection without an answer; with `after` the warehouse has done its part before."""

    after: bool = False


@dataclass(frozen=True)
class Change:
    """Pass the request on and change what comes back: a function of the request, the status and the body."""

    answer: Callable[[Request, int, bytes], tuple[int, bytes]]


Action = Answer | Delay | Cut | Change


def failed(code: int, reason: str, message: str = "made up by the relay") -> Answer:
    """BigQuery's own form of an error."""
    errors = [{"reason": reason, "message": message, "domain": "global"}]
    return Answer(code, {"error": {"code": code, "message": message, "errors": errors}})


class Relay:
    """The relay, running while the `with` block lasts."""

    def __init__(self, target: str) -> None:
        self._host, self._port = urlsplit(target).hostname or "127.0.0.1", urlsplit(target).port or 80
        self._rules: list[tuple[Callable[[Request], bool], Action, list[int]]] = []
        self._lock = threading.Lock()
        self.requests: list[Request] = []
        relay = self

        class Handler(_Handler):
            owner = relay

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> "Relay":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def rule(self, fits: Callable[[Request], bool], action: Action, *, times: int = 1_000_000) -> None:
        """From now on do this with the requests that fit."""
        with self._lock:
            self._rules.append((fits, action, [times]))

    def to(self, part: str) -> list[Request]:
        """The requests whose path holds `part`."""
        return [request for request in self.requests if part in request.path]

    def action(self, request: Request) -> Action | None:
        """Note a request; what to do with it."""
        with self._lock:
            self.requests.append(request)
            for fits, action, left in self._rules:
                if left[0] > 0 and fits(request):
                    left[0] -= 1
                    return action
        return None

    def forward(self, request: Request) -> tuple[int, list[tuple[str, str]], bytes]:
        """What the warehouse says."""
        connection = HTTPConnection(self._host, self._port, timeout=600)
        try:
            skipped = _HOP_BY_HOP | {"host"}  # each asks for the one that it speaks to
            headers = {name: value for name, value in request.headers.items() if name.lower() not in skipped}
            connection.request(request.method, request.path, request.body, headers)
            answer = connection.getresponse()
            # Where to go on, as an upload is told, is here.
            there = f"http://{self._host}:{self._port}"
            given = [(name, value.replace(there, self.endpoint)) for name, value in answer.getheaders()]
            return answer.status, given, answer.read()
        finally:
            connection.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: Relay

    def _serve(self) -> None:
        request = Request(self.command, self.path, dict(self.headers.items()), self._body())
        action = self.owner.action(request)
        if isinstance(action, Delay):
            time.sleep(action.seconds)
        if isinstance(action, Answer):
            body = action.body if isinstance(action.body, bytes) else json.dumps(action.body).encode()
            self._send(request, action.status, [("Content-Type", "application/json"), *action.headers], body)
            return
        if isinstance(action, Cut) and not action.after:
            self.close_connection = True
            return
        status, headers, body = self.owner.forward(request)
        if isinstance(action, Cut):
            self.close_connection = True
            return
        if isinstance(action, Change):
            status, body = action.answer(request, status, body)
        self._send(request, status, headers, body)

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        pieces = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            pieces.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(pieces)

    def _send(self, request: Request, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        request.status, request.answered_at = status, time.monotonic()
        try:
            self.send_response(status)
            for name, value in headers:
                if name.lower() not in _HOP_BY_HOP:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815 - the names that http.server wants

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it
        """Say nothing."""
