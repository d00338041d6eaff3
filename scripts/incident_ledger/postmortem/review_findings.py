"""What people found out in a review, as the ledger holds it. Pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from incident_ledger.encoding import clean
from incident_ledger.ledger.events import Event, EventType
from incident_ledger.ledger.state import IncidentState


@dataclass(frozen=True, kw_only=True)
class Improvement:
    """What is to be better, who sees to it, and by when (a date as YYYY-MM-DD)."""

    text: str
    owner: str
    due: str


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What a review says. Unknown is None or empty."""

    root_cause_category: str | None = None
    root_cause: str | None = None
    user_impact: str | None = None
    financial_impact: str | None = None
    data_impact: str | None = None
    contributing_factors: tuple[str, ...] = ()
    improvements: tuple[Improvement, ...] = ()
    lessons: tuple[str, ...] = ()

    @property
    def impact(self) -> dict[str, str]:
        """The payload of `impact_assessed`."""
        found = {name: getattr(self, name) for name in ("user_impact", "financial_impact", "data_impact")}
        return {name: text for name, text in found.items() if text}

    @property
    def review(self) -> dict[str, Any]:
        """The payload of `review_completed`."""
        return {
            "contributing_factors": list(self.contributing_factors),
            "improvements": [asdict(improvement) for improvement in self.improvements],
            "lessons": list(self.lessons),
        }


def known_findings(incident: IncidentState, history: Sequence[Event]) -> Findings:
    """What the ledger holds; `history` are the events that are not superseded, in order."""
    review = latest_payload(history, EventType.REVIEW_COMPLETED)
    impact: dict[str, Any] = {}
    for event in history:
        if event.event_type is EventType.IMPACT_ASSESSED:
            impact |= event.payload
    return Findings(
        root_cause_category=incident.root_cause_category,
        root_cause=_text(latest_payload(history, EventType.ROOT_CAUSE_IDENTIFIED).get("text")),
        user_impact=_text(incident.user_impact),
        financial_impact=_text(incident.financial_impact),
        data_impact=_text(impact.get("data_impact")),
        contributing_factors=_texts(review.get("contributing_factors")),
        improvements=tuple(_improvements(review.get("improvements"))),
        lessons=_texts(review.get("lessons")),
    )


def plain_lines(text: str) -> str:
    """A text as a document holds it: no blanks around its lines, and never two empty lines in a row."""
    lines = "\n".join(line.strip() for line in clean(text).strip().split("\n"))
    return re.sub(r"\n{3,}", "\n\n", lines)


def latest_payload(history: Sequence[Event], event_type: EventType) -> Mapping[str, Any]:
    """The payload of the newest event of a type; empty without one."""
    found = [event.payload for event in history if event.event_type is event_type]
    return found[-1] if found else {}


def _improvements(value: Any) -> list[Improvement]:
    rows = [row for row in value if isinstance(row, Mapping)] if isinstance(value, list | tuple) else []
    names = ("text", "owner", "due")
    return [Improvement(**{name: plain_lines(str(row.get(name) or "")) for name in names}) for row in rows]


def _texts(value: Any) -> tuple[str, ...]:
    items = value if isinstance(value, list | tuple) else ()
    return tuple(text for item in items if (text := _text(item)))


def _text(value: Any) -> str | None:
    return plain_lines(value) or None if isinstance(value, str) else None
