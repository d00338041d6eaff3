"""What a command imports and asks for before it does its work: by name and by count, never by time."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from conftest import PROJECT_DIR, fresh_settings
from incident_ledger.cli._app import app
from incident_ledger.cli.load import REPORT_NAMES
from incident_ledger.importers.usage import REPORTS
from incident_ledger.ledger.setup import with_ledger
from incident_ledger.ledger.state import CURRENT, read_state
from incident_ledger.settings import Settings
from incident_ledger.warehouse import Warehouse, connect
from relay import Relay

SHELLS = ("bash", "zsh", "fish")
OWN = {"__main__", "cli", "collector", "errors", "interrupts", "job_labels", "variables"}
# What imports Typer, and what Typer imports.
TYPER = {"typer", "annotated_doc", "shellingham"}
# Beside Google's client and what it imports itself.
OF_A_COMMAND = TYPER | {"rich", "pydantic", "pydantic_settings", "dotenv", "tenacity", "incident_ledger"}
OF_PYDANTIC = {"annotated_types", "pydantic_core", "typing_extensions", "typing_inspection"}

# Runs `main` once for each command line and environment of a list; prints the names of all modules that are there then.
ALL_IN_ONE = """
import contextlib, io, json, os, sys
before = set(sys.modules)
from incident_ledger.__main__ import main
for arguments, variables, output in json.loads(sys.stdin.read()):
    sys.argv = ["incident-ledger", *arguments]
    os.environ.update(variables)
    with contextlib.redirect_stdout(io.StringIO()) as written:
        try:
            main()
        except SystemExit as end:
            assert not end.code, (arguments, end.code)
    assert output in written.getvalue(), (arguments, variables, written.getvalue())
    for name in variables:
        del os.environ[name]
print(json.dumps(sorted(set(sys.modules) - before)))
"""
MODULES = "import json, sys, {}; print(json.dumps(sorted(sys.modules)))"


def walk(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with the words that call it, the root and groups included."""
    yield path, command
    for name, each in getattr(command, "commands", {}).items():
        yield from walk(each, (*path, name))


COMMANDS = dict(walk(get_command(app)))


Case = tuple[tuple[str, ...], dict[str, str], str]


def imported_by(*cases: Case, environment: Mapping[str, str] | None = None) -> set[str]:
    """The modules that are imported for command lines, each with its variables and a part of its output."""
    if environment is None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("INCIDENT_LEDGER_")}
        environment = {**environment, "INCIDENT_LEDGER_DATASET": "x", "PYTHONPATH": str(PROJECT_DIR / "scripts")}
    return modules_of(ALL_IN_ONE, environment, json.dumps(cases))


def modules_of(code: str, environment: Mapping[str, str], given: str = "") -> set[str]:
    """The modules whose names a process prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=PROJECT_DIR, input=given, text=True, capture_output=True,
        timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def packages(modules: set[str]) -> set[str]:
    """The packages that are not Python's own."""
    return {module.partition(".")[0] for module in modules} - set(sys.stdlib_module_names)


def own(modules: set[str]) -> set[str]:
    """The modules of ours, by the part of the package that they are in."""
    names = {module.removeprefix("incident_ledger.") for module in modules if module.startswith("incident_ledger.")}
    return {"cli.actions" if name.startswith("cli.actions") else name.partition(".")[0] for name in names}


@pytest.fixture
def environment(ledger: Warehouse) -> dict[str, str]:
    """What a command needs to reach a ledger that is there, and empty."""
    return environment_of(ledger.settings)


def environment_of(settings: Settings) -> dict[str, str]:
    """Settings as variables."""
    names = ("api_endpoint", "local_dir", "dataset", "raw_dataset")
    variables = {f"INCIDENT_LEDGER_{name.upper()}": str(getattr(settings, name)) for name in names}
    return {**os.environ, **variables, "PYTHONPATH": str(PROJECT_DIR / "scripts")}


def test_the_help_of_load_names_every_report() -> None:
    assert REPORT_NAMES.split(", ") == [*REPORTS]


