"""Each field of the playbook's three templates, in its order and wording, as text and as HTML."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conftest import PROJECT_DIR
from incident_ledger.ledger.events import Status
from incident_ledger.notify.formatting import minutes
from incident_ledger.notify.messages import Message, compose
from incident_ledger.notify.samples import sample_messages
from notify.helpers import ID, MINUTE, POLICY, START, TITLE, detected, event, incident, resolved

CRITICAL = (
    *("🚨 CRITICAL INCIDENT NOTIFICATION", "Incident:", "Severity:", "Start Time:", "Status:", "IMPACT:"),
    *("Affected Services:", "User Impact:", "Financial Impact:", "CURRENT ACTIONS:", "ETA TO RESOLUTION:"),
    *("Next Update:", "Incident Commander:", "War Room:"),
)
INITIAL = ("Incident ID:", "Severity:", "Status:", "Impact:", "ETA:", "Updates will follow")
RESOLUTION = (
    *("✅ INCIDENT RESOLVED", "Incident:", "Resolution Time:", "Total Duration:", "RESOLUTION SUMMARY:"),
    *("Root Cause:", "Fix Applied:", "Validation:", "FOLLOW-UP ACTIONS:", "Post-incident review scheduled for"),
    *("Monitoring enhancements:", "Questions? Contact:"),
)
MESSAGES = {"initial": (detected("P2"), INITIAL), "critical": (detected("P0"), CRITICAL)} | {
    "resolution": (resolved("P1"), RESOLUTION)
}


class Words(HTMLParser):
    """The text that a reader of an HTML mail sees, and its open tags, which must all be closed."""

    VOID = ("meta", "br", "img")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def in_order(text: str, words: tuple[str, ...]) -> bool:
    return re.search(".*?".join(map(re.escape, words)), text, re.DOTALL) is not None


@pytest.mark.parametrize("name", MESSAGES)
def test_the_text_has_every_field_of_the_template_in_its_order(name: str) -> None:
    message, fields = MESSAGES[name]
    assert message.template == name
    assert in_order(message.text, fields)


@pytest.mark.parametrize("name", MESSAGES)
def test_the_html_has_every_field_of_the_template_in_its_order(name: str) -> None:
    message, fields = MESSAGES[name]
    words = Words(message.html)
    assert in_order(words.text, fields)
    assert words.open == []


@pytest.mark.parametrize("name", MESSAGES)
def test_no_field_is_empty_or_a_false_value(name: str) -> None:
    message, _ = MESSAGES[name]
    headings = ("IMPACT:", "CURRENT ACTIONS:", "RESOLUTION SUMMARY:", "FOLLOW-UP ACTIONS:")
    headings += ("WHAT TO DO FIRST:", "WHAT IS KNOWN:")
    for line in message.text.splitlines():
        assert line in headings or not line.endswith(":"), line
    assert not re.search(r"\b(None|null|nan|undefined)\b", message.text + Words(message.html).text)


@pytest.mark.parametrize("name", MESSAGES)
def test_the_fields_are_those_of_the_playbook_file(name: str) -> None:
    """The playbook's own template blocks; its two emoji are mis-decoded there, so lines are compared without them."""
    playbook = PROJECT_DIR.parent / "shared" / "playbook.md"
    if not playbook.is_file():
        pytest.skip("the playbook's file is not here")
    heading = {
        "initial": "Initial Communication",
        "critical": "P0/P1 Critical Incident",
        "resolution": "Resolution Notification",
    }
    block = playbook.read_text(encoding="utf-8").split(heading[name], 1)[1].split("```markdown", 1)[1].split("```")[0]
    lines = [line.strip().split("${")[0].strip() for line in block.splitlines() if line.strip()]
    labels = [line.encode("ascii", "ignore").decode().removeprefix("-").strip() for line in lines]
    message = MESSAGES[name][0]
    shown = f"Subject: {message.subject}\n{message.text}"
    assert in_order(shown, tuple(label for label in labels if label))


def test_the_initial_subject_is_the_playbooks() -> None:
    assert detected("P2").subject == f"[INCIDENT-P2] {TITLE}"


def test_critical_begins_with_the_siren_and_resolution_with_the_check_mark() -> None:
    assert detected("P0").text[0] == detected("P1").text[0] == "\U0001f6a8"
    assert resolved("P2").text[0] == "\u2705"


