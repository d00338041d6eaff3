"""The lineage of results that the macro of the dbt package wrote, from what each row has of the manifest. Pure."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from incident_ledger.dbt_results.artifacts import Manifest
from incident_ledger.dbt_results.node_lineage import Lineage
from incident_ledger.dbt_results.node_results import name_of


class UploadedLineage(Lineage):
    """Of the rows of one project: mappings with `unique_id`, `node_name`, `owner`, `completed_at`, `manifest_node`.

    It knows the nodes of the rows and those above what failed, and not whether the project has others.
    """

    def __init__(self, project: str, rows: Sequence[Mapping[str, Any]], severities: Collection[str]) -> None:
        nodes: dict[str, dict[str, Any]] = {}
        for row in rows:
            for unique_id, parents in (row["manifest_node"].get("above") or {}).items():
                nodes.setdefault(unique_id, _node(unique_id, parents))
        for row in rows:
            nodes[row["unique_id"]] = _of_row(row, severities)
        metadata = {"dbt_schema_version": "", "generated_at": max(row["completed_at"] for row in rows)}
        super().__init__(project, Manifest.model_validate({"metadata": metadata, "nodes": nodes}))
        self._data_nodes = rows[-1]["manifest_node"].get("data_nodes")

    def has(self, unique_id: str) -> bool:
        """True: the rows are of the nodes that one command selected."""
        return bool(unique_id)

    def count(self, kinds: Collection[str]) -> int | None:
        """How many models, seeds and snapshots the project had when it wrote the last row."""
        return self._data_nodes if isinstance(self._data_nodes, int) else super().count(kinds)


def _node(unique_id: str, parents: Sequence[str], **more: Any) -> dict[str, Any]:
    return {
        "unique_id": unique_id,
        "name": name_of(unique_id),
        "resource_type": unique_id.partition(".")[0],
        "depends_on": {"nodes": list(parents)},
        **more,
    }


def _of_row(row: Mapping[str, Any], severities: Collection[str]) -> dict[str, Any]:
    node = row["manifest_node"]
    wanted = (each for each in node.get("incident_severity") or () if isinstance(each, str))
    severity = next((each for each in wanted if each.strip().upper() in severities), None)
    return _node(
        row["unique_id"],
        node.get("parents") or (),
        name=row["node_name"],
        attached_node=node.get("attached_node"),
        test_metadata={"name": node["test_name"]} if node.get("test_name") else None,
        config={
            "meta": {"owner": row["owner"], "incident_severity": severity},
            "where": node.get("where"),
            "limit": node.get("limit"),
            "fail_calc": node.get("fail_calc"),
        },
    )
