"""What is normal for a target: medians over days, which an outage of hours does not move."""

# ruff: noqa: S608 -- names of tables and columns are our own; times are literals of their own

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.rows import literal
from incident_ledger.warehouse.tables import PROBE_RESULTS

# Of values that are normally distributed 1.4826 times the median absolute deviation is the standard deviation.
# https://en.wikipedia.org/wiki/Median_absolute_deviation
DEVIATIONS_PER_MAD = 1.4826


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """Of one target: `healthy` good answers with the median of their latency and its median absolute deviation, and the
    median over hours of the share of probes that failed (of `probes`)."""

    probes: int
    healthy: int = 0
    median_ms: float | None = None
    mad_ms: float | None = None
    error_percent: float = 0.0

    @property
    def as_json(self) -> dict[str, Any]:
        """As evidence has it."""
        numbers = {"median_ms": self.median_ms, "mad_ms": self.mad_ms}
        known = {name: round(value, 3) for name, value in numbers.items() if value is not None}
        return {
            "probes": self.probes,
            "healthy": self.healthy,
            "error_percent": round(self.error_percent, 3),
            **known,
        }


def to_baseline(value: Mapping[str, Any]) -> Baseline:
    """The baseline of `as_json`."""
    return Baseline(**{name: value[name] for name in Baseline.__dataclass_fields__ if name in value})


def read_baselines(warehouse: Warehouse, since: datetime, until: datetime) -> dict[str, Baseline]:
    """By target, over its probes from `since` to `until`: one statement, which reads the partitions of these days."""
    sql = f"""
        with results as (

            select
                target_id,
                failure_kind is null as is_healthy,
                latency_ms,
                timestamp_trunc(probed_at, hour) as probed_hour
            from {warehouse.raw(PROBE_RESULTS.name)}
            where probed_at >= {literal(since)} and probed_at < {literal(until)}

        ),

        healthy as (

            select
                target_id,
                latency_ms,
                percentile_cont(latency_ms, 0.5) over (partition by target_id) as median_ms
            from results
            where is_healthy

        ),

        deviating as (

            select
                target_id,
                median_ms,
                percentile_cont(abs(latency_ms - median_ms), 0.5) over (partition by target_id) as mad_ms
            from healthy

        ),

        latencies as (

            select target_id, count(*) as healthy, max(median_ms) as median_ms, max(mad_ms) as mad_ms
            from deviating
            group by target_id

        ),

        hours as (

            select
                target_id, probed_hour, count(*) as probes, 100 * countif(not is_healthy) / count(*) as error_percent
            from results
            group by target_id, probed_hour

        ),

        shares as (

            select
                target_id,
                probes,
                percentile_cont(error_percent, 0.5) over (partition by target_id) as error_percent
            from hours

        ),

        errors as (

            select target_id, sum(probes) as probes, max(error_percent) as error_percent
            from shares
            group by target_id

        )

        select
            errors.target_id,
            errors.probes,
            coalesce(latencies.healthy, 0) as healthy,
            latencies.median_ms,
            latencies.mad_ms,
            errors.error_percent
        from errors
        left join latencies on errors.target_id = latencies.target_id
    """
    return {row.pop("target_id"): Baseline(**row) for row in warehouse.rows(sql)}
