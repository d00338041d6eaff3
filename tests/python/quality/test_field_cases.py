"""Faults that users of neighbouring tools met in their data checks."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from google.cloud.exceptions import BadRequest

from incident_ledger.policy import Policy
from incident_ledger.quality.checker import check_all
from incident_ledger.quality.rates import fraction_text
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.client import Client
from quality.helpers import NOW, broken_of, check, check_one, make_table, not_null, only, rule, statements, suite_of

BETWEEN = "expect_column_values_to_be_between"


def condition(column: str, value: object, operator: str = "==") -> dict[str, Any]:
    """A row condition in its JSON form."""
    return {"type": "comparison", "column": {"name": column}, "operator": operator, "parameter": value}


def test_the_denominator_of_a_condition_is_the_records_that_meet_it(bare: Warehouse, policy: Policy) -> None:
    """1,000 rows: 100 pro of which 6 have no cost, 900 free of which 500 have none: 6 of 100, and not 0.6 or 50.6 %."""
    table = make_table(
        bare,
        "plans",
        "select if(i <= 100, 'pro', 'free') as plan, if(i <= 6 or i > 500, null, 1.5) as cost "
        "from unnest(generate_array(1, 1000)) as i",
    )
    batch = check_one(bare, policy, table, not_null("cost", mostly=0.01, row_condition=condition("plan", "pro")))
    assert (only(batch).failed, only(batch).examined) == (6, 100)
    assert only(batch).failed_record_rate == 0.06
    assert batch.severity_level == "P2"


@pytest.mark.parametrize(
    ("broken", "total", "severity", "text"),
    [
        (9999, 200000, None, "4.9995 %"),
        (10000, 200000, "P2", "5 %"),
        (10001, 200000, "P2", "5.0005 %"),
        (40000, 200003, "P2", "19.9997 %"),
        (40001, 200003, "P1", "20.0002 %"),
    ],
)
def test_rates_at_the_edge_are_compared_as_integers(  # noqa: PLR0917 - the case's own table
    bare: Warehouse, policy: Policy, broken: int, total: int, severity: str | None, text: str
) -> None:
    table = broken_of(bare, "edge", broken, total)
    batch = check_one(bare, policy, table, not_null("amount", mostly=0.01))
    assert (only(batch).failed, only(batch).examined, batch.severity_level) == (broken, total, severity)
    assert fraction_text(broken, total).startswith(text)


@pytest.mark.parametrize("kind", ["date", "timestamp", "datetime"])
def test_a_column_of_days_is_compared_with_text_bounds(bare: Warehouse, policy: Policy, kind: str) -> None:
    table = make_table(
        bare,
        "days",
        f"select {kind}(if(i = 20, date '2026-02-01', date_add(date '2025-12-31', interval i day))) as seen "
        "from unnest(generate_array(1, 20)) as i",
    )
    wanted = rule(BETWEEN, "in_january", column="seen", min_value="2026-01-01", max_value="2026-01-31", mostly=0.01)
    with statements() as sent:
        batch = check_one(bare, policy, table, wanted)
    assert (only(batch).failed, only(batch).examined, batch.severity_level) == (1, 20, "P2")
    kinds = {parameter.type_ for _, config in sent for parameter in config.query_parameters}
    assert kinds == {kind.upper()}


@pytest.fixture
def demanding(warehouse: Warehouse) -> Iterator[str]:
    """A table that refuses, as production tables do, every query without a predicate on its day column."""
    table = make_table(
        warehouse,
        "demanding",
        "select date_sub(date '2026-03-10', interval mod(i, 5) day) as day, if(i <= 100, null, i) as amount, i as id, "
        "timestamp '2026-03-10 08:00:00+00' as loaded_at from unnest(generate_array(1, 1000)) as i",
    )
    original = Client.query

    def query(self: Client, query: str, *args: Any, **options: Any) -> Any:
        for part in re.split(r"\bunion all\b", query, flags=re.IGNORECASE):
            if "demanding" in part and not re.search(r"`day` (between date|>= |in \()", part):
                raise BadRequest("Cannot query over table without a filter over column(s) 'day'")
        return original(self, query, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Client, "query", query)
        yield table


def test_every_statement_carries_a_literal_range_of_days(warehouse: Warehouse, policy: Policy, demanding: str) -> None:
    """Daily and by hand, with rules of every way of counting."""
    suite = suite_of(
        not_null("amount"),
        rule("expect_column_values_to_be_unique", column="id"),
        rule("expect_column_median_to_be_between", column="id", min_value=0),
        rule("expect_column_max_to_be_between", column="id", min_value=0),
        rule("expect_table_row_count_to_be_between", min_value=1),
        rule("expect_column_distinct_values_to_contain_set", column="id", value_set=[5, 10]),
        rule(
            "unexpected_rows_expectation",
            unexpected_rows_query="select id from {batch} group by id having count(*) > 1",
        ),
        table=demanding,
        day_column="day",
        changed_at_column="loaded_at",
    )
    daily = check_all(warehouse, policy, run_id="run", now=NOW, suites=[suite])
    (by_hand,) = check(warehouse, policy, demanding, suite)
    for batch in (*daily, by_hand):
        assert [result.text for result in batch.rules if result.error] == []
    assert [batch.day for batch in daily] == [date(2026, 3, 8), date(2026, 3, 9), date(2026, 3, 10)]
    assert [batch.rules[0].failed for batch in daily] == [20, 20, 20]
    assert (by_hand.rules[0].failed, by_hand.rules[0].examined) == (100, 1000)


def owners(warehouse: Warehouse) -> str:
    """10 records of O'Brien, 1 without a value, and 90 others."""
    return make_table(
        warehouse,
        "owners",
        """select if(i <= 10, "O'Brien", "Smith") as owner, if(i = 1, null, i) as amount """
        "from unnest(generate_array(1, 100)) as i",
    )


