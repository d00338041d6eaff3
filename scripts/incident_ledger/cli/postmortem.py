"""`incident-ledger postmortem`: the review of an incident as a document, written from the ledger and read back."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from incident_ledger.cli._incident_options import Actor, Id, Json


class _WithDefault(TyperGroup):
    """`postmortem ID` is `postmortem write ID`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """An id, or an option of `write`, where the name of a command would stand."""
        if args and args[0] not in {*self.commands, "--help"}:
            args = ["write", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_WithDefault, no_args_is_help=True, help="Write the review of an incident, and read it back when it was edited."
)


def register(parent: typer.Typer) -> None:
    """Add the command group `postmortem`."""
    parent.add_typer(app, name="postmortem")


@app.command()
def write(
    incident: Id,
    output: Annotated[
        Path | None, typer.Option("--output", help="A file that is not there yet; the screen by default.")
    ] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="The time for what still runs; now by default.")] = None,
) -> None:
    """Write the review in Markdown: `postmortem ID` does the same."""
    from incident_ledger.cli.actions import postmortem as action

    action.write(incident, output, as_of)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="The edited review.", exists=True, dir_okay=False, readable=True)],
    actor: Actor = None,
    json: Json = False,
) -> None:
    """Record what the edited review says: causes, impact, tasks, factors, improvements. It was held, then."""
    from incident_ledger.cli.actions import postmortem as action

    action.import_(file, actor, json)
