"""The semantic layer: MetricFlow accepts the metrics, and what it asks of the warehouse gives the marts' figures."""

from types import SimpleNamespace
from typing import Any

import pytest

from marts.conftest import Cases
from marts.ledger import Ledger


def semantic_manifest(ledger: Ledger) -> Any:
    """Semantic models and metrics as dbt hands them to MetricFlow."""
    from dbt.contracts.graph.semantic_manifest import SemanticManifest

    return SemanticManifest(ledger.dbt.manifest())._get_pydantic_semantic_manifest()


def ask(ledger: Ledger, metrics: list[str], *group_by: str) -> list[dict[str, Any]]:
    """What a query of metrics gives, through MetricFlow's own SQL."""
    from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
    from metricflow.protocols.sql_client import SqlEngine
    from metricflow.sql.render.big_query import BigQuerySqlPlanRenderer
    from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
    from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

    client = SimpleNamespace(sql_engine_type=SqlEngine.BIGQUERY, sql_plan_renderer=BigQuerySqlPlanRenderer())
    transformed = parse_manifest_from_dbt_generated_manifest(semantic_manifest(ledger).json())
    engine = MetricFlowEngine(SemanticManifestLookup(transformed), client)
    request = MetricFlowQueryRequest.create(metric_names=metrics, group_by_names=list(group_by))
    return ledger.warehouse.rows(engine.explain(request).sql_statement.sql)


def test_metricflow_accepts_the_semantic_models(cases: Cases) -> None:
    from dbt_semantic_interfaces.validations.semantic_manifest_validator import SemanticManifestValidator

    found = SemanticManifestValidator[Any]().validate_semantic_manifest(semantic_manifest(cases.ledger))
    assert [issue.message for issue in found.all_issues] == []


def test_metrics_of_incidents_are_those_of_the_report(archive: Ledger) -> None:
    asked = ask(archive, ["incidents", "mttr_minutes", "mttr_counted_incidents"], "incident__severity_level")
    report = archive.rows("rpt_mttr", "period_grain = 'all' and severity_level != 'all'")
    assert {row["incident__severity_level"]: (row["incidents"], row["mttr_counted_incidents"]) for row in asked} == {
        row["severity_level"]: (row["incidents"], row["counted_incidents"]) for row in report
    }
    means = {row["severity_level"]: row["mean_minutes"] for row in report}
    assert {row["incident__severity_level"]: row["mttr_minutes"] for row in asked} == pytest.approx(means)


def test_averages_leave_out_what_follows_the_resolution(cases: Cases) -> None:
    month = "metric_time__month"
    asked = ask(cases.ledger, ["mtta_minutes", "mttc_minutes", "time_anomalies"], month, "incident__severity_level")
    (row,) = (row for row in asked if f"{row[month]:%Y-%m}" == "2025-09" and row["incident__severity_level"] == "P0")
    assert (row["mtta_minutes"], row["mttc_minutes"], row["time_anomalies"]) == (5.0, 7.0, 1)


def test_metrics_by_month_are_those_of_the_report(archive: Ledger) -> None:
    asked = ask(archive, ["incidents", "mttr_minutes"], "metric_time__month")
    report = archive.rows("rpt_mttr", "period_grain = 'month' and severity_level = 'all'", "period_start")
    by_month = {f"{row['metric_time__month']:%Y-%m}": row for row in asked if row["incidents"]}
    assert {name: row["incidents"] for name, row in by_month.items()} == {
        f"{row['period_start']:%Y-%m}": row["incidents"] for row in report
    }


def test_failure_rates_are_over_what_ran(cases: Cases) -> None:
    table = "quality_check__table_name"
    rates = {row[table]: row["failed_validation_rate"] for row in ask(cases.ledger, ["failed_validation_rate"], table)}
    days = pytest.approx(10 / (10 * 3 + 81 * 20))
    assert rates == {"shop.thirds": pytest.approx(1 / 3), "shop.broken": None, "shop.orders": 0.0, "shop.days": days}
    errors = {row[table]: row["checks_errored"] for row in ask(cases.ledger, ["checks_errored"], table)}
    assert errors == {"shop.thirds": 0, "shop.broken": 1, "shop.orders": 0, "shop.days": 0}
