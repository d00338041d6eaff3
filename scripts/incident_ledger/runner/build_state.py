"""What the last runs built, kept in one row of `build_state`: from which files, and each node with its key."""

from collections.abc import Mapping
from datetime import UTC, datetime

from incident_ledger.runner.node_selection import Built
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.rows import bound_rows, merge_query
from incident_ledger.warehouse.tables import BUILD_STATE

_NAME = "run"


def read_built(warehouse: Warehouse) -> dict[str, Built]:
    """The nodes that runs built, by unique id; none when none has been recorded."""
    sql = f"select nodes from {warehouse.raw('build_state')} where name = @name"  # noqa: S608
    row = next(iter(warehouse.rows(sql, {"name": _NAME})), None)
    nodes: Mapping[str, list[str | None]] = row["nodes"] if row else {}
    return {unique_id: Built(key or "", modified) for unique_id, (key, modified) in nodes.items()}


def write_built(warehouse: Warehouse, built: Mapping[str, Built], project: str, as_of: datetime) -> None:
    """Replace what is recorded. Held by the lease of the run, nobody else writes it."""
    row = {
        "name": _NAME,
        "project_checksum": project,
        "as_of": as_of,
        "built_at": datetime.now(UTC),
        "nodes": {unique_id: [each.key, each.modified] for unique_id, each in sorted(built.items())},
    }
    with bound_rows(warehouse, BUILD_STATE, [row]) as (query, params):
        merge_query(warehouse, BUILD_STATE, query, columns=tuple(row), updates="", params=params)
