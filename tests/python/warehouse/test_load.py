"""`warehouse load`: what is in the file is in the table, or nothing is and the message says where the fault stands."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from incident_ledger.errors import UserError
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.loading.file_load import Loaded, load_file

from .conftest import Cli

Load = Callable[..., Loaded]

EVERY_TYPE = """create table {d}.t (
    s STRING, i INT64, f FLOAT64, n NUMERIC, b BOOL, d DATE, ts TIMESTAMP, dt DATETIME, tm TIME, y BYTES
)"""
EVERY_VALUE = {
    "s": "text",
    "i": -7,
    "f": 0.1,
    "n": Decimal("12345678901234567890.123456789"),
    "b": True,
    "d": date(2026, 3, 2),
    "ts": datetime(2026, 3, 2, 9, 0, 0, 123456, UTC),
    "dt": datetime(2026, 3, 2, 9, 0),  # noqa: DTZ001 - a DATETIME has no zone
    "tm": time(9, 30),
    "y": b"\x00\xff",
}


@pytest.fixture
def load(fixed: Warehouse, tmp_path: Path) -> Load:
    """Write a file and load it into `t` of the test's dataset."""

    def load(content: str | bytes, *, name: str = "file.csv", **options: bool) -> Loaded:
        file = tmp_path / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return load_file(fixed, file, fixed.settings.dataset, "t", **options)

    return load


@pytest.fixture
def rows(fixed: Warehouse) -> Callable[[], list[tuple[Any, ...]]]:
    return lambda: fixed.answer(f"select * from {fixed.settings.dataset}.t").rows


def create(warehouse: Warehouse, sql: str) -> None:
    warehouse.execute(sql.replace("{d}", warehouse.settings.dataset))


def kinds(loaded: Loaded) -> list[str]:
    return [column.kind + "[]" * column.is_array for column in loaded.columns]


# Types


def test_texts_stay_texts_and_the_table_as_it_was(load: Load, fixed: Warehouse) -> None:
    records = [{"account": "007", "zip": "00501", "note": "a" * 188}, {"account": "042", "zip": "00501", "note": None}]
    content = "".join(json.dumps(record) + "\n" for record in records)
    dataset = fixed.settings.dataset
    create(fixed, "create table {d}.t (account STRING, zip STRING, note STRING)")
    before = fixed.table(dataset, "t").schema
    load(content, name="w12.jsonl")
    assert fixed.rows(f"select * from {dataset}.t order by account") == records
    load(content, name="w12.jsonl", replace=True)
    assert fixed.rows(f"select * from {dataset}.t order by account") == records
    assert fixed.table(dataset, "t").schema == before


@pytest.mark.parametrize("name", ["w12.jsonl", "w12.csv"])
def test_into_a_new_table_as_strings(load: Load, rows: Callable[[], Any], name: str) -> None:
    line = f'{{"account": "007", "n": 1.50, "b": true, "note": "{"a" * 188}"}}\n'
    loaded = load(
        line if name.endswith("l") else f"account,n,b,note\n007,1.50,true,{'a' * 188}\n", name=name, strings=True
    )
    assert kinds(loaded) == ["STRING"] * 4
    assert rows() == [("007", "1.50", "true", "a" * 188)]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-20", "0"], "INT64"),
        (["1", "2.5"], "NUMERIC"),
        (["1.10", "2.50"], "NUMERIC"),
        (["1.9", "1.10"], "STRING"),
        (["10.0", "2.25"], "FLOAT64"),
        (["9223372036854775808"], "NUMERIC"),
        (["9007199254740993", "0.5"], "NUMERIC"),
        (["007", "42"], "STRING"),
        (["+1"], "STRING"),
        (["1e5"], "STRING"),
        (["1_000"], "STRING"),
        ([" 1"], "STRING"),
        (["1", "x"], "STRING"),
        (["NaN"], "STRING"),
        (["true", "FALSE"], "BOOL"),
        (["0", "true"], "STRING"),
        (["SAT"], "STRING"),
        (["2026-01-31"], "DATE"),
        (["2026-02-30"], "STRING"),
        (["2026-01-31", "2026-01-31T10:00:00Z"], "STRING"),
        (["2026-01-31T10:00:00Z", "2026-01-31 10:00:00.5+02:00"], "TIMESTAMP"),
        (["2026-01-31 10:00:00"], "DATETIME"),
        (["2026-01-31T10:00:00.1234567Z"], "STRING"),
        (["20260131"], "INT64"),
        ([""], "STRING"),
        (["null"], "STRING"),
    ],
)
def test_a_new_column_has_the_type_that_all_its_values_fit(load: Load, values: list[str], kind: str) -> None:
    loaded = load("id,a\n" + "".join(f"x,{value}\n" for value in values))
    assert kinds(loaded) == ["STRING", kind]


