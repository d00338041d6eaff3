"""`incident-ledger simulate`: invented rows in which something of the playbook happens, on the local warehouse."""

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command group `simulate`."""
    group = typer.Typer(
        no_args_is_help=True, help="Write invented rows in which something of the playbook happens, or nearly does."
    )
    group.callback()(lambda: None)
    group.command("list", help="Every scenario, its rule and its near miss.")(list_)
    group.command("play", help="Write the rows of a scenario, and say when to look.")(play)
    app.add_typer(group, name="simulate")


def list_(
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Show the scenarios."""
    from incident_ledger.cli.actions import simulate as action

    action.list_(json)


def play(
    scenario: Annotated[str, typer.Argument(help="Which scenario: `simulate list` has them.")],
    day: Annotated[
        str | None, typer.Option(help="On which day it happens, as 2026-03-03; yesterday by default.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of chance: the same seed and day give the same rows.")] = 1,
    near_miss: Annotated[
        bool, typer.Option("--near-miss", help="What nearly happens instead: nothing follows.")
    ] = False,
    look: Annotated[bool, typer.Option("--look", help="Run and tick at those times, and show the incidents.")] = False,
) -> None:
    """Write the rows into the local warehouse, through what writes the real ones."""
    from incident_ledger.cli.actions import simulate as action

    action.play(scenario, day, seed, near_miss=near_miss, look=look)
