"""Texts as people read them in a mail: fields, times with their zone, durations to the thousandth."""

import textwrap
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from incident_ledger.encoding import clean

NOT_KNOWN = "not yet known"
TO_ASSESS = "to be assessed"
SUBJECT_CHARACTERS = 200
LINE_CHARACTERS = 76  # of prose in a plain mail, with its indent within 80
QUERY, COMMAND = "Query", "Command"  # labels of what is copied and not read
# Longer texts stand whole in the ledger. 100 kB of a title still fit, and a whole message into one request of BigQuery.
TITLE_CHARACTERS = 120_000
FIELD_CHARACTERS = 10_000


def field(text: str, limit: int = FIELD_CHARACTERS) -> str:
    """A text of several lines as a field of a message, with a note when it was cut."""
    whole = clean(text).strip()
    return whole if len(whole) <= limit else f"{whole[:limit]}… (cut: {len(whole)} characters in all)"


def item(text: str, label: str) -> str:
    """An item of a list in a plain mail: prose in lines of a readable width, a query or command as it is."""
    lines = f"{label}: {text}".split("\n")
    if label not in (QUERY, COMMAND):
        lines = [part for line in lines for part in _wrapped(line)]
    return "\n  ".join(lines)


def _wrapped(line: str) -> list[str]:
    return textwrap.wrap(line, LINE_CHARACTERS, break_long_words=False, break_on_hyphens=False) or [""]


def utc(time: datetime) -> str:
    """A time to the second, with its zone."""
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def minutes(span: timedelta) -> str:
    """A duration in minutes, exact to the thousandth and without idle zeros: `23 minutes`, `0.333 minutes`."""
    microseconds = span // timedelta(microseconds=1)
    value = (Decimal(microseconds) / 60_000_000).quantize(Decimal("0.001"), rounding=ROUND_HALF_EVEN)
    number = f"{value:f}".rstrip("0").rstrip(".")
    return f"{number} minute" if number == "1" else f"{number} minutes"


def whole_minutes(span: timedelta) -> str:
    """The full minutes that have passed, as an age that is still growing: `1560 minutes`, never rounded up."""
    count = span // timedelta(minutes=1)
    return f"{count} minute" if count == 1 else f"{count} minutes"
