"""`incident-ledger sql`: exact in JSON and CSV, readable as a table, wrong statements are the user's."""

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from google.cloud.bigquery import LoadJobConfig, Table
from google.cloud.bigquery import SchemaField as Field

from incident_ledger.warehouse import Warehouse

from .conftest import Cli

# Characters that end a string in one language or another.
TEXT = "line\nnext 'q' \"d\" ''' \"\"\" ``` C:\\new\\table {{ 7*7 }} {% raw %} -- @event 🚨 [bold]x[/bold]"


@pytest.fixture
def table(fixed: Warehouse) -> str:
    name = f"{fixed.settings.dataset}.t"
    inner = Field("y", "RECORD", "REPEATED", fields=[Field("z", "TIMESTAMP")])
    kinds = {"t": "STRING", "n": "NUMERIC", "b": "BYTES", "ts": "TIMESTAMP", "j": "JSON", "f": "FLOAT64"}
    kinds |= {"d": "DATE", "tm": "TIME", "i": "INT64", "e": "STRING", "z": "STRING"}
    schema = [Field("a", "STRING", "REPEATED"), Field("s", "RECORD", fields=[Field("x", "INT64"), inner])]
    schema += [Field(column, kind) for column, kind in kinds.items()]
    fixed.client.create_table(Table(f"{fixed.settings.project}.{name}", schema), timeout=60)
    fixed.execute(
        f"""insert into {name} (t, n, b, a, s, ts, j, f, d, tm, i, e, z) values (
            @t, numeric '12345678901234567890.123456789', @b, [@t, 'x'],
            struct(1 as x, [struct(timestamp '2026-01-01 00:00:00.123456+00' as z)] as y), @ts,
            parse_json('{{"a": [1, 2.5, null]}}'), 0.1, date '2026-01-02', time '01:02:03', 9223372036854775807,
            '', null
        )""",
        {"t": TEXT, "b": b"\x00\xff", "ts": datetime(2026, 3, 2, 9, 0, 0, 123456, UTC)},
    )
    return name


def test_json_is_exact(cli: Cli, table: str) -> None:
    done = cli("sql", f"select * from {table}", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [
        {
            "t": TEXT,
            "n": "12345678901234567890.123456789",
            "b": "AP8=",
            "a": [TEXT, "x"],
            "s": {"x": 1, "y": [{"z": "2026-01-01T00:00:00.123456Z"}]},
            "ts": "2026-03-02T09:00:00.123456Z",
            "j": {"a": [1, 2.5, None]},
            "f": 0.1,
            "d": "2026-01-02",
            "tm": "01:02:03",
            "i": 9223372036854775807,
            "e": "",
            "z": None,
        }
    ]


def test_csv_distinguishes_null_from_empty_and_is_loaded_as_it_was(
    cli: Cli, table: str, fixed: Warehouse, tmp_path: Path
) -> None:
    done = cli("sql", f"select t, n, b, ts, f, i, e, z, d from {table}", "--format", "csv")
    (header, row) = list(csv.reader(io.StringIO(done.stdout)))
    assert header == ["t", "n", "b", "ts", "f", "i", "e", "z", "d"]
    assert row[0] == TEXT
    assert done.stdout.endswith(',9223372036854775807,"",,2026-01-02\n')
    file = tmp_path / "again.csv"
    file.write_text(done.stdout, newline="")
    other = f"{fixed.settings.dataset}.again"
    fixed.execute(
        f"create table {other} (t STRING, n NUMERIC, b BYTES, ts TIMESTAMP, f FLOAT64, i INT64, e STRING, z STRING, "
        "d DATE)"
    )
    assert cli("warehouse", "load", str(file), other).returncode == 0
    sql = "select t, n, b, ts, f, i, e, z, d from "
    assert fixed.rows(sql + other) == fixed.rows(sql + table)


def test_the_table_shows_texts_as_they_are(cli: Cli, table: str) -> None:
    done = cli("sql", f"select t, n, e, z from {table}")
    assert "line\\nnext" in done.stdout, "a control character is shown, not sent to the terminal"
    assert "{{ 7*7 }}" in done.stdout and "[bold]x[/bold]" in done.stdout
    assert "12345678901234567890.123456789" in done.stdout
    assert "NULL" in done.stdout


def test_a_long_table_is_cut_and_says_so(cli: Cli) -> None:
    done = cli("sql", "select x from unnest(generate_array(1, 300)) as x order by x", "--max-rows", "10")
    assert "100 more rows" not in done.stderr and "290 more rows" in done.stderr
    assert " 10" in done.stdout and " 11" not in done.stdout


def test_special_numbers_are_json(cli: Cli, fixed: Warehouse, tmp_path: Path) -> None:
    """As a table holds them. (To compute with them the local warehouse refuses.)"""
    name, file = f"{fixed.settings.dataset}.special", tmp_path / "x.parquet"
    pq.write_table(pa.table({"a": [float("nan")], "b": [float("-inf")]}), file)
    config = LoadJobConfig(source_format="PARQUET", schema=[Field("a", "FLOAT64"), Field("b", "FLOAT64")])
    with file.open("rb") as content:
        fixed.client.load_table_from_file(content, name, job_config=config, timeout=60).result(timeout=60)
    statement = f"select a, b, numeric '1.50' as c, numeric '100' as d from {name}"
    done = cli("sql", statement, "--format", "json")
    assert json.loads(done.stdout) == [{"a": "NaN", "b": "-Infinity", "c": "1.5", "d": "100"}]
    assert "cannot compute NaN and infinity" in cli("sql", f"select a * 2 as a from {name}").stderr


def test_no_rows_are_an_empty_list(cli: Cli) -> None:
    assert cli("sql", "select 1 as a from unnest([]) as x", "--format", "json").stdout == "[\n]\n"
    assert cli("sql", "select 1 as a, 2 as b from unnest([]) as x", "--format", "csv").stdout == "a,b\n"


def test_the_statement_can_come_from_standard_input(cli: Cli) -> None:
    assert cli("sql", "-", "--format", "csv", stdin="-- a comment\nselect 1 as a\n").stdout == "a\n1\n"


def test_what_changes_something_says_what(cli: Cli, table: str) -> None:
    done = cli("sql", f"insert into {table} (t) values ('x'), ('y')")
    assert (done.returncode, done.stdout, "insert: 2 rows" in done.stderr) == (0, "", True)
    done = cli("sql", f"create or replace table {table}_2 as select 1 as a")
    assert (done.returncode, done.stdout) == (0, "")
    assert "create table as select: done" in done.stderr


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("select * from nowhere.nothing", "Not found"),
        ("create table nowhere.nothing (a INT64)", "Not found: Dataset ai-workflows-459123:nowhere"),
        ("selec 1", "Syntax error"),
        ("select missing from unnest([1]) as x", "missing"),
        ("", "The statement is empty"),
        ("   \n", "The statement is empty"),
    ],
)
def test_a_wrong_statement_is_the_users(cli: Cli, statement: str, message: str) -> None:
    done = cli("sql", statement)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_the_playbooks_query_runs_as_it_is_written(cli: Cli, fixed: Warehouse) -> None:
    """It begins with a comment, which looks like an option, and names its table without a dataset."""
    fixed.execute(f"create table {fixed.settings.dataset}.operational_metrics as select 'INC-1' as incident_id")
    done = cli("sql", "-- the playbook's\nselect incident_id from operational_metrics", "--format", "csv")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["incident_id", "INC-1"]
