"""What this project's own dbt could not build, and data tests that failed: signals like those of any dbt project."""

from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import version

from incident_ledger import policy
from incident_ledger.dbt_results import take_in
from incident_ledger.dbt_results.artifacts import Manifest
from incident_ledger.dbt_results.node_lineage import Lineage
from incident_ledger.dbt_results.node_results import ArtifactResult
from incident_ledger.dbt_runner import Dbt, NodeResult
from incident_ledger.runner.build import Builds
from incident_ledger.runner.build_state import FAILED, write_records
from incident_ledger.warehouse import Warehouse


class OwnFailures:
    """Of one run. What failed is known from run to run, so that one without failures before and now sends nothing.

    What only warned is not among them: the marts themselves name what their warnings are about.
    """

    def __init__(self, warehouse: Warehouse, dbt: Dbt, builds: Builds, run_id: str, as_of: datetime) -> None:
        self._warehouse, self._dbt, self._builds = warehouse, dbt, builds
        self._run_id, self._as_of = run_id, as_of
        self._known: frozenset[str] | None = None

    def note(self, results: Sequence[NodeResult]) -> None:
        """Write what failed, and what failed before and is good again."""
        before = self._builds.failed_before if self._known is None else self._known
        bad = {each.unique_id for each in results if each.is_error or each.is_failed_test}
        good = {each.unique_id for each in results if each.is_success}
        if not bad and not before & good:
            return
        news = [each for each in results if each.unique_id in bad | (before & good)]
        manifest = Manifest.model_validate(self._dbt.manifest().writable_manifest().to_dict())
        lineage = Lineage(manifest.metadata.project_name or "", manifest)
        rules = policy.load(self._warehouse)
        found = [self._result(each) for each in news]
        take_in(self._warehouse, found, lineage, rules, ingested_at=self._as_of, is_whole=False)
        self._known = frozenset(before - good | bad)
        if self._known != before:
            records = dict.fromkeys(self._known, ("", None))
            write_records(self._warehouse, FAILED, records, self._builds.project, self._as_of)

    def _result(self, node: NodeResult) -> ArtifactResult:
        return ArtifactResult(
            invocation_id=self._run_id,
            unique_id=node.unique_id,
            status=node.status,
            completed_at=self._as_of,
            seconds=node.seconds,
            dbt_version=version("dbt-core"),
            message=node.message or None,
            failures=node.failures,
        )
