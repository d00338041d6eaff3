"""SQL and Python read the same policy: over the real archive both set the same response deadlines."""

from conftest import PROJECT_DIR
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
