"""Ctrl-C, when Python can bear it.

Raised in the middle of an import, KeyboardInterrupt can be swallowed while Python's import lock stays locked: every
thread that imports afterwards, dbt's workers among them, then waits for ever. So it waits until the import is over.
Raised in a finalizer it is lost; so it is raised again until somebody has taken note of it.
"""

import os
import select
import signal
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any, Self

_IMPORTING = "<frozen importlib."
_LOOK_AGAIN_SECONDS = 0.02
_RAISE_AGAIN_SECONDS = 3.0  # dbt lets go of its connections in less


def handle_interrupts() -> None:
    """Handle Ctrl-C here from now on; a process that was started to ignore it (`nohup`, `&` in a script) still does."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
        signal.signal(signal.SIGALRM, _interrupt)


def interrupt_noted() -> None:
    """Say that an interrupt has come through, so that it is not raised again."""
    signal.setitimer(signal.ITIMER_REAL, 0)


def _interrupt(_signal: int, frame: FrameType | None) -> None:
    if _is_importing(frame):
        signal.setitimer(signal.ITIMER_REAL, _LOOK_AGAIN_SECONDS)
    else:
        signal.setitimer(signal.ITIMER_REAL, _RAISE_AGAIN_SECONDS)
        raise KeyboardInterrupt


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith(_IMPORTING):
            return True
        frame = frame.f_back
    return False


class StopRequests:
    """SIGTERM and Ctrl-C as requests to end after the work at hand, for the time of a `with` block.

    In the main thread alone. A second Ctrl-C interrupts the work as usual; a process that was started to ignore Ctrl-C
    still does.
    """

    def __init__(self) -> None:
        self.is_requested = False
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        # A pipe and no event: a handler that sets an event may wait for its lock for ever.
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._writer, False)
        for number in (signal.SIGTERM, signal.SIGINT):
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._previous[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        os.close(self._reader)
        os.close(self._writer)

    def wait(self, seconds: float) -> bool:
        """Wait, but not after a request; whether there was one."""
        if not self.is_requested:
            select.select([self._reader], [], [], seconds)
        return self.is_requested

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self.is_requested = True
        with suppress(BlockingIOError):
            os.write(self._writer, b".")
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, self._previous[signal.SIGINT])
