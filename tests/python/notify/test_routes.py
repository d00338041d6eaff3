"""Which channel gets which message, by the policy's routes."""

from typing import Any

import pytest

from incident_ledger.notify.messages import Message, compose
from incident_ledger.notify.outbox import new_rows
from incident_ledger.policy import Policy
from notify.helpers import MINUTE, POLICY, START, event, incident

PAGER = "pagerduty-0123abcd"  # as a channel without a name of its own is called


def routed(message: Message, policy: Policy = POLICY, channels: tuple[str, ...] = ("mail", PAGER)) -> list[str]:
    return [row["channel"] for row in new_rows([message], channels, {}, policy, START)]


def message(kind: str, severity: str, *, initial: str | None = None, owner: str | None = None) -> Message:
    state = incident(severity, initial_severity_level=initial or severity, evidence={"owner": owner} if owner else {})
    level = severity if kind in ("detected", "severity_changed") else None
    payload = {"from": initial} if initial else {}
    history = [event("detected", severity=initial or severity)]
    return compose(event(kind, at=START + MINUTE, severity=level, **payload), state, POLICY, START, history=history)[0]


def policy_with(*routes: dict[str, Any]) -> Policy:
    row = POLICY.tables["routes"][0]
    blank = dict.fromkeys(row.values)
    rows = tuple(type(row)(row.table, row.where, blank | route) for route in routes)
    return Policy({**POLICY.tables, "routes": rows})


@pytest.mark.parametrize(("severity", "channels"), [("P0", ["mail", PAGER]), ("P1", ["mail", PAGER]), ("P2", ["mail"])])
def test_a_pager_gets_what_is_worth_waking_somebody(severity: str, channels: list[str]) -> None:
    assert routed(message("detected", severity)) == channels


def test_whoever_was_notified_of_a_worse_severity_is_notified_of_the_end() -> None:
    assert routed(message("severity_changed", "P3", initial="P1")) == ["mail", PAGER]
    assert routed(message("resolved", "P3", initial="P1")) == ["mail", PAGER]


def test_what_no_channel_takes_goes_to_every_channel() -> None:
    assert routed(message("detected", "P3"), channels=(PAGER,)) == [PAGER]


def test_a_channel_takes_what_one_of_its_rows_describes() -> None:
    policy = policy_with(
        {"channel": "finance", "owners": "finance_team"},
        {"channel": "finance", "severity_levels": "P0", "templates": "critical resolution"},
    )
    channels = ("mail", "finance")
    assert routed(message("detected", "P2", owner="finance_team"), policy, channels) == ["mail", "finance"]
    assert routed(message("detected", "P2", owner="security_team"), policy, channels) == ["mail"]
    assert routed(message("detected", "P0"), policy, channels) == ["mail", "finance"]
    assert routed(message("reopened", "P1"), policy, channels) == ["mail"]


def test_a_channel_of_its_own_name_is_not_meant_by_its_service() -> None:
    assert routed(message("detected", "P3"), channels=("mail", "pagerduty")) == ["mail"]
    assert routed(message("detected", "P3"), channels=("mail", "oncall")) == ["mail", "oncall"]


def test_a_channel_of_a_contact_takes_what_the_contact_is_notified_of() -> None:
    policy = policy_with({"channel": "finance", "audience": "finance_team executives"})
    channels = ("mail", "finance")
    assert routed(message("detected", "P0"), policy, channels) == ["mail", "finance"]
    assert routed(message("detected", "P1"), policy, channels) == ["mail", "finance"]
    assert routed(message("detected", "P2"), policy, channels) == ["mail"]
    # Whoever was notified of the beginning is notified of the end.
    assert routed(message("resolved", "P2", initial="P1"), policy, channels) == ["mail", "finance"]


def test_a_clock_goes_to_the_channel_of_those_whom_it_notifies() -> None:
    policy = policy_with({"channel": "finance", "audience": "finance_team executives"})
    for step, taken in (("executive_notification", ["mail", "finance"]), ("management_notification", ["mail"])):
        clock = event("escalated", at=START + MINUTE, step_id=step, severity_level="P0", text=step)
        (due,) = compose(clock, incident("P0"), POLICY, START + MINUTE, clocks=[clock])
        assert routed(due, policy, ("mail", "finance")) == taken