def test_an_apostrophe_in_a_condition(bare: Warehouse, policy: Policy) -> None:
    wanted = not_null("amount", mostly=0.01, row_condition=condition("owner", "O'Brien"))
    batch = check_one(bare, policy, owners(bare), wanted)
    assert (only(batch).failed, only(batch).examined, batch.severity_level) == (1, 10, "P2")


def test_an_apostrophe_in_the_old_form_is_one_finding_that_names_the_rule(bare: Warehouse, policy: Policy) -> None:
    old = {"row_condition": 'col("owner")=="O\'Brien"', "condition_parser": "great_expectations"}
    batch = check_one(bare, policy, owners(bare), not_null("amount", "old", **old), not_null("amount", "all"))
    assert [result.rule_id for result in batch.rules if result.error] == ["old"]
    assert "condition" in (batch.rules[0].error or "")
    assert (batch.rules[1].failed, batch.rules[1].examined) == (1, 100)


def test_the_old_form_of_a_condition_is_still_read(bare: Warehouse, policy: Policy) -> None:
    old = {"row_condition": 'col("owner")=="Smith"', "condition_parser": "great_expectations"}
    batch = check_one(bare, policy, owners(bare), not_null("amount", **old))
    assert (only(batch).failed, only(batch).examined) == (0, 90)


def test_columns_whose_names_are_alike_keep_their_own_counts(bare: Warehouse, policy: Policy) -> None:
    """Five columns with 1 to 5 nulls of 10; what reads the statements afterwards is Google's own analyzer."""
    columns = ["a b", "a_b", "A__B", "1a", "_1a"]
    selects = ", ".join(f"if(i <= {nulls}, null, i) as `{column}`" for nulls, column in enumerate(columns, start=1))
    table = make_table(bare, "alike", f"select {selects} from unnest(generate_array(1, 10)) as i")
    batch = check_one(bare, policy, table, *(not_null(column, mostly=0.01) for column in columns))
    assert [(result.column, result.failed) for result in batch.rules] == list(zip(columns, range(1, 6), strict=True))


def test_rates_are_not_whole_numbers() -> None:
    assert fraction_text(1, 3, "rules").startswith("33.33 %")
    assert fraction_text(2, 3, "rules").startswith("66.67 %")
    assert fraction_text(1, 1864458).startswith("under 0.01 %")


def test_two_breaches_of_one_run_are_two_findings(warehouse: Warehouse, policy: Policy) -> None:
    one, two = broken_of(warehouse, "one", 3316, 15179), broken_of(warehouse, "two", 100, 1000)
    suites = [suite_of(not_null("amount"), table=table) for table in (one, two)]
    first, second = check_all(warehouse, policy, run_id="run", now=NOW, suites=suites)
    assert (first.severity_level, second.severity_level) == ("P1", "P2")
    assert "21.85 % (3,316 of 15,179 records)" in first.title
    assert "10 % (100 of 1,000 records)" in second.title


def test_hours_without_a_check_are_neither_good_nor_bad(warehouse: Warehouse, policy: Policy) -> None:
    """Hourly and clean, none between 03:00 and 06:00: 21 checks of 21 are clean, and three hours have no row."""
    suite = suite_of(not_null("amount"), table=broken_of(warehouse, "hourly", 0, 10))
    midnight = datetime(2026, 3, 9, tzinfo=UTC)
    for hour in (hour for hour in range(24) if not 3 <= hour < 6):
        now = midnight + timedelta(hours=hour)
        check_all(warehouse, policy, run_id=f"run-{hour}", now=now, suites=[suite])
    (found,) = warehouse.rows(
        "select count(*) as checks, countif(severity_level is not null or rules_errored > 0) as bad, "
        f"count(distinct extract(hour from checked_at)) as hours from {warehouse.raw('quality_batches')}"
    )
    assert found == {"checks": 21, "bad": 0, "hours": 21}
