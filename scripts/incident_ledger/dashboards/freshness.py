"""How fresh the rows of cards are: of what a build makes, the as-of time of the last run; the rest is read as it is."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from incident_ledger.dashboards.card_lineage import ancestors, built_tables
from incident_ledger.encoding import parse_time
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.modified import last_modified

Records = Mapping[str, Mapping[str, Sequence[str | None]]]
_BUILD, _FAILED = "run", "failed"  # rows of `build_state`


def read_freshness(
    warehouse: Warehouse, manifest: Any, cards: Sequence[str], as_of: datetime
) -> dict[str, datetime | None]:
    """Of each card the time of its oldest table, at most `as_of`, the page's; None where a table was never built.

    Every run compares each table with what it is made from, and builds it or finds it unchanged: so all of them are as
    of the last run that built anything. Not so a table that failed or was held back by a failure: it is as of its last
    writing, as one is that somebody built by hand. Raises `OutsideError`.
    """
    nodes = {each.name: each for each in manifest.nodes.values() if each.resource_type == "analysis"}
    tables = {card: built_tables(manifest, nodes[card]) for card in cards}
    distinct = {name: node for found in tables.values() for name, node in found.items()}
    modified = last_modified(warehouse, [(node.schema, node.identifier) for node in distinct.values()])
    run, records = _recorded(warehouse)
    failed = set(records.get(_FAILED, {}))

    def fresh(name: str, node: Any) -> datetime | None:
        written = modified[(node.schema, node.identifier)]
        if written is None:
            return None
        _, recorded = records.get(_BUILD, {}).get(name, ("", None))
        if run is None or recorded != written or name in failed or _is_held_back(manifest, node, failed):
            return min(parse_time(written), as_of)
        return min(run, as_of)

    times = {name: fresh(name, node) for name, node in distinct.items()}
    return {card: _oldest([times[name] for name in found], as_of) for card, found in tables.items()}


def _recorded(warehouse: Warehouse) -> tuple[datetime | None, Records]:
    """The as-of time of the last run that built anything, and what the runs recorded."""
    rows = warehouse.rows(f"select name, as_of, nodes from {warehouse.raw('build_state')}")  # noqa: S608 -- own table
    run = next((row["as_of"] for row in rows if row["name"] == _BUILD), None)
    return run, {row["name"]: row["nodes"] for row in rows}


def _is_held_back(manifest: Any, node: Any, failed: set[str]) -> bool:
    """Whether something that it is made from failed, or a test of that: dbt then leaves out what stands on it."""
    above = ancestors(manifest, node).keys()
    tests = (manifest.nodes[name] for name in failed if name in manifest.nodes)
    return bool(failed & above) or any(above & set(test.depends_on_nodes) for test in tests)


def _oldest(times: Sequence[datetime | None], as_of: datetime) -> datetime | None:
    known = [each for each in times if each is not None]
    return None if len(known) < len(times) else min([*known, as_of])
