"""The pages of very many incidents: how large, how soon they are drawn, how long a filter takes, beside few."""

import importlib
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmark.figures import Comparison, Part, Series
from benchmark.places import PROJECT_DIR, Place, place
from incident_ledger.encoding import timestamp
from incident_ledger.ledger.events import Event, EventType, incident_id
from incident_ledger.ledger.setup import ensure_ledger
from incident_ledger.ledger.writer import append
from incident_ledger.warehouse.tables import ensure_tables

FEW = 1_000
AS_OF = datetime(2026, 3, 2, 9, tzinfo=UTC)
PAGE = "incident-review.html"
AIM = 1.5
_DAYS = 360  # over which the incidents lie
_COMPONENTS = 400
_CAUSES = ("upstream", "capacity", "deploy", "network", "access")
_LEVELS = ("P0", "P1", "P2", "P3")
_BATCH = 20_000  # incidents written at once
_LARGEST_MB = 3
# Milliseconds until every card is drawn, from the begin of the navigation; and those of one choice in a filter.
_DRAWN = "performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd"
_CHOOSE = """((name, value) => {
    const select = document.getElementById('filter-' + name), began = performance.now();
    select.value = value;
    select.dispatchEvent(new Event('change', {bubbles: true}));
    document.body.offsetHeight;
    return performance.now() - began;
})(%r, %r)"""


def measure(folder: Path, *, many: int, repetitions: int) -> Part | None:
    """The pages of `many` incidents beside `FEW`; None where there is no Chromium to look at them."""
    sys.path.insert(0, str(PROJECT_DIR / "tests" / "python"))
    browser: Any = importlib.import_module("dashboards.browser")  # the tests' own
    if browser.CHROMIUM is None:
        return None
    few = min(FEW, many // 2)
    files = {}
    for count in (few, many):
        with place(folder / f"incidents-{count}") as here:
            files[count] = _rendered(here, count)
    (folder / "profile").mkdir(parents=True)
    with browser.browser(folder / "profile") as page:
        taken = {count: _taken(page, file, repetitions) for count, file in files.items()}
    comparisons = [
        Comparison(f"{what} of {many:,} incidents, beside {few:,}", measured, beside, aim)
        for what, measured, beside, aim in zip(
            ("a filter's answer on the page", "the time to all cards of the page"),
            _series(many, taken[many]),
            _series(few, taken[few]),
            (AIM, None),
            strict=True,
        )
    ]
    sizes = tuple(
        Series(f"size of {PAGE} of {count:,} incidents", "kB", (file.stat().st_size / 1000,))
        for count, file in files.items()
    )
    note = f"A page is to be under {_LARGEST_MB} MB: sums are made in SQL, and lists end at 500 rows."
    return Part("Pages of very many incidents", tuple(comparisons), sizes, (note,))


def _series(count: int, taken: Sequence[Sequence[float]]) -> Iterator[Series]:
    for what, values in zip(("a filter", "all cards"), taken, strict=True):
        yield Series(f"{what}, page of {count:,} incidents", "s", tuple(value / 1000 for value in values))


def _rendered(here: Place, count: int) -> Path:
    """The page over so many incidents, each with its detection, answer, cause and end."""
    warehouse = here.warehouse()
    ensure_ledger(warehouse)
    ensure_tables(warehouse)
    for first in range(0, count, _BATCH):
        events = [event for number in range(first, min(first + _BATCH, count)) for event in _events(number, count)]
        append(warehouse, events, AS_OF)
    here.dbt("build", "--exclude-resource-type", "test", "unit_test", as_of=AS_OF)
    here.ledger("dashboard", "render", str(here.folder / "pages"), "--as-of", timestamp(AS_OF), expect=(0, 3))
    return here.folder / "pages" / PAGE


def _events(number: int, count: int) -> Iterator[Event]:
    detected = AS_OF - timedelta(days=_DAYS) * (number + 1) / (count + 1)
    key, level = f"made {number}", _LEVELS[number % 7 % 4]
    component = f"component {number * number % _COMPONENTS}"
    ended = {"root_cause_category": _CAUSES[number % 5]} if number % 3 else {}
    facts: tuple[tuple[EventType, float, dict[str, Any]], ...] = (
        (EventType.DETECTED, 0, {"title": f"No. {number} failed", "components": [component]}),
        (EventType.ACKNOWLEDGED, 1 + number % 50, {}),
        (EventType.RESOLVED, 5 + number % 997, ended),
    )
    for kind, minutes, payload in facts:
        yield Event(
            incident_id=incident_id("benchmark", key, detected),
            event_type=kind,
            occurred_at=detected + timedelta(minutes=minutes),
            actor="benchmark",
            source="benchmark",
            source_key=key,
            severity_level=level if kind is EventType.DETECTED else None,
            payload=payload,
        )


def _taken(page: Any, file: Path, repetitions: int) -> tuple[list[float], list[float]]:
    """Milliseconds of a choice in the filter of severities, and of all cards to be drawn."""
    filters, drawn = [], []
    for _ in range(repetitions):
        page.open(file)
        drawn.append(float(page.value(_DRAWN)))
        page.value(_CHOOSE % ("severity", "P0"))  # once, as code that ran is faster
        filters += [float(page.value(_CHOOSE % ("severity", level))) for level in ("P1", "P2", "all")]
    return filters, drawn
