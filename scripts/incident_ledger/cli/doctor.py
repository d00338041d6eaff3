"""`incident-ledger doctor`: what is right, what is not, and what to do about it."""

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="For machines: all findings and the exit code.")] = False,
) -> None:
    """Check settings, credentials, datasets, rights, policy, channels, suites and versions; say what to do.

    Exit code 0: nothing is wrong, though there may be warnings; 2: you can fix it; 3: the warehouse or a network.
    """
    from incident_ledger.cli.actions import doctor as action

    action.doctor(as_json)