def test_a_new_table_of_json_has_its_shape(load: Load, fixed: Warehouse) -> None:
    records = [
        {"id": "1", "n": 1, "tags": ["x", "y"], "who": {"mail": "a@b", "ids": [1, 2]}, "steps": [{"at": 1.5}]},
        {"id": "2", "n": None, "tags": [], "who": None, "steps": []},
    ]
    loaded = load("".join(json.dumps(record) + "\n" for record in records), name="x.jsonl")
    assert kinds(loaded) == ["STRING", "INT64", "STRING[]", "RECORD", "RECORD[]"]
    assert fixed.rows(f"select * from {fixed.settings.dataset}.t order by id") == records


def test_every_type_of_csv(load: Load, fixed: Warehouse, rows: Callable[[], Any]) -> None:
    create(fixed, EVERY_TYPE)
    load(
        "s,i,f,n,b,d,ts,dt,tm,y\n"
        "text,-7,0.1,12345678901234567890.123456789,true,2026-03-02,2026-03-02T10:00:00.123456+01:00,"
        "2026-03-02T09:00:00,09:30:00,AP8=\n"
    )
    assert rows() == [tuple(EVERY_VALUE.values())]


def test_every_type_of_json(load: Load, fixed: Warehouse, rows: Callable[[], Any]) -> None:
    create(fixed, EVERY_TYPE)
    load(
        '{"s":"text","i":-7,"f":0.1,"n":12345678901234567890.123456789,"b":true,"d":"2026-03-02",'
        '"ts":"2026-03-02T09:00:00.123456Z","dt":"2026-03-02T09:00:00","tm":"09:30:00","y":"AP8="}',
        name="x.json",
    )
    assert rows() == [tuple(EVERY_VALUE.values())]


def test_every_type_of_parquet(load: Load, fixed: Warehouse, rows: Callable[[], Any], tmp_path: Path) -> None:
    create(fixed, EVERY_TYPE)
    table = pa.table({name: [value] for name, value in reversed(EVERY_VALUE.items())})
    pq.write_table(table, tmp_path / "x.parquet")
    load((tmp_path / "x.parquet").read_bytes(), name="y.parquet")
    assert rows() == [tuple(EVERY_VALUE.values())]


def test_parquet_into_a_new_table(load: Load, rows: Callable[[], Any], tmp_path: Path) -> None:
    pq.write_table(pa.table({name: [value] for name, value in EVERY_VALUE.items()}), tmp_path / "x.parquet")
    loaded = load((tmp_path / "x.parquet").read_bytes(), name="y.parquet")
    assert " ".join(kinds(loaded)) == "STRING INT64 FLOAT64 NUMERIC BOOL DATE TIMESTAMP DATETIME TIME BYTES"
    assert rows() == [tuple(EVERY_VALUE.values())]


def test_json_columns_hold_json(load: Load, fixed: Warehouse, rows: Callable[[], Any]) -> None:
    from google.cloud.bigquery import SchemaField, Table

    # By the API: the local warehouse reports a JSON column made by SQL as STRING.
    schema = [SchemaField("id", "STRING"), SchemaField("j", "JSON"), SchemaField("n", "NUMERIC")]
    fixed.client.create_table(Table(f"{fixed.settings.project}.{fixed.settings.dataset}.t", schema), timeout=60)
    load('{"id": "1", "j": {"a": [1, 2.5, "x"]}, "n": 1.123456789}\n{"id": "2", "j": "text"}\n', name="x.jsonl")
    load('id,j\n3,"{""a"": [1]}"\n4,\n')
    assert sorted(rows()) == [
        ("1", {"a": [1, 2.5, "x"]}, Decimal("1.123456789")),
        ("2", "text", None),
        ("3", {"a": [1]}, None),
        ("4", None, None),
    ]


