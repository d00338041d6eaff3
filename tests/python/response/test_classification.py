"""Each row of the playbook's classification through a simulated clock: what is found, and what its class asks for."""

from datetime import timedelta

import pytest

from incident_ledger.ledger.events import Event, EventType
from incident_ledger.notify.composing import compose_due
from incident_ledger.notify.flapping import Due
from incident_ledger.response.planner import plan
from incident_ledger.response.signals import Signal
from ledger.fold import states
from simulated import MINUTE, POLICY, START, name

RULES = {rule.rule_id: rule for rule in POLICY.classification_rules(START)}
# The playbook's Response Requirements, in minutes.
RESPONSES = {"P0": 5, "P1": 15, "P2": 60}
ESCALATIONS = {"P0": 0, "P1": 30, "P2": 240}
# Its Communication: all stakeholders; engineering and finance; engineering.
ENGINEERING = {"engineering-oncall@samba.tv", "engineering-lead@samba.tv"}
FINANCE, OTHERS = {"finance@samba.tv"}, {"sysadmin@samba.tv", "security@samba.tv"}
AUDIENCES = {"P0": ENGINEERING | FINANCE | OTHERS, "P1": ENGINEERING | FINANCE, "P2": ENGINEERING, "P3": ENGINEERING}


def found(rule_id: str) -> Signal:
    """What a detector gives while the characteristic holds."""
    return Signal(
        source=RULES[rule_id].detector,
        source_key="it",
        rule_id=rule_id,
        component="it",
        severity_level=RULES[rule_id].severity_level,
        title=RULES[rule_id].characteristic,
        started_at=START,
        observed_at=START,
    )


def ticked(rule_id: str, minute: float, events: list[Event]) -> list[Event]:
    """The ledger after one more tick."""
    return [*events, *plan(states(events), [found(rule_id)], POLICY, START + minute * MINUTE)]


@pytest.mark.parametrize("rule_id", RULES)
def test_a_characteristic_opens_an_incident_of_its_class_once_it_has_held(rule_id: str) -> None:
    rule = RULES[rule_id]
    hold = rule.hold_minutes or 0
    assert not hold or ticked(rule_id, hold - 0.001, []) == []
    events = ticked(rule_id, hold, [])
    detected = events[0]
    assert (detected.event_type, detected.severity_level) == (EventType.DETECTED, rule.severity_level)
    assert detected.occurred_at == START + timedelta(minutes=hold)
    assert detected.payload["title"] == rule.characteristic
    assert POLICY.template("detected", rule.severity_level, START) is not None


@pytest.mark.parametrize("rule_id", RULES)
def test_nobody_answers_and_the_clocks_of_the_class_run(rule_id: str) -> None:
    rule = RULES[rule_id]
    hold = rule.hold_minutes or 0
    events = ticked(rule_id, hold + 1000, ticked(rule_id, hold, []))
    minutes = {name(each): (each.occurred_at - events[0].occurred_at) / MINUTE for each in events[1:]}
    assert minutes.get("response_overdue") == RESPONSES.get(rule.severity_level)  # of P3 the next business day
    assert minutes.get("escalation") == ESCALATIONS.get(rule.severity_level)
    assert ("war_room_required" in minutes) == (rule.severity_level == "P0")


@pytest.mark.parametrize("rule_id", RULES)
def test_the_first_message_goes_to_whom_the_class_names(rule_id: str) -> None:
    rule = RULES[rule_id]
    hold = rule.hold_minutes or 0
    detected, *_ = events = ticked(rule_id, hold, [])
    incidents = {each.incident_id: each for each in states(events)}
    (message,) = compose_due([Due(event=detected)], incidents, POLICY, detected.occurred_at, {})
    assert set(message.recipients) == AUDIENCES[rule.severity_level]
    assert message.template == ("critical" if rule.severity_level in ("P0", "P1") else "initial")
    assert message.subject == f"[INCIDENT-{rule.severity_level}] {rule.characteristic}"
