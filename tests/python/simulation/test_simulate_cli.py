"""`incident-ledger simulate` as it is typed."""

import json

import pytest
from typer.testing import CliRunner, Result

from incident_ledger.cli._app import app
from incident_ledger.errors import UserError
from incident_ledger.simulation import SCENARIOS
from incident_ledger.warehouse import Warehouse


@pytest.fixture(autouse=True)
def _here(ledger: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("project_dir", "api_endpoint", "local_dir", "dataset", "raw_dataset"):
        monkeypatch.setenv(f"INCIDENT_LEDGER_{name.upper()}", str(getattr(ledger.settings, name)))


def simulate(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["simulate", *arguments], env={"COLUMNS": "200"})


def test_all_scenarios_are_listed() -> None:
    shown = simulate("list").output.splitlines()
    assert [line.split()[0] for line in shown] == list(SCENARIOS)
    listed = json.loads(simulate("list", "--json").output)["scenarios"]
    assert {each["name"]: each["rule_id"] for each in listed} == {
        name: each.rule_id for name, each in SCENARIOS.items()
    }


def test_a_scenario_says_when_to_look() -> None:
    shown = simulate("play", "probes-missing", "--day", "2026-03-03").output.splitlines()
    assert shown == [
        "probes-missing: no probe arrives any more.",
        "The rule probes_missing (P1) is met at 2026-03-03T12:16:00.000000Z. To see it:",
        "  incident-ledger tick --as-of 2026-03-03T12:16:00.000000Z",
    ]


def test_a_scenario_shows_what_is_found() -> None:
    shown = simulate("play", "dbt-source-stale", "--day", "2026-03-03", "--look").output.splitlines()
    assert shown[-1].split()[0] == "P2"
    assert shown[-1].endswith("dbt shop: source raw.orders is stale")


def test_a_near_miss_shows_that_nothing_is() -> None:
    simulate("play", "dbt-source-stale", "--day", "2026-03-02", "--look")  # what is open already is not of it
    shown = simulate("play", "probes-missing", "--day", "2026-03-03", "--near-miss", "--look").output.splitlines()
    assert shown[1].startswith("The rule probes_missing (P1) would be met at 2026-03-03T12:16")
    assert shown[-1].strip() == "No new incident."


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["play", "fire"], "'fire' is not a scenario"),
        (["play", "exposure", "--day", "3 March"], "--day '3 March' is not a day. Write it as 2026-03-03."),
        (["play", "exposure"], "INCIDENT_LEDGER_AUDIT_LOGS is not set"),
    ],
)
def test_what_cannot_be_played_is_named(arguments: list[str], words: str) -> None:
    result = simulate(*arguments)
    assert isinstance(result.exception, UserError)
    assert words in str(result.exception)