def test_an_empty_field_is_null_and_a_quoted_one_is_empty_text(load: Load, rows: Callable[[], Any]) -> None:
    load('a,b,c\n1,"",\n2,,""\n"3","a "" b","x,""y"""\n')
    assert sorted(rows()) == [(1, "", None), (2, None, ""), (3, 'a " b', 'x,"y"')]


def test_a_quoted_empty_number_is_null(load: Load, rows: Callable[[], Any]) -> None:
    load('"a","b"\n"1","x"\n"","y"\n')
    assert sorted(rows(), key=str) == [(1, "x"), (None, "y")]


def test_texts_arrive_to_the_byte(load: Load, rows: Callable[[], Any]) -> None:
    text = "line\nnext\r\n'q' \"d\" ''' \"\"\" ``` C:\\new\\table {{ 7*7 }} {% raw %} -- @event 🚨 \t é"
    load(json.dumps({"a": text}) + "\n", name="x.jsonl")
    quoted = text.replace('"', '""')
    load(f'a\n"{quoted}"\n')
    assert rows() == [(text,), (text,)]


def test_names_are_made_fit_and_matched_whatever_their_case(load: Load, rows: Any) -> None:
    loaded = load("\ufeffbeer-name,2nd,Total (USD)\nx,1,2\n")
    assert [column.name for column in loaded.columns] == ["beer_name", "_2nd", "Total__USD_"]
    load("TOTAL (usd),Beer Name\n3,y\n")
    assert sorted(rows(), key=str) == [("x", 1, 2), ("y", None, 3)]


def test_it_appends_unless_it_is_to_replace(load: Load, rows: Callable[[], Any]) -> None:
    assert load("a\n1\n").is_new
    assert not load("a\n2\n").is_new
    assert sorted(rows()) == [(1,), (2,)]
    load("a\n3\n", replace=True)
    assert rows() == [(3,)]


def test_a_replaced_table_keeps_its_partitions_and_descriptions(load: Load, fixed: Warehouse) -> None:
    from google.cloud.bigquery import SchemaField, Table, TimePartitioning

    name = f"{fixed.settings.project}.{fixed.settings.dataset}.t"
    table = Table(name, [SchemaField("d", "DATE", "REQUIRED", description="the day"), SchemaField("a", "INT64")])
    table.time_partitioning = TimePartitioning(field="d")
    table.clustering_fields = ["a"]
    fixed.client.create_table(table, timeout=60)
    load("d,a\n2026-01-01,1\n", replace=True)
    after = fixed.client.get_table(name, timeout=60)
    assert after.schema == table.schema
    assert after.time_partitioning.field == "d"
    assert after.clustering_fields == ["a"]


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.text(st.characters(codec="utf-8")), min_size=1, max_size=5))
def test_any_text_comes_back(load: Load, rows: Callable[[], Any], texts: list[str]) -> None:
    content = "".join(json.dumps({"n": str(number), "a": text}) + "\n" for number, text in enumerate(texts))
    load(content, name="x.jsonl", strings=True, replace=True)
    assert [text for _number, text in sorted(rows(), key=lambda row: int(row[0]))] == texts


# Faults

