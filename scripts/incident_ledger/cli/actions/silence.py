"""`incident-ledger silence`: maintenance windows, and troubles that are known."""

from dataclasses import asdict
from datetime import UTC, datetime

from incident_ledger.cli._console import Text, err, out, parse_time, print_rows, to_json, write_text
from incident_ledger.cli.actions.command_context import command_context
from incident_ledger.encoding import TimeError, parse_span, screen_line
from incident_ledger.errors import UserError
from incident_ledger.ledger.setup import ensure_ledger
from incident_ledger.policy import load
from incident_ledger.response.silences import Scope, Silence
from incident_ledger.runner.silence_rows import add_silence, end_silence, silences_reading
from incident_ledger.settings import load_settings
from incident_ledger.warehouse import Warehouse, connect
from incident_ledger.warehouse.reading import read

_WIDTH = 60


def add(
    component: str | None,
    rule: str | None,
    owner: str | None,
    *,
    reason: str,
    until: str | None,
    lasting: str | None,
    start: str | None,
    actor: str | None,
    json: bool,
) -> None:
    """Write a silence and show it with its end."""
    given = [
        (scope, value)
        for scope, value in ((Scope.COMPONENT, component), (Scope.RULE, rule), (Scope.OWNER, owner))
        if value is not None
    ]
    if len(given) != 1:
        raise UserError("Say what it is about: one of --component, --rule and --owner.")
    context = command_context(None, actor)
    starts_at = parse_time(start, "--from") if start else context.now
    ends_at = _end(starts_at, until, lasting)
    warehouse = _warehouse()
    (scope, value), policy = given[0], load(warehouse)
    silence = add_silence(
        warehouse,
        policy,
        scope=scope,
        value=value,
        starts_at=starts_at,
        ends_at=ends_at,
        reason=reason,
        actor=context.actor,
        now=context.now,
    )
    _show("Held back", silence, json)


def list_(everything: bool, json: bool) -> None:
    """What is held back now or later."""
    now = datetime.now(UTC)
    warehouse = _warehouse()
    found = read(warehouse, silences_reading(warehouse, now, everything=True))
    shown = [each for each in found if everything or each.ends_at > now]
    if json:
        write_text(to_json([asdict(each) for each in shown]))
        return
    if not shown:
        err.print("No silences.", style="dim")
        return
    rows = [
        [
            Text(each.silence_id),
            Text("on" if each.holds_at(now) else "to come" if each.starts_at > now else "over"),
            Text(_time(each.starts_at)),
            Text(_time(each.ends_at)),
            Text(screen_line(f"{each.scope} {each.value}", _WIDTH)),
            Text(screen_line(each.actor, _WIDTH)),
            Text(screen_line(each.reason, _WIDTH)),
        ]
        for each in shown
    ]
    print_rows(("id", "", "from", "until", "of", "by", "why"), rows, first=range(4))


def end(silence: str, actor: str | None, json: bool) -> None:
    """End a silence now."""
    context = command_context(None, actor)
    _show("Over", end_silence(_warehouse(), silence, actor=context.actor, now=context.now), json)


def _end(starts_at: datetime, until: str | None, lasting: str | None) -> datetime:
    if (until is None) == (lasting is None):
        raise UserError("A silence has an end: give --until TIME or --for SPAN, one of them.")
    if until is not None:
        return parse_time(until, "--until")
    try:
        return starts_at + parse_span(lasting or "")
    except TimeError as error:
        raise UserError(f"--for {lasting!r} {error}. {error.advice[0].upper()}{error.advice[1:]}.") from None
    except OverflowError:
        raise UserError(f"--for {lasting!r} ends in no year of the calendar. Write it as 90m or 2h.") from None


def _warehouse() -> Warehouse:
    warehouse = connect(load_settings())
    ensure_ledger(warehouse)
    return warehouse


def _show(word: str, silence: Silence, json: bool) -> None:
    if json:
        write_text(to_json(asdict(silence)))
        return
    what = screen_line(f"{silence.scope} {silence.value}", _WIDTH)
    text = f"{word}: {what}, from {_time(silence.starts_at)} until {_time(silence.ends_at)} ({silence.silence_id})"
    out.print(text, soft_wrap=True, markup=False, highlight=False)


def _time(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"
