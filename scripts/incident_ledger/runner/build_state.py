"""What the last runs built and checked, a row of `build_state` each: from which files, and what each thing depended on.

A record is a thing's key (a hash over what it depended on) and one more text, which its reader knows.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.rows import bound_rows, merge_query
from incident_ledger.warehouse.tables import BUILD_STATE

BUILD = "run"  # dbt's nodes by their unique id
CHECK = "check"  # suites by their file
FAILED = "failed"  # dbt's nodes that could not be built, and tests that failed
UPLOADED = "uploaded"  # when `dbt_results` was modified, as of the last look for what the dbt package's macro wrote
REJECTED = "rejected"  # when `import_rejects` was modified, as of the last look for what was refused

Records = Mapping[str, tuple[str, str | None]]


def read_records(warehouse: Warehouse) -> Mapping[str, Records]:
    """What is recorded, by its name."""
    rows = warehouse.rows(f"select name, nodes from {warehouse.raw('build_state')}")  # noqa: S608
    return {row["name"]: {thing: (key or "", more) for thing, (key, more) in row["nodes"].items()} for row in rows}


def write_records(warehouse: Warehouse, name: str, records: Records, project: str, as_of: datetime) -> None:
    """Replace what is recorded. Held by the lease of the run, nobody else writes it."""
    write_all(warehouse, {name: records}, project, as_of)


def write_all(warehouse: Warehouse, records: Mapping[str, Records], project: str, as_of: datetime) -> None:
    """Replace what is recorded under each name, by one statement."""
    common = {"project_checksum": project, "as_of": as_of, "built_at": datetime.now(UTC)}
    rows = [
        {"name": name, **common, "nodes": {thing: [*record] for thing, record in sorted(things.items())}}
        for name, things in records.items()
    ]
    if not rows:
        return
    with bound_rows(warehouse, BUILD_STATE, rows) as (query, params):
        merge_query(warehouse, BUILD_STATE, query, columns=tuple(rows[0]), updates="", params=params)
