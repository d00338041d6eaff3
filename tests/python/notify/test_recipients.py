"""Who is notified: the playbook's audiences, and whoever was notified of a beginning."""

import pytest

from incident_ledger.notify.messages import compose, first_message_id
from notify.helpers import MINUTE, POLICY, START, detected, event, incident, resolved

ENGINEERING = {"engineering-lead@samba.tv", "engineering-oncall@samba.tv"}
FINANCE = {"finance@samba.tv"}
ALL = ENGINEERING | FINANCE | {"security@samba.tv", "sysadmin@samba.tv"}
AUDIENCES = {
    "P0": ("All stakeholders", ALL),
    "P1": ("Engineering + Finance", ENGINEERING | FINANCE),
    "P2": ("Engineering team", ENGINEERING),
    "P3": ("Engineering team", ENGINEERING),
}


@pytest.mark.parametrize("severity", AUDIENCES)
def test_the_audience_of_a_beginning_is_the_playbooks(severity: str) -> None:
    message = detected(severity)
    audience, recipients = AUDIENCES[severity]
    assert message.audience == audience
    assert set(message.recipients) == recipients
    assert len(message.recipients) == len(recipients)


@pytest.mark.parametrize("severity", AUDIENCES)
def test_whoever_is_notified_of_the_beginning_is_notified_of_the_end(severity: str) -> None:
    assert resolved(severity).recipients == detected(severity).recipients


@pytest.mark.parametrize(("severity", "template"), [("P0", "critical"), ("P1", "critical"), ("P2", "initial")])
def test_the_template_follows_the_severity(severity: str, template: str) -> None:
    assert detected(severity).template == template
    assert resolved(severity).template == "resolution"


def test_a_raised_severity_adds_its_audience_and_a_lowered_one_loses_nobody() -> None:
    raised = event("severity_changed", severity="P1", **{"from": "P2"})
    state = incident("P1", initial_severity_level="P2")
    assert set(compose(raised, state, POLICY, START)[0].recipients) == AUDIENCES["P1"][1]
    lowered = event("severity_changed", at=START + MINUTE, severity="P3", **{"from": "P1"})
    state = incident("P3", initial_severity_level="P2")
    assert set(compose(lowered, state, POLICY, START)[0].recipients) == AUDIENCES["P1"][1]


def test_the_end_of_an_incident_that_was_worse_in_between_goes_to_all_who_heard() -> None:
    history = [
        event("detected", severity="P2"),
        event("severity_changed", at=START + MINUTE, severity="P0", **{"from": "P2"}),
        event("severity_changed", at=START + 2 * MINUTE, severity="P3", **{"from": "P0"}),
    ]
    state = incident("P3", initial_severity_level="P2")
    message = compose(event("resolved", at=START + 3 * MINUTE), state, POLICY, START, history=history)[0]
    assert set(message.recipients) == ALL


def test_an_event_without_a_template_makes_no_message() -> None:
    assert compose(event("note", text="hello"), incident(), POLICY, START) == []


def test_a_team_without_resolution_messages_still_hears_of_the_second_incident() -> None:
    rules = tuple(row for row in POLICY.tables["notification_rules"] if row["event_type"] != "resolved")
    policy = type(POLICY)({**POLICY.tables, "notification_rules": rules})
    first, second = incident("P2"), incident("P2", key="table:other")
    assert compose(event("resolved", at=START + MINUTE), first, policy, START) == []
    beginnings = [
        compose(event("detected", severity="P2", key=state.source_key), state, policy, START)[0]
        for state in (first, second)
    ]
    assert len({message.message_id for message in beginnings}) == 2


def test_an_edited_beginning_is_the_same_message() -> None:
    edited = event("detected", severity="P2", title="another title", supersedes="x")
    assert compose(edited, incident("P2"), POLICY, START)[0].message_id == detected("P2").message_id


def test_the_same_end_composed_later_is_the_same_message() -> None:
    end = event("resolved", at=START + MINUTE)
    ids = {compose(end, incident(), POLICY, START + n * 15 * MINUTE)[0].message_id for n in range(6)}
    assert len(ids) == 1


def test_the_first_message_id_follows_from_the_incident_alone() -> None:
    assert detected("P1").message_id == first_message_id(incident().incident_id)
    assert detected("P1", title="other").message_id == detected("P2").message_id
    assert resolved("P1").message_id != detected("P1").message_id
