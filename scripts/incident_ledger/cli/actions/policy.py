"""`incident-ledger policy`: the playbook's tables, shown, checked and put into the warehouse."""

from datetime import UTC, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from rich.cells import cell_len
from rich.table import Table

from incident_ledger import policy
from incident_ledger.cli._console import Text, err, out, parse_time, to_json, wide_out, write_text
from incident_ledger.dbt_runner import NodeResult
from incident_ledger.errors import OutsideError, UserError
from incident_ledger.policy import Policy
from incident_ledger.policy.seeds import policy_tables
from incident_ledger.settings import Settings, load_settings
from incident_ledger.warehouse import Warehouse, connect


def show(table: str | None, as_json: bool, as_of: str | None, files: bool) -> None:
    """Show what holds: the policy tables of the warehouse, or the seed files as long as those are not loaded."""
    if table is not None and table not in policy_tables():
        raise UserError(f"No policy table {table!r}; there are {', '.join(policy_tables())}.")
    settings = load_settings()
    at = parse_time(as_of, "--as-of") if as_of else None
    found = policy.load_files(_folder(settings)) if files else _in_force(settings)
    names = [table] if table else list(policy_tables())
    if as_json:
        rows = {
            name: [{key: _plain(value) for key, value in row.values.items()} for row in found.rows(name, at)]
            for name in names
        }
        write_text(to_json(rows[table] if table else rows))
        return
    console = wide_out()
    for name in names:
        console.print(_shown(name, found, at, console.width))


def check(folder: Path | None) -> None:
    """Check the seed files; every wrong cell and row is named by file, line and column (exit code 2)."""
    where = folder or _folder(load_settings())
    found = policy.load_files(where)
    rows = sum(len(rows) for rows in found.tables.values())
    out.print(f"ok: {len(found.tables)} tables with {rows} rows in {where}", soft_wrap=True)


def load() -> None:
    """Put the seed files into the warehouse, once they have passed all checks here and dbt's tests there."""
    from incident_ledger.runner.policy_load import load_seeds
    from incident_ledger.warehouse.tables import ensure_tables

    settings, now = load_settings(), datetime.now(UTC)
    files = policy.load_files(_folder(settings))
    warehouse = connect(settings)
    ensure_tables(warehouse)
    for line in policy.rewritten(files, _loaded(warehouse)):
        err.print(f"note: {line}", style="yellow", soft_wrap=True)
    with err.status("Loading the policy tables …"):
        results = load_seeds(warehouse, files, now)
    _raise_for(results)
    tests = sum(result.unique_id.startswith("test.") for result in results)
    out.print(f"ok: {len(results) - tests} tables loaded into {settings.policy_dataset}, {tests} tests passed")


def _folder(settings: Settings) -> Path:
    return settings.project_dir / "seeds" / "policy"


def _loaded(warehouse: Warehouse) -> Policy | None:
    """The warehouse's policy; None when it is not there or cannot be used."""
    try:
        return policy.load(warehouse, patience=0)
    except UserError:
        return None


def _in_force(settings: Settings) -> Policy:
    """The warehouse's policy, with a word where the files say something else; the files' before the first load."""
    files = policy.load_files(_folder(settings))
    loaded = _loaded(connect(settings))
    if loaded is None:
        err.print("note: not loaded into the warehouse yet; these are the files", style="yellow")
        return files
    changed = policy.differing(files, loaded)
    if changed:
        text = f"note: the files of {', '.join(changed)} say something else; `incident-ledger policy load` loads them"
        err.print(text, style="yellow", soft_wrap=True)
    return loaded


def _raise_for(results: list[NodeResult]) -> None:
    bad = [result for result in results if result.is_error or result.is_failed_test]
    if not bad:
        return
    lines = "\n".join(
        f"  {result.name}: {' '.join(result.message.partition('compiled code at')[0].split())}" for result in bad[:20]
    )
    if any(result.is_error for result in bad):
        raise OutsideError(f"The policy tables could not be loaded:\n{lines}")
    raise UserError(f"The policy tables are loaded, but their tests found what is wrong in them:\n{lines}")


def _shown(name: str, found: Policy, at: datetime | None, width: int) -> Table:
    """A table's texts as they stand in the seed, laid out for the width; columns without any value are left out.

    Rows side by side, else as columns, else one below the other: whatever breaks no word.
    """
    rows = found.rows(name, at)
    columns = [column for column in policy_tables()[name].column_names if any(row[column] is not None for row in rows)]
    cells = [[_word(row[column]) for column in columns] for row in rows]
    turned = [[column, *(row[number] for row in cells)] for number, column in enumerate(columns)]
    for header, body in ((columns, cells), ([], turned)):
        widths = _fit([header, *body] if header else body, width)
        if widths:
            return _table(name, header, body, widths)
    records = Table.grid(padding=(0, 2))
    records.title, records.title_style, records.title_justify = name, "bold", "left"
    for row in cells:
        for column, cell in zip(columns, row, strict=True):
            if cell:
                records.add_row(Text(column, style="dim"), Text(cell))
        records.add_row("", "")
    return records


def _fit(rows: list[list[str]], width: int) -> list[int]:
    """Widths of the columns, the widest made narrower until all fit; empty when a word would have to be broken."""
    columns = list(zip(*rows, strict=True))
    least = [max(cell_len(word) for cell in column for word in cell.split() or [""]) for column in columns]
    widths = [max(cell_len(cell) for cell in column) for column in columns]
    room = width - 3 * len(columns) - 1  # what borders and spaces leave
    if sum(least) > room:
        return []
    while sum(widths) > room:
        widest = max(
            (number for number in range(len(widths)) if widths[number] > least[number]), key=widths.__getitem__
        )
        widths[widest] -= 1
    return widths


def _table(name: str, header: list[str], rows: list[list[str]], widths: list[int]) -> Table:
    table = Table(title=name, title_justify="left", title_style="bold", header_style="dim", show_header=bool(header))
    table.show_lines = not header
    for number, width in enumerate(widths):
        table.add_column(header[number] if header else "", overflow="fold", width=width)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    return table


def _word(value: Any) -> str:
    plain = "" if value is None else _plain(value)
    if isinstance(plain, bool):
        return str(plain).lower()
    return to_json(plain).strip('"') if not isinstance(plain, str) else plain


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return str(value) if isinstance(value, time) else value
