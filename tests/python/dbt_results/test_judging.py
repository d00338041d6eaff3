"""What a status of dbt means: which rule, how bad, and when there is a rate."""

from typing import Any

import pytest

from dbt_results.results import lineage, node, result
from incident_ledger.dbt_results.judging import judge
from incident_ledger.policy import Policy

ORDERS, TEST = "model.shop.orders", "test.shop.not_null_orders_id.81cf"


def of_test(name: str = "not_null", **config: Any) -> dict[str, Any]:
    return node(TEST, ORDERS, attached_node=ORDERS, test_metadata={"name": name}, config=config)


@pytest.mark.parametrize(
    ("unique_id", "status", "rule_id", "severity"),
    [
        (ORDERS, "success", None, None),
        (ORDERS, "error", "dbt_node_failed", "P2"),
        (ORDERS, "partial success", "dbt_node_failed", "P2"),
        (ORDERS, "skipped", None, None),
        ("operation.shop.on-run-end-0", "fail", "dbt_node_failed", "P2"),
        (TEST, "pass", None, None),
        (TEST, "warn", "dbt_test_warned", "P3"),
        (TEST, "fail", "dbt_test_failed", "P2"),
        # A check that could not run is what the playbook calls a failure of monitoring.
        (TEST, "error", "monitoring_system_failure", "P1"),
        ("unit_test.shop.orders.adds_up", "error", "monitoring_system_failure", "P1"),
        ("source.shop.raw.orders", "pass", None, None),
        ("source.shop.raw.orders", "warn", "dbt_source_late", "P3"),
        ("source.shop.raw.orders", "error", "dbt_source_stale", "P2"),
        ("source.shop.raw.orders", "runtime error", "monitoring_system_failure", "P1"),
    ],
)
def test_a_status_has_the_rule_and_the_severity_of_the_policy(
    policy: Policy, unique_id: str, status: str, rule_id: str | None, severity: str | None
) -> None:
    verdict = judge(result(unique_id, status), lineage(), policy, None)
    assert (verdict and verdict.rule_id, verdict and verdict.severity_level) == (rule_id, severity)


@pytest.mark.parametrize(
    ("failures", "rows", "severity", "rule_id"),
    [
        (4, 100, "P2", "dbt_test_failed"),  # below the playbook's bands: dbt's own severity
        (5, 100, "P2", "dbt_test_failed"),  # no worse than that
        (20, 100, "P2", "dbt_test_failed"),
        (21, 100, "P1", "data_quality_failures"),
    ],
)
def test_a_known_rate_over_20_percent_makes_a_failed_test_worse(
    policy: Policy, failures: int, rows: int, severity: str, rule_id: str
) -> None:
    verdict = judge(result(TEST, "fail", failures=failures), lineage(of_test(), node(ORDERS)), policy, rows)
    assert verdict is not None
    assert (verdict.severity_level, verdict.rule_id, verdict.failed, verdict.examined) == (
        severity,
        rule_id,
        failures,
        rows,
    )


@pytest.mark.parametrize(
    ("test", "failures", "rows"),
    [
        (of_test("accepted_values"), 1, 10_000),  # counts values: 1 of 10,000 rows would hide 3,000 bad ones
        (of_test("unique"), 30, 100),
        (of_test(), 30, None),  # nobody counted the table's rows
        (of_test(where="day > '2026-01-01'"), 30, 100),
        (of_test(limit=10), 30, 100),
        (of_test(fail_calc="sum(n)"), 30, 100),
        (of_test(), 130, 100),  # the table was another one when its rows were counted
    ],
)
def test_failures_alone_are_no_rate(policy: Policy, test: dict[str, Any], failures: int, rows: int | None) -> None:
    verdict = judge(result(TEST, "fail", failures=failures), lineage(test, node(ORDERS)), policy, rows)
    assert verdict is not None
    assert (verdict.severity_level, verdict.failed, verdict.examined) == ("P2", None, None)


def test_a_pass_below_its_limit_is_a_pass(policy: Policy) -> None:
    assert judge(result(TEST, "pass", failures=4), lineage(of_test(), node(ORDERS)), policy, 100) is None


@pytest.mark.parametrize(
    ("of_the_test", "of_the_model", "severity"),
    [("P0", None, "P0"), (None, "p1", "P1"), ("P3", "P0", "P3"), ("critical", None, "P2"), (7, None, "P2")],
)
def test_a_project_says_itself_how_bad_a_test_is(
    policy: Policy, of_the_test: Any, of_the_model: Any, severity: str
) -> None:
    """And so decides also against a rate."""
    test = of_test(meta={"incident_severity": of_the_test})
    model = node(ORDERS, meta={"incident_severity": of_the_model})
    verdict = judge(result(TEST, "fail", failures=4), lineage(test, model), policy, 100)
    assert verdict is not None
    assert verdict.severity_level == severity


def test_an_owner_is_the_nearest_that_dbt_names() -> None:
    exposure = {
        "exposure.shop.board": node(
            "exposure.shop.board", ORDERS, owner={"name": "Board", "email": ["board@example.com", "x@example.com"]}
        )
    }
    groups = {"group.shop.finance": {"name": "finance", "owner": {"email": "finance@example.com"}}}
    bare, grouped = node(ORDERS), node(ORDERS, group="finance")
    owned = node(ORDERS, group="finance", meta={"owner": "ann@example.com"})
    owners = [
        lineage(of_test(), each, exposures=exposure, groups=groups).owner(TEST) for each in (bare, grouped, owned)
    ]
    assert owners == ["board@example.com", "finance@example.com", "ann@example.com"]
    assert lineage(of_test(), bare).owner(TEST) is None
