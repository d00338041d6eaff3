"""When tables were last modified, by the tables API: free of charge on BigQuery, where it moves with DML and loads."""

import hashlib
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from itertools import chain

from incident_ledger.encoding import canonical, timestamp
from incident_ledger.warehouse.catalog import names_in as tables_in
from incident_ledger.warehouse.client import Warehouse
from incident_ledger.warehouse.shards import is_sharded, shards_among

_AT_ONCE = 16
# A name of several parts, each in backticks or all in one pair of them, as dbt and people write it.
_NAME = re.compile(r"`[^`]+`(?:\s*\.\s*`[^`]+`)*")
_PARTS = 3  # project, dataset, table
# Shards that may still get entries, and with them columns: those of today and of yesterday.
_CHANGING = 2

FullName = tuple[str, str, str]
"""Project, dataset and table."""


def last_modified(warehouse: Warehouse, relations: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str | None]:
    """Of each table or view (dataset, table) when it was last modified, as a UTC timestamp; None when it is not there.

    Of date-sharded tables (`NAME_*`) another text is given when there is another shard, or the newest have other
    columns. A dataset of another project has its name in front.

    Rows that a stream still holds do not count yet. Raises `OutsideError` when the warehouse cannot be asked.
    """
    wanted = sorted(set(relations))
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = pool.map(lambda name: _modified(warehouse, *name), wanted)
        return dict(zip(wanted, found, strict=True))


def last_modified_below(warehouse: Warehouse, relations: Iterable[tuple[str, str]]) -> dict[FullName, str | None]:
    """The same of these and of everything that their views read, directly or by way of other views.

    What a view reads is taken from its query, as the tables API has it: no table is missed that a deployment added.
    """
    found: dict[FullName, str | None] = {}
    ahead = {(warehouse.settings.project, *relation) for relation in relations}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        while ahead:
            wanted = sorted(ahead)
            looked_up = list(pool.map(lambda name: _look_up(warehouse, name), wanted))
            found |= {name: modified for name, (modified, _) in zip(wanted, looked_up, strict=True)}
            ahead = set(chain.from_iterable(names_in(query) for _, query in looked_up)) - set(found)
    return found


def names_in(query: str) -> set[FullName]:
    """The full names of tables in a view's query; dbt writes all with their projects."""
    names = (re.sub(r"[`\s]", "", name).rsplit(".", _PARTS - 1) for name in _NAME.findall(query))
    return {(parts[0], parts[1], parts[2]) for parts in names if len(parts) == _PARTS}


def _modified(warehouse: Warehouse, dataset: str, table: str) -> str | None:
    project, _, dataset = f"{warehouse.settings.project}.{dataset}".rpartition(".")
    project = project.rpartition(".")[2]
    if not is_sharded(table):
        return _look_up(warehouse, (project, dataset, table))[0]
    shards = list(shards_among(tables_in(warehouse, project, dataset), table).values())
    newest = [warehouse.find(dataset, name, project=project) for name in shards[-_CHANGING:]]
    columns = [[column.to_api_repr() for column in each.schema] for each in newest if each is not None]
    return hashlib.sha256(canonical([shards, columns]).encode()).hexdigest()[:16] if shards else None


def _look_up(warehouse: Warehouse, name: FullName) -> tuple[str | None, str]:
    """When it was last modified, and the query of a view."""
    project, dataset, table = name
    found = warehouse.find(dataset, table, project=project)
    if found is None:
        return None, ""
    return timestamp(found.modified) if found.modified is not None else None, found.view_query or ""
