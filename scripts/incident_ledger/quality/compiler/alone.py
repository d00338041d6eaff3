"""Great Expectations is used by one thread at a time, of all that check tables side by side."""

from collections.abc import Callable
from functools import wraps
from threading import RLock
from typing import ParamSpec, TypeVar

# The library sets what belongs to the process: filters of warnings, its parser's state, its registries.
_LIBRARY = RLock()
P = ParamSpec("P")
R = TypeVar("R")


def alone(method: Callable[P, R]) -> Callable[P, R]:
    """A method that waits until no other thread is in the library."""

    @wraps(method)
    def one_at_a_time(*args: P.args, **options: P.kwargs) -> R:
        with _LIBRARY:
            return method(*args, **options)

    return one_at_a_time
