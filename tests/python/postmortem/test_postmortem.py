"""A review written from the ledger, edited, and read back: what it says becomes events, and lines that say nothing are
named."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from incident_ledger.errors import UserError
from incident_ledger.ledger.commands import CommandContext
from incident_ledger.ledger.events import Event, EventType
from incident_ledger.ledger.reducer import effective
from incident_ledger.ledger.state import RecordedEvent
from incident_ledger.postmortem.document import postmortem
from incident_ledger.postmortem.review_events import import_events
from incident_ledger.postmortem.review_findings import Findings, Improvement, known_findings, plain_lines
from incident_ledger.postmortem.review_parser import parse
from simulated import MINUTE, POLICY, START, Ledger

NOW = datetime(2026, 3, 3, 12, tzinfo=UTC)
TASKS = [task.task_id for task in POLICY.tasks()]
CATEGORIES = ("deploy", "upstream")
WHOLE = Findings(
    root_cause_category="deploy",
    root_cause="The export was cut.\n\nNobody saw it.",
    user_impact="12 analysts, *all* of [finance]",
    financial_impact="$1,200",
    data_impact="5 of 16 records",
    contributing_factors=("No volume rule", "1. A deploy on a Friday"),
    improvements=(Improvement(text="A rule for the volume", owner="ada@example.org", due="2026-03-31"),),
    lessons=("# Look at the export first", "<b>| & `code` \\ back"),
)


def lived() -> Ledger:
    """A P1 that was answered late, estimated too early and resolved."""
    ledger = Ledger("P1")
    ledger.tick(20)
    ledger.add("acknowledged", 20).add("eta_set", 25, estimated_resolution_time="2026-03-02T09:45:00Z")
    ledger.add("note", 26, text="A | pipe and\na second line").add("resolved", 60, text="Loaded again.")
    ledger.tick(61)
    return ledger


def document(ledger: Ledger) -> str:
    return postmortem(ledger.state(), ledger.events, POLICY, NOW)


def recorded(events: list[Event]) -> list[RecordedEvent]:
    return [RecordedEvent(event_id=event.event_id, recorded_at=event.occurred_at, event=event) for event in events]


def imported(ledger: Ledger, text: str, at: float = 1500) -> list[Event]:
    """What the import of a text writes; it is in the ledger then."""
    incident_id, findings, done = parse(text, "review.md", CATEGORIES, TASKS)
    assert incident_id == ledger.state().incident_id
    context = CommandContext(actor="ann", at=START + at * MINUTE, now=START + at * MINUTE)
    events = import_events(ledger.state(), recorded(ledger.events), context, findings, done)
    ledger.events += events
    return events


def edited(text: str, **lines: str) -> str:
    """The document with the first line of each of these beginnings replaced."""
    replaced = text
    for beginning, line in lines.items():
        assert beginning in replaced
        replaced = replaced.replace(beginning, line, 1)
    return replaced


def filled(findings: Findings = WHOLE, done: tuple[str, ...] = ("timeline_record",)) -> str:
    """The document as a person fills it in, whose ledger holds these findings already."""
    ledger = lived()
    ledger.add("root_cause_identified", 62, category=findings.root_cause_category, text=findings.root_cause)
    ledger.add("impact_assessed", 63, **findings.impact).add("review_completed", 64, **findings.review)
    for task in done:
        ledger.add("task_completed", 65, task_id=task)
    return document(ledger)


def test_it_has_what_the_playbook_asks_for() -> None:
    text = document(lived())
    for words in (
        "# Post-incident review of INC-20260302T090000Z-",
        "| Severity | P1 - High |",
        "| Acknowledged | 2026-03-02 09:20:00 UTC | +20 |",
        "- MTTR (detected to resolved): 60.000 minutes",
        "- 2026-03-02T09:45:00Z, given 2026-03-02 09:25:00 UTC by ann: 15 minutes later in fact",
        "| Response | 2026-03-02 09:15:00 UTC | missed by 5 minutes |",
        "| Management notification (P0/P1) | 2026-03-02 09:15:00 UTC | fell due |",
        "| 2026-03-02 09:26:00 UTC | +26 | note: A \\| pipe and a second line | ann |",
        "Immediate Actions (Within 24 Hours), by 2026-03-03 10:00:00 UTC:",
        "- [ ] `timeline_record`: Complete incident record in operational metrics",
        "Post-Incident Review (Within 72 Hours), by 2026-03-05 10:00:00 UTC:",
    ):
        assert words in text


def test_a_draft_of_what_is_open_has_no_tasks_and_says_what_still_runs() -> None:
    text = postmortem(Ledger("P1").state(), Ledger("P1").events, POLICY, START + 5 * MINUTE)
    assert "| Response | 2026-03-02 09:15:00 UTC | still runs |" in text
    assert "## Tasks" not in text


def test_a_vendors_incident_has_no_clock() -> None:
    vendors = Ledger("P1", source="statuspage").add("resolved", 30, actor="statuspage")
    vendors.add("notified", 31, actor="incident-ledger", template="critical", channel="mail", outcome="sent")
    text = document(vendors)
    assert "None ran: it is a vendor's" in text
    assert "| clock |" not in text
    assert "| notified: critical: mail: sent | incident-ledger |" in text


def test_what_was_filled_in_becomes_events() -> None:
    ledger = lived()
    events = imported(ledger, filled())
    assert [event.event_type.value for event in events] == [
        "task_completed",
        "root_cause_identified",
        "impact_assessed",
        "review_completed",
    ]
    state = ledger.state()
    assert (state.root_cause_category, state.closed_time) == ("deploy", START + 1500 * MINUTE)
    assert known_findings(state, effective(ledger.events)) == WHOLE


def test_the_same_file_again_writes_nothing_and_a_better_one_supersedes() -> None:
    ledger = lived()
    text = filled()
    imported(ledger, text)
    assert imported(ledger, text, 1600) == []
    (event,) = imported(ledger, filled(replace(WHOLE, lessons=("Another",))), 1700)
    assert event.event_type is EventType.REVIEW_COMPLETED
    assert known_findings(ledger.state(), effective(ledger.events)).lessons == ("Another",)
    assert imported(ledger, document(ledger), 1800) == []


def test_what_is_left_empty_takes_nothing_back() -> None:
    ledger = lived().add("impact_assessed", 62, user_impact="Everybody")
    imported(
        ledger, edited(document(ledger), **{"- Users: Everybody": "- Users:", "- Category:": "- Category: Deploy"})
    )
    assert ledger.state().user_impact == "Everybody"
    assert ledger.state().root_cause_category == "deploy"


def test_a_file_that_nobody_filled_in_is_no_review() -> None:
    ledger = lived().add("root_cause_identified", 62, category="deploy")
    with pytest.raises(UserError, match="Nothing in it was filled in"):
        imported(ledger, document(ledger))


def test_what_is_open_is_not_reviewed() -> None:
    ledger = Ledger("P1")
    text = document(ledger).replace("- Category:", "- Category: deploy")
    with pytest.raises(UserError, match="is investigating, not resolved"):
        imported(ledger, text)


BAD: dict[str, tuple[dict[str, str], str]] = {
    "no category": ({"- Category: deploy": "- Category:"}, "the root cause has no category"),
    "unknown category": (
        {"- Category: deploy": "- Category: gremlins"},
        "'gremlins' is no root cause; there are deploy, upstream",
    ),
    "no owner": (
        {" (owner: ada@example.org, due: 2026-03-31)": ""},
        "'A rule for the volume' names no owner and date; end it with (owner: NAME, due: 2026-03-31)",
    ),
    "no day": (
        {"ada@example.org, due: 2026-03-31": "ada@example.org, due: 2026-02-30"},
        "'2026-02-30' is no day; write it as 2026-03-31",
    ),
    "unknown task": (
        {"`timeline_record`": "`timeline_recod`"},
        "'timeline_recod' is no task; there are timeline_record",
    ),
    "no box": ({"[x] `timeline_record`": "`timeline_record`"}, "is no task; write `- [x] task` or `- [ ] task`"),
    "unknown label": ({"- Money:": "- Dosh:"}, "begins with none of Users:, Money:, Data:"),
    "unknown heading": ({"## Lessons": "## Morals"}, "the heading 'Morals' is not known; there are Impact, Root cause"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_line_that_is_not_understood_is_named(name: str) -> None:
    changes, words = BAD[name]
    text = edited(filled(), **changes)
    (changed,) = changes.values()
    wanted = 1 + next(at for at, line in enumerate(text.split("\n")) if (changed or "A rule for the volume") in line)
    with pytest.raises(UserError) as refused:
        parse(text, "review.md", CATEGORIES, TASKS)
    assert f"  review.md:{wanted}: " in str(refused.value)
    assert words in str(refused.value)


def test_a_file_that_is_no_review_names_no_incident() -> None:
    with pytest.raises(UserError, match=r"x\.md:1: the title names no incident"):
        parse("hello\n", "x.md", CATEGORIES, TASKS)


LINES = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=40)
TEXTS = st.one_of(
    st.lists(LINES, min_size=1, max_size=4).map("\n".join),
    st.sampled_from(
        ["1) a", "---", "a\n===", "> q", "    code", "[a](b)", "&amp;", "<!-- x -->", "a  \nb", "***", "|"]
    ),
).map(plain_lines)


@given(st.lists(TEXTS.filter(bool), min_size=6, max_size=6))
@example(["#", "-", "+ a", "~~~", "\\", "a\n\nb"])
@settings(max_examples=200, deadline=None)
def test_any_text_comes_back_as_it_was_written(texts: list[str]) -> None:
    findings = Findings(
        root_cause_category="deploy",
        root_cause=texts[0],
        user_impact=texts[1],
        data_impact=texts[2],
        contributing_factors=tuple(texts[3:5]),
        improvements=(Improvement(text="An improvement", owner="ada", due="2026-03-31"),),
        lessons=(texts[5],),
    )
    assert parse(filled(findings), "review.md", CATEGORIES, TASKS)[1] == findings


def test_a_text_that_ends_a_table_or_a_list_changes_no_other() -> None:
    ledger = Ledger("P2").add("note", 1, text="## Lessons\n- not one").add("resolved", 2, text="| a |\n\n# Title")
    _, findings, done = parse(
        document(ledger).replace("- Category:", "- Category: deploy"), "review.md", CATEGORIES, TASKS
    )
    assert (findings.lessons, done) == ((), [])