BAD = [
    ("x.csv", "", "x.csv is empty"),
    ("x.csv", "a,b\n", "x.csv has no records"),
    ("x.csv", "a,,c\n1,2,3\n", "line 1: column 2 has no name"),
    ("x.csv", "a;b\n1;2\n", "line 1: one column, .a;b.: fields are divided by commas"),
    ("x.csv", "a\tb\n1\t2\n", "fields are divided by commas"),
    ("x.csv", "a,b,A\n1,2,3\n", "line 1: column 3 has the name 'A' of an earlier one"),
    ("x.csv", "a,b\n1,2\n1\n", "line 3: 1 fields, and the header has 2"),
    ("x.csv", 'a,b\n"x\ny",2\n1,2,3\n', "line 4: 3 fields, and the header has 2"),
    ("x.csv", 'a,b\n1,"x\n2,y\n', "line 2: no valid CSV"),
    ("x.csv", b"a\nx\n\xff\n", "line 3: byte 1 is no UTF-8"),
    ("x.jsonl", "", "x.jsonl is empty"),
    ("x.jsonl", "\n\n", "x.jsonl is empty"),
    ("x.jsonl", '{"a":1}\n{"a":\n', "line 2: no valid JSON"),
    ("x.jsonl", '{"a":1}\n7\n', "line 2: 7 is no JSON object"),
    ("x.jsonl", '[{"a":1}]\n', "line 1: .* is no JSON object; `jq -c"),
    ("x.jsonl", '{"a":NaN}\n', "line 1: a cannot be kept: NaN is not a number of JSON.$"),
    ("x.jsonl", '{"a":1,"a":2}\n', "line 1: cannot be kept: an object has the key 'a' twice"),
    ("x.jsonl", '{"a":1,"A":2}\n', "line 1: two keys are one column's name"),
    ("x.jsonl", '{"a":1}\n{"a":{"b":1}}\n', "line 2: a is sometimes an object"),
    ("x.jsonl", '{"a":1}\n{"a":[1]}\n', "line 2: a is sometimes a list"),
    ("x.jsonl", '{"a":{"b":[1,{"c":2}]}}\n', "line 1: a field b: is sometimes an object"),
    ("x.jsonl", '{"a":{"b":{"c":1}}}\n{"a":{"b":{"c":[1]}}}\n', "line 2: a field b: field c: is sometimes a list"),
    ("x.jsonl", '{"a":"x"}\n{"a":"\\ud83d"}\n', "line 2: a has half of a character"),
    ("x.jsonl", '{"a":1}\n{"b":' + "[" * 100_000 + "\n", "line 2: no valid JSON .nested more than 100 deep"),
    ("x.jsonl", '{"a":{"b":' + "[" * 500 + "]" * 500 + "}}\n", "line 1: a field b: is a list of lists"),
    ("x.jsonl", "".join(f'{{"k{n}":1}}\n' for n in range(10_001)), "line 10001: more than 10,000 columns so far"),
    (
        "x.csv",
        ",".join(f"k{n}" for n in range(20_000)) + "\n",
        "line 1: 20,000 columns, and a table has at most 10,000",
    ),
    ("x.jsonl", '{"a":[[1]]}\n', "line 1: a is a list of lists"),
    ("x.jsonl", '{"a":[1,null]}\n', "line 1: a holds a null, which an ARRAY cannot keep"),
    ("x.parquet", b"PAR1 no", "x.parquet is no Parquet file"),
    ("x.txt", "a\n1\n", "the name must end in .csv"),
]


@pytest.mark.parametrize(("name", "content", "message"), BAD, ids=[message[-40:] for _n, _c, message in BAD])
def test_a_bad_file_makes_no_table(load: Load, fixed: Warehouse, name: str, content: str | bytes, message: str) -> None:
    with pytest.raises(UserError, match=message):
        load(content, name=name)
    assert not fixed.table_exists(fixed.settings.dataset, "t")


BAD_FOR_THE_TABLE = [
    ("x.csv", "a,n\n1,2\nx,3\n", "line 3: a 'x' is no INT64"),
    ("x.csv", "a,n\n1.5,2\n", "line 2: a '1.5' is no INT64"),
    ("x.csv", "a,n\n9223372036854775808,2\n", "line 2: a '9223372036854775808' is no INT64"),
    ("x.csv", "a,n\n1,0.1234567891\n", "line 2: n '0.1234567891' has more digits than NUMERIC keeps"),
    ("x.csv", "a,n\n1,1e30\n", "line 2: n '1e30' has more digits than NUMERIC keeps"),
    ("x.csv", "a,n\n1,1 234\n", "line 2: n '1 234' is no NUMERIC"),
    ("x.csv", "n\n1\n", "line 2: a is empty, and the table says REQUIRED"),
    ("x.csv", "a,n\n1,2\n,3\n", "line 3: a is empty, and the table says REQUIRED"),
    ("x.csv", "a,other\n1,2\n", "the table has no column 'other'"),
    ("x.csv", "a,d\n1,02.03.2026\n", "line 2: d '02.03.2026' is no DATE"),
    ("x.csv", "a,ts\n1,yesterday\n", "line 2: ts 'yesterday' is no TIMESTAMP"),
    ("x.csv", "a,ts\n1,2026-01-01T00:00:00.123456789Z\n", "line 2: ts .* is finer than a microsecond"),
    ("x.csv", "a,b\n1,maybe\n", "line 2: b 'maybe' is no BOOL"),
    ("x.csv", "a,tags\n1,x\n", "line 2: tags is one value, and the column an ARRAY"),
    ("x.jsonl", '{"a":1}\n{"a":"x"}\n', "line 2: a 'x' is no INT64"),
    ("x.jsonl", '{"a":true}\n', "line 1: a 'true' is no INT64"),
    ("x.jsonl", '{"n":1}\n', "line 1: a is empty, and the table says REQUIRED"),
    ("x.jsonl", '{"a":1,"who":{"mail":"x","phone":1}}\n', "line 1: who has a field 'phone' that the column has not"),
    ("x.jsonl", '{"a":1,"who":7}\n', "line 1: who is no object"),
    ("x.jsonl", '{"a":1,"other":7}\n', "line 1: the table has no column 'other'"),
]


