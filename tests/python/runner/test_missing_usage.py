"""From usage and costs that do not come to incidents that a tick alone raises, and the loads that end them."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from detecting import Detectors
from incident_ledger.demo import usage
from incident_ledger.importers.usage.ingest import load_usage
from incident_ledger.ledger.state import IncidentState, read_state
from incident_ledger.runner.job import Job
from incident_ledger.warehouse import Warehouse
from reused import Reused

MONDAY = date(2026, 3, 2)
LOADED = datetime(2026, 3, 3, 8, tzinfo=UTC)
# Tuesday's usage is due 36 hours after the day's end.
DUE = datetime(2026, 3, 5, 12, tzinfo=UTC)
BACK = datetime(2026, 3, 5, 13, tzinfo=UTC)
MODELS = ("+int_signals__volumes", "+int_signals__costs")
Load = Callable[..., int]


@pytest.fixture(scope="module")
def ledger(reused: Reused, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    return reused.like_new(tmp_path_factory.mktemp("usage"))


@pytest.fixture(scope="module")
def load(ledger: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Load:
    """What a run does with exports of reports, each up to a day: how many signals changed."""
    detectors = Detectors(ledger, MODELS)

    def at(time: datetime, **end_days: date) -> int:
        for report, end_day in end_days.items():
            rates = usage.FaultRates(usage_without_output=0)
            files = usage.generate(tmp_path_factory.mktemp("export"), seed=1, end_day=end_day, days=50, rates=rates)
            load_usage(ledger, report, files[report], loaded_at=time)
        return detectors.detect(time)

    return at


def incidents(ledger: Warehouse, time: datetime) -> list[IncidentState]:
    Job(ledger, time, command="tick").tick(wait=0)
    return read_state(ledger)


def test_usage_that_has_not_come_when_it_is_due_is_a_p1_until_it_comes(ledger: Warehouse, load: Load) -> None:
    assert load(LOADED, cursor_daily=MONDAY) == 1
    assert incidents(ledger, DUE - timedelta(seconds=1)) == []
    (incident,) = incidents(ledger, DUE)
    assert (incident.severity_level, incident.rule_id) == ("P1", "usage_volume_missing")
    assert incident.title == "cursor: 100 % of the requests usual on a Tuesday are missing of 2026-03-03"
    assert incident.components == ("usage:cursor",)
    assert incident.evidence["observations"] == 6
    assert incident.evidence["query"] == (
        'select * from fct_usage_daily where vendor = "cursor" and usage_date >= "2026-02-24"'
    )
    # What comes late ends it, when it was loaded.
    assert load(BACK, cursor_daily=MONDAY + timedelta(days=2)) == 1
    (incident,) = incidents(ledger, BACK + timedelta(minutes=1))
    assert incident.resolution_time == BACK


def test_costs_that_are_lost_are_a_p0_until_they_are_there(ledger: Warehouse, load: Load) -> None:
    monday, loaded = MONDAY + timedelta(days=7), LOADED + timedelta(days=7)
    # Its tokens came, its costs did not: they may until Wednesday noon.
    due = datetime(2026, 3, 11, 12, tzinfo=UTC)

    def lost(time: datetime) -> list[IncidentState]:
        return [each for each in incidents(ledger, time) if each.source_key == "cost:anthropic"]

    assert load(loaded, anthropic_usage=monday, anthropic_cost=monday - timedelta(days=1)) > 0
    assert lost(due - timedelta(seconds=1)) == []
    (incident,) = lost(due)
    assert (incident.severity_level, incident.rule_id) == ("P0", "financial_data_loss")
    assert incident.title.startswith("anthropic: 0.00 USD are reported of 2026-03-09, whose tokens cost ")
    back = due + timedelta(hours=1)
    assert load(back, anthropic_cost=monday) > 0
    (incident,) = lost(back + timedelta(minutes=1))
    assert incident.resolution_time == back
