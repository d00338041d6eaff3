"""Ctrl-C, when Python can bear it.

Raised in the middle of an import, KeyboardInterrupt can be swallowed while Python's import lock stays locked: every
thread that imports afterwards, dbt's workers among them, then waits for ever. So it waits until the import is over.
Raised in a finalizer it is lost; so it is raised again until somebody has taken note of it.
"""

import signal
from types import FrameType

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
