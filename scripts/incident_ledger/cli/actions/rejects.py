"""`incident-ledger rejects`: what imports and loads refused."""

from datetime import UTC, datetime
from pathlib import Path

import typer

from incident_ledger.cli._console import Text, err, out, print_rows, to_json, write_text
from incident_ledger.encoding import screen_line
from incident_ledger.errors import ExitCode, UserError
from incident_ledger.importers.replay import find_reject, kept_rejects
from incident_ledger.importers.replay import replay as take_in_again
from incident_ledger.settings import load_settings
from incident_ledger.warehouse import connect

_SHOWN = 1_000
_ID = 12  # characters of an id that a person needs


def list_(everything: bool, json: bool) -> None:
    """What was refused and not taken in yet."""
    found = kept_rejects(connect(load_settings()), everything=everything, with_record=json)
    if json:
        write_text(to_json([vars(reject) for reject in found]))
        return
    if not found:
        err.print("No rejects.", style="dim")
        return
    rows = [
        [
            Text(reject.reject_id[:_ID]),
            Text(reject.source),
            *([Text(f"{reject.replayed_at:%Y-%m-%d %H:%M}Z" if reject.replayed_at else "")] if everything else []),
            Text(f"{reject.file}:{reject.line}"),
            Text(reject.field or ""),
            Text(screen_line(reject.error, 120)),
        ]
        for reject in found[:_SHOWN]
    ]
    first = ("id", "source", *(("taken in",) if everything else ()))
    print_rows((*first, "where", "field", "why"), rows, first=range(len(first)))
    if len(found) > _SHOWN:
        err.print(f"{len(found) - _SHOWN:,} more; --json has all", style="dim")


def show(reject: str, json: bool) -> None:
    """One reject with its record as it came."""
    found = find_reject(connect(load_settings()), reject)
    if json:
        write_text(to_json(vars(found)))
        return
    for name, value in vars(found).items():
        if name != "record" and value is not None:
            out.print(f"{name:<12} {value}", soft_wrap=True)
    out.print(found.record or "", soft_wrap=True)


def replay(rejects: list[str] | None, file: Path | None, json: bool) -> None:
    """Take records in after all: as they came, or one of them corrected. Exit code 5 when some are still refused."""
    warehouse, now = connect(load_settings()), datetime.now(UTC)
    if file and len(rejects or []) != 1:
        raise UserError("--file corrects one reject: name it by its id.")
    chosen = [find_reject(warehouse, part) for part in rejects] if rejects else kept_rejects(warehouse)
    outcomes = take_in_again(warehouse, chosen, now, corrected=file)
    if json:
        write_text(to_json([vars(outcome) for outcome in outcomes]))
    else:
        for outcome in outcomes:
            new = f"{outcome.new_events} new events, {outcome.new_records} new usage records"
            result = f"still refused: {outcome.error}" if outcome.error else f"taken in, {new}"
            out.print(f"{outcome.reject_id[:_ID]}  {result}", soft_wrap=True)
        if not outcomes:
            err.print("No rejects.", style="dim")
    if any(outcome.error for outcome in outcomes):
        raise typer.Exit(int(ExitCode.REJECTS))
