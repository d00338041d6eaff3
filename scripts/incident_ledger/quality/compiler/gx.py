"""What a rule means to Great Expectations, taken from the parts of it that are not documented.

Its metrics are built of partial ones: a `….condition` holds the SQL condition of a record that breaks a rule, an
`….aggregate_fn` an aggregate over a column. Those are requested here without sending a statement, so that all
rules of a table can be counted, for all its days, in one. What has no such part is computed by its own
`ValidationGraph`. No other module calls a part of the library that is not documented.

Seen in Great Expectations 1.24.1; `test_gx.py` compares the counts with `validate(result_format="BASIC")`.
"""

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from incident_ledger.quality.catalogue import TYPES, UNEXPECTED_ROWS
from incident_ledger.quality.compiler.alone import alone
from incident_ledger.quality.compiler.typing import RuleError, Schema, convert
from incident_ledger.quality.suite_types import Rule, build
from incident_ledger.warehouse.client import Warehouse

_BATCH = "batch"
_CONDITION = {"row_condition", "condition_parser"}
_BOOLEAN = {"result_format": "BOOLEAN_ONLY"}


class Engine:
    """Great Expectations' SQL engine for a table with the columns of `schema`.

    Without a warehouse it can send nothing: `statistics` and `evaluate` raise `RuleError`.
    """

    @alone
    def __init__(self, schema: Schema, source: Any = None, connect: Callable[[], Any] | None = None) -> None:
        """`source` is the table that statements read from, by way of `connect`."""
        import sqlalchemy as sa
        from great_expectations.execution_engine import SqlAlchemyExecutionEngine
        from sqlalchemy.sql import quoted_name

        quiet()
        engine = sa.create_engine("bigquery://?user_supplied_client=True", creator=connect or _no_connection)
        self._engine = SqlAlchemyExecutionEngine(engine=engine)
        self.dialect = self._engine.engine.dialect
        self._table = sa.Table("batch", sa.MetaData()) if source is None else source
        self._schema = schema
        columns = [quoted_name(name, quote=True) for name in schema.kinds]
        types = [
            {"name": name, "type": _sa_type(kind)} for name, kind in zip(columns, schema.kinds.values(), strict=True)
        ]
        self._known = {"table.columns": columns, "table.column_types": types}
        self._load(self._table)

    @classmethod
    def of(cls, warehouse: Warehouse, dataset: str, table: str, schema: Schema) -> "Engine":
        """For one table, through the warehouse's client: no other credentials exist."""
        import sqlalchemy as sa
        from sqlalchemy_bigquery import BigQueryDialect

        # Rows over REST: the storage API would be a second endpoint with credentials of its own.
        connect = partial(BigQueryDialect.import_dbapi().connect, warehouse.client, prefer_bqstorage_client=False)
        return cls(schema, sa.Table(table, sa.MetaData(), schema=dataset), connect)

    @alone
    def condition(self, rule: Rule, statistics: Mapping[str, Any] | None = None) -> Any:
        """The condition of a record that breaks the rule, nulls as the rule treats them; None when it has none.

        One that measures a record by the others (its distance from their mean) needs their `statistics`.
        """
        found = self._condition_metric(rule)
        partial = self._partial(*found, statistics or {}) if found else None
        return None if partial is None else self._retype(partial)

    @alone
    def statistics(self, rule: Rule, where: str | None) -> dict[str, Any]:
        """What the rule's condition measures records by, of the rows that `where` leaves: the library's own values.

        Raises `RuleError` when they cannot be computed.
        """
        found = self._condition_metric(rule)
        needed = self._needs(*found) if found else {}
        with self._reading(self._rows(rule, where)), _no_warnings():
            resolved = self._compute(list(needed.values()))
        return {name: resolved[metric.id] for name, metric in needed.items()}

    def _condition_metric(self, rule: Rule) -> tuple[str, Any] | None:
        """The metric whose condition is that of a record that breaks the rule, and over what."""
        for name, metric in self._dependencies(rule).items():
            if name.endswith(".unexpected_count") and (rule_is_about_nulls(rule) or "nonnull" not in name):
                return f"{name.removesuffix('.unexpected_count')}.condition", metric
        return None

    def _needs(self, name: str, like: Any) -> dict[str, Any]:
        """The metrics below a partial one that are values of the whole batch."""
        found: dict[str, Any] = {}
        for need, configuration in self._evaluated(name, like)[3].items():
            if need.endswith((".map", ".condition")):
                found |= self._needs(need, configuration)
            elif need not in self._known and need != "table.row_count":
                found[need] = configuration
        return found

    @alone
    def row_condition(self, rule: Rule) -> Any:
        """The rule's `row_condition`, typed; None when it has none.

        Raises `RuleError` for one that Great Expectations cannot read: its old text form knows no apostrophe.
        """
        from great_expectations.expectations.row_conditions import Condition, deserialize_row_condition

        written = rule.kwargs.get("row_condition")
        if written is None or written == "":
            return None
        try:
            with _no_warnings():
                read = deserialize_row_condition(written)
                if isinstance(read, Condition):
                    clause = self._engine.condition_to_filter_clause(read)
                else:
                    clause = _old_condition(read)
        except Exception as error:
            raise RuleError(
                f"row_condition {written!r} cannot be read ({_line(error)}); write it as JSON: "
                '{"type": "comparison", "column": {"name": …}, "operator": "==", "parameter": …}'
            ) from error
        check_clause(clause, self._schema)
        return self._retype(clause)

    @alone
    def aggregate(self, rule: Rule) -> Any:
        """The one aggregate that decides a rule about a column as a whole; None when there is no such form."""
        dependencies = self._dependencies(rule)
        if len(dependencies) != 1:
            return None
        ((name, metric),) = dependencies.items()
        return self._partial(f"{name}.aggregate_fn", metric, {})

    @alone
    def evaluate(self, rule: Rule, where: str | None) -> tuple[bool, Any]:
        """Success and observed value by Great Expectations' own calculation, on the rows that `where` leaves.

        Its statements then read from a subquery that holds the literal days and the row condition, typed. Raises
        `RuleError` when it has no answer.
        """
        expectation = build(rule.type, {**_without_condition(rule), "batch_id": _BATCH}, rule.severity)
        needed = expectation.get_validation_dependencies(
            execution_engine=self._engine, runtime_configuration=dict(_BOOLEAN)
        )
        metrics = needed.get_metric_configurations()
        is_of_schema = all(metric.metric_name.startswith("table.column") for metric in metrics)
        with self._reading(self._table if is_of_schema else self._rows(rule, where)), _no_warnings():
            resolved = self._compute(metrics)
            result = expectation.metrics_validate(
                resolved, runtime_configuration=dict(_BOOLEAN), execution_engine=self._engine
            )
        return bool(result.success), _observed(resolved, metrics)

    def _rows(self, rule: Rule, where: str | None) -> Any:
        """The rows that `where` and the rule's condition leave, to be read from."""
        import sqlalchemy as sa

        conditions = [sa.text(where)] if where else []
        if (condition := self.row_condition(rule)) is not None:
            conditions.append(condition)
        if not conditions:
            return self._table
        return sa.select(sa.text("*")).select_from(self._table).where(*conditions).subquery("batch_rows")

    @contextmanager
    def _reading(self, source: Any) -> Iterator[None]:
        """The library's statements read from `source` inside; what they raise is a `RuleError`."""
        self._load(source)
        try:
            yield
        except RuleError:
            raise
        except Exception as error:
            raise RuleError(_line(error)) from error
        finally:
            self._load(self._table)

    def _compute(self, metrics: Any) -> Mapping[Any, Any]:
        """All metrics by id. Those of the schema are known already, which saves a statement for each subquery.

        An aborted metric would otherwise read as zero: the first one is the rule's error.
        """
        from great_expectations.validator.validation_graph import ValidationGraph

        graph = ValidationGraph(execution_engine=self._engine)
        for metric in metrics:
            graph.build_metric_dependency_graph(metric, runtime_configuration=dict(_BOOLEAN))
        parts = [part for edge in graph.edges for part in (edge.left, edge.right) if part is not None]
        resolved = {part.id: self._known[part.metric_name] for part in parts if part.metric_name in self._known}
        aborted = graph._resolve(metrics=resolved, runtime_configuration=dict(_BOOLEAN), show_progress_bars=False)
        missing = [metric for metric in metrics if metric.id not in resolved]
        if aborted or missing:
            reasons = [str(info["exception_info"].exception_message) for info in aborted.values()]
            raise RuleError(_line(reasons[0] if reasons else f"{missing[0].metric_name} could not be computed"))
        return resolved

    def _dependencies(self, rule: Rule) -> Mapping[str, Any]:
        # The statement has the row condition, typed; the library sees the rule without it.
        expectation = build(rule.type, {**_without_condition(rule), "batch_id": _BATCH}, rule.severity)
        try:
            found = expectation.get_validation_dependencies(
                execution_engine=self._engine, runtime_configuration=dict(_BOOLEAN)
            )
        except Exception as error:
            raise RuleError(_line(error)) from error
        configurations: Mapping[str, Any] = found.metric_configurations
        return configurations

    def _partial(self, name: str, like: Any, statistics: Mapping[str, Any]) -> Any:
        """The partial metric `name` over the domain and values of `like`; None when it needs a statement of its own."""
        from great_expectations.core.metric_function_types import MetricPartialFunctionTypes as Kind
        from great_expectations.exceptions import MetricProviderError

        try:
            provider, function, metric, needs = self._evaluated(name, like)
        except MetricProviderError:
            return None
        if getattr(function, "metric_fn_type", None) == Kind.WINDOW_CONDITION_FN:
            return None
        metrics: dict[str, Any] = {**self._known, **statistics}
        for need, configuration in needs.items():
            if need in metrics or need == "table.row_count":
                continue
            part = self._partial_with_domain(need, configuration, statistics)
            if part is None:
                return None
            metrics[need] = part
        answer = self._call(provider, function, metric, metrics)
        return answer[0]

    def _evaluated(self, name: str, like: Any) -> tuple[Any, Any, Any, Mapping[str, Any]]:
        """What computes the metric `name` over the domain and values of `like`, and the metrics that it needs."""
        from great_expectations.expectations.registry import get_metric_provider
        from great_expectations.validator.metric_configuration import MetricConfiguration

        provider, function = get_metric_provider(name, self._engine)
        metric = MetricConfiguration(name, dict(like.metric_domain_kwargs), dict(like.metric_value_kwargs))
        needs = provider.get_evaluation_dependencies(
            metric=metric, execution_engine=self._engine, runtime_configuration=dict(_BOOLEAN)
        )
        return provider, function, metric, needs

    def _partial_with_domain(self, name: str, configuration: Any, statistics: Mapping[str, Any]) -> Any:
        if not name.endswith((".map", ".condition")):
            return None
        part = self._partial(name, configuration, statistics)
        return None if part is None else (part, {}, {})

    def _call(self, provider: Any, function: Any, metric: Any, metrics: dict[str, Any]) -> Any:
        try:
            with _no_warnings():
                return function(
                    cls=provider,
                    execution_engine=self._engine,
                    metric_domain_kwargs=metric.metric_domain_kwargs,
                    metric_value_kwargs=metric.metric_value_kwargs,
                    metrics=metrics,
                    runtime_configuration=dict(_BOOLEAN),
                )
        except Exception as error:
            raise RuleError(_line(error)) from error

    def _load(self, selectable: Any) -> None:
        from great_expectations.execution_engine.sqlalchemy_batch_data import SqlAlchemyBatchData

        data = SqlAlchemyBatchData(execution_engine=self._engine, table_name=self._table.name)
        data._selectable = selectable  # given in its constructor it would be wrapped in an alias that GX cannot filter
        self._engine.load_batch_data(_BATCH, data)

    def _retype(self, clause: Any) -> Any:
        return retype(clause, self._schema)


