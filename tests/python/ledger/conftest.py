"""`incident-ledger incident` against a ledger of its own, by one process or by eight."""

import os
from collections.abc import Callable, Iterator
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from incident_ledger.cli._app import app
from incident_ledger.errors import IncidentLedgerError
from incident_ledger.warehouse import Warehouse
from warm import FORKS


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


def _answer(pipe: Connection, environment: dict[str, str]) -> None:
    """Do each command that comes, and answer how it ended."""
    os.environ.clear()
    os.environ.update(environment)
    while words := pipe.recv():
        result = CliRunner().invoke(app, words)
        pipe.send([result.exit_code, type(result.exception).__name__, result.stdout])


@pytest.fixture
def at_once(run: Any) -> Iterator[Callable[..., list[list[Any]]]]:  # noqa: ARG001 - its environment
    """How eight processes end that are given one command at one time: exit code, exception and output of each."""
    pipes, processes = [], []
    for _ in range(8):
        ours, theirs = FORKS.Pipe()
        process = FORKS.Process(target=_answer, args=(theirs, dict(os.environ)))
        process.start()
        theirs.close()
        pipes.append(ours)
        processes.append(process)

    def give(*words: str) -> list[list[Any]]:
        for pipe in pipes:
            pipe.send(["incident", *words])
        return [pipe.recv() for pipe in pipes]

    give("list")  # what a command imports is there before the first that writes
    yield give
    for pipe, process in zip(pipes, processes, strict=True):
        pipe.send([])
        process.join(timeout=60)
        process.kill()
