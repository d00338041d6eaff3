"""The harness itself: what Google's analyzer refuses, and that values go in and out unchanged."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from engines.googlesql import Catalog, RefusedError, analyze, analyze_all, execute
from engines.values import parse_type, type_name

COLUMNS = {
    name: parse_type(kind)
    for name, kind in {
        "id": "INT64",
        "name": "STRING",
        "ts": "TIMESTAMP",
        "payload": "JSON",
        "tags": "ARRAY<STRUCT<key STRING, weight FLOAT64>>",
        "cost": "NUMERIC(20, 4)",
        "day": "DATE",
        "opens": "TIME",
        "local": "DATETIME",
    }.items()
}


@pytest.fixture
def catalog() -> Catalog:
    """One table, and its dataset as the default one."""
    made = Catalog("my-project", "marts")
    made.add("`my-project`.`marts`.`things`", COLUMNS)
    return made


@pytest.mark.parametrize(
    "name",
    [
        "`my-project`.`marts`.`things`",
        "`my-project.marts.things`",
        "`my-project.marts`.things",
        "my-project.marts.things",
        "`marts`.`things`",
        "`marts.things`",
        "things",
    ],
)
def test_a_table_is_found_by_every_way_of_writing_its_name(catalog: Catalog, name: str) -> None:
    assert {column: type_name(kind) for column, kind in analyze(f"select id, tags from {name}", catalog).items()} == {
        "id": "INT64",
        "tags": "ARRAY<STRUCT<key STRING, weight FLOAT64>>",
    }


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("select id::string from things", "Syntax error"),
        ("select '1' = 1", "No matching signature for operator ="),
        ("select date_trunc('day', ts) from things", "date part"),
        ("select nme from things", "Unrecognized name: nme"),
        ("select * from thinks", "Table not found: thinks"),
        ("select payload = payload from things", "Equality is not defined for arguments of type JSON"),
        ("select count(*) filter (where id > 1) from things", "Syntax error"),
        ("select id + 1 as next, next + 1 as second from things", "Unrecognized name: next"),
        ("select name from things group by id", "neither grouped nor aggregated"),
        ("delete from things", "WHERE"),
        ("update things set id = 'x' where true", "INT64"),
        ("select id from things where name = @name", "Query parameter 'name' not found"),
    ],
)
def test_what_bigquery_refuses_is_refused(catalog: Catalog, sql: str, words: str) -> None:
    with pytest.raises(RefusedError, match=words.replace("(", r"\(")):
        analyze(sql, catalog)


@pytest.mark.parametrize(
    "sql",
    [
        "merge things using (select @id as id, parse_json(@text) as payload) fresh on things.id = fresh.id"
        " when matched then update set payload = fresh.payload when not matched then insert (id) values (fresh.id)",
        "create or replace table marts.copy partition by day cluster by id options (description = 'x') as"
        " select * from things",
        "select * from things qualify row_number() over (partition by id order by ts desc) = 1",
        "select id from things where name in unnest(@names)",
        "select t.key, any_value(t.weight having max t.key) from things, unnest(tags) as t group by all",
        "drop table if exists marts.copy",
    ],
)
def test_what_bigquery_takes_is_taken(catalog: Catalog, sql: str) -> None:
    params = {"id": "INT64", "text": "STRING", "names": "ARRAY<STRING>"}
    analyze(sql, catalog, {name: parse_type(kind) for name, kind in params.items()})


def test_every_statement_of_a_text_is_read(catalog: Catalog) -> None:
    analyze_all("select 'é' as a from things; -- then\nupdate things set id = 1 where true;\n", catalog)
    analyze_all("select 1", catalog)
    with pytest.raises(RefusedError, match="Unrecognized name: nme"):
        analyze_all("select 'é' as a from things; select nme from things", catalog)


def test_values_go_in_and_come_out_unchanged(catalog: Catalog) -> None:
    rows: list[dict[str, Any]] = [
        {
            "id": -(2**63),
            "name": 'it\'s "`a`.`b`.`c`" \U0001f6a8',
            "ts": datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=UTC),
            "payload": {"b": [1, None, "x"], "a": 1.5},
            "tags": [{"key": "k", "weight": 0.1}, {"key": None, "weight": None}],
            "cost": Decimal("-12345678901234567890123456789.123456789"),
            "day": date(1969, 12, 31),
            "opens": time(23, 59, 58, 1),
            "local": datetime(9999, 12, 31, 23, 59, 59, 999999),  # noqa: DTZ001
        },
        dict.fromkeys(COLUMNS) | {"tags": []},  # BigQuery answers no null array
    ]
    catalog.add_rows("my-project.marts.things", COLUMNS, rows)
    assert execute("select * from `my-project`.`marts`.`things`", catalog).rows == rows


def test_a_result_is_the_content_of_the_next_table(catalog: Catalog) -> None:
    first = execute("select 1 as id, timestamp '2024-01-01 00:00:00+01:00' as ts, [1, 2] as list", catalog)
    catalog.add("my-project.marts.first", first.columns, first.raw)
    second = execute("select id, ts, list[offset(1)] as second from `my-project.marts.first`", catalog)
    assert second.rows == [{"id": 1, "ts": datetime(2023, 12, 31, 23, tzinfo=UTC), "second": 2}]


def test_parameters_are_bound_by_type(catalog: Catalog) -> None:
    params = {"names": (parse_type("ARRAY<STRING>"), ["a", "b"]), "At": (parse_type("DATE"), date(2024, 1, 1))}
    assert execute("select n, @at as day from unnest(@names) n order by n desc", catalog, params).rows == [
        {"n": "b", "day": date(2024, 1, 1)},
        {"n": "a", "day": date(2024, 1, 1)},
    ]


def test_threads_take_turns(catalog: Catalog) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(lambda number: execute(f"select {number} as n", catalog).rows, range(40))
    assert [row["n"] for [row] in answers] == list(range(40))
