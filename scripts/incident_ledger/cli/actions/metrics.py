"""`incident-ledger metrics`."""

from collections.abc import Sequence
from datetime import date

from incident_ledger.asking.metric_names import known
from incident_ledger.asking.metric_queries import MetricQuery, Metrics
from incident_ledger.cli._console import write_text
from incident_ledger.cli._rows import print_answer
from incident_ledger.dbt_runner import Dbt
from incident_ledger.errors import UserError
from incident_ledger.settings import load_settings
from incident_ledger.warehouse import Column, QueryResult, connect


def list_metrics(name: str | None, output: str) -> None:
    """The metrics, each in a line, or one with its dimensions. Asks the warehouse nothing."""
    settings = load_settings()
    found = {each.name: each for each in Metrics(Dbt(settings, settings.api_endpoint)).known()}
    if name is None:
        rows = [(each.name, each.label, each.description) for each in found.values()]
        names = ("metric", "label", "description")
    else:
        metric = found[known(name, found, "metric")]
        rows = [(metric.name, each, metric.description) for each in (*metric.dimensions, "metric_time")]
        names = ("metric", "dimension", "description")
    print_answer(QueryResult(tuple(Column(each, "STRING") for each in names), rows, None, None), output, len(rows))


def asked(
    metrics: Sequence[str],
    *,
    by: Sequence[str],
    where: Sequence[str],
    days: tuple[str | None, str | None],
    limit: int | None,
) -> MetricQuery:
    """What is asked for, of days from the first to the last."""
    since, until = (
        _day(day, option) if day else None for day, option in zip(days, ("--since", "--until"), strict=True)
    )
    return MetricQuery(metrics=metrics, by=by, where=where, since=since, until=until, limit=limit)


def query_metrics(query: MetricQuery, output: str, max_rows: int) -> None:
    """The rows of a query."""
    warehouse = connect(load_settings())
    print_answer(Metrics(Dbt(warehouse.settings, warehouse.endpoint)).ask(warehouse, query), output, max_rows)


def show_sql(query: MetricQuery) -> None:
    """The statement of a query, which is not sent."""
    settings = load_settings()
    sql, params = Metrics(Dbt(settings, settings.api_endpoint)).sql(query)
    write_text(sql, *(f"-- @{name} = {', '.join(values)}" for name, values in params.items()))


def _day(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UserError(f"{option} {text!r} is no day: write 2026-03-02.") from None