def test_updates_at_a_time_are_promised_only_where_something_sends_them() -> None:
    assert "\nUpdates will follow every 30 minutes.\n" in detected("P2").text
    assert "\nNext Update: 2026-03-02 09:30:00 UTC\n" in detected("P0").text
    assert "\nUpdates will follow with each change.\n" in detected("P3").text


def test_initial_message_with_nothing_known() -> None:
    assert detected("P2").text.splitlines()[:7] == [
        f"Incident ID: {ID}",
        "Severity: P2 - Medium",
        "Status: Investigating",
        "Impact: to be assessed by Engineering On-Call",
        "ETA: not yet known; Engineering On-Call is to find out",
        "",
        "Updates will follow every 30 minutes.",
    ]


def test_critical_message_with_nothing_known() -> None:
    assert detected("P0").text.splitlines()[2:20] == [
        f"Incident: [{ID}] {TITLE}",
        "Severity: P0 - Critical",
        "Start Time: not yet known; Engineering On-Call is to find out (detected 2026-03-02 09:00:00 UTC)",
        "Status: Investigating",
        "",
        "IMPACT:",
        "- Affected Services: table:ai_usage_prod.fct_usage_daily",
        "- User Impact: to be assessed by Engineering On-Call",
        "- Financial Impact: to be assessed by Engineering On-Call",
        "",
        "CURRENT ACTIONS:",
        "- not yet known; Engineering On-Call is to find out",
        "",
        "ETA TO RESOLUTION: not yet known; Engineering On-Call is to find out",
        "Next Update: 2026-03-02 09:30:00 UTC",
        "",
        "Incident Commander: Engineering Lead (by role; nobody has taken it yet)",
        "War Room: not yet known; to be opened by Engineering On-Call (required after 60 minutes)",
    ]


def test_what_is_unknown_says_who_is_to_find_it_out() -> None:
    for message in (detected("P0"), detected("P2"), resolved("P1")):
        lines = [line for line in message.text.splitlines() if "not yet known" in line or "to be assessed" in line]
        assert lines
        for line in lines:
            assert "Engineering On-Call" in line or "in the review" in line or "a date not yet known" in line, line
    taken = detected("P0", incident_commander="Ada Lovelace").text
    assert "- not yet known; Ada Lovelace is to find out\n" in taken


def test_critical_message_with_all_known() -> None:
    state = incident(
        "P0",
        start_time=START - 12 * MINUTE,
        status=Status.IDENTIFIED,
        services=("Dashboard", "Usage API"),
        user_impact="Figures of today are missing.",
        financial_impact="About 1,200 USD not booked.",
        estimated_resolution_time=START + 90 * MINUTE,
        incident_commander="Ada Lovelace",
        war_room_url="https://meet.example/room?a=1&b=2",
    )
    history = [
        event("action_taken", at=START + MINUTE, text="Restart the loader", phase="current"),
        event("action_taken", at=START + 2 * MINUTE, text="Call the vendor"),
        event("action_taken", at=START + 3 * MINUTE, text="Restart the loader", phase="done"),
    ]
    newest = event("severity_changed", at=START + 4 * MINUTE, severity="P0", **{"from": "P1", "reason": "it spreads"})
    message = compose(newest, state, POLICY, START + 4 * MINUTE, history=history)[0]
    assert message.text.splitlines()[2:20] == [
        f"Incident: [{ID}] {TITLE}",
        "Severity: P0 - Critical (was P1)",
        "Start Time: 2026-03-02 08:48:00 UTC",
        "Status: Identified (open for 4 minutes)",
        "",
        "IMPACT:",
        "- Affected Services: Dashboard, Usage API",
        "- User Impact: Figures of today are missing.",
        "- Financial Impact: About 1,200 USD not booked.",
        "",
        "CURRENT ACTIONS:",
        "- Call the vendor",
        "",
        "ETA TO RESOLUTION: 2026-03-02 10:30:00 UTC",
        "Next Update: 2026-03-02 09:34:00 UTC",
        "",
        "Incident Commander: Ada Lovelace",
        "War Room: https://meet.example/room?a=1&b=2",
    ]
    assert "https://meet.example/room?a=1&amp;b=2" in message.html
    assert message.subject == f"[INCIDENT-P0] Now P0: {TITLE}"


