"""What the tests of the warehouse share: the command line, and an emulator without our fixes."""

import io
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from conftest import PROJECT_DIR, fresh_settings
from incident_ledger.cli._app import main
from incident_ledger.warehouse import Warehouse, connect
from incident_ledger.warehouse.local.process import stop

Cli = Callable[..., "Done"]

UNFIXED = """
import sys
from duckdb_extensions import import_extension
import_extension("spatial")
from bqemulator.cli import main
main()
"""


@pytest.fixture(scope="session")
def unfixed_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The emulator as it comes (but for the extension without which it does not start)."""
    folder = tmp_path_factory.mktemp("unfixed")
    with socket.socket() as rest, socket.socket() as grpc:
        rest.bind(("127.0.0.1", 0))
        grpc.bind(("127.0.0.1", 0))
        ports = [str(sock.getsockname()[1]) for sock in (rest, grpc)]
    command = [sys.executable, "-c", UNFIXED, "start", "--rest-port", ports[0], "--grpc-port", ports[1]]
    command += ["--data-dir", str(folder / "data"), "--log-level", "critical"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    endpoint = f"http://127.0.0.1:{ports[0]}"
    deadline = time.monotonic() + 60
    while True:
        try:
            httpx.get(f"{endpoint}/healthz", timeout=5)
            break
        except httpx.HTTPError:
            assert process.poll() is None, (folder / "log").read_text()
            assert time.monotonic() < deadline
            time.sleep(0.1)
    yield endpoint
    process.terminate()
    process.wait(timeout=30)


@pytest.fixture
def unfixed(unfixed_endpoint: str, tmp_path: Path) -> Iterator[Warehouse]:
    """A client of the emulator as it comes, with a fresh dataset."""
    warehouse = connect(fresh_settings(unfixed_endpoint, tmp_path))
    warehouse.client.create_dataset(warehouse.settings.dataset, timeout=60)
    yield warehouse
    warehouse.close()


@pytest.fixture
def fixed(endpoint: str, tmp_path: Path) -> Iterator[Warehouse]:
    """A client of the local warehouse, with a fresh dataset."""
    warehouse = connect(fresh_settings(endpoint, tmp_path))
    warehouse.client.create_dataset(warehouse.settings.dataset, timeout=60)
    yield warehouse
    warehouse.close()


def run_cli(environment: dict[str, str], *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    """The command line in a process of its own."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("INCIDENT_LEDGER_")}
    return subprocess.run(
        [sys.executable, "-m", "incident_ledger", *arguments],
        env=clean | {"PYTHONPATH": str(PROJECT_DIR / "scripts"), "PYTHONIOENCODING": "utf-8"} | environment,
        cwd=PROJECT_DIR,
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=180,
        check=False,
    )


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def cli(fixed: Warehouse, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Cli:
    """The command line against the test's own dataset, in this process."""
    monkeypatch.setenv("INCIDENT_LEDGER_API_ENDPOINT", str(fixed.endpoint))
    monkeypatch.setenv("INCIDENT_LEDGER_DATASET", fixed.settings.dataset)

    def run(*arguments: str, stdin: str = "") -> Done:
        monkeypatch.setattr(sys, "argv", ["incident-ledger", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capfd.readouterr()
        code = 0
        try:
            main()
        except SystemExit as error:
            code = int(error.code or 0)
        captured = capfd.readouterr()
        return Done(code, captured.out, captured.err)

    return run


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder for a local warehouse of the test's own; what runs there at the end is stopped."""
    folder = tmp_path / "local"
    yield folder
    stop(folder)
