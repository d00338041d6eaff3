"""`incident-ledger outbox`: what was sent to whom, what failed, and resending it."""

import json
from typing import Any

import typer

from incident_ledger.cli._console import Text, err, out, parse_time, print_rows, to_json, write_text
from incident_ledger.encoding import shortened
from incident_ledger.errors import ExitCode, UserError
from incident_ledger.notify import queries
from incident_ledger.notify.channels.registry import channel_names, require_channels
from incident_ledger.policy import load as load_policy
from incident_ledger.settings import load_settings
from incident_ledger.warehouse import Warehouse, connect

_LISTED_CHARACTERS = 80  # of an outcome in the list; `show` has all of it
_STYLES = {
    "sent": "green",
    "pending": "cyan",
    "uncertain": "yellow",
    "failed": "red",
    "rerouted": "dim",
    "digested": "dim",
}


def list_(status: list[str] | None, incident: str | None, limit: int, as_json: bool) -> None:
    """List messages, the newest first, and the channels that fail."""
    warehouse = _warehouse()
    rows = queries.messages(warehouse, statuses=status or (), incident=incident, limit=limit)
    if as_json:
        write_text(to_json(rows))
        return
    if not rows:
        out.print("No messages.")
    else:
        _print(rows)
    now = parse_time(None, "now")
    for finding in queries.channel_findings(warehouse, warehouse.settings, load_policy(warehouse), now):
        err.print(str(finding), style="yellow", soft_wrap=True)


def show(message_id: str, html: bool, as_json: bool) -> None:
    """Show one message as it was or will be sent, and what each channel did with it."""
    rows = queries.message(_warehouse(), message_id)
    if as_json:
        write_text(to_json(rows))
        return
    if html:
        write_text(rows[0]["body_html"])
        return
    first = rows[0]
    for name in ("message_id", "incident_id", "template", "audience", "recipients", "subject"):
        out.print(Text(f"{name.replace('_', ' '):<12} {first[name]}"), soft_wrap=True)
    for row in rows:
        out.print(Text(f"{row['channel']:<12} {outcome(row)}", style=_STYLES[row["status"]]), soft_wrap=True)
    write_text(f"\n{first['body_text']}", end="")


def retry(message_id: str | None, channel: str | None, as_of: str | None, as_json: bool) -> None:
    """Resend what failed or stayed uncertain, with all its attempts. An uncertain one may arrive twice."""
    from incident_ledger.runner.resend import resend

    now = parse_time(as_of, "--as-of")
    require_channels(load_settings())
    warehouse = _warehouse()
    names = channel_names(warehouse.settings)
    if channel is not None and channel not in names:
        raise UserError(f"No channel {channel!r} in the settings; there are {', '.join(names)}.")
    whole = queries.message(warehouse, message_id)[0]["message_id"] if message_id else None
    count, deliveries = resend(warehouse, load_policy(warehouse), now, message_id=whole, channel=channel)
    if as_json:
        write_text(json.dumps([vars(delivery) for delivery in deliveries], indent=2, ensure_ascii=False))
    else:
        out.print(f"{count} to resend.")
        for delivery in deliveries:
            line = f"{delivery.status.value:<9} {delivery.channel}: {delivery.subject}"
            style = _STYLES[delivery.status.value]
            out.print(Text(f"{line} ({delivery.error})" if delivery.error else line, style=style), soft_wrap=True)
    if any(delivery.is_failed for delivery in deliveries):
        raise typer.Exit(int(ExitCode.OUTSIDE))


def _warehouse() -> Warehouse:
    from incident_ledger.ledger.setup import ensure_ledger

    warehouse = connect(load_settings())
    ensure_ledger(warehouse)
    return warehouse


def _print(rows: list[dict[str, Any]]) -> None:
    cells = [
        [
            Text(f"{row['created_at']:%Y-%m-%d %H:%M}"),
            Text(row["message_id"][:8]),
            Text(row["template"]),
            Text(row["channel"]),
            Text(shortened(outcome(row), _LISTED_CHARACTERS), style=_STYLES[row["status"]]),
            Text(row["subject"]),
        ]
        for row in rows
    ]
    print_rows(("created (UTC)", "message", "template", "channel", "outcome", "subject"), cells, first=range(4))


def outcome(row: dict[str, Any]) -> str:
    """What became of a message, or when it will go."""
    words: str = row["status"]
    if words == "pending" and row["not_before"]:
        return f"pending: quiet hours, goes at {row['not_before']:%Y-%m-%d %H:%M} UTC"
    if row["attempts"] > 1 or row["status"] in {"failed", "uncertain", "rerouted"}:
        words += f", {row['attempts']} attempts" if row["attempts"] != 1 else ", 1 attempt"
    return f"{words}: {row['last_error']}" if row["last_error"] else words
