"""The clocks of the real archive: none of ours until a person here acts, then those of the policy in SQL and Python."""

from typing import Any

import pytest

from conftest import PROJECT_DIR
from incident_ledger.ledger.events import Event, EventType
from incident_ledger.ledger.state import read_events, read_state
from incident_ledger.notify.deadlines import response_deadline
from incident_ledger.policy import load_files
from marts.conftest import ANSWERED_AFTER
from marts.ledger import Ledger

OURS = ("response_severity_level", "response_deadline", "escalation_deadline", "is_response_met", "mtta_minutes")


@pytest.fixture(scope="module")
def incidents(archive: Ledger) -> list[dict[str, Any]]:
    """All of the archive."""
    return archive.rows("operational_metrics")


def test_incidents_of_a_vendor_that_nobody_here_answered_have_times_and_no_part_in_our_sla(
    incidents: list[dict[str, Any]],
) -> None:
    assert {row["detected_by"] for row in incidents} == {"vendor"}
    untouched = [row for row in incidents if not row["has_sla"]]
    assert len(untouched) == 82  # lasted for less than 12 minutes
    assert all(row["acknowledged_time"] and row["mttr_minutes"] is not None for row in untouched)
    assert {row[name] for row in untouched for name in OURS} == {None}


def test_response_deadlines_of_the_archive_are_those_of_the_policy(incidents: list[dict[str, Any]]) -> None:
    policy = load_files(PROJECT_DIR / "seeds" / "policy")
    rows = [
        row
        for row in incidents
        if row["has_sla"] and row["severity_level"] == row["initial_severity_level"] == row["response_severity_level"]
    ]
    assert {row["severity_level"] for row in rows} == {"P0", "P1", "P2", "P3"}
    due = {row["incident_id"]: policy.response_deadline(row["severity_level"], row["detection_time"]) for row in rows}
    assert {row["incident_id"]: row["response_deadline"] for row in rows} == due
    assert {row["mtta_minutes"] for row in rows} == {12.0}
    assert {row["incident_id"]: row["is_response_met"] for row in rows} == {
        row["incident_id"]: row["detection_time"] + ANSWERED_AFTER <= due[row["incident_id"]] for row in rows
    }
    assert {row["severity_level"] for row in rows if not row["is_response_met"]} == {"P0"}


def test_mtta_counts_what_was_answered_here(archive: Ledger, incidents: list[dict[str, Any]]) -> None:
    (row,) = archive.rows(
        "rpt_incident_durations", "period_grain = 'all' and severity_level = 'all' and measure = 'mtta'"
    )
    answered = sum(row["has_sla"] for row in incidents)
    assert (row["counted_incidents"], row["unknown_incidents"]) == (answered, len(incidents) - answered)
    assert (row["median_minutes"], row["mean_minutes"], row["pending_incidents"]) == (12.0, 12.0, 0)


def test_deadlines_that_mails_name_are_those_of_the_marts_also_where_the_severity_changed(archive: Ledger) -> None:
    policy = load_files(PROJECT_DIR / "seeds" / "policy")
    warehouse = archive.warehouse
    deadlines = warehouse.mart("incident_deadlines")
    sql = f"select incident_id, response_time, response_deadline from {deadlines}"
    rows = {row["incident_id"]: row for row in warehouse.rows(sql)}
    changes: dict[str, list[Event]] = {}
    for recorded in read_events(warehouse, incident_ids=sorted(rows)):
        event, row = recorded.event, rows[recorded.event.incident_id]
        is_before = row["response_time"] is None or event.occurred_at <= row["response_time"]
        if event.event_type is EventType.SEVERITY_CHANGED and is_before:
            changes.setdefault(event.incident_id, []).append(event)
    state = {each.incident_id: each for each in read_state(warehouse)}
    other = {
        key: (row["response_deadline"], expected)
        for key, row in rows.items()
        if row["response_deadline"] != (expected := response_deadline(state[key], policy, changes.get(key, [])))
    }
    assert other == {}
