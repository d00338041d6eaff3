"""Processes that need not import first: each is forked from one that has imported what the commands need.

A `run` imports for three seconds before it works. The process that is forked has no threads and has done nothing else;
what a start alone shows is tested where commands are started as a person does (`terminal`).
"""

import io
import multiprocessing
import os
import runpy
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from types import TracebackType

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        "incident_ledger.cli._app",
        "incident_ledger.cli.actions.run",
        "dbt.cli.main",
        "dbt.adapters.bigquery",
        "great_expectations",
        "sqlalchemy_bigquery",
    ]
)


def command(
    environment: Mapping[str, str], folder: Path, *words: str, timeout: float = 180
) -> "subprocess.CompletedProcess[str]":
    """A command of `incident-ledger` in a folder, as `subprocess.run` gives it."""
    with WarmProcess("incident_ledger", words, folder=folder, environment=environment) as process:
        try:
            out, err = process.communicate(timeout)
        finally:
            process.kill()  # one that hangs fails its test, not the whole run
    assert process.returncode is not None
    return subprocess.CompletedProcess(words, process.returncode, out, err)


class WarmProcess:
    """A module as `python -m` runs it, with these words behind it, in a session of its own."""

    def __init__(self, module: str, words: tuple[str, ...], *, folder: Path, environment: Mapping[str, str]) -> None:
        self._output = Path(tempfile.mkdtemp(prefix="output"))
        self._process: ForkServerProcess = FORKS.Process(
            target=_run, args=(module, words, folder, dict(environment), self._output)
        )
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def __enter__(self) -> "WarmProcess":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._process.join()

    @property
    def returncode(self) -> int | None:
        """How it ended, as `subprocess` has it; None before."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """How it ended, as `subprocess` has it; None before."""
        return self.returncode

    def communicate(self, timeout: float) -> tuple[str, str]:
        """What it printed, once it ended. Raises `subprocess.TimeoutExpired`."""
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(str(self._process), timeout)
        return (self._output / "out").read_text(), (self._output / "err").read_text()

    def progress(self) -> list[str]:
        """The lines that it has written to its standard error so far."""
        file = self._output / "err"
        return file.read_text().splitlines() if file.exists() else []

    def kill(self) -> None:
        """End it at once, if it has not ended."""
        self._process.kill()


def _run(module: str, words: tuple[str, ...], folder: Path, environment: dict[str, str], output: Path) -> None:
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.stdout, sys.stderr = (_redirected(number, output / name) for number, name in ((1, "out"), (2, "err")))
    sys.argv = [module, *words]
    for path in reversed(environment.get("PYTHONPATH", "").split(os.pathsep)):
        if path and path not in sys.path:
            sys.path.insert(0, path)
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _redirected(number: int, path: Path) -> io.TextIOWrapper:
    """A stream whose descriptor, which what it starts inherits, is that of the file."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(file, number)
    os.close(file)
    stream = io.BufferedWriter(io.FileIO(number, "wb", closefd=False))
    return io.TextIOWrapper(stream, encoding="utf-8", line_buffering=True)
