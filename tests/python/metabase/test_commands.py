"""`dashboard export`, `plan` and `publish` as they are typed: what they print, and that the key is never in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from conftest import PROJECT_DIR
from incident_ledger.cli._app import app
from incident_ledger.errors import UserError
from metabase.server import KEY, Metabase, serving


@pytest.fixture
def metabase(shared_data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Metabase]:
    """A server that the settings name."""
    made = Metabase(shared_data / "metabase_api", "mbql5")
    with serving(made) as url:
        settings = {"METABASE_URL": url, "METABASE_API_KEY": KEY, "PROJECT_DIR": str(PROJECT_DIR)}
        for name, value in (settings | {"API_ENDPOINT": "http://127.0.0.1:1", "LOCAL_DIR": str(tmp_path)}).items():
            monkeypatch.setenv(f"INCIDENT_LEDGER_{name}", value)
        yield made
    assert made.faults == []


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, ["dashboard", *arguments], catch_exceptions=False, env={"COLUMNS": "200"})
    assert result.exit_code == 0
    assert KEY not in result.output
    return result.output


def test_plan_publish_and_plan_again(metabase: Metabase) -> None:
    planned = run("plan")
    assert "create card incident-review/incidents_by_month: Incidents by month" in planned
    assert planned.splitlines()[-1].endswith(" to change, 0 as defined, 0 left alone")
    assert metabase.writes() == []
    published = run("publish")
    number = planned.splitlines()[-1].split()[0]
    assert f"{number} changed, 0 as defined, 0 left alone" in published
    assert 'export INCIDENT_LEDGER_DASHBOARD_URLS=\'{"system-health": "http://127.0.0.1:' in published
    assert "0 to change, " in run("plan")


def test_export_wants_the_name_of_the_database(
    metabase: Metabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match="Set INCIDENT_LEDGER_METABASE_DATABASE"):
        run("export", str(tmp_path / "files"))
    monkeypatch.setenv("INCIDENT_LEDGER_METABASE_DATABASE", "Warehouse")
    assert "4 dashboards with" in run("export", str(tmp_path / "files"))
    assert metabase.requests == []


@pytest.mark.parametrize("missing", ["METABASE_URL", "METABASE_API_KEY"])
def test_publish_wants_an_address_and_a_key(metabase: Metabase, missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(f"INCIDENT_LEDGER_{missing}")
    with pytest.raises(UserError, match=f"Set INCIDENT_LEDGER_{missing}:"):
        run("publish")
    assert metabase.requests == []


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("METABASE_URL", "metabase.example.com", "is not an address of http or https alone"),
        ("METABASE_URL", "https://user:secret@metabase.example.com", "is not an address of http or https alone"),
        ("METABASE_API_KEY", "mb secret", "may hold only visible characters"),
        ("DASHBOARD_URLS", "secret", "is not JSON of addresses"),
        ("DASHBOARD_URLS", '{"compliance": 3}', "is not JSON of addresses"),
    ],
)
def test_a_setting_that_is_wrong_is_named_and_not_repeated(
    metabase: Metabase, name: str, value: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"INCIDENT_LEDGER_{name}", value)
    with pytest.raises(UserError, match=f"INCIDENT_LEDGER_{name}: {words}") as raised:
        run("plan")
    assert "secret" not in str(raised.value)
    assert metabase.requests == []
