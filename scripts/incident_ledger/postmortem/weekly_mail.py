"""The week's review as an e-mail, with charts that every mail client draws: cells with a colour and a number. Pure."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from incident_ledger.notify.channels.base import Envelope
from incident_ledger.notify.formatting import utc
from incident_ledger.postmortem.weekly import Week, weekly_review

_INSTANT = timedelta(microseconds=1)
_NAMESPACE = uuid.UUID("6f0c9d1e-52b4-5c0e-9d7b-3f5a1c2e8b47")  # fixed, so that a week's report has one id


@dataclass(frozen=True)
class Bar:
    """A line of a chart. `width` is percent of the longest, and at least one where there is anything."""

    name: str
    number: int
    width: int


def bars(numbers: Sequence[tuple[str, int]]) -> list[Bar]:
    """A chart of whole numbers from 0."""
    most = max((number for _, number in numbers), default=0)
    return [Bar(name, number, max(1, round(100 * number / most)) if number else 0) for name, number in numbers]


def weekly_mail(week: Week, recipients: Sequence[str]) -> Envelope:
    """The review's text, and the same as HTML with charts. Made again at the same time, it is the same mail."""
    detected, resolved, left = (sum(numbers) for numbers in zip(*(row[1:4] for row in week.counts), strict=True))
    days = f"{week.since:%Y-%m-%d} to {week.until - _INSTANT:%Y-%m-%d}"  # both in
    subject = f"[INCIDENT] Weekly review {days}: {detected} detected, {resolved} resolved, {left} open"
    text = weekly_review(week)
    html = (
        _environment()
        .get_template("weekly_mail.html.j2")
        .render(
            subject=subject,
            since=utc(week.since),
            until=utc(week.until),
            now=utc(week.now),
            charts=[
                ("Detected, by severity", bars([(row[0], row[1]) for row in week.counts])),
                ("Detected, by day", bars(week.days)),
                ("Open now, by severity", bars([(row[0], row[3]) for row in week.counts])),
                *([("More than one incident, by component", bars(week.repeats))] if week.repeats else []),
            ],
            counts=week.counts,
            weekly=week.weekly,
            others=week.others,
            open_ones=week.open_ones,
        )
    )
    return Envelope(
        message_id=str(uuid.uuid5(_NAMESPACE, f"{week.since.isoformat()}/{week.until.isoformat()}")),
        incident_id="",
        template="weekly_report",
        severity_level="",
        recipients=tuple(recipients),
        subject=subject,
        text=text,
        html=html,
        created_at=week.now,
    )


@cache
def _environment() -> Environment:
    folder = Path(__file__).parent / "templates"
    return Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
