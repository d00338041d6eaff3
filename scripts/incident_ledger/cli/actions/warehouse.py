"""`incident-ledger warehouse`: the local warehouse's life, and files into tables."""

import json as json_module
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TimeElapsedColumn

from incident_ledger.cli._console import confirm, err, out, write_text
from incident_ledger.errors import ExitCode, UserError
from incident_ledger.settings import Settings, load_settings
from incident_ledger.warehouse import connect
from incident_ledger.warehouse.loading.file_records import OnBytes
from incident_ledger.warehouse.local import process

LARGE_FILE = 5_000_000
_TABLE = re.compile(r"([A-Za-z0-9_]+)\.([A-Za-z0-9_]+)")


def start() -> None:
    """Start the local warehouse; every command does so itself when it needs it."""
    out.print(f"running at {process.ensure_running(_local()).endpoint}")


def stop() -> None:
    """Stop the local warehouse; its data stay."""
    out.print("stopped" if process.stop(_local().local_path) else "was not running")


def status(json: bool) -> None:
    """Say whether the local warehouse runs, where, and what it holds. Exit code 3: it does not run."""
    settings = load_settings()
    state = process.status(settings.local_path)
    if json:
        about = {
            **vars(state),
            "folder": str(state.folder),
            "token_file": str(state.token_file),
            "api_endpoint": settings.api_endpoint,
        }
        write_text(json_module.dumps(about, indent=2))
    else:
        for name, value in _described(state, settings):
            out.print(f"{name:<9} {value}", soft_wrap=True)
    if not state.is_running and settings.api_endpoint is None and settings.target == "local":
        raise typer.Exit(int(ExitCode.OUTSIDE))


def reset(yes: bool) -> None:
    """Delete everything that the local warehouse holds, and the outbox beside it."""
    folder = _local().local_path
    if not yes and not confirm(f"Delete all tables and messages in {folder}?"):
        raise typer.Exit(int(ExitCode.USER))
    process.reset(folder)
    out.print("empty")


def load(file: Path, table: str, strings: bool, replace: bool) -> None:
    """Load a file into a table: all of it, or nothing and the line that is wrong."""
    from incident_ledger.warehouse.loading.file_load import load_file  # pyarrow takes its time

    name = _TABLE.fullmatch(table)
    if name is None:
        raise UserError(f"{table!r} is no table. Write DATASET.TABLE, both of letters, digits and '_'.")
    target = connect(load_settings())
    with _progress(file) as on_bytes:
        loaded = load_file(target, file, name[1], name[2], strings=strings, replace=replace, on_bytes=on_bytes)
    how = "in a new table" if loaded.is_new else "instead of what was there" if replace else "added"
    err.print(f"{loaded.rows:,} rows {how}: {table}")
    if loaded.is_new:
        kinds = ", ".join(f"{item.name} {item.kind}{'[]' * item.is_array}" for item in loaded.columns)
        err.print(f"columns: {kinds}", style="dim")


def _local() -> Settings:
    """The settings, when they speak of the local warehouse."""
    settings = load_settings()
    if settings.target != "local" or settings.api_endpoint is not None:
        other = settings.api_endpoint or "BigQuery (INCIDENT_LEDGER_TARGET is prod)"
        raise UserError(f"The settings name {other} in place of the local warehouse; nothing was done.")
    return settings


def _described(state: process.Status, settings: Settings) -> list[tuple[str, str]]:
    size = f"{state.data_size / 1e6:,.1f} MB"
    lines = [("folder", str(state.folder)), ("data", size)]
    if settings.api_endpoint is not None or settings.target != "local":
        lines.insert(0, ("in use", settings.api_endpoint or "BigQuery"))
    if not state.is_running:
        return [("state", "not running; the next command starts it"), *lines]
    resident = f"{(state.resident_size or 0) / 1e6:,.0f} MB, the database at most {state.memory}"
    busy = ", at work on a long statement" if state.is_busy else ""
    return [
        ("state", f"running since {state.started_at} (process {state.pid}){busy}"),
        ("endpoint", str(state.endpoint)),
        ("token", f"in {state.token_file}"),
        *lines,
        ("memory", resident),
        ("ends", f"after {state.idle_seconds:g} s without a request"),
    ]


@contextmanager
def _progress(file: Path) -> Iterator[OnBytes]:
    """A bar on standard error for a file that takes a while."""
    size = file.stat().st_size if file.is_file() else 0
    if size < LARGE_FILE or file.suffix.lower() in {".parquet", ".pq"}:
        yield lambda _size: None
        return
    with Progress("reading", BarColumn(), DownloadColumn(), TimeElapsedColumn(), console=err) as bar:
        task = bar.add_task("", total=size)
        # A new table's file is read twice, for its types and for its rows.
        yield lambda count: bar.update(task, advance=count) if bar.tasks[0].completed < size else bar.reset(task)
