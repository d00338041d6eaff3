"""A warehouse of its own in a folder, the command line against it, and what is in it, to compare."""

import json
import os
import shutil
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from conftest import PROJECT_DIR
from incident_ledger.settings import Settings
from incident_ledger.warehouse import Warehouse, connect
from incident_ledger.warehouse.local.process import stop
from relay import Request
from warm import WarmProcess

AS_OF = "2026-03-02T09:00:00Z"
LATER = "2026-03-02T10:00:00Z"
END_DAY = date(2026, 3, 1)  # the last day of usage
THURSDAY = date(2026, 3, 5)  # of the runs in which nothing is wrong
# What two equal runs may differ in: when and by which delivery a row was written, and how long a step took.
_CLOCKS = {"recorded_at", "loaded_at", "built_at", "changes_seen", "changes_until", "claim_id"}
_RECORDS_OF_RUNS = {"fct_run_steps", "stg_ledger__run_steps", "run_steps", "leases", "build_state"}


def thursday_at(hour: int, minute: int = 0) -> datetime:
    """A time of that day, UTC."""
    return datetime.fromisoformat(f"{THURSDAY}T{hour:02}:{minute:02}:00Z")


@dataclass(frozen=True)
class Place:
    """A local warehouse in `folder`, never shared with another test."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        ours = {
            "INCIDENT_LEDGER_LOCAL_DIR": str(self.folder / "local"),
            "DBT_TARGET_PATH": str(self.folder / "target"),
            "PYTHONPATH": os.pathsep.join(str(PROJECT_DIR / folder) for folder in ("scripts", "tests/python")),
        }
        return {name: value for name, value in os.environ.items() if not name.startswith("INCIDENT_LEDGER_")} | ours

    def begin(self, *arguments: str, module: str = "incident_ledger") -> WarmProcess:
        """Start a command (or another module) and come back at once."""
        return WarmProcess(module, arguments, folder=PROJECT_DIR, environment=self.environment)

    def command(self, *arguments: str, expect: tuple[int, ...] = (0,)) -> str:
        """What a command prints; its exit code must be one of those expected."""
        with self.begin(*arguments) as process:
            try:
                out, err = process.communicate(timeout=800)
            finally:
                process.kill()  # one that hangs fails its test, not the whole run
        assert process.returncode in expect, f"{arguments} gave {process.returncode}\n{out}\n{err}"
        return out

    def json(self, *arguments: str, expect: tuple[int, ...] = (0,)) -> Any:
        """What a command prints with `--json`."""
        return json.loads(self.command(*arguments, "--json", expect=expect))

    def warehouse(self) -> Warehouse:
        """The warehouse, for the test's own questions."""
        return connect(Settings(project_dir=PROJECT_DIR, local_dir=self.folder / "local"))

    def behind(self, endpoint: str, *, threads: int = 4) -> "Relayed":
        """The same place, whose commands speak to a relay at `endpoint`."""
        token = self.warehouse().settings.api_token
        assert token is not None
        return Relayed(self.folder, endpoint, token.get_secret_value(), threads)

    def stop(self) -> None:
        """End the server; the data stays."""
        stop(self.folder / "local")

    def copy_to(self, folder: Path) -> "Place":
        """The same warehouse once more. The server must not run."""
        shutil.copytree(self.folder, folder)
        return Place(folder)

    def snapshot(self) -> dict[str, list[str]]:
        """Every table and message, each row as text, without clocks, and what each view asks of the tables.

        A view has no clock: where the tables have the same rows and the views the same words, these have the same rows.
        """
        warehouse = self.warehouse()
        seen: dict[str, list[str]] = {}
        for dataset in warehouse.client.list_datasets(timeout=30):
            for table in warehouse.client.list_tables(dataset.reference, timeout=30):
                if table.table_id in _RECORDS_OF_RUNS:
                    continue
                if table.table_type == "VIEW":
                    found = [warehouse.client.get_table(table.reference, timeout=30).view_query]
                else:
                    rows = warehouse.rows(f"select * from {warehouse.name(table.dataset_id, table.table_id)}")
                    found = [
                        json.dumps({key: value for key, value in row.items() if key not in _CLOCKS}, default=str)
                        for row in rows
                    ]
                seen[f"{table.dataset_id}.{table.table_id}"] = sorted(found)
        outbox = self.folder / "local" / "outbox"
        seen["outbox"] = sorted(f"{path.name}\n{path.read_text()}" for path in outbox.glob("*.eml"))
        return seen


@dataclass(frozen=True)
class Relayed(Place):
    """A place whose commands speak to a relay in front of its server."""

    endpoint: str
    token: str
    threads: int

    @property
    def environment(self) -> dict[str, str]:
        settings = {"API_ENDPOINT": self.endpoint, "API_TOKEN": self.token, "THREADS": str(self.threads)}
        return super().environment | {f"INCIDENT_LEDGER_{name}": value for name, value in settings.items()}


@dataclass(frozen=True)
class Runs:
    """A place after its runs, its server stopped, and what each run sent."""

    place: Place
    requests: list[list[Request]]


@dataclass(frozen=True)
class NextRun:
    """Two copies of a place, before and after a run on what came; what the run printed as JSON."""

    before: Place
    after: Place
    report: Any


def differences(left: dict[str, list[str]], right: dict[str, list[str]]) -> list[str]:
    """What one has and the other has not, a line each; empty when they are equal."""
    differences = []
    for name in sorted(left.keys() | right.keys()):
        ours, theirs = left.get(name, []), right.get(name, [])
        if ours != theirs:
            only = [f"- {row[:300]}" for row in ours if row not in theirs][:3]
            other = [f"+ {row[:300]}" for row in theirs if row not in ours][:3]
            differences.append("\n".join([f"{name}: {len(ours)} and {len(theirs)} rows", *only, *other]))
    return differences
