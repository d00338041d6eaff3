"""What a call of dbt must not cost."""

import inspect
from pathlib import Path

import pytest

from conftest import fresh_settings
from incident_ledger.dbt_runner import Dbt

NOWHERE = "http://127.0.0.1:1"


def test_no_call_reads_the_stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """dbt would, once for each flag of its adapter, at each call."""

    def refuse(*_: object) -> None:
        raise AssertionError("the stack is read")

    monkeypatch.setattr(inspect, "stack", refuse)
    assert Dbt(fresh_settings(NOWHERE, tmp_path), NOWHERE).manifest().nodes
