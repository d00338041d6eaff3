"""Every expectation that Great Expectations has, on a table with known counts: as it says, or refused by name."""

import sqlite3
import warnings
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from incident_ledger.policy import Policy
from incident_ledger.quality.catalogue import REFUSED
from incident_ledger.quality.compiler.gx import is_about_records
from incident_ledger.quality.result_types import RuleResult
from incident_ledger.quality.suites import build, load_suite
from incident_ledger.warehouse import Warehouse
from quality.helpers import check, check_one, make_table, rule
from quality.test_gx import records

KINDS = {
    "id": "int64", "code": "string", "low": "int64", "high": "int64", "score": "float64", "dti": "float64",
    "is_on": "bool", "day": "date",
}  # fmt: skip
ROWS: list[tuple[object, ...]] = [
    (
        number,
        None if number % 20 == 0 else "abcd"[number % 4] * (1 + number % 3),
        None if number % 10 == 0 else number % 7,
        None if number % 15 == 0 else number % 5,
        None if number % 25 == 0 else number / 4,
        # Twelve of a hundred are further than 1.5 standard deviations from their mean.
        10.0 + number % 3 if number > 12 else 60.0 + number,
        None if number % 9 == 0 else number % 2 == 0,
        f"2026-01-{1 + number % 28:02d}",
    )
    for number in range(1, 101)
]
V, P = "expect_column_values_to_", "expect_column_"
PARTITION = {"values": ["a", "b", "c", "d"], "weights": [0.25, 0.25, 0.25, 0.25]}
CATALOGUE: list[dict[str, Any]] = [
    rule(f"{V}not_be_null", column="code"),
    rule(f"{V}be_null", column="code"),
    rule(f"{V}be_in_set", column="low", value_set=[1, 2, 3]),
    rule(f"{V}not_be_in_set", column="low", value_set=[1, 2, 3]),
    rule(f"{V}be_between", column="score", min_value=2, max_value=20),
    rule(f"{V}be_unique", column="code"),
    rule(f"{V}match_regex", column="code", regex="^a"),
    rule(f"{V}not_match_regex", column="code", regex="^a"),
    rule(f"{V}match_regex_list", column="code", regex_list=["^a", "^b"], match_on="any"),
    rule(f"{V}match_regex_list", "all", column="code", regex_list=["^a", "a$"], match_on="all"),
    rule(f"{V}not_match_regex_list", column="code", regex_list=["^a", "^b"]),
    rule(f"{V}match_like_pattern", column="code", like_pattern="a%"),
    rule(f"{V}not_match_like_pattern", column="code", like_pattern="a%"),
    rule(f"{V}match_like_pattern_list", column="code", like_pattern_list=["a%", "b%"]),
    rule(f"{V}match_like_pattern_list", "like all", column="code", like_pattern_list=["a%", "%aa"], match_on="all"),
    rule(f"{V}not_match_like_pattern_list", column="code", like_pattern_list=["a%", "b%"]),
    rule(f"{P}value_lengths_to_be_between", column="code", min_value=2, max_value=2),
    rule(f"{P}value_lengths_to_equal", column="code", value=2),
    rule(f"{P}value_z_scores_to_be_less_than", column="dti", threshold=1.5, double_sided=True),
    rule(f"{P}value_z_scores_to_be_less_than", "one side", column="dti", threshold=1.5, double_sided=False),
    rule(f"{P}value_z_scores_to_be_less_than", "mostly", column="score", threshold=1.0, double_sided=True, mostly=0.5),
    rule(f"{V}not_be_outliers", column="dti", method="iqr", multiplier=1.5),
    rule(f"{V}not_be_outliers", "std", column="dti", method="std", multiplier=1.5),
    rule(f"{V}be_increasing", column="id"),
    rule(f"{V}be_decreasing", column="id"),
    rule(f"{V}be_dateutil_parseable", column="code"),
    rule(f"{V}be_json_parseable", column="code"),
    rule(f"{V}match_json_schema", column="code", json_schema={"type": "string"}),
    rule(f"{V}match_strftime_format", column="code", strftime_format="%Y"),
    rule(f"{V}be_of_type", column="low", type_="INTEGER"),
    rule(f"{V}be_of_type", "other type", column="low", type_="DATE"),
    rule(f"{V}be_in_type_list", column="low", type_list=["FLOAT", "INTEGER"]),
    rule(f"{P}type_to_be", column="low", type_="INTEGER"),
    rule(f"{P}pair_values_to_be_equal", column_A="low", column_B="high"),
    rule(f"{P}pair_values_a_to_be_greater_than_b", column_A="low", column_B="high"),
    rule(f"{P}pair_values_to_be_in_set", column_A="low", column_B="high", value_pairs_set=[[1, 1], [2, 2], [3, 3]]),
    rule("expect_compound_columns_to_be_unique", column_list=["low", "high"], ignore_row_if="any_value_is_missing"),
    rule("expect_multicolumn_sum_to_equal", column_list=["low", "high"], sum_total=3),
    rule("expect_multicolumn_values_to_be_equal", column_list=["low", "high"]),
    rule("expect_select_column_values_to_be_unique_within_record", column_list=["low", "high"]),
    rule("unexpected_rows_expectation", unexpected_rows_query="select * from {batch} where id > 90"),
    rule(f"{P}distinct_values_to_be_in_set", column="code", value_set=["a", "bb"]),
    rule(f"{P}distinct_values_to_contain_set", column="code", value_set=["a", "bb"]),
    rule(f"{P}distinct_values_to_contain_set", "not contained", column="code", value_set=["zz"]),
    rule(f"{P}distinct_values_to_equal_set", column="is_on", value_set=[True, False]),
    rule(f"{P}distinct_values_to_equal_set", "not equal", column="code", value_set=["a", "bb"]),
    rule(f"{P}kl_divergence_to_be_less_than", column="code", partition_object=PARTITION, threshold=0.1),
    rule(f"{P}max_to_be_between", column="low", max_value=5),
    rule(f"{P}min_to_be_between", column="low", min_value=0),
    rule(f"{P}mean_to_be_between", column="score", min_value=12, max_value=13),
    rule(f"{P}median_to_be_between", column="low", min_value=3, max_value=3),
    rule(f"{P}median_to_be_between", "another median", column="low", min_value=4),
    rule(f"{P}stdev_to_be_between", column="score", min_value=7, max_value=8),
    rule(f"{P}sum_to_be_between", column="score", max_value=10),
    rule(f"{P}most_common_value_to_be_in_set", column="is_on", value_set=[True, False], ties_okay=True),
    rule(f"{P}proportion_of_non_null_values_to_be_between", column="code", min_value=0.95, max_value=0.95),
    rule(f"{P}proportion_of_unique_values_to_be_between", column="code", min_value=0.5),
    rule(f"{P}unique_value_count_to_be_between", column="code", min_value=12, max_value=12),
    rule(f"{P}quantile_values_to_be_between", column="score", quantile_ranges={
        "quantiles": [0.25, 0.75], "value_ranges": [[6, 7], [18, 20]],
    }),
    rule("expect_column_to_exist", column="low"),
    rule("expect_column_to_exist", "missing", column="nowhere"),
    rule("expect_column_to_exist", "at its place", column="low", column_index=3),
    rule("expect_table_column_count_to_be_between", min_value=8, max_value=8),
    rule("expect_table_column_count_to_equal", value=7),
    rule("expect_table_columns_to_match_ordered_list", column_list=list(KINDS)),
    rule("expect_table_columns_to_match_ordered_list", "another order", column_list=["nowhere", *KINDS]),
    rule("expect_table_columns_to_match_set", column_set=list(KINDS)),
    rule("expect_table_columns_to_match_set", "a part", column_set=["id"], exact_match=False),
    rule("expect_table_row_count_to_be_between", min_value=1, max_value=99),
    rule("expect_table_row_count_to_equal", value=100),
    rule("expect_table_row_count_to_equal_other_table", other_table_name="other"),
    rule("expect_query_results_to_match_comparison", base_query="select 1", comparison_data_source_name="x",
         comparison_query="select 1"),
]  # fmt: skip
# Counted as records here, where the library gives a number of rows, or of other values, without a denominator.
OWN_COUNTS = {"unexpected_rows_expectation": 10, f"{P}distinct_values_to_be_in_set": 79}
for _wanted in CATALOGUE:
    _wanted["meta"].setdefault("rule_id", _wanted["type"])


