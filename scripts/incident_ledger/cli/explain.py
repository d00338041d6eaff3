"""`incident-ledger explain`: the rows and the arithmetic behind a figure."""

from enum import StrEnum
from typing import Annotated

import typer


class Explained(StrEnum):
    """What can be explained."""

    MTTR = "mttr"
    MTTA = "mtta"
    MTTC = "mttc"
    MTTD = "mttd"
    SLA = "sla"
    QUALITY = "quality"
    HEALTH = "health"


def register(app: typer.Typer) -> None:
    """Add `explain`."""
    app.command(name="explain")(explain)


def explain(  # noqa: PLR0917 - Typer gives them by name
    metric: Annotated[
        Explained, typer.Argument(help="A time (with counts), the SLA's clocks, the checks, or the health score.")
    ],
    incident: Annotated[
        str | None,
        typer.Option("--incident", help="Of one incident (a unique beginning of its id, or latest), to its events."),
    ] = None,
    period: Annotated[str, typer.Option(help="2026, 2026-Q1, 2026-03, 2026-W10 or all.")] = "all",
    severity: Annotated[str, typer.Option(help="P0 to P3, or all.")] = "all",
    rule: Annotated[
        str | None, typer.Option("--rule", help="With quality: of one rule, its failed records of those examined.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every row, not only the first 20.")] = False,
    as_of: Annotated[str | None, typer.Option("--as-of", help="The time of the health score; now by default.")] = None,
) -> None:
    """Show the arithmetic behind a figure, the mart's own figure beside it, and the rows that it is made of."""
    from incident_ledger.cli.actions import explain as action

    action.explain(
        metric.value, incident=incident, period=period, severity=severity, rule=rule, everything=everything, as_of=as_of
    )