def retype(clause: Any, schema: Schema) -> Any:
    """A condition whose values are typed as the columns that they are compared with."""
    import sqlalchemy as sa
    from sqlalchemy.sql import operators, visitors
    from sqlalchemy.sql.elements import BinaryExpression, BindParameter, ColumnClause

    comparisons = {
        operators.eq, operators.ne, operators.lt, operators.le, operators.gt, operators.ge,
        operators.in_op, operators.not_in_op,
    }  # fmt: skip

    def typed(element: Any, **_: Any) -> Any:
        if not isinstance(element, BinaryExpression) or element.operator not in comparisons:
            return None
        column, value = element.left, element.right
        if not isinstance(column, ColumnClause) or not isinstance(value, BindParameter) or value.callable is not None:
            return None
        name = str(column.name)
        kind = schema.kind(name)
        if value.expanding:
            items = [convert(item, kind, name) for item in value.value or ()]
            return column.in_(items) if element.operator is operators.in_op else column.not_in(items)
        right = sa.literal(convert(value.value, kind, name))
        return BinaryExpression(column, right, element.operator, negate=element.negate, modifiers=element.modifiers)

    return visitors.replacement_traverse(clause, {}, typed)


def check_clause(clause: Any, schema: Schema) -> None:
    """Refuse a condition with a name that is no column of the table, or with anything written as SQL.

    The dialect quotes a name and does not escape it, so a backtick in one would end it. Raises `RuleError`.
    """
    from sqlalchemy.sql import visitors
    from sqlalchemy.sql.elements import ColumnClause, TextClause

    for element in visitors.iterate(clause):
        if isinstance(element, TextClause) or getattr(element, "is_literal", False):
            raise RuleError("row_condition is SQL of its own, which only unexpected_rows_query may be")
        if isinstance(element, ColumnClause):
            schema.kind(str(element.name))