def frame() -> pd.DataFrame:
    found = pd.DataFrame(ROWS, columns=list(KINDS))
    found["day"] = pd.to_datetime(found["day"]).dt.date
    return found


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Any]]:
    """The library's own batches: of SQLite, and of pandas."""
    import great_expectations as gx

    file = tmp_path_factory.mktemp("gx") / "t.db"
    with sqlite3.connect(file) as connection:
        types = {"int64": "INTEGER", "float64": "FLOAT", "string": "TEXT", "bool": "BOOLEAN", "date": "DATE"}
        columns = ", ".join(f"{name} {types[kind]}" for name, kind in KINDS.items())
        connection.execute(f"create table t ({columns})")
        connection.executemany(f"insert into t values ({', '.join('?' * len(KINDS))})", ROWS)
    connection.close()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        sqlite = context.data_sources.add_sqlite("sqlite", connection_string=f"sqlite:///{file}")
        table = sqlite.add_table_asset("t", table_name="t").add_batch_definition_whole_table("w").get_batch()
        pandas = context.data_sources.add_pandas("pandas").add_dataframe_asset("f")
        data = pandas.add_batch_definition_whole_dataframe("w").get_batch({"dataframe": frame()})
        yield [table, data]


def outcome(batch: Any, wanted: dict[str, Any]) -> tuple[Any, ...] | None:
    """Success, and of a rule about records how many break it of how many; None when the library does not know."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = batch.validate(build(wanted["type"], wanted["kwargs"], wanted["severity"]), result_format="BASIC")
        except Exception:
            return None
    if any(info.get("raised_exception") for info in [found.exception_info, *found.exception_info.values()]
           if isinstance(info, dict)):  # fmt: skip
        return None
    examined = found.result.get("element_count")
    return bool(found.success), found.result.get("unexpected_count") if examined else None, examined


@pytest.fixture(scope="module")
def found(bare: Warehouse, policy: Policy) -> dict[str, RuleResult]:
    """Our result by rule."""
    table = make_table(bare, "catalogue", records(KINDS, ROWS))
    batch = check_one(bare, policy, table, *CATALOGUE)
    return {result.rule_id: result for result in batch.rules}


def test_each_expectation_counts_as_great_expectations_does_or_is_refused_by_name(
    found: dict[str, RuleResult], theirs: list[Any]
) -> None:
    """On SQLite or on pandas, which differ where nulls are compared."""
    wrong = {}
    for wanted in CATALOGUE:
        result = found[wanted["meta"]["rule_id"]]
        if wanted["type"] in REFUSED:
            assert wanted["type"] in (result.error or "")
            continue
        expected = [outcome(batch, wanted) for batch in theirs]
        mine = (result.success, result.failed, result.examined)
        if wanted["type"] in OWN_COUNTS:
            assert mine[1:] == (OWN_COUNTS[wanted["type"]], 100)
            mine = (result.success, None, None)
        if result.error or mine not in expected:
            wrong[result.rule_id] = (mine, expected, result.error)
    assert wrong == {}


def test_a_rule_is_about_records_or_the_table_as_its_class_says(found: dict[str, RuleResult]) -> None:
    """One about records is graded by their rate, one about the table by its cap."""
    for wanted in CATALOGUE:
        result = found[wanted["meta"]["rule_id"]]
        if not result.error:
            is_counted = is_about_records(wanted["type"]) or wanted["type"] in OWN_COUNTS
            assert (result.failed is not None) is is_counted, wanted["type"]
    assert found["expect_column_value_z_scores_to_be_less_than"].severity_level == "P2"  # 12 of 100


def test_the_catalogue_is_whole() -> None:
    from great_expectations.expectations import core, registry

    assert core
    assert {wanted["type"] for wanted in CATALOGUE} == set(registry.list_registered_expectation_implementations())


def test_a_record_is_measured_by_the_others_of_its_day(bare: Warehouse, policy: Policy, shared_data: Path) -> None:
    """Two of a hundred and twelve of a hundred, the second day on another level; the evidence gives those records."""
    table = make_table(
        bare,
        "levels",
        "select date_add(date '2026-01-01', interval cast(floor(i / 100) as int64) day) as day, "
        "if(mod(i, 100) < if(i < 100, 2, 12), 60.0 + i, 10.0 + mod(i, 3)) + i * 0.001 as dti "
        "from unnest(generate_array(0, 199)) as i",
    )
    loaded = load_suite(shared_data / "field" / "zscore.json")
    suite = replace(loaded, meta={**loaded.meta, "day_column": "day"})
    batches = check(bare, policy, table, suite, [date(2026, 1, 1), date(2026, 1, 2)])
    assert [(batch.rules[0].failed, batch.severity_level) for batch in batches] == [(2, None), (12, "P2")]
    for batch in batches:
        (result,) = batch.rules
        assert len(bare.rows(result.query or "")) == result.failed


def test_a_type_is_named_as_bigquery_names_it(bare: Warehouse, policy: Policy) -> None:
    table = make_table(bare, "typed", "select 1 as n, 'a' as s")
    kinds = {"INTEGER": True, "int64": True, "FLOAT": False, "VARCHAR": "VARCHAR is not a type of BigQuery"}
    batch = check_one(
        bare, policy, table, *(rule(f"{V}be_of_type", kind, column="n", type_=kind) for kind in kinds),
        rule(f"{V}be_in_type_list", "list", column="s", type_list=["str", "object", "VARCHAR", "STRING"]),
    )  # fmt: skip
    *of_type, of_list = batch.rules
    assert {one.rule_id: one.success if one.error is None else one.error[:30] for one in of_type} == {
        kind: value[:30] if isinstance(value, str) else value for kind, value in kinds.items()
    }
    assert of_list.success is True
