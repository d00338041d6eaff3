"""dbt, called in this process: one runner at a time, one parsed manifest, results node by node."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from incident_ledger.encoding import timestamp
from incident_ledger.errors import OutsideError
from incident_ledger.private import private_files, private_folder
from incident_ledger.settings import Settings
from incident_ledger.variables import PREFIX
from incident_ledger.warehouse.transport import limited_dbt

# Hooks, and dashboards, which dbt lists among what it built.
_NOTHING_DONE = ("operation.", "exposure.")


@dataclass(frozen=True)
class NodeResult:
    """How one node (model, seed, test, …) ended. `seconds` is its own time in the warehouse and around it."""

    unique_id: str
    status: str
    message: str
    seconds: float
    failures: int | None

    @property
    def name(self) -> str:
        """The node's short name, as `dbt build` prints it."""
        return self.unique_id.split(".")[2]

    @property
    def is_error(self) -> bool:
        """Could not run at all; a test that ran and found rows is `fail`, not an error."""
        return self.status in {"error", "runtime error", "partial success"}

    @property
    def is_skipped(self) -> bool:
        """Not run because something before it failed."""
        return self.status == "skipped"

    @property
    def is_success(self) -> bool:
        """A node that was built, or a data test that ran and found no rows, or none that is more than a warning."""
        return self.status in {"success", "pass", "warn"}

    @property
    def is_failed_test(self) -> bool:
        """A data test that ran and found rows."""
        return self.status == "fail"


