"""The shape of a raw table is that of dbt's source; a source that cannot be used is refused with its place."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from conftest import PROJECT_DIR
from incident_ledger.errors import UserError
from incident_ledger.properties import read_properties
from incident_ledger.warehouse import tables
from incident_ledger.warehouse.tables import ALL, INCIDENT_EVENTS, RawTable

FILE = "models/staging/ledger/_sources.yml"
TEXT = (PROJECT_DIR / FILE).read_text()


def test_every_table_of_the_source_is_made_and_no_other() -> None:
    (source,) = yaml.safe_load(TEXT)["sources"]
    assert [table["name"] for table in source["tables"]] == [table.name for table in ALL]


def test_a_table_has_the_columns_the_partition_and_the_clustering_of_its_source() -> None:
    assert INCIDENT_EVENTS.columns[0] == ("event_id", "STRING", "REQUIRED")
    assert INCIDENT_EVENTS.columns[-1] == ("first_recorded_at", "TIMESTAMP", "NULLABLE")
    assert INCIDENT_EVENTS.key == ("event_id",)
    assert (INCIDENT_EVENTS.partition, INCIDENT_EVENTS.cluster) == ("recorded_at", ("incident_id",))


def test_fingerprint_of_a_table_is_that_of_warehouses_that_there_are() -> None:
    assert tables._fingerprint(INCIDENT_EVENTS) == "b56f45533f128a48"


@pytest.mark.parametrize("table", ALL, ids=lambda table: table.name)
def test_key_partition_and_clustering_are_columns(table: RawTable) -> None:
    named = {*table.key, *table.cluster, *([table.partition] if table.partition else [])}
    assert named <= set(tables.names(table))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("data_type: json", "data_type: jsn", r"_sources\.yml: .*incident_events\.columns\.payload\.data_type: "),
        ("type: not_null", "type: not_nul", r"incident_events\.columns\.event_id\.constraints\.0\.type: "),
        ("partition: recorded_at", "partitioned: recorded_at", r"incident_events\.config\.meta\.partitioned: "),
        ("    tables:", "    tables: [", r"_sources\.yml:\d+: is not YAML"),
    ],
)
def test_source_that_cannot_be_used_is_refused_with_its_place(old: str, new: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.parent.mkdir(parents=True)
    path.write_text(TEXT.replace(old, new, 1))
    with pytest.raises(UserError, match=message):
        read_properties(FILE, tables._Sources, tmp_path)


def test_source_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"_sources\.yml cannot be read"):
        read_properties(FILE, tables._Sources, tmp_path)


def test_help_reads_no_property_file() -> None:
    code = (
        "import sys; opened = []\n"
        "sys.addaudithook(lambda event, args: event == 'open' and opened.append(str(args[0])))\n"
        "from typer.testing import CliRunner; from incident_ledger.cli._app import app\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        "assert opened and not [name for name in opened if name.endswith('.yml')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
