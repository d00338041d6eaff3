"""`incident-ledger explain`."""

import math
from collections.abc import Sequence
from datetime import datetime

import typer

from incident_ledger.asking.explanations import (
    Explanation,
    Figure,
    Row,
    check_severity,
    explain_durations,
    explain_health,
    explain_incident,
    explain_quality,
    explain_rule,
    explain_sla,
)
from incident_ledger.asking.periods import read_period
from incident_ledger.cli._console import Text, err, out, parse_time, print_rows
from incident_ledger.cli._rows import print_table
from incident_ledger.dbt_runner import Dbt
from incident_ledger.errors import ExitCode, UserError
from incident_ledger.settings import load_settings
from incident_ledger.warehouse import Column, QueryResult, Warehouse, connect

_SHOWN = 20
_SMALL = 0.001


def explain(
    metric: str,
    *,
    incident: str | None,
    period: str,
    severity: str,
    rule: str | None,
    everything: bool,
    as_of: str | None,
) -> None:
    """Print the arithmetic and the rows. Exits with 3 where the mart has another figure: it is older than its rows."""
    if incident and (period != "all" or severity != "all"):
        raise UserError("--incident is of one incident: leave out --period and --severity.")
    if metric in {"quality", "health"} and (incident or severity != "all"):
        raise UserError(f"{metric} is of no incident and no severity: leave out --incident and --severity.")
    if rule is not None and metric != "quality":
        raise UserError(f"--rule is of a check of quality: write explain quality --rule {rule}.")
    time, warehouse = parse_time(as_of, "--as-of"), connect(load_settings())
    if severity != "all":
        check_severity(warehouse, severity)
    if rule is not None:
        found = explain_rule(warehouse, rule, read_period(period))
    else:
        found = _explanation(warehouse, metric, incident=incident, period=period, severity=severity, time=time)
    out.print(Text(found.meaning))
    print_rows(["figure", "value", "how", "mart"], [_cells(figure) for figure in found.figures], first=[0, 1])
    _print_behind(found.rows, len(found.rows) if everything else _SHOWN)
    unequal = [figure for figure in found.figures if not figure.is_equal]
    for figure in unequal:
        given = f"{figure.source} has {_number(figure.stored)}, its rows give {_number(figure.step.value)}"
        err.print(f"error: {given}. incident-ledger run --full builds both.", style="red", soft_wrap=True)
    if unequal:
        raise typer.Exit(int(ExitCode.OUTSIDE))


def _explanation(
    warehouse: Warehouse, metric: str, *, incident: str | None, period: str, severity: str, time: datetime
) -> Explanation:
    span = read_period(period)
    match metric:
        case "sla":
            return explain_sla(warehouse, span, severity, incident)
        case "quality":
            return explain_quality(warehouse, span)
        case "health":
            if period != "all":
                raise UserError("The health score is of one time: give --as-of in place of --period.")
            return explain_health(warehouse, Dbt(warehouse.settings, warehouse.endpoint), time)
    if incident:
        return explain_incident(warehouse, metric, incident)
    return explain_durations(warehouse, metric, span, severity)


def _cells(figure: Figure) -> list[Text]:
    equal = f"= {figure.source}" if figure.is_equal else f"{figure.source} has {_number(figure.stored)}"
    return [Text(figure.step.name), Text(_number(figure.step.value)), Text(figure.step.how), Text(equal)]


def _print_behind(rows: Sequence[Row], limit: int) -> None:
    if not rows:
        out.print("No row is behind it.")
        return
    columns = tuple(Column(name, _kind([row[name] for row in rows])) for name in rows[0])
    print_table(QueryResult(columns, [tuple(row.values()) for row in rows[:limit]], None, None), limit)
    if len(rows) > limit:
        err.print(f"{len(rows) - limit:,} more rows; --all shows them", style="dim")


def _kind(values: Sequence[object]) -> str:
    first = next((value for value in values if value is not None), None)
    is_number = isinstance(first, int | float) and not isinstance(first, bool)
    return "FLOAT64" if is_number else "STRING"


def _number(value: float | None) -> str:
    if value is None:
        return "not known"
    if isinstance(value, int):
        return f"{value:,}"
    # What is small has three digits of its own: 1 of 1,864,458 is no 0.
    digits = 3 if abs(value) >= _SMALL or not value else 2 - math.floor(math.log10(abs(value)))
    return f"{value:,.{digits}f}"
