"""A tick while a run is at work, through a relay as slow as BigQuery."""

import re
import time
from datetime import datetime
from pathlib import Path

from openings import open_incident
from relay import Delay, Relay, Request
from run.environment import AS_OF, Place

LATER = "2026-03-02T09:05:00Z"
_DML = re.compile(r"\s*(?:/\*.*?\*/\s*|--[^\n]*\n\s*)*(?:insert|update|delete|merge)\b", re.DOTALL | re.IGNORECASE)


def test_a_p0_opened_while_a_run_is_at_work_is_sent_within_one_tick(loaded: Place, tmp_path: Path) -> None:
    place = loaded.copy_to(tmp_path / "place")
    warehouse = place.warehouse()
    assert warehouse.endpoint is not None
    with Relay(warehouse.endpoint) as relay:
        relay.rule(lambda request: bool(_DML.match(request.query)), Delay(2.5))
        relay.rule(lambda request: bool(request.query), Delay(1.5))
        relayed = place.behind(relay.endpoint)
        with relayed.begin("run", "--as-of", AS_OF) as run:
            try:
                _wait_for_build(relay)
                at = datetime.fromisoformat(LATER)
                opened = open_incident(warehouse, "Everything is down", at, severity="P0")
                report = relayed.json("tick", "--as-of", LATER, "--wait", "0")
                is_run_at_work = run.poll() is None
                sent = warehouse.rows(f"select incident_id, status from {warehouse.raw('notifications')}")
            finally:
                run.kill()
    place.stop()
    assert is_run_at_work
    assert {row["incident_id"]: row["status"] for row in sent} == {opened: "sent"}
    assert {each["incident_id"] for each in report["delivered"]} == {opened}


def _wait_for_build(relay: Relay) -> None:
    """Until dbt has sent a statement of a model."""

    def is_of_model(request: Request) -> bool:
        return "model.incident_ledger" in request.query

    deadline = time.monotonic() + 300
    while not any(map(is_of_model, relay.requests)):
        assert time.monotonic() < deadline, "the run never built anything"
        time.sleep(0.1)
