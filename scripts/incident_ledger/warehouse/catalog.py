"""What tables there are and what is in them, for a person who looks for something: by the tables API, not by SQL."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase

from google.cloud import bigquery
from google.cloud.exceptions import NotFound

from incident_ledger.errors import UserError
from incident_ledger.warehouse.client import Warehouse, column

_AT_ONCE = 8
_SECONDS = 60.0


@dataclass(frozen=True)
class ColumnText:
    """A column as a person reads it: a field of a record by its path (`a.b`), its type in GoogleSQL, its text."""

    name: str
    kind: str
    is_required: bool
    text: str


@dataclass(frozen=True)
class TableText:
    """A table or a view with its text, whose first sentence is its grain. `rows` is None for a view."""

    dataset: str
    table: str
    kind: str
    text: str
    rows: int | None
    columns: tuple[ColumnText, ...]

    @property
    def name(self) -> str:
        """`DATASET.TABLE`."""
        return f"{self.dataset}.{self.table}"


def list_tables(warehouse: Warehouse, pattern: str | None = None) -> list[TableText]:
    """The tables and views of our datasets, the marts first; with a pattern those whose name it fits.

    A pattern is a part of `DATASET.TABLE`, or the whole of it or of `TABLE` with `*` and `?`.
    """
    names = [name for name in _names(warehouse) if pattern is None or _fits(pattern, *name)]
    with warehouse.map_bigquery_errors(), ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(lambda name: _text(warehouse.table(*name)), names))


def describe(warehouse: Warehouse, name: str) -> TableText:
    """One table, named as `DATASET.TABLE` or by `TABLE` alone, which is looked for among the marts first.

    Raises `UserError` that names the nearest when there is none of that name.
    """
    known = list(_names(warehouse))
    wanted = tuple(name.replace("`", "").split(".")[-2:])
    for dataset, table in known:
        if wanted in ((table,), (dataset, table)):
            return _text(warehouse.table(dataset, table))
    if len(wanted) == 2 and warehouse.table_exists(*wanted):  # of another dataset than the project's
        return _text(warehouse.table(*wanted))
    raise UserError(f"There is no table {name}. {_nearest(wanted[-1], known)}")


def _names(warehouse: Warehouse) -> Iterator[tuple[str, str]]:
    settings = warehouse.settings
    for dataset in (settings.dataset, settings.staging_dataset, settings.policy_dataset, settings.raw_dataset):
        reference = bigquery.DatasetReference(settings.project, dataset)
        with warehouse.map_bigquery_errors():
            try:
                found = sorted(item.table_id for item in warehouse.client.list_tables(reference, timeout=_SECONDS))
            except NotFound:  # nothing was built yet
                continue
        yield from ((dataset, table) for table in found)


def names_in(warehouse: Warehouse, project: str, dataset: str) -> list[str]:
    """The names of the tables of any dataset, in order; none where there is no such dataset."""
    with warehouse.map_bigquery_errors():
        try:
            found = warehouse.client.list_tables(f"{project}.{dataset}", timeout=_SECONDS)
            return sorted(item.table_id for item in found)
        except NotFound:
            return []


def _fits(pattern: str, dataset: str, table: str) -> bool:
    if set("*?") & set(pattern):
        return fnmatchcase(table, pattern) or fnmatchcase(f"{dataset}.{table}", pattern)
    return pattern.lower() in f"{dataset}.{table}".lower()


def _nearest(table: str, known: list[tuple[str, str]]) -> str:
    names = {table: f"{dataset}.{table}" for dataset, table in reversed(known)}
    near = [names[found] for found in get_close_matches(table, names, n=3)]
    if near:
        return f"Is {' or '.join(near)} meant?"
    return "incident-ledger tables lists all." if known else "Nothing was built yet: incident-ledger run."


def _text(table: bigquery.Table) -> TableText:
    is_view = table.table_type == "VIEW"
    return TableText(
        dataset=table.dataset_id,
        table=table.table_id,
        kind="view" if is_view else "table",
        text=table.description or "",
        rows=None if is_view else table.num_rows,
        columns=tuple(_columns(table.schema)),
    )


def _columns(fields: Iterable[bigquery.SchemaField], path: str = "") -> Iterator[ColumnText]:
    for field in fields:
        found = column(field)
        kind = f"ARRAY<{found.kind}>" if found.is_array else found.kind
        yield ColumnText(path + field.name, kind, field.mode == "REQUIRED", field.description or "")
        yield from _columns(field.fields, f"{path}{field.name}.")
