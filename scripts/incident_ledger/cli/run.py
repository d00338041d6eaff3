"""`incident-ledger run` and `tick`, the two cadences, and `deploy`."""

from typing import Annotated

import typer

AsOf = Annotated[
    str | None,
    typer.Option(
        "--as-of",
        help="The time to run for, with its zone; now by default. Incidents are shown, and make the alarm, as they "
        "are recorded now: it only sets the clock, and leaves out what was detected later.",
    ),
]
Wait = Annotated[float | None, typer.Option(help="Seconds to wait for another run; the policy's by default.", min=0)]
FailOn = Annotated[
    str | None,
    typer.Option(help="P0 to P3: exit code 1 when something of that severity or worse is open.", metavar="SEVERITY"),
]
Full = Annotated[bool, typer.Option("--full", help="Build and test everything, also what did not change.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command(help="Build, check, plan, notify and report: the whole job. Call it as often as data arrives.")(run)
    app.command(
        help="Make the warehouse what the project's files say, as after an upgrade: tables, policy, views. It checks "
        "nothing and sends nothing; `run` does the same by itself."
    )(deploy)
    app.command(help="Plan and notify from the results of the last checks: quick enough for every minute.")(tick)


def run(
    *,
    as_of: AsOf = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what it would write; write nothing.")] = False,
    full: Full = False,
    wait: Wait = None,
    fail_on: FailOn = None,
    json: AsJson = False,
) -> None:
    """The whole job."""
    from incident_ledger.cli.actions import run as action

    action.run(as_of=as_of, dry_run=dry_run, full=full, wait=wait, fail_on=fail_on, json=json)


def deploy(as_of: AsOf = None, full: Full = False, wait: Wait = None) -> None:
    """The warehouse as the files say."""
    from incident_ledger.cli.actions import run as action

    action.deploy(as_of, full=full, wait=wait)


def tick(as_of: AsOf = None, wait: Wait = None, fail_on: FailOn = None, json: AsJson = False) -> None:
    """The end of the job alone."""
    from incident_ledger.cli.actions import run as action

    action.tick(as_of, wait, fail_on, json)
