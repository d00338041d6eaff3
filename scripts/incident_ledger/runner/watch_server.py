"""`/healthz` and `/metrics` of `watch`, by HTTP on one address. It reads its status and nothing else."""

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from socket import AF_INET, AF_INET6
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from incident_ledger.encoding import iso_time
from incident_ledger.errors import UserError
from incident_ledger.runner.watch import Watch
from incident_ledger.runner.watch_status import WatchStatus

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_PREFIX = "incident_ledger"
_REQUEST_SECONDS = 10.0


def metrics(status: WatchStatus) -> Iterator[Metric]:
    """The status in Prometheus' terms. What is not known yet has no sample."""
    success = GaugeMetricFamily(
        f"{_PREFIX}_last_success_timestamp_seconds",
        "When a tick last ended, or a look last found nothing to do.",
        value=status.last_success_at.timestamp() if status.last_success_at else None,
    )
    ticks = CounterMetricFamily(f"{_PREFIX}_ticks", "Ticks, by how they ended.", labels=["outcome"])
    for outcome, count in status.ticks.items():
        ticks.add_metric([outcome.value], count)
    opened = GaugeMetricFamily(f"{_PREFIX}_open_incidents", "Open incidents, by severity.", labels=["severity"])
    for severity, count in status.open_incidents.items():
        opened.add_metric([severity], count)
    yield success
    yield ticks
    yield CounterMetricFamily(
        f"{_PREFIX}_looks_skipped", "Looks that found nothing changed and nothing due.", value=status.skipped_looks
    )
    yield opened
    yield GaugeMetricFamily(
        f"{_PREFIX}_undelivered_messages",
        "Messages that are owed to a channel, each once a channel.",
        value=status.undelivered,
    )
    yield CounterMetricFamily(
        f"{_PREFIX}_warehouse_errors", "Looks and ticks that the warehouse failed.", value=status.warehouse_errors
    )
    yield GaugeMetricFamily(f"{_PREFIX}_last_tick_seconds", "How long the last tick took.", value=status.tick_seconds)


def health(watch: Watch) -> dict[str, Any]:
    """The body of `/healthz`. What went wrong stands in the log alone: it may name what is not for everybody."""
    status = watch.status
    return {
        "status": "ok" if watch.is_healthy else "no success lately",
        "last_success": iso_time(status.last_success_at) if status.last_success_at else None,
        "open_incidents": dict(status.open_incidents),
        "undelivered_messages": status.undelivered,
    }


def application(watch: Watch) -> "WSGIApplication":
    """What answers: 200 or 503 for `/healthz`, Prometheus' format for `/metrics`, 404 for the rest."""
    registry = CollectorRegistry()
    registry.register(_StatusCollector(lambda: watch.status))
    show_metrics = make_wsgi_app(registry)

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if environ["REQUEST_METHOD"] not in {"GET", "HEAD"}:
            start_response("405 Method Not Allowed", [("Allow", "GET, HEAD")])
            return []
        if path == "/metrics":
            shown: Iterable[bytes] = show_metrics(environ, start_response)
            return shown
        if path == "/healthz":
            body = json.dumps(health(watch)).encode() + b"\n"
            status = "200 OK" if watch.is_healthy else "503 Service Unavailable"
            start_response(status, [("Content-Type", "application/json")])  # the server adds to this list
            return [body]
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"There are /healthz and /metrics.\n"]

    return answer


@contextmanager
def serving(watch: Watch, host: str, port: int) -> Iterator[str]:
    """Answer on an address while the block lasts; the URL. Port 0 is any that is free.

    Raises `UserError` when the address cannot be had.
    """
    family = _Server6 if ":" in host else _Server
    try:
        server = family((host, port), _Handler)
    except OSError as error:
        raise UserError(
            f"--listen {host}:{port}: {error.strerror or error}. Give another address, or none to answer nobody."
        ) from error
    server.set_app(application(watch))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="listen", daemon=True)
    thread.start()
    try:
        yield f"http://{f'[{host}]' if ':' in host else host}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _StatusCollector(Collector):
    def __init__(self, status: Callable[[], WatchStatus]) -> None:
        self._status = status

    def collect(self) -> Iterable[Metric]:
        return metrics(self._status())


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
    block_on_close = False
    address_family = AF_INET


class _Server6(_Server):
    address_family = AF_INET6


class _Handler(WSGIRequestHandler):
    timeout = _REQUEST_SECONDS  # one who connects and asks nothing is not waited for

    def log_message(self, *_arguments: object) -> None:
        """Nothing: a line for each scrape would bury the others."""
