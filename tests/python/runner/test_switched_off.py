"""A source that is switched off takes its models, and their tests, out of the project that dbt parsed before."""

from pathlib import Path

import pytest

from conftest import fresh_settings
from incident_ledger.dbt_runner import Dbt

NOWHERE = "http://127.0.0.1:1"  # nothing here asks a warehouse


def feeds(folder: Path, **sinks: str) -> set[str]:
    """What a `run` builds first, with these sinks."""
    return Dbt(fresh_settings(NOWHERE, folder, **sinks), NOWHERE).members("feeds")


def test_a_sink_that_is_switched_off_leaves_nothing_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBT_TARGET_PATH", str(tmp_path / "target"))
    neither = feeds(tmp_path)
    both = feeds(tmp_path, pipeline_logs="raw.pipeline_logs", audit_logs="raw.audit_logs")
    assert {"fct_pipeline_runs", "fct_admin_activity"} <= {name.rpartition(".")[2] for name in both - neither}
    one = feeds(tmp_path, audit_logs="raw.audit_logs")
    assert neither < one < both
    logs = feeds(tmp_path, pipeline_logs="raw.pipeline_logs")
    assert neither < logs < both
    # Who reads secrets is in both logs.
    assert {name for name in one & logs if name.endswith(".fct_secret_access")}
    assert feeds(tmp_path) == neither
