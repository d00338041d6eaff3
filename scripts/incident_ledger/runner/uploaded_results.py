"""Results that the macro of the dbt package wrote: judged by the policy, and signals made of what fails.

The macro knows dbt and no policy. A row that no run has judged yet has `manifest_node`: what the manifest and the
result say beside the columns. A run judges all of them at once, and takes it away.
"""

# ruff: noqa: S608 -- names of tables are our own

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from incident_ledger.dbt_results import take_in
from incident_ledger.dbt_results.node_results import ArtifactResult
from incident_ledger.dbt_results.uploaded_lineage import UploadedLineage
from incident_ledger.policy import Policy
from incident_ledger.runner.build import Builds
from incident_ledger.runner.build_state import UPLOADED, write_records
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.rows import literal
from incident_ledger.warehouse.tables import DBT_RESULTS

# What no run has judged in a week is not news.
_DAYS = 7
_COLUMNS = (
    "invocation_id, unique_id, completed_at, project_name, node_name, status, owner, message, failures, relation_name, "
    "duration_seconds, dbt_version, ingested_at"
)


def take_in_uploaded(warehouse: Warehouse, builds: Builds, policy: Policy, as_of: datetime) -> int:
    """How many results were judged. Where the table is as the last run saw it, no statement is sent."""
    modified = builds.modified(DBT_RESULTS.name)
    if modified is None or builds.records(UPLOADED).get(DBT_RESULTS.name) == ("", modified):
        return 0
    rows = _pending(warehouse, as_of)
    projects: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        projects[row["project_name"]].append(row)
    for project, of_it in sorted(projects.items()):
        lineage = UploadedLineage(project, of_it, {each.severity_level for each in policy.severities})
        results = [_result(row) for row in of_it]
        ingested_at = max(row["ingested_at"] for row in of_it)
        take_in(warehouse, results, lineage, policy, ingested_at=ingested_at, is_written=True)
    write_records(warehouse, UPLOADED, {DBT_RESULTS.name: ("", modified)}, builds.project, as_of)
    return len(rows)


def _pending(warehouse: Warehouse, as_of: datetime) -> Sequence[Mapping[str, Any]]:
    sql = f"""
        select {_COLUMNS}, to_json_string(manifest_node) as manifest_node
        from {warehouse.raw(DBT_RESULTS.name)}
        where completed_at >= {literal(as_of - timedelta(days=_DAYS))} and manifest_node is not null
        order by completed_at, unique_id
    """
    return [{**row, "manifest_node": json.loads(row["manifest_node"])} for row in warehouse.rows(sql)]


def _result(row: Mapping[str, Any]) -> ArtifactResult:
    node = row["manifest_node"]
    return ArtifactResult(
        invocation_id=row["invocation_id"],
        unique_id=row["unique_id"],
        status=row["status"],
        completed_at=row["completed_at"],
        seconds=row["duration_seconds"] or 0.0,
        dbt_version=row["dbt_version"] or "",
        message=row["message"],
        failures=row["failures"],
        rows=node.get("rows"),
        relation_name=row["relation_name"],
        query=node.get("query") if row["unique_id"].startswith("test.") else None,
    )
