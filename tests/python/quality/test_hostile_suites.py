"""Whatever stands in a suite's file, it is that suite's finding: the others are checked, and nothing raises."""

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engines.recorder import expected_to_be_refused
from incident_ledger.policy import Policy
from incident_ledger.quality.checker import check_all
from incident_ledger.warehouse import Warehouse
from quality.helpers import NOW, broken_of, make_table, not_null, rule, suite_from, suite_of

VALID: dict[str, Any] = {
    "name": "valid",
    "id": None,
    "meta": {
        "table": "by_day",
        "owner": "data team",
        "day_column": "day",
        "lookback_days": 3,
        "changes": {"table": "raw.usage_loads", "day_column": "day", "changed_at_column": "loaded_at", "equals": {}},
    },
    "expectations": [
        not_null("amount", "a", mostly=0.9),
        rule("expect_column_values_to_be_between", "b", column="id", min_value=0, max_value=5),
        rule("expect_column_values_to_be_in_set", "c", column="id", value_set=[1, 2]),
        rule("unexpected_rows_expectation", "d", unexpected_rows_query="select * from {batch} where id < 0"),
        rule("expect_column_median_to_be_between", "e", column="id", min_value=0),
        rule("expect_compound_columns_to_be_unique", "f", column_list=["id", "amount"]),
        not_null("amount", "g", row_condition={"type": "nullity", "column": {"name": "id"}, "is_null": False}),
    ],
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
    | st.sampled_from(["`", "\\", "{batch}", "as_of", "amount", "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["type", "name", "$PARAMETER", "x"]), inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to each value of a JSON document."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [way, *(place for key, item in inner for place in places(item, (*way, key)))]


def with_value(way: tuple[Any, ...], value: Any) -> Any:
    """The valid suite with another value in one place."""
    if not way:
        return value
    document = copy.deepcopy(VALID)
    part = document
    for key in way[:-1]:
        part = part[key]
    part[way[-1]] = value
    return document


def tables(warehouse: Warehouse) -> None:
    """One for the good suite, and one by day for the others."""
    broken_of(warehouse, "t", 1, 10)
    make_table(warehouse, "by_day", "select date '2026-03-09' as day, 1 as id, cast(null as int64) as amount")
    warehouse.execute(
        f"insert into {warehouse.raw('usage_loads')} (load_id, source, day, records, loaded_at, recorded_at) "
        "values ('1', 's', date '2026-03-09', 1, @at, @at)",
        {"at": NOW},
    )


@pytest.mark.parametrize("examples", [25, pytest.param(2_000, marks=pytest.mark.soak)])
def test_any_value_in_any_place_of_a_suite_is_a_finding_at_most(
    warehouse: Warehouse, policy: Policy, examples: int
) -> None:
    tables(warehouse)
    good = suite_of(not_null("amount"), table="t")

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(st.sampled_from(places(VALID)), JSON)
    def one(way: tuple[Any, ...], value: Any) -> None:
        suites = [suite_from(with_value(way, value), "hostile.json"), good]
        batches = check_all(warehouse, policy, run_id="h", now=NOW, suites=suites, is_recorded=False)
        assert batches[-1].rules[0].failed == 1

    with expected_to_be_refused():
        one()


def test_what_broke_a_run_once_is_that_suites_finding(warehouse: Warehouse, policy: Policy) -> None:
    """Each beside a good suite, and all recorded."""
    tables(warehouse)
    hostile: list[Any] = [
        b"[" * 100_000,
        b'{"expectations": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        with_value(("expectations", 0, "kwargs", "column"), 5),
        with_value(("expectations", 0, "kwargs", "column"), ["amount"]),
        with_value(("expectations", 5, "kwargs", "column_list"), [5]),
        with_value(("meta", "table"), ["t"]),
        with_value(("meta", "day_column"), ["t"]),
        with_value(("meta", "changes"), []),
        with_value(("meta", "lookback_days"), 10**30),
        with_value(("expectations", 0, "meta"), {"rule_id": ["x"], "owner": {}}),
        with_value(("expectations", 1, "kwargs", "min_value"), "0001-01-01T00:00+14:00"),
    ]
    with expected_to_be_refused():
        for number, content in enumerate(hostile):
            suites = [suite_from(content, "hostile.json"), suite_of(not_null("amount"), table="t")]
            *batches, good = check_all(warehouse, policy, run_id=str(number), now=NOW, suites=suites)
            assert good.rules[0].failed == 1, content
            assert any(batch.check_severity_level or batch.error for batch in batches), number
