"""A dbt project as the playbook's pipeline: over half of it failed, or no run came when one was due."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest

from dbt_results.results import at, judged, lineage, node, result
from incident_ledger.dbt_results.pipelines import absence, invocations
from incident_ledger.ledger.events import Event, EventType
from incident_ledger.ledger.state import IncidentState
from incident_ledger.policy import Policy
from incident_ledger.policy.cells import Row
from incident_ledger.response.planner import after, plan
from incident_ledger.response.signals import Signal

# The calendar's zone is Los Angeles: until 8 March 2026 its 06:00 is 14:00 UTC, and then 13:00.
DUE = datetime(2026, 3, 3, 14, tzinfo=UTC)
LATE = DUE + timedelta(hours=2, microseconds=1)


@pytest.fixture(scope="module")
def scheduled(policy: Policy) -> Policy:
    """The policy with a run of `shop` at 06:00 on each day."""
    rows = [
        Row(
            "pipeline_schedules", "here", {"pipeline": "shop", "weekday": day, "starts_at": time(6), "valid_from": None}
        )
        for day in ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
    ]
    return Policy({**policy.tables, "pipeline_schedules": tuple(rows)})


def built(done_at: datetime, policy: Policy, status: str = "success") -> dict[str, Any] | None:
    """The row after a run of one model that was done at a time."""
    return absence("shop", invocations([result("model.shop.a", status, completed_at=done_at)]), policy)


def signal(row: Mapping[str, Any] | None) -> Signal:
    assert row is not None
    return Signal(**{each.name: row[each.name] for each in fields(Signal)})


@pytest.mark.parametrize(
    ("good", "bad", "rule_id", "severity"),
    [
        (2, 2, "dbt_node_failed", "P2"),
        (1, 2, "partial_pipeline_failure", "P1"),
        (0, 1, "partial_pipeline_failure", "P1"),
    ],
)
def test_a_run_that_built_less_than_half_is_a_partial_failure(
    policy: Policy, good: int, bad: int, rule_id: str, severity: str
) -> None:
    """What was skipped was not built either; tests and sources are no data."""
    results = [
        *(result(f"model.shop.good{number}", "success") for number in range(good)),
        result("seed.shop.bad", "error"),
        *(result(f"snapshot.shop.bad{number}", "skipped") for number in range(bad - 1)),
        *(result(f"test.shop.t{number}.1", "pass") for number in range(9)),
    ]
    verdicts = [each.verdict for each in judged(results, lineage(), policy) if each.verdict]
    assert [(each.rule_id, each.severity_level) for each in verdicts] == [(rule_id, severity)]


def test_each_run_is_counted_by_itself(policy: Policy) -> None:
    results = [result("model.shop.a", "error"), *(result(f"model.shop.m{n}", "success", 5) for n in range(9))]
    assert [each.not_built_percent(None) for each in invocations(results)] == [100, 0]
    assert [each.verdict.severity_level for each in judged(results, lineage(), policy) if each.verdict] == ["P1"]


def test_one_model_of_many_that_was_built_alone_is_no_half(policy: Policy) -> None:
    known = lineage(*(node(f"model.shop.m{number}") for number in range(3)))
    for failed, rule_id in ((1, "dbt_node_failed"), (2, "partial_pipeline_failure")):
        results = [result(f"model.shop.m{number}", "error") for number in range(failed)]
        assert {each.verdict.rule_id for each in judged(results, known, policy) if each.verdict} == {rule_id}


def test_no_run_for_over_two_hours_past_its_schedule_is_a_complete_failure(scheduled: Policy) -> None:
    row = signal(built(DUE - timedelta(hours=20), scheduled))
    assert (row.rule_id, row.severity_level, row.started_at) == ("complete_pipeline_failure", "P0", LATE)
    assert plan([], [row], scheduled, DUE + timedelta(hours=2)) == []
    first, *_ = plan([], [row], scheduled, LATE)
    assert (first.event_type, first.occurred_at) == (EventType.DETECTED, LATE)
    assert first.payload["title"] == (
        "shop: no run has built anything since 2026-03-02 18:00 UTC; one was due at 2026-03-03 14:00 UTC"
    )


def test_a_run_that_comes_ends_it_and_the_next_absence_opens_it_again(scheduled: Policy) -> None:
    came = LATE + timedelta(hours=1)
    late, on_time = signal(built(DUE - timedelta(hours=20), scheduled)), signal(built(came, scheduled))
    events: list[Event] = []
    state: list[IncidentState] = []
    for current, now in (
        (late, LATE),
        (on_time, came),
        (on_time, DUE + timedelta(hours=25)),
        (on_time, LATE + 24 * timedelta(hours=1)),
    ):
        new = plan(state, [current], scheduled, now)
        state = after(state, new)
        events += [
            each for each in new if each.event_type in (EventType.DETECTED, EventType.RESOLVED, EventType.REOPENED)
        ]
    assert [(each.event_type, each.occurred_at) for each in events] == [
        (EventType.DETECTED, LATE),
        (EventType.RESOLVED, came),
        (EventType.REOPENED, LATE + timedelta(days=1)),
    ]


@pytest.mark.parametrize(
    ("done_at", "begins"),
    [
        (DUE, DUE + timedelta(days=1)),  # a run at its very time is not the next one
        (datetime(2026, 3, 7, 20, tzinfo=UTC), datetime(2026, 3, 8, 13, tzinfo=UTC)),  # the clocks went forward
    ],
)
def test_the_next_run_is_due_by_the_calendars_clock(scheduled: Policy, done_at: datetime, begins: datetime) -> None:
    assert signal(built(done_at, scheduled)).started_at - timedelta(hours=2, microseconds=1) == begins


def test_a_run_that_built_nothing_is_no_run(scheduled: Policy) -> None:
    assert built(at(0), scheduled, "error") is None
    assert absence("shop", invocations([result("test.shop.t.1", "pass")]), scheduled) is None


def test_a_pipeline_without_a_schedule_is_not_watched(policy: Policy) -> None:
    assert built(at(0), policy) is None
