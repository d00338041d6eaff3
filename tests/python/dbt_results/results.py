"""Results and manifests of dbt, made by hand: only what a test is about."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from incident_ledger.dbt_results.artifacts import Manifest
from incident_ledger.dbt_results.judging import Judged, judge_all
from incident_ledger.dbt_results.node_lineage import Lineage
from incident_ledger.dbt_results.node_results import ArtifactResult
from incident_ledger.policy import Policy

T0 = datetime(2026, 3, 2, 6, tzinfo=UTC)


def at(minutes: float) -> datetime:
    """So many minutes after `T0`."""
    return T0 + timedelta(minutes=minutes)


def node(unique_id: str, *parents: str, **more: Any) -> dict[str, Any]:
    """A node of a manifest that depends on others."""
    kind, _, *names = unique_id.split(".")
    return {
        "unique_id": unique_id,
        "name": names[1] if kind == "source" else names[0],
        "source_name": names[0] if kind == "source" else None,
        "resource_type": kind,
        "depends_on": {"nodes": list(parents)},
        **more,
    }


def manifest(nodes: Sequence[Mapping[str, Any]], generated: datetime = T0, **more: Any) -> dict[str, Any]:
    """A manifest of the project `shop`."""
    return {
        "metadata": {
            "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
            "generated_at": generated.isoformat(),
            "project_name": "shop",
        },
        "nodes": {each["unique_id"]: each for each in nodes},
        **more,
    }


def write_target(
    folder: Path, results: Sequence[Mapping[str, Any]], nodes: Sequence[Mapping[str, Any]], time: datetime
) -> Path:
    """A target folder with what a build at a time wrote."""
    folder.mkdir(parents=True, exist_ok=True)
    metadata = {
        "dbt_schema_version": "https://schemas.getdbt.com/dbt/run-results/v6.json",
        "dbt_version": "1.11.0",
        "generated_at": time.isoformat(),
        "invocation_id": f"build-{time:%H%M}",
    }
    body = {"metadata": metadata, "results": list(results), "args": {"which": "build"}}
    (folder / "run_results.json").write_text(json.dumps(body))
    (folder / "manifest.json").write_text(json.dumps(manifest(nodes, time)))
    return folder


def lineage(*nodes: Mapping[str, Any], **more: Any) -> Lineage:
    """The lineage of such a manifest."""
    return Lineage("shop", Manifest.model_validate(manifest(nodes, **more)))


def result(unique_id: str, status: str, minutes: float = 0, **more: Any) -> ArtifactResult:
    """What one invocation, named by its time, said of a node."""
    base = {"invocation_id": f"i{minutes}", "completed_at": at(minutes), "seconds": 1.0, "dbt_version": "1.11.0"}
    return ArtifactResult(unique_id=unique_id, status=status, **{**base, **more})


def judged(results: Sequence[ArtifactResult], known: Lineage, policy: Policy) -> list[Judged]:
    """Results with their verdicts."""
    return judge_all(results, known, policy)
