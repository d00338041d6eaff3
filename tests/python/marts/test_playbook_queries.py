"""The playbook's two queries: its words, run as they are written."""

from pathlib import Path

import pytest
from google.cloud import bigquery

from conftest import PROJECT_DIR
from marts.conftest import Cases

QUERIES = PROJECT_DIR / "analyses" / "playbook"


@pytest.mark.parametrize("name", ["operational_metrics_last_30_days", "usage_rows_today"])
def test_the_text_is_the_playbooks_word_for_word(name: str, shared_data: Path) -> None:
    playbook = (shared_data.parent / "playbook.md").read_text(encoding="utf-8")
    text = (QUERIES / f"{name}.sql").read_text(encoding="utf-8")
    assert text.endswith("\n")
    assert text.removesuffix("\n") in playbook


def test_operational_metrics_of_the_last_30_days(cases: Cases) -> None:
    sql = (QUERIES / "operational_metrics_last_30_days.sql").read_text(encoding="utf-8")
    settings = cases.ledger.warehouse.settings
    session = bigquery.QueryJobConfig(default_dataset=f"{settings.project}.{settings.dataset}")
    rows = list(cases.ledger.warehouse.client.query(sql, job_config=session, timeout=60).result(timeout=60))
    assert [dict(row.items()) for row in rows] == [
        {
            "incident_id": cases.first_one("operational_metrics", title="now")["incident_id"],
            "severity_level": "P2",
            "mttr_minutes": None,
            "root_cause_category": "network",
            "resolution_time": None,
        }
    ]


def test_usage_rows_of_today(cases: Cases) -> None:
    sql = (QUERIES / "usage_rows_today.sql").read_text(encoding="utf-8")
    cases.ledger.build(cases.at_first["operational_metrics"][0]["detection_time"], "+fct_usage_daily")
    (row,) = cases.ledger.warehouse.client.query(sql, timeout=60).result(timeout=60)
    assert list(row.values()) == [0]