def test_resolution_message() -> None:
    history = [
        event("root_cause_identified", at=START + MINUTE, category="vendor_api", text="The key had expired."),
        event("review_scheduled", at=START + 2 * MINUTE, scheduled_for="2026-03-04T15:00:00Z"),
    ]
    newest = event("resolved", at=START + 23 * MINUTE, solution="A new key.", verification="All days are there.")
    state = incident("P1", root_cause_category="vendor_api", incident_commander="Ada Lovelace")
    message = compose(newest, state, POLICY, START + 40 * MINUTE, history=history)[0]
    assert message.text.splitlines()[2:16] == [
        f"Incident: [{ID}] {TITLE}",
        "Resolution Time: 2026-03-02 09:23:00 UTC",
        "Total Duration: 23 minutes",
        "",
        "RESOLUTION SUMMARY:",
        "- Root Cause: vendor_api: The key had expired.",
        "- Fix Applied: A new key.",
        "- Validation: All days are there.",
        "",
        "FOLLOW-UP ACTIONS:",
        "- Post-incident review scheduled for 2026-03-04 15:00:00 UTC",
        "- Monitoring enhancements: to be assessed in the review",
        "",
        "Questions? Contact: Ada Lovelace",
    ]


def test_what_a_person_says_at_the_end_is_the_fix_when_nothing_else_is_given() -> None:
    newest = event("resolved", at=START + MINUTE, text="Rotated the key.")
    assert "- Fix Applied: Rotated the key." in compose(newest, incident(), POLICY, START)[0].text


def test_a_review_without_a_date_says_when_the_policy_wants_it() -> None:
    assert "scheduled for a date not yet known (due by 2026-03-05 09:23:00 UTC)" in resolved("P1").text


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(minutes=23), "23 minutes"),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(seconds=20), "0.333 minutes"),
        (timedelta(seconds=20.9), "0.348 minutes"),
        (timedelta(hours=29, minutes=30), "1770 minutes"),
        (timedelta(0), "0 minutes"),
        (timedelta(minutes=100), "100 minutes"),
    ],
)
def test_durations_are_exact(span: timedelta, text: str) -> None:
    assert minutes(span) == text


@given(st.integers(min_value=0, max_value=10**14))
def test_a_duration_never_differs_by_more_than_half_a_thousandth_of_a_minute(microseconds: int) -> None:
    shown = float(minutes(timedelta(microseconds=microseconds)).split()[0])
    assert abs(shown - microseconds / 60_000_000) <= 0.0005 + 1e-6


def test_the_time_between_a_resolution_and_a_reopening_is_no_part_of_the_duration() -> None:
    gap = int(timedelta(minutes=60) / timedelta(microseconds=1))
    message = resolved("P1", at=START + 90 * MINUTE, reopen_count=1, reopened_gap_microseconds=gap)
    assert "Total Duration: 30 minutes" in message.text


def test_an_end_that_was_not_the_last_is_sent_with_the_time_until_then() -> None:
    turns = [(10, "resolved"), (12, "reopened"), (22, "resolved"), (360, "reopened"), (361, "resolved")]
    history = [event(kind, at=START + minute * MINUTE) for minute, kind in turns]
    gap = timedelta(minutes=2 + 338) // timedelta(microseconds=1)
    state = incident("P1", reopen_count=2, reopened_gap_microseconds=gap, last_reopened_time=START + 360 * MINUTE)
    ends = [compose(end, state, POLICY, START, history=history)[0].text for end in history[::2]]
    durations = [re.search("Total Duration: (.*)", text) for text in ends]
    assert [found and found[1] for found in durations] == ["10 minutes", "20 minutes", "21 minutes"]


