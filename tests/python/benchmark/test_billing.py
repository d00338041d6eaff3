"""What the bill says of statements: days that a filter leaves, tables below views, calls, the cache, time together."""

import json
from collections.abc import Mapping
from datetime import date

import pytest

from benchmark.billing.api_calls import ApiCall, Kind, api_call
from benchmark.billing.charges import MB, charge, total
from benchmark.billing.day_sets import ALL_DAYS, DaySet, between, listed
from benchmark.billing.references import effects
from benchmark.billing.schedule import elapsed
from benchmark.billing.table_sizes import TableSizes

FIRST, SECOND, THIRD = date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 3)
SIZES = TableSizes(
    views={
        "d.by_day": "with rows_ as (select *, date(at) as day from `p.d.log`) select * from rows_",
        "d.counted": "select date(at) as day, count(*) as n from d.log group by 1",
        "d.ranked": "select *, row_number() over (partition by at order by n) as place from d.log",
        "d.ranked_by_n": "select *, row_number() over (partition by n order by at) as place from d.log",
        "d.clocked": "select n, current_timestamp() as now from d.small",
    },
    partitions={"d.log": "at", "d.days": "day"},
    days={
        "d.log": {FIRST: 100 * MB, SECOND: 20 * MB + 1, THIRD: MB, None: 5 * MB},
        "d.days": {FIRST: MB, SECOND: 30 * MB},
        "d.small": {None: 10},
    },
)


def left(sql: str, table: str = "d.log", parameters: Mapping[str, object] | None = None) -> DaySet:
    (effect,) = effects(sql, SIZES, parameters=parameters or {})
    return effect.reads[table]


def query(sql: str, **more: object) -> ApiCall:
    return ApiCall(Kind.QUERY, {"query": {"query": sql}}, **more)  # type: ignore[arg-type]


def bill_mb(sql: str) -> int:
    return int(total(charge([query(sql)], SIZES)).megabytes)


@pytest.mark.parametrize(
    ("condition", "days"),
    [
        ("at >= timestamp '2026-03-02'", between(SECOND, None)),
        ("at < timestamp('2026-03-03 00:00:00+00')", between(None, SECOND)),
        ("at < timestamp '2026-03-03 00:00:01+00'", between(None, THIRD)),
        ("timestamp '2026-03-02 23:00:00-02:00' <= at", between(THIRD, None)),
        ("date(at) in (date '2026-03-01', date('2026-03-03'))", listed([FIRST, THIRD])),
        ("date(at) between '2026-03-01' and '2026-03-02'", between(FIRST, SECOND)),
        ("at >= timestamp_sub(@now, interval 24 hour)", between(SECOND, None)),
        ("date(at) in unnest(@days)", listed([FIRST, SECOND])),
        ("n = 1 and (date(at) = '2026-03-01' or date(at) = '2026-03-03')", listed([FIRST, THIRD])),
        ("date(at) = '2026-03-01' or n = 1", ALL_DAYS),
        ("at >= (select max(at) from d.log)", ALL_DAYS),
        ("at >= @unknown", ALL_DAYS),
        ("not at >= timestamp '2026-03-02'", ALL_DAYS),
        ("at >= timestamp(other)", ALL_DAYS),
        ("true", ALL_DAYS),
    ],
)
def test_a_filter_leaves_the_days_that_its_constants_say(condition: str, days: DaySet) -> None:
    parameters = {"now": "2026-03-03T09:00:00Z", "days": ["2026-03-01", "2026-03-02"]}
    assert left(f"select * from d.log where {condition}", parameters=parameters) == days


@pytest.mark.parametrize(
    ("sql", "days"),
    [
        ("select * from d.by_day where day = '2026-03-01'", listed([FIRST])),
        ("select * from d.counted where day = '2026-03-01'", listed([FIRST])),
        ("select * from d.ranked where date(at) = '2026-03-01'", listed([FIRST])),
        ("select * from d.ranked_by_n where date(at) = '2026-03-01'", ALL_DAYS),
        ("select * from (select * from d.log limit 3) where date(at) = '2026-03-01'", ALL_DAYS),
        ("with x as (select at from d.log) select * from x where date(at) = '2026-03-01'", listed([FIRST])),
        (
            "with x as (select at from d.log) select * from x where date(at) = '2026-03-01' union all select * from x",
            listed([FIRST]) | ALL_DAYS,
        ),
        ("select * from d.small as s join d.log as l on l.n = s.n and date(l.at) = '2026-03-01'", listed([FIRST])),
        ("select * from d.small as s left join d.log as l on l.n = s.n and date(l.at) = '2026-03-01'", listed([FIRST])),
        ("select * from d.log as l left join d.small as s on l.n = s.n and date(l.at) = '2026-03-01'", ALL_DAYS),
        ("select * from d.small as s left join d.log as l on l.n = s.n where date(l.at) = '2026-03-01'", ALL_DAYS),
        ("delete from d.log where date(at) = '2026-03-01'", listed([FIRST])),
        (
            "merge d.log as t using (select 1 as n) as s on t.n = s.n and date(t.at) = '2026-03-01' "
            "when not matched then insert (n) values (n)",
            listed([FIRST]),
        ),
        (
            "merge d.log as t using (select 1 as n) as s on false "
            "when not matched by source and date(t.at) in (date '2026-03-01') then delete "
            "when not matched then insert (n) values (n)",
            listed([FIRST]),
        ),
        (
            "merge d.log as t using (select 1 as n) as s on t.n = s.n and date(t.at) = '2026-03-01' "
            "when not matched by source then delete",
            ALL_DAYS,
        ),
    ],
)
def test_a_filter_reaches_a_table_where_bigquery_would_push_it_down(sql: str, days: DaySet) -> None:
    assert left(sql) == days


