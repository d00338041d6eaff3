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
from incident_ledger.ledger.setup import with_ledger
from incident_ledger.ledger.state import read_state
from incident_ledger.settings import Settings
from incident_ledger.warehouse import Warehouse, connect
from relay import Relay

SHELLS = ("bash", "zsh", "fish")
OWN = {"__main__", "cli", "errors", "interrupts", "variables"}
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
# Does the same for one command that ends the process, by the import system's own report.
REPORT = (sys.executable, "-X", "importtime")


def walk(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with the words that call it, the root and groups included."""
    yield path, command
    for name, each in getattr(command, "commands", {}).items():
        yield from walk(each, (*path, name))


COMMANDS = dict(walk(get_command(app)))


def imported_by(*cases: tuple[tuple[str, ...], dict[str, str], str]) -> set[str]:
    """The modules that are imported for command lines, each with its environment and a part of its output."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("INCIDENT_LEDGER_")}
    # A variable of each kind: one that is a setting, and nothing that a command would have to name.
    variables |= {"INCIDENT_LEDGER_DATASET": "x", "PYTHONPATH": str(PROJECT_DIR / "scripts")}
    done = subprocess.run(
        [sys.executable, "-c", ALL_IN_ONE], env=variables, cwd=PROJECT_DIR, input=json.dumps(cases), text=True,
        capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stdout))


def reported(environment: Mapping[str, str], *arguments: str) -> set[str]:
    """The modules that a process imports, whatever it does."""
    done = subprocess.run(
        [*REPORT, *arguments], env=environment, cwd=PROJECT_DIR, capture_output=True, text=True, timeout=120, check=True
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines} - {"imported package"}


def packages(modules: set[str]) -> set[str]:
    """The packages that are not Python's own."""
    return {module.partition(".")[0] for module in modules} - set(sys.stdlib_module_names)


def own(modules: set[str]) -> set[str]:
    """The modules of ours, by the part of the package that they are in."""
    names = {module.removeprefix("incident_ledger.") for module in modules if module.startswith("incident_ledger.")}
    return {"cli.actions" if name.startswith("cli.actions") else name.partition(".")[0] for name in names}


@pytest.fixture(scope="session")
def environment(built_ledger: Warehouse) -> dict[str, str]:
    """What a command needs to reach a ledger that is there."""
    return environment_of(built_ledger.settings)


def environment_of(settings: Settings) -> dict[str, str]:
    """Settings as variables."""
    names = ("api_endpoint", "local_dir", "dataset", "raw_dataset")
    variables = {f"INCIDENT_LEDGER_{name.upper()}": str(getattr(settings, name)) for name in names}
    return {**os.environ, **variables, "PYTHONPATH": str(PROJECT_DIR / "scripts")}


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
    client = reported(environment, "-c", "from google.cloud import bigquery")
    modules = reported(environment, "-m", "incident_ledger", "incident", "list", *more) - client
    assert packages(modules) - packages(client) <= OF_A_COMMAND | OF_PYDANTIC
    expected = {"encoding", "ledger", "settings", "warehouse", "cli.actions"}
    assert own(modules) - OWN == expected
    assert not {module for module in modules if module.startswith(("rich.markdown", "rich.traceback", "typer.rich"))}


def test_tick_without_anything_to_do_imports_neither_dbt_nor_great_expectations(environment: dict[str, str]) -> None:
    modules = reported(environment, "-m", "incident_ledger", "tick")
    assert not packages(modules) & {"dbt", "great_expectations", "sqlglot", "dbt_common", "metricflow"}


def test_list_of_incidents_sends_one_statement_and_asks_nothing_before(environment: dict[str, str]) -> None:
    with Relay(environment["INCIDENT_LEDGER_API_ENDPOINT"]) as relay:
        reported(
            {**environment, "INCIDENT_LEDGER_API_ENDPOINT": relay.endpoint}, "-m", "incident_ledger", "incident", "list"
        )
    assert [request.method for request in relay.requests[:1]] == ["POST"]
    assert ["incident_state" in request.query for request in relay.requests if request.query] == [True]
    assert relay.to("/tables") == []


def test_a_ledger_that_is_not_there_is_made_before_it_is_read(endpoint: str, tmp_path: Path) -> None:
    warehouse = connect(fresh_settings(endpoint, tmp_path))
    assert with_ledger(warehouse, read_state) == []
    assert warehouse.table_exists(warehouse.settings.dataset, "fct_signals")