def test_a_note_that_takes_back_what_was_sent_is_sent_as_what_it_leaves() -> None:
    """A status page takes a reopening back, and so it is resolved, as of before; or it lists a retracted one again."""
    end = event("resolved", at=START + 23 * MINUTE, solution="A new key.")
    over = incident("P1", is_open=False, status=Status.RESOLVED, resolution_time=end.occurred_at)
    back = event("note", at=START + 60 * MINUTE, text="The page takes its reopening back.", supersedes="x")
    message = compose(back, over, POLICY, START + 60 * MINUTE, history=[end])[0]
    assert (message.template, message.subject) == ("resolution", f"[INCIDENT-P1] Resolved: {TITLE}")
    assert "Total Duration: 23 minutes\n" in message.text
    assert "- Fix Applied: A new key.\n" in message.text
    again = compose(back, incident("P1"), POLICY, START + 60 * MINUTE)[0]
    assert (again.template, again.subject) == ("critical", f"[INCIDENT-P1] Reinstated: {TITLE}")


def test_reversed_times_are_named_and_not_shown_as_a_duration() -> None:
    assert "Total Duration: not yet known (resolved before it was detected" in resolved("P1", at=START - MINUTE).text


def test_an_open_incident_of_26_hours_has_its_age_and_no_duration() -> None:
    now = START + timedelta(hours=26)
    newest = event("severity_changed", at=now, severity="P1", **{"from": "P2"})
    message = compose(newest, incident("P1"), POLICY, now)[0]
    assert "open for 1560 minutes" in message.text
    assert "open for 1560 minutes" in message.html
    assert "Duration" not in message.text


def test_the_rise_of_a_merged_incident_has_its_message_from_the_one_that_it_was_merged_into() -> None:
    newest = event("severity_changed", at=START + MINUTE, severity="P1", **{"from": "P2"})
    assert compose(newest, incident("P2", merged_into="INC-Z", is_open=False), POLICY, START + MINUTE) == []
    assert len(compose(newest, incident("P2"), POLICY, START + MINUTE)) == 1


def test_an_age_below_a_minute_is_not_rounded_up() -> None:
    newest = event("severity_changed", severity="P1", **{"from": "P2"})
    message = compose(newest, incident("P1"), POLICY, START + timedelta(seconds=59))[0]
    assert "Status: Investigating\n" in message.text


def test_without_update_minutes_no_update_is_promised_at_a_time() -> None:
    rules = POLICY.tables["response_rules"]
    quiet = tuple(type(row)(row.table, row.where, {**row.values, "update_minutes": None}) for row in rules)
    policy = type(POLICY)({**POLICY.tables, "response_rules": quiet})
    message = compose(event("detected", severity="P0"), incident("P0"), policy, START)[0]
    assert "Next Update: with the next change" in message.text


HOSTILE = "it's \"\"\" '''\nC:\\new\\table {{ 7*7 }} {% raw %} -- @event \x00 \U0001f525 <b>&amp;</b>"


def hostile_message(template: str) -> Message:
    state = incident("P0" if template == "critical" else "P2", title=HOSTILE, user_impact=HOSTILE)
    if template == "resolution":
        newest = event("resolved", at=START + MINUTE, solution=HOSTILE, verification=HOSTILE)
    else:
        newest = event("detected", severity=state.severity_level, title=HOSTILE)
    return compose(newest, state, POLICY, START)[0]


@pytest.mark.parametrize("template", MESSAGES)
def test_texts_of_people_are_shown_and_never_read_as_a_template(template: str) -> None:
    message = hostile_message(template)
    shown = ("C:\\new\\table {{ 7*7 }} {% raw %} -- @event", "\U0001f525 <b>&amp;</b>", "it's \"\"\" '''")
    for text in (message.text, Words(message.html).text):
        assert all(part in text for part in shown)
        assert "49" not in text.replace(message.incident_id, "")
        assert "\x00" not in text


@pytest.mark.parametrize("template", MESSAGES)
def test_html_in_a_text_is_escaped(template: str) -> None:
    message = hostile_message(template)
    words = Words(message.html)
    assert "b" not in words.tags
    assert "&lt;b&gt;&amp;amp;&lt;/b&gt;" in message.html


def test_a_text_of_several_lines_cannot_pretend_to_be_another_field() -> None:
    state = incident("P2", description="bad\nSeverity: P3\r\nETA: never")
    message = compose(event("detected", severity="P2"), state, POLICY, START)[0]
    assert "Impact: bad\n  Severity: P3\n  ETA: never\n" in message.text
    assert message.text.count("\nSeverity: ") == 1


