"""`incident-ledger tables` and `describe`: what there is to ask, and what it means."""

from dataclasses import asdict

from rich.padding import Padding

from incident_ledger.cli._console import Text, err, out, print_rows, to_json, write_text
from incident_ledger.settings import load_settings
from incident_ledger.warehouse import catalog, connect


def tables(pattern: str | None, as_json: bool) -> None:
    """List the tables and views, the marts first, each with its grain."""
    found = catalog.list_tables(connect(load_settings()), pattern)
    if as_json:
        write_text(to_json([{**asdict(table), "columns": len(table.columns)} for table in found]))
        return
    if not found:
        some = f"no table fits {pattern}" if pattern else "there is no table yet; incident-ledger run builds them"
        err.print(some, style="dim", soft_wrap=True)
        return
    rows = [[Text(table.name), Text(table.kind, style="dim"), Text(_first_sentence(table.text))] for table in found]
    print_rows(("table", "kind", "what it holds"), rows, first=range(2))


def describe(table: str, as_json: bool) -> None:
    """Show a table's columns with their types and what they mean."""
    found = catalog.describe(connect(load_settings()), table)
    if as_json:
        write_text(to_json(asdict(found)))
        return
    size = "" if found.rows is None else f", {found.rows:,} rows"
    out.print(Text.assemble((found.name, "bold"), f"  {found.kind}{size}"), soft_wrap=True)
    if found.text:
        out.print(Padding(Text(" ".join(found.text.split())), (0, 0, 0, 2), expand=False))
    rows = [
        [
            Text(column.name),
            Text(column.kind + (" not null" if column.is_required else ""), style="dim"),
            Text(" ".join(column.text.split())),
        ]
        for column in found.columns
    ]
    out.print("")
    print_rows(("column", "type", "what it means"), rows, first=range(2))


def _first_sentence(text: str) -> str:
    sentence, stop, _ = " ".join(text.split()).partition(". ")
    return sentence + stop.strip()
