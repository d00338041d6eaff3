"""`incident-ledger import`: incidents of other systems."""

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command group `import`."""
    group = typer.Typer(no_args_is_help=True, help="Take in incidents of other systems.")
    group.callback()(lambda: None)
    group.command("statuspage", help="An Atlassian Statuspage: archives (JSON lines) and polls (incidents.json).")(
        statuspage
    )
    app.add_typer(group, name="import")


def statuspage(
    places: Annotated[list[str], typer.Argument(metavar="FILE_OR_URL...", help="Files or http(s) URLs, in any order.")],
    complete: Annotated[
        bool,
        typer.Option(
            "--complete",
            help="I know that the listing leaves nothing out: what vanished from it was deleted from the page.",
        ),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Import and say what was new, what was known and what was refused (exit code 5)."""
    from incident_ledger.cli.actions import importing as action

    action.statuspage(places, complete, json)
