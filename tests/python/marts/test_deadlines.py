"""SQL and Python read the same policy: over the real archive both set the same response deadlines."""

from conftest import PROJECT_DIR
from incident_ledger.ledger.events import Event, EventType
from incident_ledger.ledger.state import read_events, read_state
from incident_ledger.notify.answers import response_deadline
from incident_ledger.policy import load_files
from marts.ledger import Ledger


def test_response_deadlines_of_the_archive_are_those_of_the_policy(archive: Ledger) -> None:
    policy = load_files(PROJECT_DIR / "seeds" / "policy")
    rows = [
        row
        for row in archive.rows("operational_metrics")
        if row["severity_level"] == row["initial_severity_level"] == row["response_severity_level"]
    ]
    assert {row["severity_level"] for row in rows} == {"P0", "P1", "P2", "P3"}
    other = {
        row["incident_id"]: (row["response_deadline"], expected)
        for row in rows
        if row["response_deadline"]
        != (expected := policy.response_deadline(row["severity_level"], row["detection_time"]))
    }
    assert other == {}


def test_deadlines_that_mails_name_are_those_of_the_marts_also_where_the_severity_changed(archive: Ledger) -> None:
    policy = load_files(PROJECT_DIR / "seeds" / "policy")
    warehouse = archive.warehouse
    deadlines = warehouse.name(warehouse.settings.staging_dataset, "int_incident_deadlines_set")
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
