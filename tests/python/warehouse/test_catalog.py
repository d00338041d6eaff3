"""`incident-ledger tables`, `describe` and `dbt`: what there is to ask, and dbt by hand."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import PROJECT_DIR
from incident_ledger.errors import UserError
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.catalog import describe, list_tables


def test_tables_are_the_marts_first_and_raw_last(ledger: Warehouse) -> None:
    found = list_tables(ledger)
    datasets = list(dict.fromkeys(table.dataset for table in found))
    settings = ledger.settings
    assert datasets == [settings.dataset, settings.staging_dataset, settings.policy_dataset, settings.raw_dataset]
    (state,) = [table for table in found if table.table == "incident_state"]
    assert (state.kind, state.rows) == ("view", None)
    assert state.text.startswith("One row per incident")


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("RAW.INCIDENT_EV", ["incident_events"]),
        ("incident_s*", ["incident_state"]),
        ("*_raw.run_steps", ["run_steps"]),
        ("xyzzy", []),
    ],
)
def test_a_pattern_is_a_part_of_the_name_or_has_wildcards(pattern: str, expected: list[str], ledger: Warehouse) -> None:
    assert [table.table for table in list_tables(ledger, pattern)] == expected


def test_a_table_is_described_by_its_own_name_or_with_its_dataset(ledger: Warehouse) -> None:
    raw = ledger.settings.raw_dataset
    found = describe(ledger, "severities")
    assert found == describe(ledger, f"`{ledger.settings.policy_dataset}.severities`")
    level = next(column for column in found.columns if column.name == "severity_level")
    assert (level.kind, bool(level.text)) == ("STRING", True)
    events = describe(ledger, f"{raw}.incident_events")
    assert {column.name: column.is_required for column in events.columns}["event_id"] is True


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("incident_stat", "Is {dataset}.incident_state "),
        ("raw.incident_event", "{raw_dataset}.incident_events"),
        ("xyzzy", "incident-ledger tables lists all."),
    ],
)
def test_an_unknown_table_gives_the_nearest(name: str, advice: str, ledger: Warehouse) -> None:
    with pytest.raises(UserError) as error:
        describe(ledger, name)
    settings = ledger.settings
    assert advice.format(dataset=settings.dataset, raw_dataset=settings.raw_dataset) in str(error.value)


def test_the_commands_show_the_same_for_people_and_machines(ledger: Warehouse, tmp_path: Path) -> None:
    names = ("api_endpoint", "dataset", "raw_dataset", "local_dir")
    own = {f"INCIDENT_LEDGER_{name.upper()}": str(getattr(ledger.settings, name)) for name in names}
    environment = {**os.environ, **own, "DBT_TARGET_PATH": str(tmp_path), "COLUMNS": "200"}

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "incident_ledger", *arguments],
            cwd=PROJECT_DIR, env=environment, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip

    name = f"{ledger.settings.dataset}.incident_state"
    assert f"{name}  view" in " ".join(run("tables", "incident_state").stdout.splitlines()[1:])
    assert json.loads(run("tables", "incident_state", "--json").stdout)[0]["table"] == "incident_state"
    shown = run("describe", "incident_state").stdout
    columns = json.loads(run("describe", "incident_state", "--json").stdout)["columns"]
    assert shown.startswith(f"{name}  view\n")
    assert all(column["name"] in shown and column["text"].split()[0] in shown for column in columns)
    # dbt finds the warehouse by the settings, its options stay its own, and its exit code comes through.
    connected = run("dbt", "debug", "--connection", "--no-use-colors")
    assert (connected.returncode, "Connection test: [OK connection ok]" in connected.stdout) == (0, True)
    assert run("dbt", "--no-such-option").returncode == 2


def test_a_bare_dbt_without_a_warehouse_names_a_host_that_says_what_to_run() -> None:
    profile = (PROJECT_DIR / "profiles.yml").read_text()
    (host,) = re.findall(r"env_var\('INCIDENT_LEDGER_API_ENDPOINT', 'http://(.*?):1'\)", profile)
    assert host == "run-it-as.incident-ledger-dbt.localhost"  # never anybody's, and shown in dbt's error
