"""A mail holds what the ledger knows: read at 3 in the morning, it needs no second look."""

import re
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_ledger.ledger.events import Event, EventType, Status
from incident_ledger.notify.deadlines import response_deadline
from incident_ledger.notify.flapping import Flapping
from incident_ledger.notify.formatting import QUERY, item
from incident_ledger.notify.messages import Message, compose
from notify.helpers import ID, MINUTE, POLICY, START, TITLE, detected, event, incident
from notify.test_templates import Words

SEVERITIES = ("P0", "P1", "P2", "P3")
QUERY_TEXT = "select *\nfrom `ds.t`\nwhere name = 'O''Brien  Ltd' and day = '2026-03-01'"
EVIDENCE = {
    "suite": "usage.json",
    "owner": "data-platform",
    "day": "2026-03-01",
    "rules": 9,
    "breaches": [
        {
            "rule_id": "cost_not_null",
            "rule": "Each record has a cost",
            "failed": 1234,
            "examined": 5000,
            "severity": "P1",
            "query": QUERY_TEXT,
        },
        {"rule_id": "row_count", "failed": None, "examined": None, "severity": "P2", "query": None},
    ],
    "errors": ["user_is_given: the column user is not there"],
}
PAST = [
    event("status_changed", at=START + MINUTE, status="investigating", text="We look."),
    event("status_changed", at=START + 3 * MINUTE, status="identified", text="The key has expired."),
    event("note", at=START + 4 * MINUTE, text="The vendor was called."),
    event("action_taken", at=START + 5 * MINUTE, text="Restart the loader"),
    event("root_cause_identified", at=START + 6 * MINUTE, category="vendor_api", text="An old key"),
]


def of(kind: str, severity: str, *, at: int = 10, history: list[Event] = PAST, **more: Any) -> Message:
    payload = {"from": "P2"} if kind == "severity_changed" else {}
    level = severity if kind in {"detected", "severity_changed"} else None
    newest = event(kind, at=START + at * MINUTE, severity=level, **payload)
    state = incident(severity, **({"evidence": EVIDENCE, "description": "Half of the night is missing."} | more))
    return compose(newest, state, POLICY, START + at * MINUTE, history=history)[0]


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("kind", ["detected", "severity_changed", "reopened", "resolved", "retracted"])
def test_every_mail_of_every_severity_has_all_that_is_known(kind: str, severity: str) -> None:
    message = of(kind, severity)
    for text in (" ".join(message.text.split()), " ".join(Words(message.html).text.split())):
        for part in (
            "Half of the night is missing.",
            "1,234 of 5,000 records (24.68 %) break cost_not_null (P1): Each record has a cost",
            "row_count is not met (P2)",
            "user_is_given: the column user is not there",
            "suite usage.json, data of 2026-03-01",
            "data-platform",
            "identified: The key has expired. (2026-03-02 09:03 UTC, tester)",
            "The vendor was called. (2026-03-02 09:04 UTC, tester)",
            "vendor_api: An old key",
            "Restart the loader",
        ):
            assert part in text, part
    assert "We look." not in message.text  # an older status text
    assert message.text.count("Half of the night is missing.") == 1


def test_of_a_dbt_project_what_failed_is_named_with_its_cause_first() -> None:
    nodes = [
        {
            "unique_id": "test.shop.not_null_orders_id.1",
            "name": "not_null_orders_id",
            "status": "fail",
            "severity": "P1",
            "message": "Got 1 result,\n configured to fail if != 0",
            "failed": 1,
            "examined": 4,
            "query": QUERY_TEXT,
        },
        *({"unique_id": f"model.shop.m{number}", "status": "error", "severity": "P2"} for number in range(6)),
    ]
    text = " ".join(of("detected", "P1", evidence={"project": "shop", "failed_nodes": nodes}).text.split())
    assert "test not_null_orders_id: fail (P1): 1 of 4 records (25 %): Got 1 result, configured to fail if != 0" in text
    assert " ".join(QUERY_TEXT.split()) in text
    assert "model model.shop.m3: error (P2)" in text
    assert "model.shop.m4" not in text
    assert "2 more nodes" in text


def test_of_probes_it_counts_what_failed_and_how_and_names_the_newest() -> None:
    failed = [
        {"target": "anthropic", "at": f"2026-03-02T09:0{minute}:00Z", "failure_kind": "server", "detail": "503\nbusy"}
        for minute in range(4)
    ]
    kinds = {"server": 4, "error_page": 1}
    evidence = {"probes": 6, "failed": 5, "failure_kinds": kinds, "samples": failed, "query": QUERY_TEXT}
    text = " ".join(of("detected", "P2", evidence=evidence).text.split())
    assert "5 of 6 probes failed: server 4, error page 1" in text
    assert "Probe: 2026-03-02T09:03:00Z: anthropic: server: 503 busy" in text
    assert "09:00:00Z: anthropic" not in text
    assert " ".join(QUERY_TEXT.split()) in text
    slow = of("detected", "P2", evidence={**evidence, "failed": 0, "failure_kinds": {}, "samples": []}).text
    assert "probes failed" not in slow
    assert "- Query:" in slow


