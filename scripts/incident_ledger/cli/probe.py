"""`incident-ledger probe`: whether APIs, dashboards and the warehouse answer."""

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command `probe`."""
    app.command("probe", help="Call the APIs, dashboards and the warehouse of the policy; may be called every minute.")(
        probe
    )


def probe(
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Record what they answer; the next tick opens, raises or resolves the incidents.

    It holds no lease: two at once do no harm. What is called is the policy's `probe_targets`; the keys are environment
    variables whose names stand there.
    """
    from incident_ledger.cli.actions import probe as action

    action.probe(json)
