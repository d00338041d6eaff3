"""What a query stands on, by dbt's lineage: the tables that a build makes, and the raw tables and seeds below. Pure."""

from collections.abc import Iterator
from typing import Any


def built_tables(manifest: Any, node: Any) -> dict[str, Any]:
    """The nearest tables below it that a build makes, through any views, by their unique ids."""
    found: dict[str, Any] = {}
    for name, each in _parents(manifest, node):
        if each.resource_type != "model":
            continue
        if each.config.materialized == "view":
            found |= built_tables(manifest, each)
        else:
            found[name] = each
    return found


def ancestors(manifest: Any, node: Any) -> dict[str, Any]:
    """All that it is made from, by their unique ids."""
    found: dict[str, Any] = {}
    ahead = [node]
    while ahead:
        for name, each in _parents(manifest, ahead.pop()):
            if name not in found:
                found[name] = each
                ahead.append(each)
    return found


def origins(manifest: Any, node: Any) -> list[str]:
    """The raw tables and seeds that it is made from in the end, by their unique ids in order."""
    return sorted(name for name, each in ancestors(manifest, node).items() if each.resource_type in {"source", "seed"})


def _parents(manifest: Any, node: Any) -> Iterator[tuple[str, Any]]:
    for name in dict.fromkeys(getattr(node, "depends_on_nodes", ())):
        found = manifest.nodes.get(name) or manifest.sources.get(name)
        if found is not None:
            yield name, found