def test_a_query_is_whole_and_as_it_is_so_that_it_can_be_copied() -> None:
    assert "- Query: " + QUERY_TEXT.replace("\n", "\n  ") + "\n" in of("detected", "P1").text
    long = {"breaches": [{**EVIDENCE["breaches"][0], "query": "x" * 5000}]}  # type: ignore[index]
    assert "- Query:" not in of("detected", "P1", evidence=long).text


def test_a_beginning_says_what_to_do_first_and_a_p0_whom_to_call() -> None:
    text = of("detected", "P0").text
    first = text.partition("WHAT TO DO FIRST:\n")[2].partition("WHAT IS KNOWN:")[0]
    assert first.startswith(
        "- Call directly: Engineering Lead, +1-XXX-XXX-XXXX\n- Step 1: Check pipeline execution logs\n"
    )
    assert "- Command: gcloud logging read " in first
    assert "Call directly" not in of("detected", "P1").text
    for message in (of("retracted", "P0"), of("resolved", "P0", is_open=False)):
        assert "WHAT TO DO FIRST" not in message.text


def test_an_escalation_of_a_p0_says_whom_to_call_and_no_other_does() -> None:
    for severity, is_named in (("P0", True), ("P1", False)):
        clock = event("escalated", at=START + MINUTE, step_id="response_overdue", severity_level=severity, text="Late")
        (message,) = compose(clock, incident(severity), POLICY, START + MINUTE, clocks=[clock])
        assert ("- Call directly: Engineering Lead, +1-XXX-XXX-XXXX\n" in message.text) == is_named
        assert ("Engineering Lead, +1-XXX-XXX-XXXX" in message.html) == is_named
        assert "Step 1" not in message.text


def test_an_update_says_who_is_to_give_it_and_what_was_written_last() -> None:
    clock = event("update_due", at=START + 30 * MINUTE, last_update="2026-03-02T09:00:00Z", number=1)
    note = event("note", at=START + MINUTE, text="Looking at it")
    for commander, who in ((None, "Engineering On-Call"), ("Ada Lovelace", "Ada Lovelace")):
        state = incident("P1", incident_commander=commander)
        (message,) = compose(clock, state, POLICY, START + 30 * MINUTE, history=[note], clocks=[clock])
        assert message.text.startswith(f"An update is due from {who}: what is known, and what is being done?\n")
        assert "Last update: Looking at it (2026-03-02 09:01:00 UTC, tester)\n" in message.text


def test_a_check_that_could_not_run_is_a_failure_of_monitoring() -> None:
    text = of("detected", "P1", component="check:ds.t").text
    assert "- Command: gcloud alpha monitoring policies list\n" in text


def test_an_owner_of_the_policy_is_named_with_his_address() -> None:
    text = of("detected", "P1", evidence={"owner": "engineering_lead"}).text
    assert "- Owner: Engineering Lead <engineering-lead@samba.tv>\n" in text


def test_what_is_not_known_takes_no_line() -> None:
    assert "WHAT IS KNOWN" not in detected("P1").text
    assert "WHAT IS KNOWN" not in detected("P2").html


def test_the_fix_is_the_last_action_where_the_end_says_none() -> None:
    assert "- Fix Applied: Restart the loader\n" in of("resolved", "P1").text


@pytest.mark.parametrize("evidence", [{"breaches": ["x", None, {}]}, {"breaches": 0, "errors": None}, {"owner": 7}])
def test_evidence_of_any_form_makes_a_mail(evidence: dict[str, Any]) -> None:
    assert of("detected", "P1", evidence=evidence).text


@pytest.mark.parametrize(("severity", "deadline"), [("P0", "09:05"), ("P1", "09:15"), ("P2", "10:00")])
def test_a_beginning_says_until_when_it_is_to_be_acknowledged_and_how(severity: str, deadline: str) -> None:
    message = detected(severity)
    assert f"\nAcknowledge by: 2026-03-02 {deadline}:00 UTC\n" in message.text
    assert f"\nTo acknowledge: incident-ledger incident ack {ID}\n" in message.text
    assert f"incident-ledger incident ack {ID}" in message.html


def test_a_p3_is_to_be_acknowledged_by_the_close_of_the_next_business_day() -> None:
    assert "\nAcknowledge by: 2026-03-04 01:00:00 UTC\n" in detected("P3").text


def test_a_rise_shortens_the_time_to_acknowledge_and_a_lowering_gives_none_back() -> None:
    raised = event("severity_changed", at=START + 10 * MINUTE, severity="P1", **{"from": "P2"})
    lowered = event("severity_changed", at=START + 11 * MINUTE, severity="P3", **{"from": "P1"})
    for history in ([], [raised], [raised, lowered], [lowered, raised]):
        wanted = START + (25 if history else 60) * MINUTE
        assert response_deadline(incident("P3", initial_severity_level="P2"), POLICY, history) == wanted


