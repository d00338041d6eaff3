"""Hostile inputs for every reader: no traceback, none that takes 10 s or 1 GB. `make soak` tries 10,000 in all."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings

from conftest import PROJECT_DIR
from incident_ledger.errors import IncidentLedgerError
from incident_ledger.importers.pipeline import parse_all, take_in
from incident_ledger.importers.sources import read_file
from incident_ledger.importers.statuspage import StatuspageImporter
from incident_ledger.importers.usage.ingest import load_usage, read_batch
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.loading.file_load import load_file
from incident_ledger.warehouse.tables import IMPORT_REJECTS, INCIDENT_EVENTS, USAGE_LOADS, USAGE_RECORDS
from reading.hostile import NOW, READERS, SOURCES, inputs, read, search

IN_ALL = 10_000


@pytest.mark.parametrize("name", READERS)
def test_a_hostile_file_is_an_error_in_words(name: str) -> None:
    search(name, 12)


@pytest.mark.parametrize("name", [name for name in READERS if name not in {"suite", "policy"}])
def test_a_refused_file_leaves_no_file_no_table_and_no_row(
    name: str, warehouse: Warehouse, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the commands' own way into the warehouse; suites and policy files are read alone."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    path = tmp_path / f"file.{name.removeprefix('load ') if name.startswith('load ') else 'json'}"
    kept, refused = contents(warehouse), []

    @settings(max_examples=8, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @example(b"")
    @example(b'{"data": [{"a": 1}\n\xff')
    @given(inputs(name))
    def attempt(content: bytes) -> None:
        nonlocal kept
        path.write_bytes(content)
        try:
            write(name, path, warehouse)
        except IncidentLedgerError as error:
            refused.append(error)
            assert contents(warehouse) == kept
        else:
            kept = contents(warehouse)
        assert [*scratch.iterdir()] == []

    attempt()
    assert len(refused) >= 2


def write(name: str, path: Path, warehouse: Warehouse) -> None:
    """Load the file; of a usage export or a status page only one that is refused, since the others take long."""
    if name in SOURCES:
        try:
            read_batch(name, [path], NOW)
        except IncidentLedgerError:
            load_usage(warehouse, name, [path], loaded_at=NOW)
    elif name == "statuspage":
        documents = [read_file(str(path))]
        try:
            parse_all(StatuspageImporter(), documents, lambda: None)
        except IncidentLedgerError:
            take_in(warehouse, StatuspageImporter(), documents, NOW)
    else:
        load_file(warehouse, path, warehouse.settings.dataset, "t")


def contents(warehouse: Warehouse) -> dict[str, int]:
    """The rows of each table of the runner and of the one that is loaded into, where it is there."""
    tables = [warehouse.raw(table.name) for table in (INCIDENT_EVENTS, IMPORT_REJECTS, USAGE_RECORDS, USAGE_LOADS)]
    tables += [warehouse.mart(item.table_id) for item in warehouse.client.list_tables(warehouse.settings.dataset)]
    counts = " union all ".join(f"select '{table}' as name, count(*) as n from {table}" for table in tables)
    return {row["name"]: row["n"] for row in warehouse.rows(counts)}


@pytest.mark.parametrize("column", ["-99999999999999999999", "true", '{"a": 1}', "[[1]]", "[]"])
def test_a_column_of_a_rule_that_is_no_text_is_a_finding(column: str, tmp_path: Path) -> None:
    rule = f'{{"type": "expect_column_values_to_not_be_null", "kwargs": {{"column": {column}}}}}'
    read("suite", f'{{"name": "t", "expectations": [{rule}]}}'.encode(), tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("name", READERS)
def test_ten_thousand_hostile_files_are_errors_in_words(name: str) -> None:
    folders = [str(PROJECT_DIR / "scripts"), str(PROJECT_DIR / "tests" / "python")]
    command = [sys.executable, "-m", "reading.hostile", name, str(IN_ALL // len(READERS) + 1)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(folders)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=3_600)
    assert done.returncode == 0, done.stderr[-5_000:]
