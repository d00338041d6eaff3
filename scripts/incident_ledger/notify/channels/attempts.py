"""One attempt to send one message: it ends in time, whatever happens is an outcome, and the next one has its time."""

import math
from dataclasses import dataclass
from datetime import timedelta

from incident_ledger.deadline import within
from incident_ledger.notify.channels.base import Channel, Envelope, Outcome, Result

_ERROR_CHARACTERS = 1000
_MAX_DOUBLINGS = 60  # of a wait; the policy's longest is shorter


def attempt(way: Channel, envelope: Envelope, seconds: float) -> Result:
    """What became of one send. It takes `seconds` at most (and a moment), however slowly the other side talks."""
    try:
        ended = within(seconds, lambda: way.send(envelope))
    except Exception as error:
        return Result(Outcome.FAILED, f"the channel broke: {type(error).__name__}")
    if ended.value is not None and not ended.is_late:
        return ended.value
    words = f"not done after {seconds:g} s, and cut off"
    if ended.value is None:
        # It may be asleep, or wait for a name to be resolved; what was never connected has reached nobody.
        return Result(Outcome.UNCERTAIN if ended.has_connected else Outcome.FAILED, words, is_late=True)
    reason = f"{words}: {ended.value.error}" if ended.value.error else words
    # "Sent" after the cut is what a service makes of half an answer.
    outcome = Outcome.UNCERTAIN if ended.value.outcome is Outcome.SENT else ended.value.outcome
    return Result(outcome, reason, is_late=True)


@dataclass(frozen=True, kw_only=True)
class Waits:
    """How long a message waits after an attempt that was none, in seconds."""

    first: float
    longest: float

    def after(self, attempts: int, result: Result) -> timedelta:
        """Doubled with each attempt, or what the channel asked for if that is longer; never more than the policy's."""
        doubled = self.first * 2 ** min(attempts - 1, _MAX_DOUBLINGS)
        asked = result.wait_seconds if math.isfinite(result.wait_seconds) else 0.0
        return timedelta(seconds=min(max(doubled, asked), self.longest))


def kept(error: str | None) -> str | None:
    """What is kept of an error: as it is, but no more than a screen of it, and only what is text."""
    return error[:_ERROR_CHARACTERS].encode("utf-8", "replace").decode() if error else error
