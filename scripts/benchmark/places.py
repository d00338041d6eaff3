"""Warehouses of the benchmark's own: commands against them, each a process whose time and memory are taken."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from incident_ledger import dbt_runner
from incident_ledger.encoding import timestamp
from incident_ledger.settings import Settings, find_project_dir
from incident_ledger.variables import PREFIX
from incident_ledger.warehouse import Warehouse, connect, tables
from incident_ledger.warehouse.local import process as local

PROJECT_DIR = find_project_dir(Path(__file__).resolve().parent)
COMMAND_SECONDS = 1800.0  # on a machine that has other work too: what is measured is a ratio
_BETWEEN_LOOKS = 0.02


class BenchmarkError(Exception):
    """A command that is measured failed: its figure would mean nothing."""


@dataclass(frozen=True)
class Taken:
    """What a process took: seconds from its start to its end, and the most memory that it held (bytes)."""

    seconds: float
    peak_memory: int | None
    output: str


@dataclass(frozen=True)
class Place:
    """A local warehouse in `folder`; its server is started when needed, and ends with the benchmark at the latest."""

    folder: Path

    @property
    def settings(self) -> Settings:
        """Settings of this warehouse, whatever the environment says."""
        return Settings(project_dir=PROJECT_DIR, local_dir=self.folder / "local", target="local", api_endpoint=None)

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a command against this warehouse: none of the caller's settings."""
        variables = {
            f"{PREFIX}LOCAL_DIR": str(self.folder / "local"),
            "DBT_TARGET_PATH": str(self.folder / "target"),
        }
        others = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
        return others | variables | {"PYTHONPATH": str(PROJECT_DIR / "scripts")}

    @property
    def requests(self) -> Path:
        """The file with each request of the last block that was counted."""
        return self.folder / "requests.jsonl"

    def warehouse(self) -> Warehouse:
        """A client of it, for questions of the benchmark's own."""
        self.start()
        return connect(self.settings)

    def start(self) -> local.Server:
        """Its server. Started here and not by a command, so that no command's time holds the start."""
        return local.start(self.folder / "local", owner=os.getpid())

    @contextmanager
    def counting(self, *, scans: bool = True) -> Iterator[Path]:
        """Serve with notes of requests and of what each statement reads, in the file that this gives, for the block.

        Without `scans` it notes the requests alone, which takes no time of the statements.
        """
        self.stop()
        notes = self.folder / "notes.jsonl"
        notes.unlink(missing_ok=True)
        self.requests.write_text("")
        reader, writer = os.pipe()
        partitions = self.folder / "partitions.json"
        partitions.write_text(json.dumps(self.partitions()))
        command = [
            sys.executable,
            "-m",
            "benchmark.counting",
            str(notes) if scans else "",
            str(partitions),
            str(self.requests),
        ]
        command += ["--folder", str(self.folder / "local")]
        command += ["--memory", self.settings.local_memory, "--idle", "600", "--owner", str(os.getpid())]
        log = self.folder / "counting.log"
        with log.open("ab") as output:
            server = subprocess.Popen(
                [*command, "--ready-fd", str(writer)],
                env=self.environment, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                pass_fds=(writer,),
            )  # fmt: skip
        os.close(writer)
        try:
            with os.fdopen(reader) as ready:
                if "endpoint" not in ready.readline():
                    raise BenchmarkError(f"The counting server did not start:\n{log.read_text()[-3000:]}")
            yield notes
        finally:
            server.terminate()
            server.wait(timeout=60)

    def stop(self) -> None:
        """End the server; the data stays."""
        local.stop(self.folder / "local")

    def partitions(self) -> dict[str, str]:
        """The columns of the day partitions: of the runner's tables, and of dbt's as the last run parsed them."""
        raw = self.settings.raw_dataset
        found = {f"{raw}.{table.name}": table.partition for table in tables.ALL if table.partition}
        parsed = self.folder / "target" / "manifest.json"
        manifest = json.loads(parsed.read_text(encoding="utf-8")) if parsed.exists() else {"nodes": {}}
        for node in manifest["nodes"].values():
            partition = node.get("config", {}).get("partition_by")
            if partition:
                found[f"{node['schema']}.{node['alias']}"] = partition["field"]
        return found

    def server_peak_memory(self) -> int | None:
        """The most memory that the server held since it was started (bytes)."""
        pid = local.status(self.folder / "local").pid
        return None if pid is None else peak_memory(pid)

    def ledger(self, *arguments: str, expect: tuple[int, ...] = (0,)) -> Taken:
        """A command of `incident-ledger`."""
        return take([sys.executable, "-m", "incident_ledger", *arguments], self.environment, expect=expect)

    def run(self, as_of: datetime, *more: str) -> Taken:
        """`incident-ledger run`; something may be open after it."""
        return self.ledger("run", "--as-of", timestamp(as_of), *more)

    def dbt(self, *arguments: str, as_of: datetime) -> Taken:
        """A command of dbt by hand, with the environment that `incident-ledger` gives it.

        Its parsed project is kept in a folder of its own: the runner parses without an as-of time, and each of the two
        would make the other parse again.
        """
        folders = ["--project-dir", str(PROJECT_DIR), "--profiles-dir", str(PROJECT_DIR)]
        server = self.start()
        settings = self.settings.model_copy(update={"api_token": server.token})
        environment = self.environment | dbt_runner.environment(settings, server.endpoint, as_of)
        environment["DBT_TARGET_PATH"] = str(self.folder / "target-dbt")
        command = [str(Path(sys.executable).with_name("dbt")), *arguments, *folders]
        return take(command, environment)


@contextmanager
def place(folder: Path) -> Iterator[Place]:
    """A place whose server ends with the block."""
    folder.mkdir(parents=True, exist_ok=True)
    here = Place(folder)
    try:
        yield here
    finally:
        here.stop()


def take(command: list[str], environment: Mapping[str, str], *, expect: tuple[int, ...] = (0,)) -> Taken:
    """Run a command to its end. Raises `BenchmarkError` with its last words when its exit code is no expected one."""
    began = time.perf_counter()
    with subprocess.Popen(
        command,
        cwd=PROJECT_DIR,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        watch = _Watch(process.pid)
        try:
            output, _ = process.communicate(timeout=COMMAND_SECONDS)
        finally:
            process.kill()
            watch.stop()
    seconds = time.perf_counter() - began
    if process.returncode not in expect:
        raise BenchmarkError(f"{' '.join(command)} gave {process.returncode}:\n{output[-3000:]}")
    return Taken(seconds, watch.peak, output)


def peak_memory(pid: int) -> int | None:
    """The high-water mark of a process' resident memory (bytes); None where the system does not show it."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return None
    found = next((line for line in lines if line.startswith("VmHWM:")), None)
    return None if found is None else int(found.split()[1]) * 1024


class _Watch:
    """Looks at a process' high-water mark until asked to stop. The usual account of an ended child is of no use here:
    it begins with what its parent held."""

    def __init__(self, pid: int) -> None:
        self.peak: int | None = None
        self._pid = pid
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._is_over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._is_over.wait(_BETWEEN_LOOKS):
            now = peak_memory(self._pid)
            if now is not None:
                self.peak = max(self.peak or 0, now)
