"""What each kind of rule becomes, without a warehouse."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest

from incident_ledger.quality.compiler.compile_rule import compile_rule
from incident_ledger.quality.compiler.compiled import Broken, ByGx, Clause, Compiled, Key, Known, Query
from incident_ledger.quality.compiler.counts import Count
from incident_ledger.quality.compiler.typing import Schema
from quality.helpers import NOW, not_null, rule, suite_of

COLUMN = "expect_column_values_to_"
SCHEMA = Schema({"id": "INT64", "code": "STRING", "amount": "FLOAT64", "day": "DATE", "tags": "ARRAY"})
OVER_FIVE = {"type": "comparison", "column": {"name": "id"}, "operator": ">", "parameter": 5}


def compiled(wanted: Mapping[str, Any], statistics: Mapping[str, Any] | None = None, first: int = 0) -> Compiled:
    (loaded,) = suite_of(wanted).rules
    return compile_rule(loaded, SCHEMA, NOW, statistics, first)


def clause(wanted: Mapping[str, Any], first: int = 0) -> Clause:
    found = compiled(wanted, first=first)
    assert isinstance(found, Clause), found
    return found


@pytest.mark.parametrize(("wanted", "columns", "params"), [
    (not_null("code"), {"_failed": "countif((`code` IS NULL))"}, {}),
    (
        not_null("code", row_condition=OVER_FIVE),
        {"_failed": "countif((`id` > @p0) and (`code` IS NULL))", "_examined": "countif(`id` > @p0)"},
        {"p0": 5},
    ),
    (
        rule(f"{COLUMN}be_between", column="id", min_value=1, max_value=9, mostly=0.9),
        {"_failed": "countif((`id` < @p0 OR `id` > @p1))", "_base": "countif((`id` IS NOT NULL))"},
        {"p0": 1, "p1": 9},
    ),
    (
        rule(f"{COLUMN}be_between", column="amount", min_value=0),
        {"_failed": "countif((`amount` < @p0 OR is_nan(`amount`)))"},
        {"p0": 0.0},
    ),
    (
        rule("expect_column_distinct_values_to_equal_set", column="code", value_set=["a", "b"]),
        {
            "_within": "count(distinct CASE WHEN (`code` IN UNNEST(@p0)) THEN `code` END)",
            "_others": "countif(((`code` NOT IN UNNEST(@p1))))",
        },
        {"p0": ["a", "b"], "p1": ["a", "b"]},
    ),
    (rule("expect_table_row_count_to_equal", value=3), {"": "count(*)"}, {}),
    (rule("expect_column_max_to_be_between", column="id", max_value=3), {"": "max(`id`)"}, {}),
], ids=lambda value: value.get("type"))  # fmt: skip
def test_a_rule_is_columns_of_the_statement_of_its_batch(
    wanted: dict[str, Any], columns: dict[str, str], params: dict[str, Any]
) -> None:
    found = clause(wanted)
    assert (found.columns, found.params) == (columns, params)


def test_parameters_are_numbered_from_the_first_that_is_free() -> None:
    found = clause(rule(f"{COLUMN}be_between", column="id", max_value=9), first=7)
    assert (found.broken, found.params) == ("(`id` > @p7)", {"p7": 9})


def test_a_time_before_now_is_a_value_of_its_column() -> None:
    late = {"$PARAMETER": "as_of - 36 hours"}
    assert clause(rule(f"{COLUMN}be_between", column="day", min_value=late)).params == {"p0": date(2026, 3, 8)}


@pytest.mark.parametrize(("wanted", "values", "rows", "count"), [
    (not_null("code"), {"_failed": 3}, 10, Count(False, 10, 3)),
    (not_null("code", row_condition=OVER_FIVE), {"_failed": 0, "_examined": 4}, 10, Count(True, 4, 0)),
    (not_null("code", mostly=0.7), {"_failed": 3}, 10, Count(True, 10, 3)),
    (not_null("code"), {"_failed": 0}, 0, Count(None, 0, 0)),
    (rule(f"{COLUMN}be_in_set", column="id", value_set=[1], mostly=0.5), {"_failed": 2, "_base": 3}, 9,
     Count(False, 9, 2)),
    (rule("expect_table_row_count_to_equal", value=0), {"": 0}, 0, Count(True, observed=0)),
    (rule("expect_column_max_to_be_between", column="id", max_value=3), {"": 4}, 9, Count(False, observed=4)),
    (rule("expect_column_max_to_be_between", column="id", max_value=3), {"": None}, 0, Count()),
    (rule("expect_column_distinct_values_to_contain_set", column="id", value_set=[1]), {"_within": 1}, 9, Count(True)),
])  # fmt: skip
def test_a_count_is_made_of_the_values_of_its_columns(
    wanted: dict[str, Any], values: dict[str, Any], rows: int, count: Count
) -> None:
    assert clause(wanted).count(values, rows) == count


def test_own_sql_that_only_filters_is_a_clause_and_any_other_a_query() -> None:
    kind = "unexpected_rows_expectation"
    found = clause(rule(kind, unexpected_rows_query="select * from {batch} where id < 3"))
    assert (found.columns, found.broken, found.is_own_sql) == ({"_failed": "countif(id < 3)"}, "(id < 3)", True)
    query = compiled(rule(kind, unexpected_rows_query="select id from {batch} group by id having count(*) > 1"))
    assert isinstance(query, Query)
    assert "FROM (select 1)" in query.own.over("select 1")


def test_a_unique_key_is_its_quoted_columns_and_what_counts_as_one() -> None:
    found = compiled(
        rule("expect_compound_columns_to_be_unique", column_list=["id", "code"], row_condition=OVER_FIVE), first=2
    )
    assert found == Key(("`id`", "`code`"), "`id` > @p2", "`id` IS NOT NULL OR `code` IS NOT NULL", {"p2": 5})


@pytest.mark.parametrize(("wanted", "is_met"), [("INTEGER", True), ("FLOAT64", False)])
def test_a_type_is_known_by_the_schema(wanted: str, is_met: bool) -> None:
    found = compiled(rule(f"{COLUMN}be_of_type", column="id", type_=wanted))
    assert found == Known(Count(is_met, observed="INT64"))


def test_what_has_no_condition_is_computed_by_great_expectations() -> None:
    found = compiled(rule("expect_column_median_to_be_between", column="id", min_value=1))
    assert isinstance(found, ByGx)
    assert not found.is_by_statistics


def test_a_rule_by_statistics_is_a_clause_once_they_are_known() -> None:
    wanted = rule("expect_column_value_z_scores_to_be_less_than", column="id", threshold=2, double_sided=True)
    found = compiled(wanted)
    assert isinstance(found, ByGx)
    assert found.is_by_statistics
    again = compiled(wanted, {"column.mean": 5.0, "column.standard_deviation": 2.0})
    assert isinstance(again, Clause)
    assert set(again.columns) == {"_failed"}


@pytest.mark.parametrize(("wanted", "reason"), [
    (rule("expect_nothing"), "there is no expectation 'expect_nothing'"),
    (not_null("gone"), "the table has no column 'gone'; it has id, code, amount, day, tags"),
    (rule(f"{COLUMN}match_regex", column="id", regex="a"), "needs a column of type STRING; 'id' is INT64"),
    (rule(f"{COLUMN}be_in_set", column="day", value_set=["soon"]), "'soon' is not of type DATE, which column 'day' is"),
    (rule(f"{COLUMN}be_between", column="id", min_value={"$PARAMETER": "noon"}), "$PARAMETER 'noon' is unknown"),
    (rule(f"{COLUMN}be_unique", column="tags"), "column 'tags' is repeated"),
    (rule(f"{COLUMN}be_of_type", column="id", type_="VARCHAR"), "VARCHAR is not a type of BigQuery"),
    (not_null("code", row_condition={**OVER_FIVE, "column": {"name": "gone"}}), "the table has no column 'gone'"),
    (rule(f"{COLUMN}be_in_set", column="id", value_set=[None]), "value_set has no value"),
])  # fmt: skip
def test_what_cannot_be_asked_is_a_reason_for_a_person(wanted: dict[str, Any], reason: str) -> None:
    found = compiled(wanted)
    assert isinstance(found, Broken)
    assert reason in found.reason


def test_nothing_but_its_arguments_decides() -> None:
    wanted = rule(f"{COLUMN}be_between", column="day", max_value={"$PARAMETER": "as_of"})
    (loaded,) = suite_of(wanted).rules
    days = [datetime(2026, 1, number, tzinfo=UTC) for number in (1, 2, 1)]
    found = [compile_rule(loaded, SCHEMA, at) for at in days]
    assert [one.params["p0"].day for one in found if isinstance(one, Clause)] == [1, 2, 1]
