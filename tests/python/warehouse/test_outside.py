"""No statement, job or view reaches what is outside of the database: files, addresses, extensions, settings.

Each way in is tried twice: as somebody sends it, and, for DuckDB's own words, on the database below the server, where
nothing is refused by name.
"""

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from google.cloud import bigquery

from conftest import PROJECT_DIR
from engines.recorder import expected_to_be_refused
from incident_ledger.errors import StatementError
from incident_ledger.settings import Settings
from incident_ledger.warehouse import Warehouse, connect
from incident_ledger.warehouse.local import process as local
from incident_ledger.warehouse.local.patches.outside import foreign

from .test_patches import load, post, value

SECRET = "a-secret-of-this-machine"

# `{d}` is a folder that holds t.csv, t.json, t.txt, t.parquet and t.duckdb with the secret in them, `{s}` a dataset.
READS = [
    *(
        f"select * from {function}('{{d}}/{file}')"
        for function, file in [
            ("read_csv", "t.csv"),
            ("read_csv_auto", "t.csv"),
            ("sniff_csv", "t.csv"),
            ("read_json", "t.json"),
            ("read_json_auto", "t.json"),
            ("read_ndjson", "t.json"),
            ("read_json_objects", "t.json"),
            ("read_ndjson_objects", "t.json"),
            ("read_parquet", "t.parquet"),
            ("parquet_scan", "t.parquet"),
            ("parquet_metadata", "t.parquet"),
            ("parquet_schema", "t.parquet"),
            ("parquet_file_metadata", "t.parquet"),
            ("parquet_kv_metadata", "t.parquet"),
            ("read_text", "t.txt"),
            ("read_blob", "t.txt"),
            ("read_avro", "t.txt"),
            ("read_duckdb", "t.duckdb"),
            ("st_read", "t.csv"),
            ("st_read_meta", "t.csv"),
            ("st_readosm", "t.txt"),
            ("st_readshp", "t.shp"),
            ("glob", "*"),
            ("shapefile_meta", "t.shp"),
            ("query", "t.csv"),
            ("query_table", "t.csv"),
        ]
    ),
    "select * from read_text(['{d}/t.txt'])",
    "select (select content from read_text('{d}/t.txt')) as a",
    "with x as (select content from read_text('{d}/t.txt')) select * from x",
    "select a from unnest([1]) as a, read_text('{d}/t.txt')",
    "select 1 as a union all select length(content) from read_text('{d}/t.txt')",
    "select * from `{s}`.read_text('{d}/t.txt')",
    "select * from main.read_text('{d}/t.txt')",
    "from read_text('{d}/t.txt')",
    "select * from '{d}/t.csv'",
    "select * from `{d}/t.csv`",
    "select * from `{d}/t.parquet`",
    "select * from `{d}/t.txt`",
    "select * from `https://127.0.0.1:1/t.csv`",
    "select * from read_csv('https://127.0.0.1:1/t.csv')",
    "select * from st_read('/vsicurl/http://127.0.0.1:1/t.csv')",
    "select * from external_query('{d}/t.duckdb', 'select * from t')",
    "select * from pandas_scan(1)",
    "select * from arrow_scan(1, 2, 3)",
    "select * from json_execute_serialized_sql('{{}}')",
    "select * from duckdb_settings()",
    "select * from duckdb_secrets()",
    "select * from duckdb_databases()",
    "select * from duckdb_extensions()",
    "select getenv('HOME') as a",
    "create table {s}.x as select * from read_text('{d}/t.txt')",
    "create or replace view {s}.x as select * from read_text('{d}/t.txt')",
    "create view {s}.x as select * from `{d}/t.csv`",
    "create function {s}.x() as ((select content from read_text('{d}/t.txt')))",
    "create table function {s}.x() as (select * from read_text('{d}/t.txt'))",
    "create temp function x() as ((select content from read_text('{d}/t.txt'))); select x() as a",
    "create materialized view {s}.x as select * from read_text('{d}/t.txt')",
    "create procedure {s}.x() begin select * from read_text('{d}/t.txt'); end; call {s}.x()",
    "create external table {s}.x options (format = 'CSV', uris = ['{d}/t.csv'])",
    "create external table {s}.x (a STRING) options (format = 'CSV', uris = ['file://{d}/t.csv'])",
    "load data into {s}.x from files (format = 'CSV', uris = ['file://{d}/t.csv'])",
    "insert into {s}.t (a) select content from read_text('{d}/t.txt')",
    "update {s}.t set a = (select content from read_text('{d}/t.txt')) where true",
    "delete from {s}.t where a in (select content from read_text('{d}/t.txt'))",
    "merge {s}.t using read_text('{d}/t.txt') on false when not matched then insert (a) values (content)",
    "declare x string default (select content from read_text('{d}/t.txt')); select x as a",
    "execute immediate \"select * from read_text('{d}/t.txt')\"",
    "begin select * from read_text('{d}/t.txt'); end",
    "if (select true from read_text('{d}/t.txt')) then select 1 as a; end if",
    "for x in (select content from read_text('{d}/t.txt')) do select x.content as a; end for",
    "select 1 as a; select * from read_text('{d}/t.txt')",
    "copy {s}.t from '{d}/t.csv'",
    "import database '{d}'",
]
WRITES = [
    "copy (select 1 as a) to '{d}/o.csv'",
    "copy {s}.t to '{d}/o.parquet' (format parquet)",
    "copy (select st_point(1, 2) as g) to '{d}/o.json' with (format gdal, driver 'GeoJSON')",
    "export database '{d}/o'",
    "export data options (uri = 'file://{d}/o-*.csv', format = 'CSV') as select 1 as a",
    "export data options (uri = 'gs://{d}/o-*.csv', format = 'CSV') as select 1 as a",
    "begin export data options (uri = 'gs://o/o-*.csv', format = 'CSV') as select 1 as a; end",
    "attach '{d}/o.duckdb' as o",
    "attach '{d}/o.db' (type sqlite)",
    "create secret o (type s3, key_id 'x', secret 'y')",
    "create persistent secret o (type s3, key_id 'x', secret 'y')",
    "set profiling_output = '{d}/o'",
    "pragma profile_output = '{d}/o'",
    "call enable_profiling(format = 'json', save_location = '{d}/o')",
    "call enable_logging(storage = 'file', storage_path = '{d}/o')",
    "select * from enable_logging()",
    "select write_log('o') as a",
]
OPENS = [
    "install httpfs",
    "force install httpfs",
    "load httpfs",
    "load '{d}/t.so'",
    "update extensions",
    "attach ':memory:' as o",
    "attach '{d}/t.duckdb' as o",
    "detach bqemulator",
    "use main",
    "pragma enable_profiling",
    "pragma database_list",
    "pragma threads = 1",
    "call pragma_version()",
    "reset memory_limit",
    "set enable_external_access = true",
    "set global enable_external_access = true",
    "set allowed_directories = ['/']",
    "set lock_configuration = false",
    "set memory_limit = '1TB'",
    "set autoinstall_known_extensions = true",
    "set python_enable_replacements = true",
    "set home_directory = '{d}'",
    "create macro o() as 1",
    "prepare o as select 1",
    "explain select 1",
    "summarize {s}.t",
    "describe {s}.t",
    "show tables",
]


