"""What MetricFlow asks of a warehouse for a query of metrics."""

from types import SimpleNamespace
from typing import Any, Protocol

from incident_ledger.dbt_runner import Dbt
from incident_ledger.warehouse import Warehouse


class BuiltWarehouse(Protocol):
    """A warehouse, and the dbt that built it."""

    warehouse: Warehouse
    dbt: Dbt


def semantic_manifest(place: BuiltWarehouse) -> Any:
    """Semantic models and metrics as dbt hands them to MetricFlow."""
    from dbt.contracts.graph.semantic_manifest import SemanticManifest

    return SemanticManifest(place.dbt.manifest())._get_pydantic_semantic_manifest()


def ask(place: BuiltWarehouse, metrics: list[str], *group_by: str) -> list[dict[str, Any]]:
    """What a query of metrics gives, through MetricFlow's own SQL."""
    from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
    from metricflow.protocols.sql_client import SqlEngine
    from metricflow.sql.render.big_query import BigQuerySqlPlanRenderer
    from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
    from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup

    client = SimpleNamespace(sql_engine_type=SqlEngine.BIGQUERY, sql_plan_renderer=BigQuerySqlPlanRenderer())
    transformed = parse_manifest_from_dbt_generated_manifest(semantic_manifest(place).json())
    engine = MetricFlowEngine(SemanticManifestLookup(transformed), client)
    request = MetricFlowQueryRequest.create(metric_names=metrics, group_by_names=list(group_by))
    return place.warehouse.rows(engine.explain(request).sql_statement.sql)
