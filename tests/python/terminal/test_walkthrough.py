"""A new user handles an incident from its opening to its imported review with what the documents say."""

from pathlib import Path

import pytest

from incident_ledger.ledger.state import read_state
from incident_ledger.warehouse import Warehouse
from terminal.walkthrough import DOCUMENT, printed, steps, timeless


def test_the_walkthrough_prints_what_it_says(
    ledger: Warehouse, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings = ledger.settings
    for name in ("project_dir", "api_endpoint", "local_dir", "dataset", "raw_dataset"):
        monkeypatch.setenv(f"INCIDENT_LEDGER_{name.upper()}", str(getattr(settings, name)))
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("LOGNAME", "maya")
    monkeypatch.chdir(tmp_path)
    found = list(steps(DOCUMENT.read_text()))
    assert len(found) > 15
    for command, screen in found:
        # Events of one time come in the order of their ids, which differ from day to day.
        assert (command, sorted(timeless(printed(command, tmp_path)))) == (command, sorted(timeless(screen)))
    (incident,) = read_state(ledger)
    assert incident.closed_time is not None
    assert incident.root_cause_category == "capacity"
