"""Sending one batch: the channels side by side, the messages of each in their order. Nothing here knows a warehouse."""

import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass

from incident_ledger.notify.channels.attempts import attempt
from incident_ledger.notify.channels.base import Channel, Envelope, Outcome, Result

_FAILURES_IN_A_ROW = 2  # then a channel is left alone until the next delivery


@dataclass(kw_only=True)
class Lane:
    """One channel in one delivery. `seconds` is for one message; `spent` is with the channel alone."""

    way: Channel
    seconds: float
    failures: int = 0
    spent: float = 0.0
    is_late: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it is sent to in this delivery.

        A channel that fails twice in a row, or once at the deadline, is left alone until the next delivery, so that a
        dead server delays nothing else; so is one that has taken as long as one message may. What can be sent twice
        without harm is tried in any case.
        """
        if self.way.is_idempotent:
            return True
        return not self.is_late and self.failures < _FAILURES_IN_A_ROW and self.spent <= self.seconds

    def send(self, envelopes: Sequence[Envelope], stop: threading.Event) -> list[Result | None]:
        """What became of each, in order; None for what was not tried."""
        results: list[Result | None] = []
        for envelope in envelopes:
            if not self.is_open or stop.is_set():
                results.append(None)
                continue
            begun = time.monotonic()
            result = attempt(self.way, envelope, self.seconds)
            self.spent += time.monotonic() - begun
            self.is_late = result.is_late
            self.failures = 0 if result.outcome is Outcome.SENT else self.failures + 1
            results.append(result)
        return results


def send_side_by_side(
    lanes: Mapping[str, Lane], envelopes: Mapping[str, Sequence[Envelope]]
) -> dict[str, list[Result | None]]:
    """What became of the messages of each channel, by its name; each channel has a thread of its own.

    An error of a channel is an outcome of its message (see `attempt`). What is none (Ctrl-C) stops all before their
    next message, and is raised.
    """
    stop = threading.Event()
    futures: dict[str, Future[list[Result | None]]] = {name: Future() for name in envelopes}
    for name, future in futures.items():
        work = (lanes[name], envelopes[name], stop, future)
        threading.Thread(target=_send, args=work, name=f"channel {name}", daemon=True).start()
    try:
        wait(futures.values())
        return {name: future.result() for name, future in futures.items()}
    finally:
        stop.set()


def _send(
    lane: Lane, envelopes: Sequence[Envelope], stop: threading.Event, future: Future[list[Result | None]]
) -> None:
    try:
        future.set_result(lane.send(envelopes, stop))
    except BaseException as error:
        future.set_exception(error)
