"""`incident-ledger load usage` on the command line: what it prints and how it exits."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from incident_ledger.cli._app import app
from incident_ledger.settings import Settings
from usage.answers import bucket, page, usage


@pytest.fixture
def run(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """A runner whose commands use the test's datasets."""
    monkeypatch.setattr("incident_ledger.cli.actions.load.load_settings", lambda: settings)
    return CliRunner()


def test_a_load_says_what_was_new_and_known_and_exits_with_0(run: CliRunner, tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(page(bucket("2026-03-01", usage("K")))))
    for text in ("1 new or corrected, 0 known already", "0 new or corrected, 1 known already"):
        result = run.invoke(app, ["load", "usage", "--source", "anthropic_usage", str(path)])
        assert (result.exit_code, text in result.output) == (0, True)


def test_rejects_are_named_and_exit_with_5(run: CliRunner, tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    path.write_text(json.dumps(page(bucket("2026-03-01", usage("K"), usage("L", output_tokens="x")), has_more=True)))
    result = run.invoke(app, ["load", "usage", "--source", "anthropic_usage", "--json", str(path)])
    assert result.exit_code == 5
    report = json.loads(result.stdout)
    assert (report["records"], report["new"], report["incomplete_days"]) == (1, 1, ["2026-03-01"])
    assert report["rejects"][0]["field"] == "data[0].results[1].output_tokens"
    assert "has_more is true" in report["notes"][0]
    result = run.invoke(app, ["load", "usage", "--source", "anthropic_usage", str(path)])
    assert f"{path}:1: data[0].results[1].output_tokens: is 'x'" in result.stderr
    assert "not the full total" in result.stderr


@pytest.mark.parametrize("option", ["--as-of", "--exported-at"])
def test_a_time_without_a_zone_is_refused(option: str, run: CliRunner, tmp_path: Path) -> None:
    path = tmp_path / "answer.json"
    path.write_text("{}")
    result = run.invoke(app, ["load", "usage", "--source", "anthropic_usage", option, "2026-03-01T10:00:00", str(path)])
    assert result.exit_code != 0
    assert f"{option} '2026-03-01T10:00:00' has no time zone" in str(result.exception)
