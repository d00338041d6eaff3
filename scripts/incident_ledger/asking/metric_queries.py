"""Metrics through MetricFlow: it writes the SQL, our client sends it with its labels, limits and bound values."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from types import SimpleNamespace
from typing import Any

from incident_ledger.asking.metric_names import Condition, condition, dimension, known
from incident_ledger.dbt_runner import Dbt
from incident_ledger.errors import UserError
from incident_ledger.job_labels import labelled_model
from incident_ledger.warehouse import QueryResult, Warehouse


@dataclass(frozen=True, kw_only=True)
class MetricQuery:
    """What is asked: metrics by dimensions, of what meets all conditions, between two days (both in)."""

    metrics: Sequence[str]
    by: Sequence[str] = ()
    where: Sequence[str] = ()
    since: date | None = None
    until: date | None = None
    limit: int | None = None


@dataclass(frozen=True)
class KnownMetric:
    """A metric with what it means, and the dimensions that it can be asked by, by their whole names."""

    name: str
    label: str
    description: str
    dimensions: tuple[str, ...]


class Metrics:
    """The metrics of the project's semantic models."""

    def __init__(self, dbt: Dbt) -> None:
        self._engine, self._metrics = _engine(dbt)

    def known(self) -> list[KnownMetric]:
        """All of them by name."""
        return [
            KnownMetric(name, metric.label or name, metric.description or "", tuple(self._dimensions([name])))
            for name, metric in sorted(self._metrics.items())
        ]

    def sql(self, query: MetricQuery) -> tuple[str, dict[str, list[str]]]:
        """The statement and its parameters. Raises `UserError` for a name that is none, or what cannot be asked."""
        from metricflow.engine.metricflow_engine import MetricFlowQueryRequest

        metrics = [known(name, self._metrics, "metric") for name in query.metrics]
        names = self._dimensions(metrics)
        conditions = [condition(text, names, metrics) for text in query.where]
        filters = [_template(each, f"where_{number}") for number, each in enumerate(conditions)]
        params = {f"where_{number}": list(each.values) for number, each in enumerate(conditions) if each.values}
        by = [dimension(name, names, metrics) for name in query.by]
        try:
            request = MetricFlowQueryRequest.create(
                metric_names=metrics,
                group_by_names=by,
                where_constraints=filters,
                order_by_names=by,
                limit=query.limit,
                time_constraint_start=_start(query.since),
                time_constraint_end=_start(query.until),
            )
            return self._engine.explain(request).sql_statement.sql, params
        except Exception as error:  # MetricFlow has no base of its own for what it refuses
            if not _is_refusal(error):
                raise
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            raise UserError(f"MetricFlow cannot answer this: {' '.join(lines[:6])[:600]}") from error

    def ask(self, warehouse: Warehouse, query: MetricQuery) -> QueryResult:
        """The rows of a query. Raises as `sql` does, and `StatementError`."""
        sql, params = self.sql(query)
        with labelled_model(query.metrics[0]):
            return warehouse.answer(sql, params)

    def _dimensions(self, metrics: Sequence[str]) -> list[str]:
        found = self._engine.simple_dimensions_for_metrics(list(metrics))
        return sorted({each.granularity_free_dunder_name for each in found} - {"metric_time"})


def _engine(dbt: Dbt) -> tuple[Any, dict[str, Any]]:
    """MetricFlow over the manifest. It never sends anything itself: its client only says how SQL is written."""
    from dbt.contracts.graph.semantic_manifest import SemanticManifest
    from metricflow.engine.metricflow_engine import MetricFlowEngine
    from metricflow.protocols.sql_client import SqlEngine
    from metricflow.sql.render.big_query import BigQuerySqlPlanRenderer
    from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
    from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

    for name in ("metricflow", "metricflow_semantics"):
        logging.getLogger(name).setLevel(logging.ERROR)
    text = SemanticManifest(dbt.manifest())._get_pydantic_semantic_manifest().json()
    manifest = parse_manifest_from_dbt_generated_manifest(text)
    client: Any = SimpleNamespace(sql_engine_type=SqlEngine.BIGQUERY, sql_plan_renderer=BigQuerySqlPlanRenderer())
    metrics = {metric.name: metric for metric in manifest.metrics}
    return MetricFlowEngine(SemanticManifestLookup(manifest), client), metrics


def _template(each: Condition, parameter: str) -> str:
    """A condition for MetricFlow: a known name and a bound parameter, no text of a person."""
    column = "{{ Dimension('" + each.dimension + "') }}"
    if not each.values:
        return f"{column} is {'not ' if each.is_negated else ''}null"
    found = f"cast({column} as string) in unnest(@{parameter})"
    return f"coalesce(not {found}, true)" if each.is_negated else found


def _is_refusal(error: Exception) -> bool:
    return type(error).__module__.startswith(("metricflow", "dbt_semantic_interfaces"))


def _start(day: date | None) -> datetime | None:
    return datetime.combine(day, time()) if day else None