def test_an_acknowledgement_that_is_late_says_by_how_much() -> None:
    raised = event("severity_changed", at=START + 5 * MINUTE, severity="P1", **{"from": "P2"})
    late = compose(raised, incident("P1", initial_severity_level="P2"), POLICY, START + 40 * MINUTE)[0].text
    assert "\nAcknowledge by: 2026-03-02 09:20:00 UTC, which was 20 minutes ago\n" in late


def test_what_is_acknowledged_or_over_asks_for_no_acknowledgement() -> None:
    answered = event("acknowledged", at=START + 7 * MINUTE)
    text = of("severity_changed", "P1", history=[answered]).text
    assert "\nAcknowledged: 2026-03-02 09:07:00 UTC by tester\n" in text
    assert "Acknowledge by" not in text
    assert "cknowledge" not in of("resolved", "P1", history=[]).text


def test_what_was_resolved_once_and_reopened_has_no_deadline_any_more_and_still_the_command() -> None:
    text = of("reopened", "P1", history=[event("resolved", at=START + 2 * MINUTE)]).text
    assert "Acknowledge by" not in text
    assert f"\nTo acknowledge: incident-ledger incident ack {ID}\n" in text


def test_a_vendors_incident_has_no_deadline_until_a_person_answers() -> None:
    page = Event(
        incident_id=ID,
        event_type=EventType.ACKNOWLEDGED,
        occurred_at=START,
        actor="statuspage",
        source="statuspage",
        source_key="x",
    )
    vendors = {"source": "statuspage", "detected_by": "vendor", "acknowledged_time": START}
    quiet = of("detected", "P1", **vendors, has_sla=False, history=[page])
    assert "cknowledge" not in quiet.text
    taken = event("acknowledged", at=START + 7 * MINUTE)
    assert "Acknowledged: 2026-03-02 09:07:00 UTC by tester" in (
        of("reopened", "P1", **vendors, history=[page, taken]).text
    )


def test_flapping_is_shown_with_its_count_its_times_and_how_it_is_now() -> None:
    flapping = Flapping(times=3, since=START + 5 * MINUTE, until=START + 25 * MINUTE, calm_after=15 * MINUTE)
    reopened = event("reopened", at=START + 25 * MINUTE)
    message = compose(reopened, incident("P1"), POLICY, START + 30 * MINUTE, flapping=flapping)[0]
    assert message.subject == f"[INCIDENT-P1] Flapping: {TITLE}"
    words = " ".join(message.text.split())
    assert "resolved and reopened 3 times from 2026-03-02 09:05:00 UTC to 09:25 UTC" in words
    assert "It is open now." in words
    state = incident("P1", status=Status.RESOLVED, is_open=False, last_reopened_time=reopened.occurred_at)
    over = compose(reopened, state, POLICY, START + 30 * MINUTE, flapping=flapping)[0]
    assert "It is resolved now; a message of its end follows when that has lasted for 15 minutes." in " ".join(
        over.text.split()
    )
    assert "Next Update: when it has been resolved for 15 minutes\n" in over.text
    end = compose(event("resolved", at=START + 26 * MINUTE), incident("P1"), POLICY, START, flapping=flapping)[0]
    assert end.subject == f"[INCIDENT-P1] Resolved: {TITLE}"
    assert "3 times" in end.text


@pytest.mark.parametrize("severity", SEVERITIES)
def test_prose_of_a_plain_mail_fits_80_columns_but_what_is_copied_is_not_broken(severity: str) -> None:
    prose = "word " * 60
    more = {"title": "Short", "description": prose, "evidence": EVIDENCE}
    known = of("severity_changed", severity, **more).text.partition("WHAT IS KNOWN:")[2]
    lines = [line for line in known.splitlines() if not line.startswith("All that is known")]
    assert max(map(len, lines)) <= 80


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"])))
def test_wrapping_loses_no_word(text: str) -> None:
    assert item(text, "Note").split() == f"Note: {text}".split()
    assert item(text, QUERY) == f"Query: {text}"


def test_a_rate_is_never_rounded_to_nothing_or_to_all() -> None:
    def rate(failed: int) -> str:
        breach = {"rule_id": "r", "failed": failed, "examined": 1_000_000, "severity": "P2"}
        found = re.search(r"\(([^)]* %)\)", of("detected", "P1", evidence={"breaches": [breach]}).text)
        assert found
        return found[1]

    assert [rate(n) for n in (1, 100, 49_999, 50_000, 999_999, 1_000_000)] == [
        "under 0.01 %",
        "0.01 %",
        "4.9999 %",
        "5 %",
        "99.9999 %",
        "100 %",
    ]


def test_a_day_of_flapping_names_both_days() -> None:
    flapping = Flapping(times=1, since=START, until=START + timedelta(days=1), calm_after=15 * MINUTE)
    message = compose(event("reopened", at=START + MINUTE), incident("P1"), POLICY, START, flapping=flapping)[0]
    assert "resolved and reopened once from 2026-03-02 09:00:00 UTC to 2026-03-03 09:00:00 UTC" in " ".join(
        message.text.split()
    )
