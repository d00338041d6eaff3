"""Generated incidents in the shape of a status page's archive: invented, seeded, and as skewed as real ones are."""

import json
import math
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

PAGE = {"id": "demopage0001", "name": "Demo AI vendor", "url": "https://status.example.com", "time_zone": "Etc/UTC"}
COMPONENTS = ("Demo API", "Demo Console", "Demo Code", "Demo Chat")
TITLES = (
    "Elevated error rates on {component}",
    "{component} is slow to answer",
    "Authentication failures on {component}",
    "Usage exports of {component} are delayed",
    "Partial outage of {component}",
)
# Impact, how often, and the median minutes to resolution: roughly what public status pages show.
IMPACTS = (("none", 4, 20.0), ("minor", 9, 75.0), ("major", 6, 60.0), ("critical", 1, 90.0))
# Durations are log-normal: the mean comes out near three times the median, as on real pages.
_SPREAD = 1.4
_STATES = (("investigating", 0.0), ("identified", 0.35), ("monitoring", 0.7), ("resolved", 1.0))
_BODIES = {
    "investigating": "We are looking into this.",
    "identified": "The cause is known and a fix is on its way.",
    "monitoring": "A fix is in place and we are watching it.",
    "resolved": "This incident has been resolved.",
}


def generate(folder: Path, *, seed: int, end: datetime, days: int = 90) -> Path:
    """Write `statuspage_incidents.jsonl`, one incident a line, oldest first; the last one is open.

    Same arguments, same bytes. About one incident every three days, the last detected 40 minutes before `end`.
    """
    chance = random.Random(seed)  # noqa: S311 - a story, not a secret
    path = folder / "statuspage_incidents.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for incident in _incidents(chance, end, days):
            file.write(json.dumps(incident) + "\n")
    return path


def _incidents(chance: random.Random, end: datetime, days: int) -> Iterator[dict[str, Any]]:
    time, number = end - timedelta(days=days), 0
    while (time := time + timedelta(days=chance.expovariate(1 / 3), minutes=90)) < end - timedelta(days=2):
        number += 1
        impact, _, median = chance.choices(IMPACTS, weights=[weight for _, weight, _ in IMPACTS])[0]
        minutes = median * math.exp(chance.gauss(0, _SPREAD))
        lasts = timedelta(minutes=min(minutes, 40 * 60))
        yield _incident(chance, number, impact, time, lasts if time + lasts < end else None)
    yield _incident(chance, number + 1, "major", end - timedelta(minutes=40), None)


def _incident(
    chance: random.Random, number: int, impact: str, began: datetime, lasts: timedelta | None
) -> dict[str, Any]:
    """One incident; `lasts` is None while it is open."""
    component = chance.choice(COMPONENTS)
    key = f"demo{number:04d}"
    states = _STATES if lasts else _STATES[:2]
    whole = lasts or timedelta(minutes=20)
    updates = [
        {
            "id": f"{key}u{position}",
            "status": status,
            "body": _BODIES[status],
            "created_at": _iso(began + whole * share),
            "updated_at": _iso(began + whole * share),
            "display_at": _iso(began + whole * share),
        }
        for position, (status, share) in enumerate(states)
    ]
    return {
        "id": key,
        "name": chance.choice(TITLES).format(component=component),
        "status": updates[-1]["status"],
        "impact": impact,
        "created_at": _iso(began),
        "started_at": _iso(began - timedelta(minutes=chance.randint(1, 12))),
        "updated_at": updates[-1]["updated_at"],
        "monitoring_at": updates[2]["display_at"] if lasts else None,
        "resolved_at": _iso(began + lasts) if lasts else None,
        "page_id": PAGE["id"],
        "incident_updates": updates[::-1],
        "components": [{"id": component.lower().replace(" ", "-"), "name": component}],
    }


def _iso(time: datetime) -> str:
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
