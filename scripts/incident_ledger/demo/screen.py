"""What the demo's screen shows of the warehouse: rows of the marts, in the order of the screen."""

from datetime import datetime
from typing import Any

from incident_ledger.warehouse import Warehouse

# A query to go on with, as a person types it.
MONTHS = (
    "select period_start, severity_level, incidents, round(median_minutes, 1) as median_minutes, "
    "round(p90_minutes, 1) as p90_minutes from rpt_mttr "
    "where period_grain = 'month' order by period_start desc, severity_level"
)


def response_deadlines(warehouse: Warehouse) -> dict[str, datetime | None]:
    """When an answer is due, by open incident."""
    sql = f"select incident_id, response_deadline from {warehouse.mart('operational_metrics')} where is_open"  # noqa: S608
    return {row["incident_id"]: row["response_deadline"] for row in warehouse.rows(sql)}


def notifications(warehouse: Warehouse) -> list[dict[str, Any]]:
    """The messages, the oldest first."""
    sql = f"""
        select sent_at, status, subject, audience
        from {warehouse.mart("fct_notifications")}
        order by sent_at, subject
    """  # noqa: S608 - only quoted table names are not parameters
    return warehouse.rows(sql)


def causes(warehouse: Warehouse) -> list[dict[str, Any]]:
    """Incidents by cause, the most frequent first and those without one last."""
    sql = f"""
        select root_cause_category as cause, count(*) as incidents, countif(is_open) as open_incidents
        from {warehouse.mart("operational_metrics")}
        group by 1
    """  # noqa: S608
    return sorted(warehouse.rows(sql), key=lambda row: (row["cause"] is None, -row["incidents"], row["cause"]))


def minutes_to_resolution(warehouse: Warehouse) -> list[dict[str, Any]]:
    """The figures of `rpt_mttr` over all periods, by severity."""
    sql = f"""
        select
            severity_level, incidents, open_incidents, median_minutes, p90_minutes, mean_minutes
        from {warehouse.mart("rpt_mttr")}
        where period_grain = 'all'
        order by severity_level
    """  # noqa: S608
    return warehouse.rows(sql)
