"""Who may call the local warehouse's server: who has its token and asks for this very address. No web page does.

A new token is made at each start and stands in a file that only its owner can read. A page in a browser of this
machine cannot read it; that the server's own address was asked for, and by no foreign page, is demanded beside it, so
that a page does not even learn what is here. The token distinguishes servers, too: whoever holds the token of another
one, whose port this one has got, is refused before anything is written.
"""

import hmac
import json
import secrets
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

from incident_ledger.private import write_private

App = Callable[..., Awaitable[None]]

_HOSTS = ("127.0.0.1", "localhost")


class Refusal(NamedTuple):
    """An answer without the app: the HTTP status, and why."""

    status: int
    message: str


def token_file(folder: Path) -> Path:
    """Where the token of the server of `folder` stands."""
    return folder / "token"


def new_token(folder: Path) -> str:
    """A token for one start of the server, written into its file."""
    token = secrets.token_urlsafe(32)
    write_private(token_file(folder), token.encode())
    return token


def refusal(headers: Iterable[tuple[bytes, bytes]], port: int, token: str) -> Refusal | None:
    """Why a request with these headers is refused by the server at `port`; None when it may pass."""
    given: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        given.setdefault(name.lower(), []).append(value)
    places = [f"{host}:{port}".encode() for host in _HOSTS]
    if len(given.get(b"host", [])) != 1 or given[b"host"][0].lower() not in places:
        return Refusal(403, "Only this machine's own address may be requested.")
    pages = [b"http://" + place for place in places]
    if any(origin.lower() not in pages for origin in given.get(b"origin", [])):
        return Refusal(403, "No web page may ask.")
    credentials = given.get(b"authorization", [])
    if len(credentials) != 1 or not hmac.compare_digest(credentials[0], b"Bearer " + token.encode()):
        return Refusal(401, "This server's own token is needed; it was given none, or another's.")
    return None


def guarded(app: App, token: str) -> App:
    """The ASGI app, for requests that may pass."""

    async def guard(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":  # the emulator has no web sockets, and its server sends no other events
            return
        problem = refusal(scope["headers"], scope["server"][1], token)
        if problem is None:
            await app(scope, receive, send)
            return
        body = json.dumps({"error": {"code": problem.status, "message": problem.message, "errors": []}}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": problem.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return guard
