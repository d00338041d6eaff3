"""`incident-ledger load`: lands the vendors' usage exports, and log entries where no sink writes them."""

from pathlib import Path
from typing import Annotated

import typer

# Of `importers.usage.REPORTS` (a test compares them), which takes longer to import than help may take.
REPORT_NAMES = "anthropic_usage, anthropic_cost, claude_code, cursor_events, cursor_daily, cursor_spend"
# Of `importers.sinks.SINKS` (a test compares them).
SINK_NAMES = "pipeline_logs, audit_logs, key_inventory"


def register(app: typer.Typer) -> None:
    """Add the command group `load`."""
    group = typer.Typer(no_args_is_help=True, help="Land records of other systems.")
    group.callback()(lambda: None)
    group.command("usage", help="Land usage and cost exports of Anthropic and Cursor, as their APIs answer them.")(
        usage
    )
    group.command("sink", help="Load exported entries of Cloud Logging into the table of a sink.")(sink)
    app.add_typer(group, name="load")


def usage(
    files: Annotated[list[Path], typer.Argument(help="Files of one export: all pages of a period in one command.")],
    source: Annotated[str, typer.Option(help=f"Whose report: {REPORT_NAMES}.")],
    exported_at: Annotated[
        str | None, typer.Option(help="When the export was made, with its zone; when it is loaded by default.")
    ] = None,
    as_of: Annotated[str | None, typer.Option(help="The time of this load, with its zone; now by default.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Load and say what was new, what is incomplete and what was refused."""
    from incident_ledger.cli.actions import load as action

    action.usage(files, source, exported_at, as_of, json)


def sink(
    name: Annotated[str, typer.Argument(help=f"Which sink: {SINK_NAMES}. Its table is a setting.")],
    files: Annotated[list[Path], typer.Argument(help="Entries as JSON: one a line, or a list, as gcloud writes them.")],
    as_of: Annotated[str | None, typer.Option(help="The time of this load, with its zone; now by default.")] = None,
    json: Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")] = False,
) -> None:
    """Load and say what was new, what came twice and what was refused."""
    from incident_ledger.cli.actions import load as action

    action.sink(name, files, as_of, json)
