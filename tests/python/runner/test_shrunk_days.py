"""From a report that takes back what it had of a day to an incident, and the report that ends it."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from detecting import Detectors
from incident_ledger.importers.usage.ingest import load_usage
from incident_ledger.ledger.state import IncidentState, read_state
from incident_ledger.runner.job import Job
from incident_ledger.warehouse import Warehouse

FIRST, LOADED = date(2026, 2, 20), datetime(2026, 3, 12, 8, tzinfo=UTC)


def bucket(day: date, cents: str) -> dict[str, Any]:
    """A day of Anthropic's cost report."""
    return {
        "starting_at": f"{day}T00:00:00Z",
        "ending_at": f"{day + timedelta(days=1)}T00:00:00Z",
        "organization_id": "0de60000-0000-4000-8000-000000000009",
        "results": [{"currency": "USD", "amount": cents, "model": "claude-sonnet-5", "cost_type": "tokens"}],
    }


def test_a_day_that_shrinks_is_a_p0_until_it_is_whole_again(ledger: Warehouse, tmp_path: Path) -> None:
    """100 dollars a day; of one then 80.01, 80, none and 100 again."""
    detectors = Detectors(ledger, ["+int_signals__costs"])

    def export(hours: int, cents: str | None) -> list[IncidentState]:
        time = LOADED + timedelta(hours=hours)
        buckets = [bucket(FIRST + timedelta(days=back), "10000") for back in range(5)]
        buckets[3]["results"] = bucket(FIRST, cents)["results"] if cents else []
        path = tmp_path / f"costs_{hours}.json"
        path.write_text(json.dumps({"data": buckets, "has_more": False, "next_page": None}))
        load_usage(ledger, "anthropic_cost", [path], loaded_at=time)
        detectors.detect(time)
        Job(ledger, time, command="tick").tick(wait=0)
        return read_state(ledger, is_open=True)

    assert export(0, "10000") == []
    assert export(1, "8001") == []
    (incident,) = export(2, "8000")
    assert (incident.severity_level, incident.rule_id) == ("P0", "financial_data_loss")
    assert incident.title == "anthropic: of 100.00 USD reported of 2026-02-23 80.00 are left (anthropic_cost)"
    assert incident.evidence["query"].startswith("select * from int_usage_totals_compared where")
    assert len(export(3, None)) == 1
    assert export(4, "10000") == []
