"""What may be the cause of an incident is shown with it: what the policy says it depends on, open at the same time."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from incident_ledger.ledger.state import IncidentState
from incident_ledger.notify.composing import compose_due
from incident_ledger.notify.flapping import Due
from incident_ledger.notify.likely_causes import likely_causes, possible_causes
from incident_ledger.notify.messages import compose
from incident_ledger.notify.summary import summary
from notify.helpers import ID, MINUTE, POLICY, START, event, incident

PAGE = "statuspage:tymt9n04zgry/Claude API"


def other(component: str, *, at: datetime = START - MINUTE, severity: str = "P2", **more: Any) -> IncidentState:
    """An incident of another component."""
    values = {"detection_time": at, "components": (component,), "source": "statuspage", "title": "Elevated errors"}
    return incident(severity, key=f"{component} {at}", **(values | more))


def hit(component: str, **more: Any) -> IncidentState:
    """The incident that is to be explained."""
    return incident("P1", components=(component,), component=component, **more)


@pytest.mark.parametrize(
    ("component", "cause"),
    [
        ("api:anthropic", PAGE),
        ("usage:anthropic", PAGE),
        ("usage:anthropic", "api:anthropic"),
        ("cost:cursor", "api:cursor"),
        ("pipeline:run_daily_job", PAGE),
    ],
)
def test_an_incident_of_what_it_depends_on_is_its_likely_cause(component: str, cause: str) -> None:
    (found,) = likely_causes(hit(component), [other(cause)], POLICY, START)
    assert found == f"{other(cause).incident_id}, P2: Elevated errors (statuspage, detected 2026-03-02 08:59:00 UTC)"


@pytest.mark.parametrize(("component", "cause"), [("usage:cursor", "api:anthropic"), ("api:anthropic", "api:cursor")])
def test_what_it_does_not_depend_on_is_no_cause(component: str, cause: str) -> None:
    assert likely_causes(hit(component), [other(cause)], POLICY, START) == ()


def test_a_page_that_is_later_than_the_trouble_is_its_cause_and_one_of_another_time_is_not() -> None:
    later = other(PAGE, at=START + 20 * MINUTE)
    over = other(PAGE, at=START - 60 * MINUTE, is_open=False, resolution_time=START - 30 * MINUTE)
    short = other(PAGE, at=START - 60 * MINUTE, is_open=False, resolution_time=START + 5 * MINUTE)
    found = hit("api:anthropic")
    assert likely_causes(found, [later, over], POLICY, START + 19 * MINUTE) == ()
    assert [text.partition(",")[0] for text in likely_causes(found, [later, over], POLICY, START + 20 * MINUTE)] == [
        later.incident_id
    ]
    (text,) = likely_causes(found, [short], POLICY, START)
    assert text.endswith(", over since 2026-03-02 09:05:00 UTC)")
    ended = hit("api:anthropic", is_open=False, resolution_time=START + 10 * MINUTE)
    assert likely_causes(ended, [later], POLICY, START + timedelta(days=1)) == ()


def test_nothing_is_likely_where_a_person_named_the_cause_or_the_other_counts_for_nothing() -> None:
    assert likely_causes(hit("api:anthropic", root_cause_category="code"), [other(PAGE)], POLICY, START) == ()
    gone = [other(PAGE, is_retracted=True), other(PAGE, merged_into="INC-1")]
    assert likely_causes(hit("api:anthropic"), gone, POLICY, START) == ()


def test_the_oldest_three_are_shown() -> None:
    causes = [other(PAGE, at=START - number * MINUTE) for number in range(5)]
    found = likely_causes(hit("api:anthropic"), causes, POLICY, START)
    assert [text.partition(",")[0] for text in found] == [each.incident_id for each in causes[:1:-1]]


def test_it_is_in_messages_and_on_the_screen_as_text() -> None:
    known, cause = hit("api:anthropic"), other(PAGE, title="<b>All\nis well</b>")
    beginning = event("detected", severity="P1", title=known.title)
    dues = [Due(event=beginning)]
    (message,) = compose_due(dues, {ID: known, cause.incident_id: cause}, POLICY, START, {ID: []})
    line = f"- Likely cause: {cause.incident_id}, P2: <b>All is well</b>\n"
    assert line.replace("\n", " ") in " ".join(message.text.split())  # in lines of a readable width
    assert "&lt;b&gt;All is well&lt;/b&gt;" in message.html
    assert summary(known, [beginning], POLICY, START, [cause]).likely_causes == likely_causes(
        known, [cause], POLICY, START
    )
    note = event("note", at=START + MINUTE, text="Seen", notify=True)
    (progress,) = compose(note, known, POLICY, START + MINUTE, others=[cause])
    assert f"Likely cause: {cause.incident_id}, P2" in progress.text
    named = event("root_cause_identified", category="code", text="A loop")
    (progress,) = compose(note, known, POLICY, START + MINUTE, history=[named], others=[cause])
    assert "\nLikely cause: code: A loop\n" in progress.text


def test_of_many_incidents_those_are_looked_at_on_which_something_depends() -> None:
    many = [other(f"table:a.t{number}") for number in range(50)]
    assert possible_causes([*many, other(PAGE)], POLICY, START) == [other(PAGE)]
