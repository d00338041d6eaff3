"""What people hold back for a time: maintenance, or a trouble that is known. Pure.

A silence opens no incident, raises none and reopens none of what it covers; it ends none, and what is open stays open.
What it held back and still holds when it is over is opened then.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from incident_ledger.response.signals import Signal

_REST = "*"


class Scope(StrEnum):
    """What a silence is about."""

    COMPONENT = "component"
    RULE = "rule"
    OWNER = "owner"


@dataclass(frozen=True, kw_only=True)
class Silence:
    """From `starts_at` on and before `ends_at`, of what has this component, rule or owner; `x*`: that begins with x."""

    silence_id: str
    scope: Scope
    value: str
    starts_at: datetime
    ends_at: datetime
    reason: str
    actor: str
    ended_by: str | None = None

    def holds_at(self, time: datetime) -> bool:
        """Whether it is on at a time."""
        return self.starts_at <= time < self.ends_at

    def matches(self, signal: Signal) -> bool:
        """Whether it is about a signal, at whatever time."""
        owner = signal.evidence.get("owner")
        subjects = {Scope.COMPONENT: signal.component, Scope.RULE: signal.rule_id, Scope.OWNER: owner}
        subject = subjects[self.scope]
        if not isinstance(subject, str):
            return False
        is_rest = self.value.endswith(_REST)
        return subject.startswith(self.value.removesuffix(_REST)) if is_rest else subject == self.value


def about(signal: Signal, silences: Iterable[Silence]) -> list[Silence]:
    """The silences that are about a signal, in the order of their ends."""
    return sorted((each for each in silences if each.matches(signal)), key=lambda each: (each.ends_at, each.silence_id))


def ends_after(time: datetime, silences: Sequence[Silence], now: datetime) -> list[datetime]:
    """When silences that were on between `time` and `now` ended, in their order."""
    return [each.ends_at for each in silences if each.starts_at < each.ends_at and time < each.ends_at <= now]
