"""A real SMTP server and a real HTTP server for the tests, which can refuse, fail for a while, or answer too late."""

import asyncio
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd import smtp
from aiosmtpd.controller import Controller


@dataclass
class Mailbox:
    """What arrived, and how the server behaves: each answer in `answers` is given once, then all is taken."""

    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    is_encrypted: list[bool] = field(default_factory=list)
    logins: int = 0
    answers: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)
    answer_after: float = 0.0
    port: int = 0

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _: smtp.SMTP, __: smtp.Session, envelope: smtp.Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refused:
            return "550 no such person"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 OK"

    async def handle_DATA(self, server: smtp.SMTP, _: smtp.Session, envelope: smtp.Envelope) -> str:  # noqa: N802
        if self.answers:
            return self.answers.pop(0)
        assert isinstance(envelope.content, bytes)
        self.raw.append(envelope.content)
        self.is_encrypted.append(server.transport.get_extra_info("sslcontext") is not None)
        self.recipients.append(list(envelope.rcpt_tos))
        mail = message_from_bytes(envelope.content, policy=SMTP)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        await asyncio.sleep(self.answer_after)
        return "250 taken"


class AnyPortController(Controller):
    """A controller that finds the port which the system chose."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def smtp_server(login: tuple[str, str] | None = None, **more: Any) -> Iterator[Mailbox]:
    """An SMTP server on a free port of this machine, which may want a login; `more` is for aiosmtpd."""
    mailbox = Mailbox()

    def check(_: smtp.SMTP, __: smtp.Session, ___: smtp.Envelope, ____: str, data: Any) -> smtp.AuthResult:
        mailbox.logins += 1
        given = (data.login.decode(), data.password.decode()) if isinstance(data, smtp.LoginPassword) else None
        return smtp.AuthResult(success=given == login, handled=False)

    wanted = {"auth_required": True, "auth_require_tls": False, "authenticator": check} if login else {}
    options: dict[str, Any] = {"data_size_limit": 10_000_000, **wanted, **more}
    controller = AnyPortController(mailbox, hostname="127.0.0.1", port=0, **options)
    controller.start()
    mailbox.port = controller.port
    try:
        yield mailbox
    finally:
        controller.stop()


@dataclass
class Hook:
    """What a webhook received, and how it answers: (status, headers, seconds to wait), each once, then 200 at once.

    `reply` makes the content of each answer.
    """

    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], float]] = field(default_factory=list)
    reply: Callable[[dict[str, Any]], bytes] = lambda _: b""
    port: int = 0


@contextmanager
def webhook(tls: ssl.SSLContext | None = None) -> Iterator[Hook]:
    """An HTTP server on a free port of this machine, or with `tls` an HTTPS server."""
    hook = Hook()
    stopping = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.bodies.append(json.loads(body))
            content = hook.reply(hook.bodies[-1])
            hook.headers.append(dict(self.headers))
            status, headers, seconds = hook.answers.pop(0) if hook.answers else (200, {}, 0.0)
            stopping.wait(seconds)
            try:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
            except OSError:
                pass  # the sender is gone

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    hook.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hook
    finally:
        stopping.set()
        server.shutdown()
        server.server_close()
        thread.join(timeout=5)


@dataclass
class Peer:
    """What a peer of raw bytes heard, a connection an entry."""

    heard: list[bytes] = field(default_factory=list)
    port: int = 0


@contextmanager
def peer(talk: Callable[[socket.socket, threading.Event], None], *, listens_first: bool = True) -> Iterator[Peer]:
    """A TCP server on a free port that says by `talk` whatever it likes, until the event is set."""
    stopping, found = threading.Event(), Peer()

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            if listens_first:
                found.heard.append(connection.recv(100_000))
            talk(connection, stopping)

    def accept(server: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = server.accept()
                if not listens_first:
                    found.heard.append(b"")
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        found.port = server.getsockname()[1]
        threading.Thread(target=accept, args=(server,), daemon=True).start()
        try:
            yield found
        finally:
            stopping.set()
            server.shutdown(socket.SHUT_RDWR)


def dripping(start: bytes) -> Callable[[socket.socket, threading.Event], None]:
    """Says `start`, and then a byte each now and then, without end."""

    def talk(connection: socket.socket, stopping: threading.Event) -> None:
        connection.sendall(start)
        while not stopping.wait(0.05):
            connection.sendall(b"x")

    return talk
