"""Counts beside Great Expectations' own, for every type of rule counted in one statement, on data with nulls."""

import warnings
from typing import Any

import pytest

from engines.googlesql import Catalog, execute
from incident_ledger.policy import Policy
from incident_ledger.quality.result_types import RuleResult
from incident_ledger.quality.suites import build
from incident_ledger.warehouse import Warehouse
from quality.helpers import check_one, make_table, only, rule

_RECORDS = [
    (1, "aa", 1, 2, 1.5, True),
    (2, "ab", 2, 1, 2.5, False),
    (3, None, 3, 3, None, None),
    (4, "bb", None, 4, 4.5, True),
    (5, "bb", 5, None, 5.5, True),
    (6, "ccc", None, None, 6.5, False),
    (7, "", 7, 8, 7.5, True),
    (8, "a%", 8, 9, 8.5, True),
    (8, "aa", 10, 9, 9.5, True),
]
COLUMN = "expect_column_values_to_"
AS_GREAT_EXPECTATIONS = [
    rule(f"{COLUMN}not_be_null", column="code"),
    rule(f"{COLUMN}be_null", column="code"),
    rule(f"{COLUMN}be_in_set", column="code", value_set=["aa", "bb"]),
    rule(f"{COLUMN}not_be_in_set", column="code", value_set=["aa", "bb"]),
    rule(f"{COLUMN}be_in_set", column="low", value_set=[1, 2, 3]),
    rule(f"{COLUMN}be_in_set", column="is_on", value_set=[True]),
    rule(f"{COLUMN}match_regex", column="code", regex="^a"),
    rule(f"{COLUMN}not_match_regex", column="code", regex="^a"),
    rule(f"{COLUMN}match_regex_list", column="code", regex_list=["^a", "b$"]),
    rule(f"{COLUMN}not_match_regex_list", column="code", regex_list=["^a", "b$"]),
    rule(f"{COLUMN}match_like_pattern", column="code", like_pattern="a_"),
    rule(f"{COLUMN}not_match_like_pattern", column="code", like_pattern="a_"),
    rule("expect_column_value_lengths_to_be_between", column="code", min_value=2, max_value=2),
    rule("expect_column_value_lengths_to_equal", column="code", value=2),
    rule(f"{COLUMN}be_between", column="low", min_value=2, max_value=7),
    rule(f"{COLUMN}be_between", column="score", min_value=2.5, strict_min=True),
    rule(f"{COLUMN}be_between", column="low", max_value=7, strict_max=True, mostly=0.5),
    rule(f"{COLUMN}be_unique", column="code"),
    rule(f"{COLUMN}be_unique", column="id", mostly=0.7),
    rule("expect_column_pair_values_a_to_be_greater_than_b", column_A="high", column_B="low"),
    rule("expect_column_pair_values_a_to_be_greater_than_b", column_A="high", column_B="low", or_equal=True),
    rule("expect_column_pair_values_to_be_equal", column_A="high", column_B="low"),
    rule(
        "expect_column_pair_values_to_be_equal",
        column_A="high",
        column_B="low",
        ignore_row_if="either_value_is_missing",
    ),
    rule("expect_select_column_values_to_be_unique_within_record", column_list=["low", "high"]),
    rule("expect_multicolumn_sum_to_equal", column_list=["low", "high"], sum_total=3),
    rule(f"{COLUMN}not_be_null", column="low", row_condition={
        "type": "comparison", "column": {"name": "code"}, "operator": "IN", "parameter": ["aa", "bb"],
    }),
    rule(f"{COLUMN}match_regex", column="code", regex="^a", row_condition={
        "type": "or", "conditions": [
            {"type": "comparison", "column": {"name": "low"}, "operator": ">", "parameter": 2},
            {"type": "nullity", "column": {"name": "low"}, "is_null": True},
        ],
    }),
]  # fmt: skip
TABLE_RULES = [
    rule("expect_table_row_count_to_be_between", min_value=10),
    rule("expect_table_row_count_to_equal", value=9),
    rule("expect_column_max_to_be_between", column="low", max_value=9),
    rule("expect_column_min_to_be_between", column="low", min_value=1),
    rule("expect_column_mean_to_be_between", column="score", min_value=5, max_value=6),
    rule("expect_column_sum_to_be_between", column="score", max_value=1),
    rule("expect_column_unique_value_count_to_be_between", column="code", min_value=6, max_value=6),
    rule("expect_column_median_to_be_between", column="low", min_value=4, max_value=6),
    rule("expect_column_stdev_to_be_between", column="score", min_value=1, max_value=4),
    rule("expect_column_proportion_of_unique_values_to_be_between", column="code", min_value=0.7),
    rule("expect_column_distinct_values_to_contain_set", column="code", value_set=["aa", "zz"]),
    rule("expect_column_to_exist", column="low"),
    rule("expect_table_columns_to_match_set", column_set=["id", "code", "low", "high", "score", "is_on"]),
    rule("expect_table_column_count_to_equal", value=5),
]