class Dbt:
    """The dbt project against one endpoint."""

    def __init__(self, settings: Settings, endpoint: str | None) -> None:
        self._settings = settings
        self._endpoint = endpoint
        self._manifest: Any = None
        self.current_since: datetime | None = None
        """From when on the view of current events, where it is built, reads them (`ledger.settling`); None for all."""
        self.needs_all_incidents = False
        """Whether what is kept of settled incidents is computed again, where it is built."""

    def build(
        self,
        select: Sequence[str],
        *,
        exclude: Sequence[str] = (),
        as_of: datetime | None = None,
        unit_tests: bool = False,
        full_refresh: bool = False,
    ) -> list[NodeResult]:
        """Seeds, models and data tests of a selection, in order.

        A test that also asks a table outside of it, and outside of what it is made from, is left out: that table may
        not be there yet.

        Raises `OutsideError` when dbt itself could not start (the project does not parse, the warehouse is not there).
        """
        args = ["build", "--select", *select, "--indirect-selection", "buildable"]
        if exclude:
            args += ["--exclude", *exclude]
        if not unit_tests:
            args += ["--exclude-resource-type", "unit_test"]
        if full_refresh:
            args += ["--full-refresh"]
        return self.invoke(args, as_of=as_of)

    def members(self, selector: str) -> set[str]:
        """The models and data tests of a selector of `selectors.yml`, each as `--select` names it."""
        self.manifest()
        return set(self._call(["list", "--selector", selector, "--resource-types", "model", "test"], None))

    def build_exactly(self, selectors: Sequence[str], *, as_of: datetime | None = None) -> list[NodeResult]:
        """Models and data tests named one by one, in order; no other test of them, and no unit test."""
        exactly = ("--indirect-selection", "empty", "--exclude-resource-type", "unit_test")
        return self.invoke(["build", "--select", *selectors, *exactly], as_of=as_of)

    def compiled(self, models: Sequence[str]) -> dict[str, tuple[str, str]]:
        """The SQL of models as dbt would send it: (the relation's quoted name, the query) by name."""
        results = self._call(["compile", "--select", *models], None).results if self.manifest() else []
        nodes = [result.node for result in results]
        return {node.name: (node.relation_name, node.compiled_code) for node in nodes}

    def analyses(self, folder: str) -> dict[str, str]:
        """The SQL of the analyses in a folder of the project, as dbt writes it, by name. Asks the warehouse nothing."""
        self.manifest()
        args = ["compile", "--select", f"path:{folder}", "--no-populate-cache", "--no-introspect"]
        results = self._call(args, None).results
        return {result.node.name: result.node.compiled_code for result in results}

    def relations(self) -> set[str]:
        """The tables and views of all models, named as `Warehouse.name` does."""
        nodes = self.manifest().nodes.values()
        return {node.relation_name.replace("`.`", ".") for node in nodes if node.resource_type == "model"}

    def manifest(self) -> Any:
        """The parsed project, parsed once and used by every later call."""
        if self._manifest is None:
            parsed = self._call(["parse"], None)
            # dbt 1.11 keeps the unit tests of a model that was switched off since the last parse, and fails of them.
            self._manifest = self._call(["parse", "--no-partial-parse"], None) if _is_torn(parsed) else parsed
        return self._manifest

    def invoke(
        self, args: Sequence[str], *, as_of: datetime | None = None, variables: Mapping[str, Any] | None = None
    ) -> list[NodeResult]:
        """Any dbt command that works on nodes; what it did, node by node. A hook is named when it failed.

        `as_of` goes by the environment: another `--vars` would make dbt parse the whole project again.
        """
        if variables:
            args = [*args, "--vars", json.dumps(dict(variables))]
        else:
            self.manifest()
        outcome = self._call(args, as_of, reuse=not variables)
        results = [_result(node) for node in getattr(outcome, "results", [])]
        return [each for each in results if each.is_error or not each.unique_id.startswith(_NOTHING_DONE)]

    def _call(self, args: Sequence[str], as_of: datetime | None, *, reuse: bool = True) -> Any:
        from dbt.cli.main import dbtRunner

        _look_at_no_stack()
        folder = str(self._settings.project_dir)
        command = [
            "--quiet",
            "--log-level",
            "none",
            "--no-use-colors",
            *args,
            "--project-dir",
            folder,
            "--profiles-dir",
            folder,
        ]
        with self._environment(as_of), self._alone(), limited_dbt(self._settings.query_timeout):
            outcome = dbtRunner(manifest=self._manifest if reuse else None).invoke(command)
        if isinstance(outcome.exception, KeyboardInterrupt):
            raise outcome.exception
        if outcome.exception is not None:
            raise OutsideError(
                f"dbt {args[0]} could not run: {outcome.exception}", detail="dbt " + " ".join(command)
            ) from outcome.exception
        return outcome.result

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Two processes of this machine that share `target/` take turns: dbt writes it without a lock."""
        lock = private_folder(self._settings.local_path) / "dbt.lock"
        with private_files():
            handle = lock.open("w")
        with handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    @contextmanager
    def _environment(self, as_of: datetime | None) -> Iterator[None]:
        """The settings as `profiles.yml` and `dbt_project.yml` read them, for the time of one invocation."""
        variables = environment(self._settings, self._endpoint, as_of, self.current_since)
        variables[f"{PREFIX}ALL_INCIDENTS"] = "true" if self.needs_all_incidents else ""
        before = {name: os.environ.get(name) for name in variables}
        os.environ.update(variables)
        try:
            yield
        finally:
            for name, value in before.items():
                if value is None:
                    os.environ.pop(name, None)
                else:
                    os.environ[name] = value


def _look_at_no_stack() -> None:
    """Each call makes the flags of the adapter, and each flag names its module, for a note that is not printed.

    To find it, dbt reads all frames of the stack and looks for the file of each in all modules: half a minute a call
    where both are many, as in a long test process.
    """
    from dbt_common.behavior_flags import BehaviorFlagRendered

    BehaviorFlagRendered._default_source = staticmethod(lambda: "dbt")  # type: ignore[method-assign]


def _is_torn(manifest: Any) -> bool:
    """Whether a unit test is of a model that is not there."""
    wanted = {name for test in manifest.unit_tests.values() for name in test.depends_on.nodes}
    return not wanted <= {*manifest.nodes, *manifest.sources}


def environment(
    settings: Settings, endpoint: str | None, as_of: datetime | None, current_since: datetime | None = None
) -> dict[str, str]:
    """What `profiles.yml`, `dbt_project.yml`, macros and models read: settings, where the warehouse is, two times."""
    variables = {
        "TARGET": settings.target,
        "PROJECT": settings.project,
        "LOCATION": settings.location,
        "DATASET": settings.dataset,
        "RAW_DATASET": settings.raw_dataset,
        "JOBS": settings.jobs,
        "PIPELINE_LOGS": settings.pipeline_logs,
        "AUDIT_LOGS": settings.audit_logs,
        "KEY_INVENTORY": settings.key_inventory,
        "THREADS": str(settings.threads),
        "MAXIMUM_BYTES_BILLED": str(settings.maximum_bytes_billed),
        "QUERY_TIMEOUT": str(settings.query_timeout),
        "DASHBOARD_URLS": json.dumps(settings.dashboard_urls, sort_keys=True) if settings.dashboard_urls else "",
        "AS_OF": timestamp(as_of) if as_of else "",
        "CURRENT_SINCE": f"{current_since:%Y-%m-%d}" if current_since else "",
    }
    if endpoint:
        variables["API_ENDPOINT"] = endpoint
        if settings.api_token is not None:
            variables["API_TOKEN"] = settings.api_token.get_secret_value()
    return {PREFIX + name: value for name, value in variables.items()}


def _result(node: Any) -> NodeResult:
    return NodeResult(
        # An operation's result has no node.
        unique_id=node.node.unique_id if hasattr(node, "node") else node.unique_id,
        status=str(node.status),
        message=node.message or "",
        seconds=float(node.execution_time or 0),
        failures=node.failures,
    )
