"""The semantic layer: MetricFlow accepts the metrics, and what it asks of the warehouse gives the marts' figures."""

from datetime import date
from typing import Any

import pytest

from incident_ledger.asking.metric_queries import MetricQuery, Metrics
from incident_ledger.errors import UserError
from marts.conftest import Cases
from marts.ledger import Ledger
from semantic_layer import ask, semantic_manifest


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


def test_the_kept_share_of_an_sla_is_that_of_its_clocks_by_severity(archive: Ledger) -> None:
    clock, severity = "sla_clock__clock", "sla_clock__severity_level"
    found: dict[tuple[str, str | None], dict[str, Any]] = {}
    for metrics in (["sla_kept_rate"], ["sla_clocks_judged", "sla_minutes_late"]):
        for row in ask(archive, metrics, clock, severity):
            found.setdefault((row[clock], row[severity]), {}).update(row)
    clocks: dict[tuple[str, str | None], list[dict[str, Any]]] = {}
    for row in archive.rows("fct_response_sla"):
        clocks.setdefault((row["clock"], row["severity_level"]), []).append(row)
    assert found.keys() == clocks.keys()
    assert len(clocks) > 10
    for key, rows in clocks.items():
        judged = [row["is_met"] for row in rows if row["is_met"] is not None]
        late = [row["minutes_late"] for row in rows if row["is_met"] is not True and row["minutes_late"] is not None]
        assert found[key]["sla_clocks_judged"] == len(judged)
        assert found[key]["sla_kept_rate"] == (pytest.approx(sum(judged) / len(judged)) if judged else None)
        assert found[key]["sla_minutes_late"] == (pytest.approx(sum(late) / len(late)) if late else None)
    (updates,) = ask(archive, ["update_kept_rate"])
    rows = [row for row in archive.rows("fct_response_sla") if row["clock"] == "updates"]
    kept, due = (sum(row[name] for row in rows) for name in ("updates_kept", "updates_due"))
    assert updates["update_kept_rate"] == pytest.approx(kept / due)


def test_clocks_are_asked_for_by_what_their_incident_is_now(archive: Ledger) -> None:
    asked = ask(archive, ["sla_clocks_judged"], "incident__severity_level")
    severities = {row["incident_id"]: row["severity_level"] for row in archive.rows("operational_metrics")}
    counts: dict[str, int] = {}
    for row in archive.rows("fct_response_sla"):
        if row["is_met"] is not None:
            counts[severities[row["incident_id"]]] = counts.get(severities[row["incident_id"]], 0) + 1
    found = {row["incident__severity_level"]: row["sla_clocks_judged"] for row in asked if row["sla_clocks_judged"]}
    assert found == counts


def test_a_query_of_the_command_is_what_sql_says(archive: Ledger) -> None:
    metrics = Metrics(archive.dbt)
    query = MetricQuery(metrics=["incidents", "mttr_minutes"], by=["severity_level"], where=["severity_level!=P3"])
    found = {row[0]: row[1:] for row in metrics.ask(archive.warehouse, query).rows}
    report = archive.rows("rpt_mttr", "period_grain = 'all' and severity_level not in ('all', 'P3')")
    assert found == {row["severity_level"]: (row["incidents"], pytest.approx(row["mean_minutes"])) for row in report}
    days = MetricQuery(metrics=["incidents"], since=date(2024, 3, 5), until=date(2024, 4, 10))
    (row,) = archive.warehouse.rows(
        f"select count(*) as incidents from {archive.warehouse.mart('operational_metrics')} "
        "where detection_date between '2024-03-05' and '2024-04-10'"
    )
    assert metrics.ask(archive.warehouse, days).rows == [(row["incidents"],)]
    assert row["incidents"] > 0


@pytest.mark.parametrize("value", ["x' or true or '", "{{ 7 * 7 }}", "\\", "@where_1", ""])
def test_a_value_of_a_filter_is_only_compared(value: str, archive: Ledger) -> None:
    metrics = Metrics(archive.dbt)
    every, none = (
        metrics.ask(archive.warehouse, MetricQuery(metrics=["incidents"], where=[f"severity_level{operator}{value}"]))
        for operator in ("!=", "=")
    )
    assert sum(row[0] or 0 for row in none.rows) == 0
    assert every.rows == metrics.ask(archive.warehouse, MetricQuery(metrics=["incidents"])).rows


def test_what_metricflow_refuses_is_one_screen(archive: Ledger) -> None:
    query = MetricQuery(metrics=["incidents", "usage_tokens"], by=["usage__vendor"])
    with pytest.raises(UserError) as refused:
        Metrics(archive.dbt).sql(query)
    assert len(str(refused.value)) < 1000
