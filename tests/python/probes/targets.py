"""A server of the tests' own that answers as it is bid, targets on it, and a policy that has them."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from conftest import PROJECT_DIR
from incident_ledger.policy import Policy, load_files
from incident_ledger.policy.cells import Row
from incident_ledger.probes.probe_targets import ProbeTarget

KEY = "sk-very-secret-key"
POLICY = load_files(PROJECT_DIR / "seeds" / "policy")

Answer = Callable[[BaseHTTPRequestHandler], None]


@dataclass
class Service:
    """Where it listens, what it answers by path, and the headers of every request."""

    url: str
    answers: dict[str, Answer] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)


def says(status: int, body: bytes = b"", **headers: str) -> Answer:
    """A whole answer; `Content_Length` may say otherwise."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


@contextmanager
def service(context: ssl.SSLContext | None = None) -> Iterator[Service]:
    """A server on a free port of this machine, by TLS with a context."""
    found = Service("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            found.requests.append((path, dict(self.headers.items())))
            found.answers.get(path, says(200, b"{}"))(self)

        def handle(self) -> None:
            with suppress(OSError):  # who asked may have gone
                super().handle()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    found.url = f"http{'s' if context else ''}://127.0.0.1:{server.server_address[1]}"
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def target(url: str | None = "http://127.0.0.1:1/", name: str = "anthropic", **fields: Any) -> ProbeTarget:
    """An API without a key, unless the fields say otherwise."""
    kind = fields.get("kind", "api")
    defaults: dict[str, Any] = {
        "target_id": name, "kind": kind, "component": f"{kind}:{name}", "url": url, "key_variable": None,
        "key_header": None, "key_scheme": None, "expects": None, "expected_text": None, "timeout_seconds": 5.0,
        "error_percent": Fraction(20), "latency_deviations": 6.0, "latency_percent": 100.0, "owner": None,
    }  # fmt: skip
    return ProbeTarget(**{**defaults, **fields})


def policy_of(targets: Sequence[ProbeTarget], **limits: int) -> Policy:
    """The project's policy with these targets, and limits that are others."""
    rows = [Row("probe_targets", each.target_id, {**vars(each), "valid_from": None}) for each in targets]
    limited = [
        replace(row, values={**row.values, "value": Decimal(limits.get(row["limit_name"], row["value"]))})
        for row in POLICY.tables["runtime_limits"]
    ]
    return Policy({**POLICY.tables, "probe_targets": tuple(rows), "runtime_limits": tuple(limited)})
