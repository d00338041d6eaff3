"""Who reads a table, by dbt's lineage: what an incident of it means for others. Pure."""

from collections import defaultdict, deque
from collections.abc import Iterator
from typing import Any

_SHOWN = 12


def readers(manifest: Any) -> dict[str, list[str]]:
    """Of each table of the project (`dataset.table`) the marts and exposures below it, the nearest first."""
    children: dict[str, list[str]] = defaultdict(list)
    nodes = {**manifest.nodes, **manifest.sources, **manifest.exposures}
    for name, node in nodes.items():
        for parent in dict.fromkeys(getattr(node, "depends_on_nodes", ())):
            children[parent].append(name)
    return {
        f"{node.schema}.{node.identifier}": found
        for name, node in nodes.items()
        if node.resource_type in ("model", "source", "seed") and (found := list(_below(name, nodes, children)))
    }


def _below(name: str, nodes: dict[str, Any], children: dict[str, list[str]]) -> Iterator[str]:
    seen, queue, shown = {name}, deque([name]), 0
    while queue and shown < _SHOWN:
        for child in sorted(children[queue.popleft()]):
            if child in seen:
                continue
            seen.add(child)
            queue.append(child)
            text = _text(nodes[child])
            if text and shown < _SHOWN:
                shown += 1
                yield text


def _text(node: Any) -> str | None:
    """A mart or an exposure by its name; None for what nobody looks at."""
    if node.resource_type == "exposure":
        return f"{node.label or node.name} ({node.type})"
    return str(node.name) if node.resource_type == "model" and "marts" in node.fqn[1:-1] else None
