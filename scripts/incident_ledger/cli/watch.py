"""`incident-ledger watch`: ticks in one warm process."""

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(
        help="Tick in one warm process: at the next look after a table changed or when something is due, else ask for "
        "nothing. SIGTERM and Ctrl-C let the tick at work end; a second Ctrl-C does not wait for it."
    )(watch)


def watch(
    every: Annotated[str, typer.Option(help="How often to look: 60s, 2m; from 1s to 1h.", metavar="TIME")] = "60s",
    listen: Annotated[
        str,
        typer.Option(
            help="Where /healthz and /metrics (Prometheus) answer, to whoever asks: HOST:PORT, or a PORT of this "
            "machine alone; none for nowhere.",
            metavar="ADDRESS",
        ),
    ] = "127.0.0.1:9464",
) -> None:
    """Tick until a signal."""
    from incident_ledger.cli.actions import watch as action

    action.watch(every, listen)
