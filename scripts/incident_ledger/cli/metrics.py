"""`incident-ledger metrics`: the metrics of the semantic layer, through MetricFlow."""

from typing import Annotated

import typer

from incident_ledger.cli.sql import Format

app = typer.Typer(no_args_is_help=True, help="The metrics of the semantic models, by the dimensions that they have.")


def register(parent: typer.Typer) -> None:
    """Add the group to the command line."""
    parent.add_typer(app, name="metrics")


@app.command(name="list")
def list_(
    metric: Annotated[
        str | None, typer.Argument(metavar="[METRIC]", help="Only this one, with its dimensions.")
    ] = None,
    output: Annotated[Format, typer.Option("--format", help="How rows are written.")] = Format.TABLE,
) -> None:
    """Show the metrics and what each means; of one, the dimensions that it can be asked by."""
    from incident_ledger.cli.actions import metrics as action

    action.list_metrics(metric, output.value)


@app.command()
def query(  # noqa: PLR0917 - Typer gives them by name
    metric: Annotated[list[str], typer.Argument(help="Metrics, by name.")],
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by",
            help="A dimension (severity_level), or the time by day, week, month, quarter or year; again for more.",
        ),
    ] = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where", help="DIMENSION=VALUE[,VALUE] or DIMENSION!=VALUE; no value is null; again: all must hold."
        ),
    ] = None,
    since: Annotated[str | None, typer.Option("--since", help="The first day (2026-03-02).")] = None,
    until: Annotated[
        str | None, typer.Option("--until", help="The last day; with --by month its month is whole.")
    ] = None,
    output: Annotated[Format, typer.Option("--format", help="How rows are written.")] = Format.TABLE,
    limit: Annotated[int | None, typer.Option(min=1, help="Rows that are asked for; all by default.")] = None,
    max_rows: Annotated[int, typer.Option(min=1, help="Rows of the table; CSV and JSON have all.")] = 200,
    show_sql: Annotated[bool, typer.Option("--sql", help="Print MetricFlow's statement, and send nothing.")] = False,
) -> None:
    """Ask for metrics; never reads more than INCIDENT_LEDGER_MAXIMUM_BYTES_BILLED."""
    from incident_ledger.cli.actions import metrics as action

    asked = action.asked(metric, by=by or [], where=where or [], days=(since, until), limit=limit)
    if show_sql:
        action.show_sql(asked)
    else:
        action.query_metrics(asked, output.value, max_rows)
