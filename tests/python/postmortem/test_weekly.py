"""The week for its review: counts, what is to be reviewed and how far that is, what is open, what came again."""

from datetime import UTC, datetime, timedelta
from typing import Any

from incident_ledger.ledger.state import IncidentState
from incident_ledger.postmortem.weekly import week_of, weekly_review
from simulated import POLICY, START, Ledger

NOW = START + timedelta(days=5)
WEEK = datetime(2026, 3, 2, tzinfo=UTC)


def lived(severity: str, source: str, *, days: float = 0, lasts: float | None = 30, **payload: Any) -> IncidentState:
    """An incident that began so many days after `START` and was resolved after `lasts` minutes, or never."""
    ledger = Ledger(severity, source=source, start=START + timedelta(days=days))
    ledger.add("note", 0, title=source, components=[payload.pop("component", f"table:{source}")])
    if lasts is not None:
        ledger.add("acknowledged", 1).add("resolved", lasts)
    for kind, at in payload.items():
        ledger.add(kind, at)
    return ledger.state()


def review(*incidents: IncidentState) -> str:
    return weekly_review(week_of(incidents, POLICY, WEEK, WEEK + timedelta(days=7), NOW))


def section(text: str, heading: str) -> str:
    return text.partition(f"## {heading}\n")[2].partition("\n## ")[0]


def test_it_counts_by_severity_what_began_and_ended_in_the_week() -> None:
    text = review(
        lived("P2", "a", lasts=30),
        lived("P2", "b", lasts=90),
        lived("P2", "before", days=-1, lasts=20),
        lived("P2", "over_the_beginning", days=-1, lasts=2 * 24 * 60),
        lived("P1", "open", lasts=None),
        lived("P3", "later", days=8),
        lived("P0", "wrong", retracted=40),
    )
    assert "| P0 | 0 | 0 | 0 | - |" in text
    assert "| P1 | 1 | 0 | 1 | - |" in text
    assert "| P2 | 2 | 3 | 0 | 90.0 |" in text
    assert "| P3 | 0 | 0 | 0 | - |" in text
    assert "wrong" not in text


def test_what_ended_after_the_week_is_reviewed_by_its_meeting_and_not_counted() -> None:
    found = [lived("P2", "inside"), lived("P2", "monday", days=7), lived("P1", "open", days=7, lasts=None)]
    until = WEEK + timedelta(days=7)
    text = weekly_review(
        week_of(found, POLICY, WEEK, until, until + timedelta(hours=18), listed_until=until + timedelta(hours=18))
    )
    assert "| P2 | 1 | 1 | 0 | 30.0 |" in text
    assert "inside" in section(text, "To be reviewed together")
    assert "monday" in section(text, "To be reviewed together")
    assert "open" in section(text, "Open")
    assert "monday" not in weekly_review(week_of(found, POLICY, WEEK, until, until + timedelta(hours=18)))


def test_p2_are_reviewed_together_and_worse_ones_by_themselves() -> None:
    text = review(lived("P2", "together"), lived("P1", "alone"), lived("P3", "never"))
    together, alone = section(text, "To be reviewed together"), section(text, "Reviews of their own")
    assert "together" in together
    assert "late since 2026-03-02 18:00:00 UTC\n" in together
    assert "alone" in alone
    assert "late since 2026-03-05 09:30:00 UTC, 15 of 15 tasks are not done" in alone
    assert "never" not in text


def test_what_was_reviewed_says_so() -> None:
    text = review(lived("P2", "done", review_completed=60), lived("P1", "too", review_completed=70))
    assert "reviewed 2026-03-02 10:00:00 UTC" in section(text, "To be reviewed together")
    assert "reviewed 2026-03-02 10:10:00 UTC" in section(text, "Reviews of their own")


def test_what_is_open_and_what_came_again_is_named() -> None:
    text = review(
        lived("P2", "one", component="api:x", lasts=None),
        lived("P0", "two", component="api:x", lasts=None),
        lived("P2", "three"),
    )
    open_ones = section(text, "Open").splitlines()
    assert [line.split()[1] for line in open_ones if line.startswith("-")] == ["P0", "P2"]
    assert section(text, "More than once in this week").strip() == "- api:x: 2 incidents"


def test_a_week_without_incidents_is_a_page() -> None:
    text = review()
    assert section(text, "Open").strip() == "Nothing."
    assert "More than once" not in text


def test_titles_are_text() -> None:
    text = review(lived("P2", "# <b>*x*"))
    assert "# \\<b\\>\\*x\\*" in text