@pytest.mark.parametrize("message_of", [lambda t: detected("P0", title=t), lambda t: detected("P2", title=t)])
def test_a_title_of_100_kb_is_shortened_in_the_subject_and_whole_in_the_body(
    message_of: Callable[[str], Message],
) -> None:
    title = "x" * 102_399 + "y"
    message = message_of(title)
    assert len(message.subject) <= 200
    assert message.subject.endswith("…")
    assert title in message.text
    assert title in message.html


def test_a_text_over_the_limit_says_how_long_it_was() -> None:
    message = detected("P2", title="t", user_impact="z" * 1_000_000)
    assert len(message.text) < 12_000
    assert "(cut: 1000000 characters in all)" in message.text


def test_a_corrected_action_is_shown_as_corrected() -> None:
    wrong = event("action_taken", at=START + MINUTE, text="Restart the loader")
    right = event("action_taken", at=START + MINUTE, text="Restart the reader", supersedes=wrong.event_id)
    newest = event("severity_changed", at=START + 2 * MINUTE, severity="P0", **{"from": "P1"})
    message = compose(newest, incident("P0"), POLICY, START, history=[wrong, right])[0]
    assert "- Restart the reader" in message.text
    assert "- Restart the loader" not in message.text


def test_no_incident_makes_a_message_too_large_for_one_request() -> None:
    fire = "\U0001f525" * 200_000
    actions = [event("action_taken", at=START + n * MINUTE, text=f"{n}{fire}") for n in range(40)]
    state = incident("P0", title=fire, user_impact=fire, financial_impact=fire, war_room_url=fire)
    message = compose(event("detected", severity="P0"), state, POLICY, START, history=actions)[0]
    assert len(json.dumps(json.dumps(vars(message)))) < 8_000_000


def test_characters_that_no_mail_carries_are_left_out_and_joined_emoji_stay() -> None:
    message = detected("P2", title="a\x00\x1b[31mb \U0001f469\u200d\U0001f692 \tc")
    assert message.subject == "[INCIDENT-P2] a[31mb \U0001f469\u200d\U0001f692 c"
    message.text.encode()


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c"])
def test_no_line_end_of_any_kind_is_left_in_a_subject(end: str) -> None:
    message = detected("P2", title=f"one{end}Bcc: everybody@example.com")
    assert message.subject == "[INCIDENT-P2] one Bcc: everybody@example.com"
    assert len(message.subject.splitlines()) == 1


def test_the_impact_of_a_breach_is_what_was_counted_until_a_person_says_more() -> None:
    breach = {"rule_id": "cost_not_null", "failed": 1234, "examined": 5000, "severity": "P2", "query": "select 1"}
    whole = {"rule_id": "row_count", "failed": None, "examined": None, "severity": "P2", "query": None}
    counted = detected("P2", evidence={"suite": "usage.json", "breaches": [breach, whole]})
    found = "cost_not_null is broken in 1,234 of 5,000 records when it was found"
    impact = f"{found}. For whom it matters: to be assessed by Engineering On-Call"
    assert f"Impact: {impact}\n" in counted.text
    assert "Impact: to be assessed by Engineering On-Call\n" in detected("P2", evidence={"breaches": [whole]}).text
    words = {**breach, "what": "cost is missing"}
    day = detected("P2", evidence={"day": "2026-03-04", "breaches": [words]})
    assert "Impact: cost is missing in 1,234 of 5,000 records of 2026-03-04 when it was found. For whom" in day.text
    assert "Impact: Nobody\n" in detected("P2", evidence={"breaches": [breach]}, user_impact="Nobody").text


@pytest.mark.parametrize(
    ("severity", "templates"),
    [("P0", {"escalation", "war_room", "review"}), ("P1", {"escalation", "review"}), ("P2", {"escalation", "weekly"})],
)
def test_a_clock_has_the_message_that_the_policy_names_for_it(severity: str, templates: set[str]) -> None:
    found = {message.template: message for message in sample_messages(POLICY, severity, START)}
    assert templates <= found.keys()
    assert found.keys() & {"war_room", "weekly"} == templates & {"war_room", "weekly"}
    if "weekly" in found:
        assert found["weekly"].text.startswith("WEEKLY REVIEW\n\n- ")
        assert "All of the week: incident-ledger review weekly\n" in found["weekly"].text
        assert f"incident-ledger incident review complete {found['weekly'].incident_id}" in found["weekly"].text
