"""What a shell offers for an ID, and that it offers nothing, without a word, where the warehouse does not answer."""

import os
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from conftest import PROJECT_DIR
from incident_ledger.cli.actions.completion import open_incidents
from incident_ledger.warehouse import Warehouse
from openings import open_incident
from terminal.test_startup import completion, environment_of

COMMAND = "import sys; sys.argv = ['incident-ledger']; from incident_ledger.__main__ import main; main()"
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _of_the_ledger(ledger: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment_of(ledger.settings).items():
        monkeypatch.setenv(name, value)


def test_open_ids_are_offered_with_their_titles_the_worst_first(ledger: Warehouse) -> None:
    mild, bad = open_incident(ledger, "API \x1b[31m: slow", AT), open_incident(ledger, "Down", AT, severity="P1")
    offered = open_incidents("", seconds=120)
    assert [name for name, _ in offered] == [bad, mild, "latest"]
    assert all(title.isprintable() for _, title in offered)
    assert [title[:6] for _, title in offered] == ["P1 Dow", "P2 API", "the ne"]
    for part in (bad, bad[4:], bad[-8:], bad.lower()):
        assert open_incidents(part, seconds=120) == [(bad, "P1 Down")]
    assert [name for name, _ in open_incidents("la", seconds=120)] == ["latest"]
    assert open_incidents("zzz", seconds=120) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_that_gets_no_answer_gets_nothing_and_no_word(shell: str, tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("INCIDENT_LEDGER_API")}
    environment |= {"INCIDENT_LEDGER_LOCAL_DIR": str(tmp_path / "none")}
    for more in ({}, {"INCIDENT_LEDGER_THREADS": "many"}, {"INCIDENT_LEDGER_API_ENDPOINT": "http://127.0.0.1:9"}):
        done = subprocess.run(
            [sys.executable, "-c", COMMAND], cwd=PROJECT_DIR, capture_output=True, timeout=120, check=False,
            env={**environment, **more, **completion(shell, ("incident", "show"), "")},
        )  # fmt: skip
        assert (done.stdout.strip(), done.stderr) in ((b"", b""), (b"_files", b"")), done
    assert not (tmp_path / "none").exists()  # and no warehouse was started


def test_a_warehouse_that_does_not_answer_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("INCIDENT_LEDGER_API_ENDPOINT", f"http://127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()
        assert open_incidents("", seconds=0.3) == []
        assert time.monotonic() - began < 20
