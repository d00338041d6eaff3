"""dbt, called in this process: one runner, one parsed manifest, results node by node."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from incident_ledger.errors import OutsideError
from incident_ledger.ledger.events import timestamp
from incident_ledger.settings import PREFIX, Settings


@dataclass(frozen=True)
class NodeResult:
    """How one node (model, seed, test, …) ended. `seconds` is its own time in the warehouse and around it."""

    unique_id: str
    status: str
    message: str
    seconds: float
    failures: int | None

    @property
    def is_error(self) -> bool:
        """Could not run at all; a test that ran and found rows is `fail`, not an error."""
        return self.status in {"error", "runtime error", "partial success"}


class Dbt:
    """The dbt project against one endpoint. dbt allows one invocation at a time in a process."""

    def __init__(self, settings: Settings, endpoint: str | None) -> None:
        self._settings = settings
        self._endpoint = endpoint
        self._manifest: Any = None

    def build(
        self, select: Sequence[str], *, exclude: Sequence[str] = (), as_of: datetime | None = None, unit_tests: bool = False
    ) -> list[NodeResult]:
        """Seeds, models and data tests of a selection, in order. Raises `OutsideError` when dbt itself could not start."""
        args = ["build", "--select", *select]
        if exclude:
            args += ["--exclude", *exclude]
        if not unit_tests:
            args += ["--exclude-resource-type", "unit_test"]
        return self.invoke(args, {"as_of": timestamp(as_of)} if as_of else {})

    def invoke(self, args: Sequence[str], variables: Mapping[str, Any] | None = None) -> list[NodeResult]:
        """Any dbt command; what it did, node by node."""
        from dbt.cli.main import dbtRunner

        folder = str(self._settings.project_dir)
        command = [
            "--quiet", "--no-use-colors", *args, "--project-dir", folder, "--profiles-dir", folder,
            "--vars", json.dumps(dict(variables or {})),
        ]
        with self._environment():
            outcome = dbtRunner(manifest=self._manifest).invoke(command)
        if outcome.exception is not None:
            raise OutsideError(f"dbt {args[0]} could not run: {outcome.exception}", detail=" ".join(command))
        results = getattr(outcome.result, "results", None)
        return [] if results is None else [_result(node) for node in results]

    @contextmanager
    def _environment(self) -> Iterator[None]:
        """The settings as `profiles.yml` and `dbt_project.yml` read them, for the time of one invocation."""
        settings = self._settings
        ours = {
            "TARGET": settings.target,
            "PROJECT": settings.project,
            "LOCATION": settings.location,
            "DATASET": settings.dataset,
            "RAW_DATASET": settings.raw_dataset,
            "THREADS": str(settings.threads),
            "MAXIMUM_BYTES_BILLED": str(settings.maximum_bytes_billed),
        }
        if self._endpoint:
            ours["API_ENDPOINT"] = self._endpoint
        before = dict(os.environ)
        os.environ.update({PREFIX + name: value for name, value in ours.items()})
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)


def _result(node: Any) -> NodeResult:
    return NodeResult(
        unique_id=node.node.unique_id,
        status=str(node.status),
        message=node.message or "",
        seconds=float(node.execution_time or 0),
        failures=node.failures,
    )
