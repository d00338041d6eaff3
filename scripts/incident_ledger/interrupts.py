"""Ctrl-C, at a moment that Python can bear.

Raised in the middle of an import, KeyboardInterrupt can be swallowed while Python's import lock stays held: every
thread that imports afterwards, dbt's workers among them, then waits for ever. So it waits until the import is over.
"""

import signal
from types import FrameType

_IMPORTING = "<frozen importlib."
_AGAIN_AFTER = 0.02  # seconds


def defer_while_importing() -> None:
    """Handle Ctrl-C here from now on; a process that was told to ignore it (`nohup`, `&` in a script) still does."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
        signal.signal(signal.SIGALRM, _interrupt)


def _interrupt(_signal: int, frame: FrameType | None) -> None:
    if _is_importing(frame):
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_AFTER)
    else:
        raise KeyboardInterrupt


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith(_IMPORTING):
            return True
        frame = frame.f_back
    return False