@pytest.fixture
def things(tmp_path: Path) -> Path:
    """Files that a statement must not read, in a folder in which it must not write."""
    folder = tmp_path / "things"
    folder.mkdir()
    (folder / "t.csv").write_text(f"a\n{SECRET}\n")
    (folder / "t.json").write_text(json.dumps({"a": SECRET}))
    for kind in ("txt", "so", "shp", "shx", "dbf"):
        (folder / f"t.{kind}").write_text(SECRET)
    with duckdb.connect(str(folder / "t.duckdb")) as database:
        database.execute(f"create table t as select '{SECRET}' as a")
        database.execute(f"copy t to '{folder}/t.parquet' (format parquet)")
    return folder


@pytest.fixture(scope="module")
def place(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    from conftest import fresh_settings

    warehouse = connect(fresh_settings(endpoint, tmp_path_factory.mktemp("outside")))
    dataset = warehouse.settings.dataset
    warehouse.client.create_dataset(dataset, timeout=60)
    warehouse.execute(f"create table {dataset}.t (a STRING)")
    yield warehouse
    warehouse.close()


@pytest.mark.parametrize("sql", [*READS, *WRITES, *OPENS])
def test_a_statement_reaches_nothing_outside(place: Warehouse, things: Path, sql: str) -> None:
    before = sorted(things.rglob("*"))
    text = sql.format(d=things, s=place.settings.dataset)
    with expected_to_be_refused(), pytest.raises(StatementError) as caught:
        place.rows(text)
    assert SECRET not in str(caught.value)
    assert sorted(things.rglob("*")) == before
    assert place.rows("select 1 as a") == [{"a": 1}], "and the server serves on"


@pytest.fixture(scope="module")
def below(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """DuckDB as the server opens it."""
    from duckdb_extensions import import_extension

    from incident_ledger.warehouse.local.patches.outside import _CLOSED

    import_extension("spatial")
    import_extension("avro")
    database = duckdb.connect(str(tmp_path_factory.mktemp("below") / "t.duckdb"))
    for statement in ("LOAD spatial", "LOAD avro", *_CLOSED):
        database.execute(statement)
    yield database
    database.close()


_LOGS = re.compile("enable_logging|write_log")  # these two reach no file, and break what comes after


@pytest.mark.parametrize("sql", [sql for sql in [*READS, *WRITES] if "{s}" not in sql and not _LOGS.search(sql)])
def test_duckdb_itself_reaches_nothing_outside(below: Any, things: Path, sql: str) -> None:
    before = sorted(things.rglob("*"))
    try:
        output = str(below.execute(sql.format(d=things, s="t").replace("`", '"')).fetchall())
    except (duckdb.Error, ValueError):
        output = ""
    assert SECRET not in output
    assert sorted(things.rglob("*")) == before


def test_duckdb_itself_stays_closed(below: Any) -> None:
    for setting in ("enable_external_access", "lock_configuration"):
        for sql in (f"set {setting} = true", f"set global {setting} = false", f"reset {setting}"):
            with pytest.raises(duckdb.Error):
                below.execute(sql)


@pytest.mark.parametrize("address", ["{d}/t.csv", "file://{d}/t.csv", "gs://bucket/t.csv", "https://127.0.0.1:1/t.csv"])
def test_a_load_job_reads_no_file_by_its_address(place: Warehouse, things: Path, address: str) -> None:
    table = {"projectId": place.settings.project, "datasetId": place.settings.dataset, "tableId": "t"}
    for more in ({}, {"autodetect": True}):
        job = {"sourceUris": [address.format(d=things)], "destinationTable": table, "sourceFormat": "CSV", **more}
        answer = post(place, "jobs", {"configuration": {"load": job}})
        assert answer.status_code == 400 or answer.json()["status"]["errorResult"], answer.text
    assert place.rows(f"select * from {place.settings.dataset}.t") == []


@pytest.mark.parametrize("address", ["{d}/o.csv", "file://{d}/o.csv", "gs://bucket/o.csv"])
def test_an_extract_job_writes_no_file(place: Warehouse, things: Path, address: str) -> None:
    before = sorted(things.rglob("*"))
    table = {"projectId": place.settings.project, "datasetId": place.settings.dataset, "tableId": "t"}
    job = {"destinationUris": [address.format(d=things)], "sourceTable": table}
    answer = post(place, "jobs", {"configuration": {"extract": job}})
    assert answer.status_code == 400 or answer.json()["status"]["errorResult"], answer.text
    assert sorted(things.rglob("*")) == before


def test_a_table_declared_over_a_file_reads_nothing(place: Warehouse, things: Path) -> None:
    reference = {"projectId": place.settings.project, "datasetId": place.settings.dataset, "tableId": "outside"}
    about = {"sourceUris": [f"file://{things}/t.csv"], "sourceFormat": "CSV", "autodetect": True}
    post(
        place,
        f"datasets/{reference['datasetId']}/tables",
        {"tableReference": reference, "externalDataConfiguration": about},
    )
    query = {"query": "select * from outside", "useLegacySql": False, "tableDefinitions": {"outside": about}}
    assert SECRET not in post(place, "queries", query).text
    with expected_to_be_refused():
        try:
            assert place.rows(f"select * from {reference['datasetId']}.outside") == []
        except StatementError as error:
            assert SECRET not in str(error)


@pytest.mark.parametrize("kind", ["view", "materializedView"])
def test_a_view_made_by_the_tables_api_reads_no_file(place: Warehouse, things: Path, kind: str) -> None:
    reference = {"projectId": place.settings.project, "datasetId": place.settings.dataset, "tableId": f"by_{kind}"}
    body = {"tableReference": reference, kind: {"query": f"select * from read_text('{things}/t.txt')"}}
    post(place, f"datasets/{reference['datasetId']}/tables", body)
    with expected_to_be_refused():
        try:
            output = str(place.rows(f"select * from {reference['datasetId']}.by_{kind}"))
        except StatementError as error:
            output = str(error)
    assert SECRET not in output


@pytest.mark.parametrize("kind", ["SCALAR_FUNCTION", "TABLE_VALUED_FUNCTION", "PROCEDURE"])
def test_a_routine_made_by_the_api_reads_no_file(place: Warehouse, things: Path, kind: str) -> None:
    dataset = place.settings.dataset
    reference = {"projectId": place.settings.project, "datasetId": dataset, "routineId": f"r_{kind}"}
    bodies = {
        "SCALAR_FUNCTION": (f"(select content from read_text('{things}/t.txt'))", f"select {dataset}.r_{kind}() as a"),
        "TABLE_VALUED_FUNCTION": (f"select * from read_text('{things}/t.txt')", f"select * from {dataset}.r_{kind}()"),
        "PROCEDURE": (f"select * from read_text('{things}/t.txt')", f"call {dataset}.r_{kind}()"),
    }
    definition, call = bodies[kind]
    body = {"routineReference": reference, "routineType": kind, "language": "SQL", "definitionBody": definition}
    post(place, f"datasets/{dataset}/routines", body)
    with pytest.raises(StatementError) as caught:
        place.rows(call)
    assert SECRET not in str(caught.value)


def test_a_view_that_an_older_version_made_is_refused_when_it_is_read(folder: Path, things: Path) -> None:
    settings = Settings(project_dir=PROJECT_DIR, local_dir=folder, local_idle=60)
    warehouse = connect(settings)
    warehouse.client.create_dataset("d", timeout=60)
    warehouse.close()
    local.stop(folder)
    schema = f"{settings.project}__d"
    with duckdb.connect(str(folder / "data" / "bqemulator.duckdb")) as database:
        database.execute(f"create view \"{schema}\".v as select * from read_text('{things}/t.txt')")
    warehouse = connect(settings)
    with expected_to_be_refused(), pytest.raises(StatementError) as caught:
        warehouse.rows("select * from d.v")
    assert SECRET not in str(caught.value)
    warehouse.close()


GOOD = [
    "select * from a.t",
    "select * from `a-b.c.t`",
    "select * from `a-b`.c.t, unnest([1, 2]) as x",
    "select x from unnest(generate_array(1, 3)) as x",
    "select * from a.my_function(1)",
    "create or replace table a.t (x INT64) options (description = 'say: copy it/them') as (select 1 as x)",
    "alter table a.t set options (description = 'x')",
    "create row access policy p on a.t grant to ('x') filter using (true)",
    "select * from `a.b.t_*` where _table_suffix > '1'",
    "merge a.t as t using (select 1 as x) as s on t.x = s.x when matched then update set x = 2",
    "drop view if exists a.v",
    "truncate table a.t",
    "select content from a.read_text",
    "select 'read_text(''/etc/passwd'')' as a",
]


@pytest.mark.parametrize("sql", GOOD)
def test_googlesql_is_not_foreign(sql: str) -> None:
    assert foreign(sql) is None


def test_what_is_uploaded_is_read_and_gone(place: Warehouse) -> None:
    field = bigquery.SchemaField
    schema = [field("a", "STRING"), field("n", "NUMERIC"), field("j", "JSON"), field("moment", "TIMESTAMP")]
    row = {"a": "é", "n": "1.123456789", "j": {"x": [1, None]}, "moment": "2026-03-02T09:00:00.123456Z"}
    load(place, "up", json.dumps(row).encode(), source_format="NEWLINE_DELIMITED_JSON", schema=schema)
    text = "concat(a, cast(n as string), json_value(j, '$.x[0]'), cast(moment as string))"
    assert value(place, f"select {text} as v from {{d}}.up") == "é1.12345678912026-03-02 09:00:00.123456+00"
    load(place, "guessed", b"a,b\n1,x\n2,y\n", source_format="CSV", autodetect=True, skip_leading_rows=1)
    assert place.rows(f"select * from {place.settings.dataset}.guessed order by a") == [
        {"a": 1, "b": "x"},
        {"a": 2, "b": "y"},
    ]


def test_a_load_into_a_table_made_by_a_query_keeps_its_types(place: Warehouse) -> None:
    dataset = place.settings.dataset
    place.execute(
        f"create table {dataset}.made as select sum(x) as s, count(*) as n, avg(x) as m, numeric '1.5' as d,"
        f" date '2026-03-02' as day, [struct(1 as f)] as r from unnest([1, 2]) as x"
    )
    line = b'{"s": 9007199254740993, "n": 1, "m": 0.5, "d": "2.5", "day": "2026-03-03", "r": [{"f": 2}]}'
    load(place, "made", line, source_format="NEWLINE_DELIMITED_JSON", write_disposition="WRITE_APPEND")
    (row,) = place.rows(f"select s, n, m, d, cast(day as string) as day, r from {dataset}.made where s > 3")
    assert row == {"s": 9007199254740993, "n": 1, "m": 0.5, "d": Decimal("2.5"), "day": "2026-03-03", "r": [{"f": 2}]}
