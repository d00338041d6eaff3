"""`incident-ledger simulate`: plays a scenario and says when to look."""

from datetime import UTC, date, datetime, timedelta

from incident_ledger.cli._console import out, to_json, write_text
from incident_ledger.encoding import screen_line, timestamp
from incident_ledger.errors import UserError
from incident_ledger.ledger.setup import ensure_ledger
from incident_ledger.policy import load
from incident_ledger.settings import load_settings
from incident_ledger.simulation import SCENARIOS, Played, Scenario, Stage, find_scenario, look_at
from incident_ledger.warehouse import Warehouse, connect

_WIDTH = 100


def list_(json: bool) -> None:
    """Show the scenarios."""
    if json:
        shown = ("name", "rule_id", "what", "near_miss")
        write_text(
            to_json({"scenarios": [{name: getattr(each, name) for name in shown} for each in SCENARIOS.values()]})
        )
        return
    for each in SCENARIOS.values():
        _line(f"{each.name:<18}  {each.rule_id:<28}  {each.what}; nearly: {each.near_miss}")


def play(name: str, day: str | None, seed: int, *, near_miss: bool, look: bool) -> None:
    """Write the rows, and show what to call, or what it gives."""
    scenario, settings = find_scenario(name), load_settings()
    warehouse = connect(settings)
    ensure_ledger(warehouse)
    stage = Stage(warehouse, load(warehouse), _day(day), seed)
    played = scenario.play(stage, is_near_miss=near_miss)
    _say(scenario, played, stage, near_miss=near_miss)
    if look:
        _look(warehouse, played)
    else:
        for each in played.looks:
            _line(f"  incident-ledger {each.command} --as-of {timestamp(each.at)}")


def _say(scenario: Scenario, played: Played, stage: Stage, *, near_miss: bool) -> None:
    rule = stage.policy.classification_rule(scenario.rule_id, played.met_at)
    met = "would be met" if near_miss else "is met"
    _line(f"{scenario.name}: {scenario.near_miss if near_miss else scenario.what}.")
    _line(f"The rule {rule.rule_id} ({rule.severity_level}) {met} at {timestamp(played.met_at)}. To see it:")


def _look(warehouse: Warehouse, played: Played) -> None:
    found = look_at(warehouse, played)
    for each in found:
        _line(f"  {each.severity_level}  {each.incident_id}  {screen_line(each.title or '', _WIDTH)}")
    if not found:
        _line("  No new incident.")


def _day(text: str | None) -> date:
    if text is None:
        return (datetime.now(UTC) - timedelta(days=1)).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UserError(f"--day {text!r} is not a day. Write it as 2026-03-03.") from None


def _line(text: str) -> None:
    out.print(text, soft_wrap=True, markup=False, highlight=False)
