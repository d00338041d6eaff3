"""The marts of checks are made in slices of days below the byte limit, and end as one statement makes them."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from conftest import fresh_settings
from incident_ledger.dbt_runner import Dbt
from incident_ledger.quality.result_types import BatchResult, RuleResult
from incident_ledger.quality.results import record
from incident_ledger.warehouse import Warehouse, connect
from incident_ledger.warehouse.tables import ensure_tables
from relay import Relay, Request, failed

LIMIT = 10 * 1024**2  # 640 records
FIRST = datetime(2026, 3, 1, 10, tzinfo=UTC)
DAYS = 5
CHECKS = 250  # of a day, so that two days are a slice
MODELS = {"fct_data_quality": "stg_ledger__quality_batches", "fct_quality_rules": "stg_ledger__quality_results"}
LONG_AFTER, THAT_WEEK = datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 3, 6, tzinfo=UTC)
IN_SLICES = [["0001-01-01", "2026-03-03"], ["2026-03-03", "2026-03-05"], ["2026-03-05"]]

Rows = dict[str, list[dict[str, Any]]]


@pytest.fixture
def relay(endpoint: str) -> Iterator[Relay]:
    with Relay(endpoint) as relay:
        yield relay


@pytest.fixture(scope="module")
def warehouse(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """Datasets of its own with five days of checks, whose statements may bill 10 MB."""
    settings = fresh_settings(endpoint, tmp_path_factory.mktemp("slices"))
    warehouse = connect(settings.model_copy(update={"maximum_bytes_billed": LIMIT}))
    ensure_tables(warehouse)
    for day in range(DAYS):
        check(warehouse, FIRST + timedelta(days=day))
    assert build(Dbt(warehouse.settings, warehouse.endpoint), *MODELS.values()) == []
    return warehouse


@pytest.fixture(scope="module")
def whole(warehouse: Warehouse) -> Rows:
    """The rows as one statement makes them."""
    settings = warehouse.settings.model_copy(update={"maximum_bytes_billed": 100 * 1024**3})
    assert build(Dbt(settings, warehouse.endpoint), more=("--full-refresh",)) == []
    return rows(warehouse)


def check(warehouse: Warehouse, at: datetime) -> None:
    """One suite of one rule for each of many tables."""
    batches = [batch(f"ai_usage_prod.t{number}", failed=number % 7) for number in range(CHECKS)]
    record(warehouse, batches, f"run-{at:%Y%m%d}", at)


def batch(table: str, failed: int) -> BatchResult:
    rule = RuleResult(
        rule_id="given",
        type="expect_column_values_to_not_be_null",
        column="a",
        dimension="completeness",
        owner=None,
        gx_severity="critical",
        is_table_rule=False,
        success=failed == 0,
        examined=1000,
        failed=failed,
        observed=None,
        severity_level=None,
        threshold=None,
        error=None,
    )
    return BatchResult(
        table=table,
        suite=f"{table}.json",
        owner=None,
        day=None,
        examined=1000,
        rules=(rule,),
        severity_level=None,
        worst_rule_id=None,
        check_severity_level=None,
        title="given",
        value=None,
        threshold=None,
    )


def through(warehouse: Warehouse, relay: Relay) -> Dbt:
    """dbt by way of the relay."""
    relay.requests.clear()
    return Dbt(warehouse.settings.model_copy(update={"api_endpoint": relay.endpoint}), relay.endpoint)


def build(dbt: Dbt, *select: str, more: tuple[str, ...] = (), as_of: datetime = LONG_AFTER) -> list[Any]:
    results = dbt.invoke(["run", "--select", *(select or MODELS), *more], as_of=as_of)
    return [(each.name, each.message) for each in results if not each.is_success]


def built(relay: Relay, model: str) -> list[list[str]]:
    """The days from which and before which each statement reads checks to fill the table, in order."""
    found = []
    for request in relay.requests:
        is_filled = re.search(rf"(merge into|create or replace table) \S+{model}`", request.query)
        if is_filled and MODELS[model] in request.query:
            condition = re.search(rf"from \S+{MODELS[model]}` where (.*)\)", request.query)
            found.append(re.findall(r"'(\d{4}-\d\d-\d\d)", condition[1] if condition else ""))
    return found


def rows(warehouse: Warehouse) -> Rows:
    return {model: warehouse.rows(f"select * from {warehouse.mart(model)} order by 1, checked_at") for model in MODELS}


@pytest.mark.parametrize("more", [(), ("--full-refresh",)], ids=["first build", "full refresh"])
def test_checks_are_taken_in_slices(warehouse: Warehouse, whole: Rows, relay: Relay, more: tuple[str, ...]) -> None:
    if not more:
        for model in MODELS:
            warehouse.execute(f"drop table {warehouse.mart(model)}")
    assert build(through(warehouse, relay), more=more) == []
    assert {model: built(relay, model) for model in MODELS} == dict.fromkeys(MODELS, IN_SLICES)
    assert {model: len(found) for model, found in whole.items()} == dict.fromkeys(MODELS, DAYS * CHECKS)
    assert rows(warehouse) == whole
    further = [request.query for request in relay.requests if "merge into" in request.query]
    for statement in further:  # as after an answer that was lost
        warehouse.execute(statement)
    assert rows(warehouse) == whole


@pytest.mark.parametrize(
    ("as_of", "taken"),
    [
        (LONG_AFTER, [["2026-03-01", "2026-03-03"], ["2026-03-03", "2026-03-05"], ["2026-03-05"]]),
        (THAT_WEEK, [["2026-03-01"]]),
    ],
    ids=["days of long ago", "days of the last week"],
)
def test_a_build_that_dies_between_slices_of_checks_is_ended_by_the_next(
    warehouse: Warehouse, whole: Rows, relay: Relay, as_of: datetime, taken: list[list[str]]
) -> None:
    """It begins with the day before the newest that is there, and adds what is not."""

    def is_second(request: Request) -> bool:
        return "timestamp(date '2026-03-03')" in request.query and "merge into" in request.query

    relay.rule(is_second, failed(400, "invalidQuery"), times=2)
    assert len(build(through(warehouse, relay), more=("--full-refresh",), as_of=as_of)) == 2
    assert {row["checked_at"].day for found in rows(warehouse).values() for row in found} == {1, 2}
    assert build(through(warehouse, relay), as_of=as_of) == []
    assert {model: built(relay, model) for model in MODELS} == dict.fromkeys(MODELS, taken)
    assert rows(warehouse) == whole


def test_a_build_with_new_checks_alone_counts_no_days(warehouse: Warehouse, whole: Rows, relay: Relay) -> None:
    """Two requests a table: what its newest is, and what is added."""
    for model in MODELS:
        warehouse.execute(f"delete from {warehouse.mart(model)} where checked_at >= '2026-03-05'")
    assert build(through(warehouse, relay), as_of=THAT_WEEK) == []
    asked = [request.query for request in relay.requests if "checked_at" in request.query]
    assert len(asked) == 2 * len(MODELS)
    assert {model: built(relay, model) for model in MODELS} == {key: [["2026-03-03"]] for key in MODELS}
    assert rows(warehouse) == whole
