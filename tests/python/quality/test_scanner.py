"""How many statements a check sends, and what they read."""

import re
from datetime import date

from incident_ledger.policy import Policy
from incident_ledger.quality.partitions import DayColumn
from incident_ledger.warehouse import Warehouse
from quality.helpers import broken_of, check, check_one, make_table, not_null, rule, statements, suite_of

COLUMN = "expect_column_values_to_"


def test_ten_column_rules_are_one_statement_and_uniqueness_a_second(bare: Warehouse, policy: Policy) -> None:
    table = broken_of(bare, "many", 3, 100)
    ten = [
        not_null("id"),
        not_null("amount"),
        not_null("amount", "some", row_condition={
            "type": "comparison", "column": {"name": "id"}, "operator": ">", "parameter": 50,
        }),
        rule(f"{COLUMN}be_between", column="amount", min_value=1, max_value=100),
        rule(f"{COLUMN}be_between", column="id", min_value=1),
        rule(f"{COLUMN}be_in_set", column="id", value_set=[1, 2, 3]),
        rule(f"{COLUMN}not_be_in_set", column="id", value_set=[-1]),
        rule("expect_column_pair_values_a_to_be_greater_than_b", column_A="id", column_B="amount", or_equal=True),
        rule("expect_column_max_to_be_between", column="id", max_value=100),
        rule("unexpected_rows_expectation", unexpected_rows_query="select * from {batch} where id < amount"),
    ]  # fmt: skip
    with statements() as sent:
        check_one(bare, policy, table, *ten)
    assert len(sent) == 1
    with statements() as sent:
        check_one(
            bare,
            policy,
            table,
            *ten,
            rule(f"{COLUMN}be_unique", column="id"),
            rule("expect_compound_columns_to_be_unique", column_list=["id", "amount"]),
        )
    assert len(sent) == 2


def test_many_days_are_no_more_statements_than_one(bare: Warehouse, policy: Policy) -> None:
    table = make_table(
        bare,
        "by_day",
        "select date_add(date '2026-01-01', interval mod(i, 60) day) as day, if(i < 60, null, i) as amount "
        "from unnest(generate_array(0, 599)) as i",
    )
    suite = suite_of(not_null("amount"), rule(f"{COLUMN}be_unique", column="amount"), day_column="day")
    days = [date(2026, 1, number) for number in (1, 2, 5)]
    with statements() as sent:
        batches = check(bare, policy, table, suite, days)
    assert len(sent) == 2
    literal = re.compile(
        r"`day` between date '2026-01-01' and date '2026-01-02'\) "
        r"or \(`day` between date '2026-01-05' and date '2026-01-05'"
    )
    assert all(literal.search(sql) for sql, _ in sent)
    assert [(batch.day, batch.examined, batch.rules[0].failed) for batch in batches] == [(day, 10, 1) for day in days]


def test_a_day_without_records_is_examined_and_empty(bare: Warehouse, policy: Policy) -> None:
    table = make_table(bare, "gone", "select date '2026-01-01' as day, 1 as amount")
    rules = [not_null("amount"), rule("expect_table_row_count_to_be_between", "rows", min_value=1)]
    (batch,) = check(bare, policy, table, suite_of(*rules, day_column="day"), [date(2026, 1, 2)])
    assert [result.severity_level for result in batch.rules] == [None, "P1"]
    assert batch.examined == 0


def test_a_filter_of_days_is_literal_for_every_kind_of_column() -> None:
    day = date(2026, 1, 31)
    wanted = {
        "DATE": "`d` between date '2026-01-31' and date '2026-01-31'",
        "TIMESTAMP": "`d` >= timestamp '2026-01-31 00:00:00+00' and `d` < timestamp '2026-02-01 00:00:00+00'",
        "DATETIME": "`d` >= datetime '2026-01-31 00:00:00' and `d` < datetime '2026-02-01 00:00:00'",
    }
    assert {kind: DayColumn("d", kind).each([day]).where for kind in wanted} == wanted


def test_records_without_a_day_are_part_of_the_whole_table(bare: Warehouse, policy: Policy) -> None:
    table = make_table(bare, "dayless", "select * from unnest([date '2026-01-01', null]) as day")
    (batch,) = check(bare, policy, table, suite_of(not_null("day"), day_column="day"))
    assert (batch.rules[0].failed, batch.rules[0].examined) == (1, 2)


def test_a_table_by_time_is_cut_into_utc_days(bare: Warehouse, policy: Policy) -> None:
    table = make_table(
        bare,
        "by_time",
        "select * from unnest([timestamp '2026-01-01 23:59:59.999999+00', timestamp '2026-01-02 00:00:00+00']) as seen",
    )
    suite = suite_of(not_null("seen"), day_column="seen")
    batches = check(bare, policy, table, suite, [date(2026, 1, 1), date(2026, 1, 2)])
    assert [batch.examined for batch in batches] == [1, 1]
