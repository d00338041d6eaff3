"""Policies from seed files and from the warehouse's tables: two ways in, one set of checks."""

import json
import time
from collections.abc import Mapping
from pathlib import Path

from incident_ledger.errors import StatementError, UserError
from incident_ledger.policy.cells import Problem, Row, in_order, read_file, read_row
from incident_ledger.policy.checks import Tables, check
from incident_ledger.policy.model import Policy
from incident_ledger.policy.seeds import Column, Kind, PolicyTable, policy_tables
from incident_ledger.warehouse import Warehouse

_SHOWN_PROBLEMS = 20
_PAUSE_SECONDS = 0.5


class _NotThereError(UserError):
    """Not even the dataset: nobody is loading it right now."""


def load_files(folder: Path) -> Policy:
    """The policy of a folder of CSV files. Raises `UserError` with every wrong cell and row, as `file:line: column`."""
    names = {table.name: _shown(folder / f"{table.name}.csv") for table in policy_tables().values()}
    rows: dict[str, list[Row]] = {}
    problems: dict[str, list[Problem]] = {}
    for table in policy_tables().values():
        path = folder / f"{table.name}.csv"
        rows[table.name], problems[table.name] = read_file(path, names[table.name], table)
    return _checked(rows, names, problems)


def load(warehouse: Warehouse, *, patience: float = 10.0) -> Policy:
    """The policy of the warehouse: what `incident-ledger policy load` or a run put there from the seeds.

    One statement, so that all tables are of one time and BigQuery can answer it from its cache. dbt replaces the
    tables one by one: while another process does so, one may be missing or not yet fit the others, so what is wrong is
    believed only after `patience` seconds.

    Raises `UserError` when the tables are missing, or say what no seed file may say.
    """
    end = time.monotonic() + patience
    while True:
        try:
            return _load(warehouse)
        except _NotThereError:
            raise
        except UserError:
            if time.monotonic() >= end:
                raise
            time.sleep(_PAUSE_SECONDS)


def load_current(warehouse: Warehouse, folder: Path) -> Policy | None:
    """The warehouse's policy where it says what the files say, so that nothing is to be loaded; else None.

    Raises `UserError` when the files cannot be used: before anything of them is in the warehouse.
    """
    files = load_files(folder)
    try:
        loaded = _load(warehouse)
    except UserError:
        return None
    return None if differing(files, loaded) else loaded


def _load(warehouse: Warehouse) -> Policy:
    dataset = warehouse.settings.policy_dataset
    selects = [_select(table, warehouse.name(dataset, table.name)) for table in policy_tables().values()]
    sql = "\nunion all\n".join(selects)
    try:
        found = warehouse.rows(sql)
    except StatementError as error:
        if (
            error.reason == "invalidQuery"
        ):  # of a statement that is well formed: a column of this version is not there yet
            raise UserError(
                f"The policy tables in {dataset} are of another version. Load them again: incident-ledger policy load"
            ) from error
        if error.reason != "notFound":
            raise
        kind = _NotThereError if "Dataset" in str(error) else UserError
        raise kind(
            f"The policy tables are not all in {dataset} yet. Put them there with: incident-ledger policy load"
        ) from error
    names = {table.name: f"{dataset}.{table.name}" for table in policy_tables().values()}
    rows: dict[str, list[Row]] = {table.name: [] for table in policy_tables().values()}
    problems: dict[str, list[Problem]] = {table.name: [] for table in policy_tables().values()}
    for record in found:
        table = policy_tables()[record["table_name"]]
        cells = dict(zip(table.column_names, json.loads(record["cells"]), strict=True))
        key = " ".join(cells[name] or "" for name in table.key)
        row, wrong = read_row(table, f"{names[table.name]} ({key})", cells)
        problems[table.name] += wrong
        if row:
            rows[table.name].append(row)
    return _checked(rows, names, problems)


def differing(files: Policy, loaded: Policy) -> list[str]:
    """The tables of which files and warehouse say different things."""
    return [name for name in files.tables if _values(files, name) != _values(loaded, name)]


def rewritten(files: Policy, loaded: Policy | None) -> list[str]:
    """Rows of the warehouse that the files no longer have as they were, in tables whose rows have a beginning.

    To change or drop such a row in its place changes how incidents of the past are judged: each line says so.
    """
    lines: list[str] = []
    for table in policy_tables().values():
        if loaded is None or not table.is_versioned:
            continue
        now = [dict(row.values) for row in files.tables[table.name]]
        for row in loaded.tables[table.name]:
            if dict(row.values) not in now:
                lines.append(
                    f"{row.where} is changed or removed: incidents that began under it are judged again. "
                    "To change a rule from now on, keep its row and add one with valid_from"
                )
    return lines


def _values(policy: Policy, table: str) -> list[dict[str, object]]:
    return [dict(row.values) for row in policy.tables[table]]


def _checked(rows: Mapping[str, list[Row]], names: Mapping[str, str], problems: Mapping[str, list[Problem]]) -> Policy:
    ordered = {table.name: in_order(table, rows[table.name]) for table in policy_tables().values()}
    broken = {name for name, wrong in problems.items() if wrong}
    everything = [problem for wrong in problems.values() for problem in wrong]
    everything += check(Tables(ordered, names, broken))
    if everything:
        lines = [f"  {problem}" for problem in everything[:_SHOWN_PROBLEMS]]
        if len(everything) > _SHOWN_PROBLEMS:
            lines.append(f"  and {len(everything) - _SHOWN_PROBLEMS} more; fix these first")
        raise UserError("The policy cannot be used:\n" + "\n".join(lines))
    return Policy(ordered)


def _select(table: PolicyTable, name: str) -> str:
    """A SELECT of a table's cells as texts in the form of the seed files; null where a cell is empty."""
    cells = ", ".join(_as_text(column) for column in table.columns)
    return f"select '{table.name}' as table_name, to_json_string([{cells}]) as cells from {name}"  # noqa: S608 our names


def _as_text(column: Column) -> str:
    if column.kind is Kind.TEXT:
        return column.name
    if column.kind is Kind.TIMESTAMP:
        return f"format_timestamp('%Y-%m-%dT%H:%M:%SZ', {column.name}, 'UTC')"
    return f"cast({column.name} as string)"


def _shown(path: Path) -> str:
    """The file as a person finds it: below the working directory if it is there."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
