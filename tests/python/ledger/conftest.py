"""`incident-ledger incident` against a ledger of its own, by one process or by eight."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from incident_ledger.cli._app import app
from incident_ledger.errors import IncidentLedgerError
from incident_ledger.warehouse import Warehouse


@pytest.fixture
def command(ledger: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """A command of `incident-ledger` that ends well, or raises what it ended with."""
    settings = ledger.settings
    for name in ("project_dir", "api_endpoint", "local_dir", "dataset", "raw_dataset"):
        monkeypatch.setenv(f"INCIDENT_LEDGER_{name.upper()}", str(getattr(settings, name)))

    def invoke(*args: str) -> Result:
        result = CliRunner().invoke(app, args)
        if isinstance(result.exception, IncidentLedgerError):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result

    return invoke


@pytest.fixture
def run(command: Callable[..., Result]) -> Any:
    """A command of `incident-ledger incident`."""
    return partial(command, "incident")


SCRIPT = """
import json, sys
from typer.testing import CliRunner
from incident_ledger.cli._app import app
for line in sys.stdin:
    result = CliRunner().invoke(app, json.loads(line))
    print(json.dumps([result.exit_code, type(result.exception).__name__, result.stdout]), flush=True)
"""


@pytest.fixture
def at_once(run: Any, ledger: Warehouse) -> Iterator[Callable[..., list[list[Any]]]]:  # noqa: ARG001 - its environment
    """How eight processes end that are given one command at one time: exit code, exception and output of each."""
    paths = os.pathsep.join(str(ledger.settings.project_dir / part) for part in ("scripts", "tests/python"))
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=os.environ | {"PYTHONPATH": paths},
        )
        for _ in range(8)
    ]  # fmt: skip

    def give(*command: str) -> list[list[Any]]:
        for process in processes:
            assert process.stdin is not None
            process.stdin.write(json.dumps(["incident", *command]) + "\n")
            process.stdin.flush()
        return [json.loads(process.stdout.readline()) for process in processes if process.stdout]

    give("list")  # what a command imports is there before the first that writes
    yield give
    for process in processes:
        process.communicate(timeout=60)
