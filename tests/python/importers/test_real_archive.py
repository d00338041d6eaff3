"""The real archive and the eight real polls, through the warehouse and back."""

import json
import statistics
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from importers.pages import T0
from incident_ledger.importers.pipeline import ImportReport, take_in
from incident_ledger.importers.sources import read_documents
from incident_ledger.importers.statuspage import StatuspageImporter
from incident_ledger.ledger.events import EventType
from incident_ledger.ledger.state import IncidentState, read_events, read_state
from incident_ledger.warehouse import Warehouse
from ledger.fold import fold


@pytest.fixture
def take(ledger: Warehouse) -> Callable[[list[Path]], ImportReport]:
    return lambda paths: take_in(ledger, StatuspageImporter(), read_documents([str(path) for path in paths]), T0)


def test_archive_then_polls_then_all_again(
    ledger: Warehouse, shared_data: Path, take: Callable[[list[Path]], ImportReport]
) -> None:
    archive = shared_data / "statuspage" / "claude_incidents_2023_2025.jsonl"
    polls = sorted((shared_data / "statuspage" / "polls").glob("*.json"))
    report = take([archive])
    assert (report.read, report.new_incidents, report.left_out, report.rejects) == (556, 552, 4, ())
    assert report.new_events == len(read_events(ledger, source="statuspage", from_incident_id=""))
    expected = json.loads((shared_data / "statuspage" / "expected_2023_2025.json").read_text())
    states = read_state(ledger)
    assert figures(states) == expected["all"]
    for severity, figure in expected["by_severity"].items():
        assert figures([state for state in states if state.severity_level == severity]) == figure
    for month, figure in expected["by_month"].items():
        assert figures([state for state in states if f"{state.detection_time:%Y-%m}" == month]) == figure
    assert not any(state.reopen_count or state.is_retracted or state.is_open for state in states)

    new = [take([poll]).new_incidents for poll in polls]
    assert new == [50, 2, 0, 2, 1, 1, 1, 0]
    (still_open,) = read_state(ledger, is_open=True)
    assert (still_open.source_key, still_open.initial_severity_level, still_open.severity_level) == (
        "s9w82lp9dcn9", "P2", "P1",
    )  # fmt: skip
    for again in ([archive], *([poll] for poll in polls), [*polls[::-1], archive]):
        report = take(again)
        assert (report.new_events, report.new_incidents) == (0, 0)

    events = [item.event for item in read_events(ledger, source="statuspage", from_incident_id="")]
    assert not [event for event in events if event.event_type is EventType.RETRACTED]
    assert {state.incident_id: vars(state) for state in read_state(ledger)} == fold(events)


def figures(states: list[IncidentState]) -> dict[str, Any]:
    """As `expected_2023_2025.json`: minutes from creation to resolution, quantiles by linear interpolation."""
    ended = [state.resolution_time - state.detection_time for state in states if state.resolution_time]
    minutes = [span / timedelta(minutes=1) for span in ended]
    cuts = statistics.quantiles(minutes, n=10, method="inclusive") if len(minutes) > 1 else minutes * 9
    return {
        "incidents": len(states),
        "resolved": len(minutes),
        "mttr_mean": round(statistics.fmean(minutes), 3),
        "mttr_median": round(statistics.median(minutes), 3),
        "mttr_p90": round(cuts[8], 3),
        "identified": sum(state.identified_time is not None for state in states),
    }