def test_help_of_every_command_imports_typer_alone() -> None:
    modules = imported_by(*[((*path, "--help"), {}, "Usage: incident-ledger") for path in COMMANDS])
    assert len(COMMANDS) > 40
    assert packages(modules) - {"incident_ledger"} <= TYPER
    assert own(modules) == OWN
    assert not modules & {"typer.rich_utils", "typer._adapters"}


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_of_commands_and_options_imports_typer_alone(shell: str) -> None:
    lines = [(path, "", each) for path, group in COMMANDS.items() for each in list(getattr(group, "commands", ()))[:1]]
    lines += [(path, "--", "--help") for path in COMMANDS]
    lines += [(("sql", "--format"), "", "csv"), (("outbox", "list", "--limit", "5"), "--", "--status")]
    modules = imported_by(*[((), completion(shell, path, beginning), shown) for path, beginning, shown in lines])
    assert packages(modules) - {"incident_ledger"} <= TYPER
    assert own(modules) == OWN
    assert not modules & {"typer.rich_utils", "typer._adapters"}


def completion(shell: str, path: tuple[str, ...], beginning: str) -> dict[str, str]:
    """The variables by which a shell asks how a line goes on."""
    words = ["incident-ledger", *path, beginning]
    return {
        "_INCIDENT_LEDGER_COMPLETE": f"complete_{shell}",
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": str(len(words) - 1),
        "_TYPER_COMPLETE_ARGS": " ".join(words),
        "_TYPER_COMPLETE_FISH_ACTION": "get-args",
        "_TYPER_COMPLETE_WORD_TO_COMPLETE": beginning,
    }


def test_version_imports_no_more_than_what_prints_it() -> None:
    assert packages(imported_by((("--version",), {}, "incident-ledger 0."))) - {"incident_ledger"} <= TYPER | {"rich"}


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_list_of_incidents_imports_little_beside_the_client(environment: dict[str, str], more: tuple[str, ...]) -> None:
    client = modules_of(MODULES.format("google.cloud.bigquery"), environment)
    modules = imported_by((("incident", "list", *more), {}, ""), environment=environment) - client
    assert "google.cloud.bigquery" in client
    assert packages(modules) - packages(client) <= OF_A_COMMAND | OF_PYDANTIC
    assert own(modules) - OWN == {"cli.actions", "encoding", "ledger", "settings", "warehouse"}
    assert not modules & {"rich.markdown", "rich.traceback", "typer.rich_utils"}


def test_finding_the_local_warehouse_imports_no_client_of_its_own(environment: dict[str, str]) -> None:
    modules = modules_of(MODULES.format("incident_ledger.warehouse.local.process"), environment)
    assert not packages(modules) & {"httpx", "httpcore", "bqemulator", "duckdb", "yaml"}


def test_tick_without_anything_to_do_imports_neither_dbt_nor_great_expectations(environment: dict[str, str]) -> None:
    modules = imported_by((("tick",), {}, "0 messages sent"), environment=environment)
    assert "google.cloud.bigquery" in modules
    assert not packages(modules) & {"dbt", "dbt_common", "great_expectations", "metricflow", "sqlglot"}


def test_list_of_incidents_sends_one_statement_and_asks_nothing_before(environment: dict[str, str]) -> None:
    with Relay(environment["INCIDENT_LEDGER_API_ENDPOINT"]) as relay:
        variables = {**environment, "INCIDENT_LEDGER_API_ENDPOINT": relay.endpoint}
        imported_by((("incident", "list"), {}, ""), environment=variables)
    assert [request.method for request in relay.requests[:1]] == ["POST"]
    assert [CURRENT in request.query for request in relay.requests if request.query] == [True]
    assert relay.to("/tables") == []


def test_a_ledger_that_is_not_there_is_made_before_it_is_read(endpoint: str, tmp_path: Path) -> None:
    warehouse = connect(fresh_settings(endpoint, tmp_path))
    assert with_ledger(warehouse, read_state) == []
    assert warehouse.table_exists(warehouse.settings.dataset, "fct_signals")