def test_each_table_is_billed_ten_megabytes_at_least_and_whole_megabytes() -> None:
    assert bill_mb("select 1") == 0
    assert bill_mb("select * from d.small") == 10
    assert bill_mb("select * from d.small as a join d.small as b using (n)") == 10
    assert bill_mb("select * from d.log where date(at) = '2026-03-03'") == 10
    assert bill_mb("select * from d.log where date(at) = '2026-03-02'") == 21
    assert bill_mb("select * from d.log") == 127
    assert bill_mb("select * from d.counted join d.days using (day) where exists (select 1 from d.small)") == 168


def test_a_script_is_one_job_whose_statements_are_billed_each() -> None:
    sql = "create temp table x as select * from d.small; insert into d.days select * from d.small; drop table x"
    bill = total(charge([query(sql)], SIZES))
    assert (bill.jobs, bill.dml, bill.megabytes, bill.seconds) == (1, 1, 20, 1.5 + 2.5 + 1.5)


def test_a_view_that_is_made_reads_nothing() -> None:
    assert bill_mb("create or replace view d.v as select * from d.log") == 0
    assert bill_mb("create or replace table d.t as select * from d.small") == 10


def test_the_same_question_is_answered_from_the_cache_until_its_table_is_written() -> None:
    ask, clocked = query("select * from d.counted"), query("select * from d.clocked")
    write = query("insert into d.log (n) values (1)")
    charges = charge([ask, write, ask, clocked, clocked], SIZES, before=[ask])
    assert [each.is_cached for each in charges] == [True, False, False, False, False]
    assert [each.bytes_billed // MB for each in charges] == [0, 0, 127, 10, 10]


def test_requests_are_read_as_calls() -> None:
    base = "/bigquery/v2/projects/p"
    job = {"configuration": {"labels": {"node_id": "n"}, "query": {
        "query": "select @a", "defaultDataset": {"datasetId": "d"},
        "queryParameters": [{"name": "a", "parameterValue": {"arrayValues": [{"value": "1"}]}}],
    }}}  # fmt: skip
    load = {"configuration": {"load": {"destinationTable": {"datasetId": "d", "tableId": "t"}}}}
    parts = (
        b"--x\r\ncontent-type: application/json\r\n\r\n" + json.dumps(load).encode() + b'\r\n--x\r\n{"a": 1}\r\n--x--'
    )

    def read(method: str, path: str, body: bytes = b"") -> ApiCall | None:
        return api_call(method, path, {"User-Agent": "dbt-bigquery-1"}, body)

    asked = read("POST", f"{base}/jobs?prettyPrint=false", json.dumps(job).encode())
    assert asked is not None
    assert (asked.kind, asked.sql, asked.dataset, asked.node, asked.is_dbt) == ("query", "select @a", "d", "n", True)
    assert asked.parameters == {"a": ["1"]}
    small = read("POST", f"{base}/queries", b'{"query": "select 1", "dryRun": true}')
    assert small is not None
    assert (small.sql, small.is_dry_run) == ("select 1", True)
    loaded = read("POST", f"/upload{base}/jobs?uploadType=multipart", parts)
    assert loaded is not None
    assert (loaded.kind, loaded.target) == (Kind.LOAD, "d.t")
    kinds = [
        read("GET", f"{base}/datasets/d/tables/t"),
        read("GET", f"{base}/datasets/d/tables/t/data"),
        read("GET", f"{base}/queries/some-job?maxResults=0"),
        read("POST", f"{base}/jobs/some-job/cancel"),
        read("PUT", f"/upload{base}/jobs?upload_id=1", b"{}"),
        read("PATCH", f"{base}/datasets/d/tables/t", b"{}"),
        read("POST", f"{base}/datasets/d/tables/t/insertAll", b"{}"),
        read("GET", "/health"),
    ]
    follow, meta = Kind.FOLLOW_UP, Kind.METADATA
    assert [each and each.kind for each in kinds] == [meta, follow, follow, follow, follow, meta, Kind.STREAM, None]


def test_what_was_in_flight_together_takes_its_time_together() -> None:
    alone = [query("select 1", began=0, ended=1), query("select 2", began=1, ended=2)]
    together = [query("select 1", began=0, ended=2), query("select 2", began=1, ended=2)]
    assert elapsed(charge(alone, SIZES)) == 3.0
    assert elapsed(charge(together, SIZES)) == 1.5


def test_dbt_makes_side_by_side_what_does_not_wait_for_another() -> None:
    def node(name: str, sql: str, began: float) -> ApiCall:
        content = {"labels": {"node_id": name}, "query": {"query": sql}}
        return ApiCall(Kind.QUERY, content, is_dbt=True, began=began, ended=began + 0.5)

    calls = [
        node("model_a", "create or replace table d.a as select * from d.small", 0),
        node("model_b", "create or replace table d.b as select * from d.small", 1),
        node("test_a", "select * from d.a", 2),
        node("model_c", "create or replace table d.c as select * from d.a", 3),
    ]
    charges = charge(calls, SIZES)
    assert elapsed(charges, threads=4) == 1.5 * 3  # a, its test, c; b beside them
    assert elapsed(charges, threads=1) == 1.5 * 4