@pytest.mark.parametrize("replace", [False, True], ids=["append", "replace"])
@pytest.mark.parametrize(
    ("name", "content", "message"), BAD_FOR_THE_TABLE, ids=[message[-40:] for _n, _c, message in BAD_FOR_THE_TABLE]
)
def test_a_bad_file_leaves_the_table_as_it_was(  # noqa: PLR0917 - fixtures and cases
    load: Load, fixed: Warehouse, name: str, content: str, message: str, replace: bool
) -> None:
    from google.cloud.bigquery import SchemaField as F
    from google.cloud.bigquery import Table

    schema = [F("a", "INT64", "REQUIRED"), F("n", "NUMERIC"), F("d", "DATE"), F("ts", "TIMESTAMP"), F("b", "BOOL")]
    schema += [F("tags", "STRING", "REPEATED"), F("who", "RECORD", fields=[F("mail", "STRING")])]
    table = f"{fixed.settings.project}.{fixed.settings.dataset}.t"
    fixed.client.create_table(Table(table, schema), timeout=60)
    load('{"a": 1}\n', name="first.jsonl")
    with pytest.raises(UserError, match=message):
        load(content, name=name, replace=replace)
    assert fixed.rows(f"select a from {fixed.settings.dataset}.t") == [{"a": 1}]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": [1, None]}, "row 2: column a is empty, and the table says REQUIRED"),
        ({"a": ["1", "2", "x"]}, "row 3: column a does not fit int64"),
        ({"n": [1]}, "there is no column a, and the table says REQUIRED"),
        ({"a": [1], "other": [1]}, "the table has no column 'other'"),
    ],
)
def test_a_bad_parquet_file_is_named_by_row(
    fixed: Warehouse, tmp_path: Path, columns: dict[str, list[Any]], message: str
) -> None:
    create(fixed, "create table {d}.t (a INT64 not null, n INT64)")
    file = tmp_path / "x.parquet"
    pq.write_table(pa.table(columns), file)
    with pytest.raises(UserError, match=message):
        load_file(fixed, file, fixed.settings.dataset, "t")


def test_a_view_is_no_target(load: Load, fixed: Warehouse) -> None:
    create(fixed, "create view {d}.t as select 1 as a")
    with pytest.raises(UserError, match="is a view"):
        load("a\n1\n")


def test_bytes_of_progress_add_up(fixed: Warehouse, tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("a,b\n" + "1,x\n" * 100)
    heard: list[int] = []
    load_file(fixed, file, fixed.settings.dataset, "t", on_bytes=heard.append)
    assert sum(heard) == 2 * file.stat().st_size, "a new table's file is read for its types and for its rows"


# The command


def test_the_command_loads_and_says_what(cli: Cli, fixed: Warehouse, tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    file.write_text("account,n\n007,1\n")
    table = f"{fixed.settings.dataset}.t"
    done = cli("warehouse", "load", str(file), table)
    assert (done.returncode, done.stdout) == (0, "")
    assert f"1 rows in a new table: {table}" in done.stderr
    assert "account STRING, n INT64" in done.stderr
    file.write_text("account,n\n007\n")
    done = cli("warehouse", "load", str(file), table, "--replace")
    assert done.returncode == 2
    assert f"error: {file}, line 2: 1 fields, and the header has 2.\n" in done.stderr
    assert cli("warehouse", "load", str(file), "no_dataset").returncode == 2
    assert cli("warehouse", "load", str(tmp_path / "none.csv"), table).returncode == 2
    assert fixed.rows(f"select * from {table}") == [{"account": "007", "n": 1}]
