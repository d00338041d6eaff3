"""Many messages at once: which become one, and which do not."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from incident_ledger.notify.digest import with_digests
from incident_ledger.notify.rendering import BUILT_IN
from notify.helpers import POLICY, START

LIMIT = int(POLICY.limit("digest_messages", START))


def row(
    number: int, severity: str = "P2", *, channel: str = "mail", recipients: str = "a@example.com"
) -> dict[str, Any]:
    return {
        "message_id": f"m{number}",
        "event_id": f"e{number}",
        "incident_id": f"INC-{number:05}",
        "template": "initial",
        "channel": channel,
        "audience": "A",
        "recipients": recipients,
        "subject": f"[INCIDENT-{severity}] T{number}",
        "severity_level": severity,
        "body_text": "text",
        "body_html": "html",
        "status": "pending",
    }


def digested(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return with_digests(rows, POLICY, START, BUILT_IN)


def test_as_many_as_the_policy_allows_stay_as_they_are() -> None:
    rows = [row(number) for number in range(LIMIT)]
    assert digested(rows) == rows


def test_one_more_makes_one_of_them_with_the_worst_first() -> None:
    rows = [row(number, "P3" if number % 2 else "P1") for number in range(LIMIT + 1)]
    digest, *members = digested(rows)
    assert (digest["template"], digest["status"], digest["severity_level"]) == ("digest", "pending", "P1")
    assert digest["subject"] == f"[INCIDENT-P1] {LIMIT + 1} messages of {LIMIT + 1} incidents at once"
    assert f"were due at once: {LIMIT // 2 + 1} P1, {LIMIT // 2} P3." in digest["body_text"]
    lines = [line.split()[1] for line in digest["body_text"].splitlines() if line.startswith("- ")]
    assert lines == ["P1"] * (LIMIT // 2 + 1) + ["P3"] * (LIMIT // 2)
    assert {member["status"] for member in members} == {"digested"}
    assert {member["message_id"] for member in members} == {each["message_id"] for each in rows}


def test_the_worst_severity_is_sent_by_itself_unless_it_is_too_much_too() -> None:
    few = digested([row(0, "P0"), *(row(number) for number in range(1, LIMIT + 9))])
    assert [each["template"] for each in few[:2]] == ["initial", "digest"]
    assert few[0]["status"] == "pending"
    many = digested([row(number, "P0") for number in range(200)])
    assert [each["status"] for each in many].count("pending") == 1


def test_each_audience_and_each_channel_has_its_own() -> None:
    numbers = range(LIMIT)
    rows = [row(number, recipients=to) for number in numbers for to in ("a@example.com", "b@example.com")]
    rows += [row(number, channel="hook") for number in numbers]
    found = digested(rows)
    assert [(each["channel"], each["recipients"]) for each in found if each["template"] == "digest"] == [
        ("mail", "a@example.com"),
        ("mail", "b@example.com"),
    ]
    assert [each for each in found if each["channel"] == "hook"] == [each for each in rows if each["channel"] == "hook"]


@pytest.mark.parametrize("template", ["resolution", "acknowledgement"])
def test_what_acknowledges_or_ends_an_alert_is_sent_by_itself(template: str) -> None:
    rows = [row(number, channel="pager") | {"template": template} for number in range(LIMIT + 9)]
    assert with_digests(rows, POLICY, START, BUILT_IN, alerts=["pager"]) == rows
    assert digested(rows)[0]["template"] == "digest"


def test_a_long_one_shows_its_first_lines_and_says_how_many_follow() -> None:
    digest = digested([row(number) for number in range(1000)])[0]
    assert digest["body_text"].count("\n- ") == 200
    assert "and 800 more." in digest["body_text"]
    assert "and 800 more." in digest["body_html"]


def test_the_same_messages_have_the_same_digest() -> None:
    rows = [row(number) for number in range(LIMIT + 1)]
    assert digested(rows)[0]["message_id"] == digested(rows[::-1])[0]["message_id"]


def test_titles_are_text_in_it() -> None:
    rows = [row(number) | {"subject": "[INCIDENT-P2] <b>{{ 7 * 7 }}"} for number in range(LIMIT + 1)]
    digest = digested(rows)[0]
    assert "<b>{{ 7 * 7 }}" in digest["body_text"]
    assert "&lt;b&gt;{{ 7 * 7 }}" in digest["body_html"]


@given(st.lists(st.tuples(st.sampled_from(["P0", "P1", "P2", "P3"]), st.sampled_from(["a", "b"])), max_size=3 * LIMIT))
@settings(max_examples=60, deadline=None)
def test_no_message_is_lost_and_none_is_sent_twice(messages: list[tuple[str, str]]) -> None:
    rows = [row(number, severity, recipients=to) for number, (severity, to) in enumerate(messages)]
    found = digested(rows)
    assert {each["message_id"] for each in rows} == {
        each["message_id"] for each in found if each["template"] != "digest"
    }
    assert len({each["message_id"] for each in found}) == len(found)
    sent = [each for each in found if each["status"] == "pending"]
    assert len(sent) <= LIMIT + 2
    named = sum(each["body_text"].count("\n- ") for each in sent if each["template"] == "digest")
    assert named + sum(each["template"] != "digest" for each in sent) == len(rows)