@pytest.fixture(scope="module")
def table(bare: Warehouse) -> str:
    """Nine records with nulls in every place."""
    kinds = {"id": "int64", "code": "string", "low": "int64", "high": "int64", "score": "float64", "is_on": "bool"}
    return make_table(bare, "t", records(kinds, _RECORDS))


def records(kinds: dict[str, str], rows: list[tuple[object, ...]]) -> str:
    """A query that gives the rows."""
    return " union all ".join(
        "select "
        + ", ".join(
            f"cast({'null' if value is None else repr(value)} as {kind}) as {name}"
            for value, (name, kind) in zip(row, kinds.items(), strict=True)
        )
        for row in rows
    )


@pytest.fixture(scope="module")
def gx_batch(bare: Warehouse, table: str) -> Any:
    """The library's own batch, by the way that its documentation shows."""
    import great_expectations as gx

    # The local warehouse has no storage API of its own; our engine uses none.
    bare.client._ensure_bqstorage_client = lambda *_args, **_options: None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        source = context.data_sources.add_bigquery(
            "bq",
            connection_string=f"bigquery://{bare.settings.project}?user_supplied_client=True",
            kwargs={"connect_args": {"client": bare.client}},
        )
        asset = source.add_table_asset("t", table_name=f"{bare.settings.dataset}.{table}")
        return asset.add_batch_definition_whole_table("whole").get_batch()


def great_expectations(gx_batch: Any, wanted: dict[str, Any]) -> Any:
    """The library's own result."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return gx_batch.validate(build(wanted["type"], wanted["kwargs"], wanted["severity"]), result_format="BASIC")


def rule_result(warehouse: Warehouse, policy: Policy, table: str, wanted: dict[str, Any]) -> RuleResult:
    return only(check_one(warehouse, policy, table, wanted))


@pytest.mark.parametrize("wanted", AS_GREAT_EXPECTATIONS, ids=lambda wanted: wanted["type"])
def test_records_are_counted_as_great_expectations_counts_them(
    bare: Warehouse, policy: Policy, table: str, gx_batch: Any, wanted: dict[str, Any]
) -> None:
    found, expected = rule_result(bare, policy, table, wanted), great_expectations(gx_batch, wanted)
    assert expected.exception_info.get("raised_exception") is False
    assert (found.failed, found.success) == (expected.result["unexpected_count"], expected.success)
    assert found.examined == expected.result["element_count"]


@pytest.mark.parametrize("wanted", TABLE_RULES, ids=lambda wanted: wanted["type"])
def test_rules_about_the_table_succeed_as_great_expectations_says(
    bare: Warehouse, policy: Policy, table: str, gx_batch: Any, wanted: dict[str, Any]
) -> None:
    found, expected = rule_result(bare, policy, table, wanted), great_expectations(gx_batch, wanted)
    assert (found.success, found.failed, found.is_table_rule) == (expected.success, None, True)


def test_a_key_of_several_columns_is_doubled_by_its_nulls_too(bare: Warehouse, policy: Policy) -> None:
    """(1, null) twice is a double, (null, null) has no key: 2 of 5, where the library's SQL says 0."""
    pairs = [(1, None), (1, None), (None, None), (None, None), (2, 2)]
    table = make_table(bare, "pairs", records({"a": "int64", "b": "int64"}, pairs))
    kind = "expect_compound_columns_to_be_unique"
    found = [
        rule_result(bare, policy, table, rule(kind, column_list=["a", "b"], **more)).failed
        for more in ({}, {"ignore_row_if": "any_value_is_missing"}, {"ignore_row_if": "never"})
    ]
    assert found == [2, 0, 4]


def test_integers_beyond_what_a_float_holds_are_exact(bare: Warehouse, policy: Policy) -> None:
    """2^53 is below 2^53 + 1, which as a float it is not."""
    table = make_table(bare, "other", f"select n from unnest([{2**53}, {2**53 + 1}, {2**53 + 2}]) as n")
    wanted = rule(f"{COLUMN}be_between", column="n", min_value=2**53 + 1, max_value=2**53 + 1)
    assert rule_result(bare, policy, table, wanted).failed == 2


