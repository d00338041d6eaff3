"""Money at stake: an estimate by the policy's rates, marked as one, and only where nobody assessed it."""

import shutil
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from conftest import PROJECT_DIR
from incident_ledger.notify.messages import compose
from incident_ledger.notify.money import money_estimate
from incident_ledger.notify.summary import summary
from incident_ledger.policy import Policy, load_files
from incident_ledger.postmortem.document import postmortem
from incident_ledger.postmortem.review_parser import parse
from notify.helpers import MINUTE, POLICY, START, event, incident
from simulated import Ledger

RATES = """severity_level,component,amount_per_hour,currency,valid_from
P0,,6000,USD,
P1,,1000,USD,
P1,,2000,USD,2026-04-01T00:00:00Z
P1,table:,0.50,EUR,
P1,table:shop.,12.5,EUR,
P2,,,USD,
"""


@pytest.fixture(scope="module")
def rates(tmp_path_factory: pytest.TempPathFactory) -> Policy:
    folder = Path(shutil.copytree(PROJECT_DIR / "seeds" / "policy", tmp_path_factory.mktemp("seeds") / "policy"))
    (folder / "money_rates.csv").write_text(RATES)
    return load_files(folder)


@pytest.mark.parametrize(
    ("severity", "minutes", "known", "expected"),
    [
        ("P1", 90, {}, "estimate: 1,500.00 USD so far (90 minutes x 1,000 USD per hour of P1)"),
        ("P0", 0, {}, "estimate: 0.00 USD so far (0 minutes x 6,000 USD per hour of P0)"),
        ("P1", 60, {"component": "table:other"}, "estimate: 0.50 EUR so far (60 minutes x 0.5 EUR per hour of P1)"),
        ("P1", 60, {"component": "table:shop.x"}, "estimate: 12.50 EUR so far (60 minutes x 12.5 EUR per hour of P1)"),
        (
            "P1",
            500,
            {"is_open": False, "resolution_time": START + 100 * MINUTE, "reopened_gap_microseconds": 600_000_000},
            "estimate: 1,500.00 USD (90 minutes x 1,000 USD per hour of P1)",
        ),
        ("P1", 60, {"detection_time": START + timedelta(days=60)}, None),  # not detected yet
        ("P1", 60, {"financial_impact": "$5"}, None),
        ("P2", 60, {}, None),
        ("P3", 60, {}, None),
    ],
)
def test_the_estimate_is_the_hours_it_was_open_at_the_rate_of_its_severity(
    rates: Policy, severity: str, minutes: int, known: dict[str, Any], expected: str | None
) -> None:
    state = incident(severity, **({"component": "api:x"} | known))
    assert money_estimate(state, rates, START + minutes * MINUTE) == expected


def test_the_rate_is_that_of_the_detection(rates: Policy) -> None:
    later = START + timedelta(days=60)
    state = incident("P1", component="api:x", detection_time=later)
    assert "x 2,000 USD per hour" in str(money_estimate(state, rates, later + MINUTE))


def test_a_message_has_the_estimate_with_who_is_to_assess_it_and_what_people_assessed_alone(rates: Policy) -> None:
    newest = event("severity_changed", at=START + 30 * MINUTE, severity="P1", **{"from": "P2"})
    (message,) = compose(newest, incident("P1", component="api:x"), rates, START + 30 * MINUTE)
    words = " ".join(message.text.split())
    assert (
        "Financial Impact: estimate: 500.00 USD so far (30 minutes x 1,000 USD per hour of P1); to be assessed by"
        in words
    )
    assessed = incident("P1", component="api:x", financial_impact="$5")
    assert "Financial Impact: $5\n" in compose(newest, assessed, rates, START + 30 * MINUTE)[0].text


def test_the_screen_of_an_incident_has_the_estimate_where_there_are_rates(rates: Policy) -> None:
    state, at = incident("P1", component="api:x"), START + 30 * MINUTE
    expected = "estimate: 500.00 USD so far (30 minutes x 1,000 USD per hour of P1)"
    assert summary(state, (), rates, at).money_at_stake == expected
    assert summary(state, (), POLICY, at).money_at_stake is None
    assert summary(incident("P1", component="api:x", financial_impact="$5"), (), rates, at).money_at_stake is None


def test_the_playbook_as_it_is_shipped_estimates_nothing() -> None:
    assert money_estimate(incident("P0"), POLICY, START + MINUTE) is None


def test_a_review_has_the_estimate_and_an_import_does_not_take_it_for_an_assessment(rates: Policy) -> None:
    ledger = Ledger("P1").add("acknowledged", 5).add("root_cause_identified", 50, category="deploy")
    ledger.add("resolved", 90)
    text = postmortem(ledger.state(), ledger.events, rates, START + 100 * MINUTE)
    assert "- estimate: 1,500.00 USD (90 minutes x 1,000 USD per hour of P1)" in text
    _, findings, _ = parse(text, "review.md", ("deploy",), [task.task_id for task in rates.tasks()])
    assert findings.financial_impact is None
    assert "Money at stake" not in postmortem(ledger.state(), ledger.events, POLICY, START + 100 * MINUTE)
