"""A deadline for the whole of a talk with somebody outside, not for each read of it.

A server that drips a byte a second keeps every timeout of a library (which is one for each read) and is never done.
So the talk runs in a thread of its own, and Python's audit event `socket.connect` names every socket that this
thread connects, whatever the library is. At the deadline they are shut, which ends any read or write at once; a thread
that is busy with something else (a name that nobody resolves, a sleep) is left behind, and can connect nothing more.
"""

import contextlib
import socket
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

# After its sockets are shut, the thread says what it knows within this time, or is left behind.
_GRACE_SECONDS = 1.0
_WORDS = "the deadline is over"


@dataclass(frozen=True)
class Ended(Generic[T]):
    """How a talk ended. `value` is None when it was left behind, or the cut broke it."""

    value: T | None
    is_late: bool  # it was cut off, so `value` may be the error of the cut alone
    has_connected: bool  # somebody may have heard something


class _Watch:
    """The sockets of one talk. Duplicates are kept, since TLS takes the descriptor to another object."""

    def __init__(self, seconds: float) -> None:
        self.ends_at = time.monotonic() + seconds
        self.has_connected = False
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._is_over = False

    def connecting(self, sock: socket.socket) -> None:
        """Note a socket, which has no more time to connect than there is. Raises `TimeoutError` when that is over."""
        with self._lock:
            left = self.ends_at - time.monotonic()
            if self._is_over or left <= 0:
                raise TimeoutError(_WORDS)
            known, longest = sock.gettimeout(), left + _GRACE_SECONDS / 2  # should a shut socket go on connecting
            if known is None or known > longest:
                sock.settimeout(longest)
            self.has_connected = True
            self._sockets.append(socket.fromfd(sock.fileno(), sock.family, sock.type))

    def end(self) -> None:
        """Shut all sockets, and let no other be connected."""
        with self._lock:
            self._is_over = True
            for sock in self._sockets:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
                sock.close()
            self._sockets.clear()


_here = threading.local()
_hooking = threading.Lock()
_is_hooked = False


def within(seconds: float, work: Callable[[], T]) -> Ended[T]:
    """What `work` returns, or how far it came in `seconds`. Raises what it raises before that."""
    _hook()
    watch = _Watch(seconds)
    future: Future[T] = Future()
    threading.Thread(target=_do, args=(watch, work, future), name="deadline", daemon=True).start()
    try:
        is_late = bool(wait([future], timeout=seconds).not_done)
    finally:
        watch.end()  # also on Ctrl-C
    if is_late and (wait([future], timeout=_GRACE_SECONDS).not_done or future.exception()):
        return Ended(None, is_late=True, has_connected=watch.has_connected)
    return Ended(future.result(), is_late=is_late, has_connected=watch.has_connected)


def _do(watch: _Watch, work: Callable[[], T], future: Future[T]) -> None:
    _here.watch = watch
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)


def _hook() -> None:
    global _is_hooked  # noqa: PLW0603 - an audit hook is of the process and stays
    with _hooking:
        if not _is_hooked:
            sys.addaudithook(_audit)
            _is_hooked = True


def _audit(event: str, args: tuple[object, ...]) -> None:
    if event != "socket.connect":
        return
    watch: _Watch | None = getattr(_here, "watch", None)
    if watch is not None and isinstance(args[0], socket.socket):
        watch.connecting(args[0])