def rule_is_about_nulls(rule: Rule) -> bool:
    """Whether nulls are what the rule counts."""
    return rule.type in {"expect_column_values_to_not_be_null", "expect_column_values_to_be_null"}


def is_about_records(kind: str) -> bool:
    """Whether an expectation counts records that break it; else it is about the column or the table as a whole."""
    from great_expectations.expectations import expectation as gx
    from great_expectations.expectations.registry import get_expectation_impl

    if kind in TYPES:
        return False
    of_records = (gx.ColumnMapExpectation, gx.ColumnPairMapExpectation, gx.MulticolumnMapExpectation)
    return kind == UNEXPECTED_ROWS or issubclass(get_expectation_impl(kind), of_records)


def quiet() -> None:
    """No progress bars, no tracebacks of aborted metrics on the terminal: each is a rule's finding."""
    logging.getLogger("great_expectations").setLevel(logging.CRITICAL)
    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)


def _no_connection() -> Any:
    raise RuleError("there is no warehouse to ask")


def _without_condition(rule: Rule) -> dict[str, Any]:
    return {name: value for name, value in rule.kwargs.items() if name not in _CONDITION}


@contextmanager
def _no_warnings() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _old_condition(text: Any) -> Any:
    from great_expectations.expectations.legacy_row_conditions import condition, parse_condition_to_sqlalchemy

    condition.parse_string(text, parse_all=True)  # the library reads the first comparison, and drops what follows it
    return parse_condition_to_sqlalchemy(text)


def _sa_type(kind: str) -> Any:
    import sqlalchemy as sa
    import sqlalchemy_bigquery as bigquery

    types = {
        "INT64": sa.Integer, "FLOAT64": sa.Float, "NUMERIC": sa.Numeric, "BIGNUMERIC": sa.Numeric, "BOOL": sa.Boolean,
        "STRING": sa.String, "BYTES": sa.LargeBinary, "DATE": sa.Date, "TIME": sa.Time,
        "DATETIME": bigquery.DATETIME, "TIMESTAMP": bigquery.TIMESTAMP, "JSON": sa.JSON,
    }  # fmt: skip
    return types[kind]() if kind in types else sa.types.NullType()


def _observed(resolved: Mapping[Any, Any], metrics: Any) -> Any:
    if len(metrics) != 1:
        return None
    value = resolved.get(metrics[0].id)
    return value if isinstance(value, int | float | str | bool) else None


def _line(error: Any) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:500]