def test_not_a_number_is_in_no_range(bare: Warehouse, policy: Policy, monkeypatch: pytest.MonkeyPatch) -> None:
    """By Google's own engine, which runs what was sent: the local warehouse has no NaN, since DuckDB orders it."""
    table = make_table(bare, "other", "select x from unnest([1.0, 3.0, null]) as x")
    send, sent = bare.client.query, []

    def noted(sql: str, **options: Any) -> Any:
        sent.append((sql, {each.name: each.value for each in options["job_config"].query_parameters}))
        return send(sql, **options)

    monkeypatch.setattr(bare.client, "query", noted)
    google = Catalog(bare.settings.project)
    numbers = execute("select x from unnest([1.0, cast('nan' as float64), null]) as x", google)
    google.add(f"{bare.settings.project}.{bare.settings.dataset}.other", numbers.columns, numbers.raw)
    for bounds in ({"min_value": 0}, {"max_value": 2}, {"min_value": 0, "max_value": 2}):
        assert rule_result(bare, policy, table, rule(f"{COLUMN}be_between", column="x", **bounds)).success is not None
        sql, values = sent[-1]
        (row,) = execute(sql, google, {name: (numbers.columns["x"], value) for name, value in values.items()}).rows
        assert list(row.values()) == [3, 1], bounds


def test_distinct_values_outside_a_set_are_counted_by_their_records(bare: Warehouse, policy: Policy) -> None:
    """Two other values, three records of them."""
    table = make_table(bare, "other", "select c from unnest(['a', 'x', 'x', 'y', null]) as c")
    wanted = rule("expect_column_distinct_values_to_be_in_set", column="c", value_set=["a"])
    assert rule_result(bare, policy, table, wanted).failed == 3


def test_own_sql_is_counted_whatever_it_ends_with(bare: Warehouse, policy: Policy) -> None:
    """More than the 200 samples that the library cuts at; a plain filter, a grouped query, comment and semicolon."""
    table = make_table(bare, "other", "select i, mod(i, 10) as g from unnest(generate_array(1, 1000)) as i")
    queries = {
        "select * from {batch} where i > 700": 300,
        "SELECT *\nFROM {batch}\nWHERE i > 700 or i = 1;": 301,
        "select * from {batch} where i > 700 -- the rest": 300,
        "select i from {batch} where i > 700 order by i": 300,
        "select g from {batch} group by g having count(*) > 1;": 10,
    }
    for query, failed in queries.items():
        result = rule_result(bare, policy, table, rule("unexpected_rows_expectation", unexpected_rows_query=query))
        assert (result.failed, result.examined) == (failed, 1000), query


def test_a_row_condition_is_typed_as_its_column(bare: Warehouse, policy: Policy) -> None:
    table = make_table(
        bare, "other", "select date_add(date '2026-01-01', interval i day) as d, i as n from unnest([0, 1, 2, 3]) as i"
    )
    later = {"type": "comparison", "column": {"name": "d"}, "operator": ">=", "parameter": "2026-01-03"}
    result = rule_result(bare, policy, table, rule(f"{COLUMN}be_between", column="n", max_value=2, row_condition=later))
    assert (result.failed, result.examined) == (1, 2)


def test_the_evidence_of_a_breach_is_a_query_that_gives_its_records(bare: Warehouse, policy: Policy) -> None:
    """Values of every kind are literals in it, apostrophes, quotes and backslashes too."""
    table = make_table(
        bare,
        "shown",
        """select "O'Brien" as owner, r'a\\b"c' as code, i as n, numeric '1.5' as cost, true as is_on, """
        "timestamp '2026-01-01 00:00:00+00' as seen, date '2026-01-01' as day, "
        "datetime '2026-01-01 00:00:00' as at_desk from unnest([1, 2, 3]) as i",
    )
    owner = {"type": "comparison", "column": {"name": "owner"}, "operator": "==", "parameter": "O'Brien"}
    broken = [
        rule(f"{COLUMN}be_in_set", column="code", value_set=["x", "it's"], row_condition=owner),
        rule(f"{COLUMN}not_be_in_set", column="code", value_set=['a\\b"c']),
        rule(f"{COLUMN}match_regex", column="code", regex=r"^\d'\"$"),
        rule(f"{COLUMN}be_between", column="n", min_value=2**53 + 1),
        rule(f"{COLUMN}be_between", column="cost", max_value=1.25),
        rule(f"{COLUMN}be_in_set", column="is_on", value_set=[False]),
        rule(f"{COLUMN}be_between", column="seen", min_value="2026-01-02"),
        rule(f"{COLUMN}be_between", column="day", min_value="2026-01-02"),
        rule(f"{COLUMN}be_between", column="at_desk", min_value="2026-01-02"),
        rule("unexpected_rows_expectation", unexpected_rows_query="select * from {batch} where n > 0"),
    ]
    batch = check_one(bare, policy, table, *broken)
    for result in batch.rules:
        assert result.failed == 3, result
        assert result.query is not None
        assert len(bare.rows(result.query)) == 3, result.query
