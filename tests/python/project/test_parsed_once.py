"""The folder that the tests share for what dbt parsed: what it saves costs them nothing of what they look at."""

import json
from pathlib import Path
from typing import Any

import pytest

from conftest import PROJECT_DIR, fresh_settings
from incident_ledger import dbt_runner
from incident_ledger.dbt_runner import Dbt
from incident_ledger.settings import Settings
from parsed import ParsedOnce

NOWHERE = "http://127.0.0.1:1"
OF_THE_CALL = {"metadata", "created_at"}


@pytest.fixture
def parse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that gives what dbt makes of the project for some datasets, each of another saved state."""

    def parsed(*several: Settings, folder: str) -> Any:
        monkeypatch.setattr(dbt_runner, "environment", ParsedOnce(PROJECT_DIR, tmp_path / folder).environment)
        manifests = [Dbt(settings, NOWHERE).manifest().to_dict() for settings in several]
        return json.loads(json.dumps(_without_times(manifests[-1]), default=str, sort_keys=True))

    return parsed


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_times(each) for name, each in value.items() if name not in OF_THE_CALL}
    return [_without_times(each) for each in value] if isinstance(value, list) else value


def test_another_dataset_is_parsed_as_if_it_were_the_first(tmp_path: Path, parse: Any) -> None:
    first, second = (fresh_settings(NOWHERE, tmp_path) for _ in range(2))
    alone = parse(second, folder="alone")
    assert parse(first, second, folder="after") == alone
    assert second.dataset in json.dumps(alone)
    assert first.dataset not in json.dumps(alone)
