"""From usage that does not come to a P1 that a tick alone raises, and the load that ends it."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest

from conftest import fresh_settings
from incident_ledger.dbt_runner import Dbt
from incident_ledger.demo import usage
from incident_ledger.importers.usage.ingest import load_usage
from incident_ledger.ledger.setup import ensure_ledger
from incident_ledger.ledger.state import IncidentState, read_state
from incident_ledger.runner.found_signals import record_found
from incident_ledger.runner.job import Job
from incident_ledger.warehouse import Warehouse, connect

MONDAY = date(2026, 3, 2)
LOADED = datetime(2026, 3, 3, 8, tzinfo=UTC)
# Tuesday's usage is due 36 hours after the day's end.
DUE = datetime(2026, 3, 5, 12, tzinfo=UTC)
BACK = datetime(2026, 3, 5, 13, tzinfo=UTC)
MODELS = ("+int_signals__volumes",)


@pytest.fixture(scope="module")
def ledger(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    warehouse = connect(fresh_settings(endpoint, tmp_path_factory.mktemp("usage")))
    ensure_ledger(warehouse)
    return warehouse


@pytest.fixture(scope="module")
def load(ledger: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Callable[[date, datetime], int]:
    """What a run does with an export of Cursor's daily report up to a day: how many signals changed."""
    dbt = Dbt(ledger.settings, ledger.endpoint)

    def at(end_day: date, time: datetime) -> int:
        files = usage.generate(tmp_path_factory.mktemp("export"), seed=1, end_day=end_day, days=50)
        load_usage(ledger, "cursor_daily", files["cursor_daily"], loaded_at=time)
        results = dbt.build(MODELS, as_of=time)
        assert "\n".join(each.message for each in results if not each.is_success) == ""
        return record_found(ledger)

    return at


def incidents(ledger: Warehouse, time: datetime) -> list[IncidentState]:
    Job(ledger, time, command="tick").tick(wait=0)
    return read_state(ledger)


def test_usage_that_has_not_come_when_it_is_due_is_a_p1_until_it_comes(
    ledger: Warehouse, load: Callable[[date, datetime], int]
) -> None:
    assert load(MONDAY, LOADED) == 1
    assert incidents(ledger, DUE - timedelta(seconds=1)) == []
    (incident,) = incidents(ledger, DUE)
    assert (incident.severity_level, incident.rule_id) == ("P1", "usage_volume_missing")
    assert incident.title == "cursor: 100 % of the requests usual on a Tuesday are missing of 2026-03-03"
    assert incident.components == ("usage:cursor",)
    assert incident.evidence["observations"] == 6
    assert incident.evidence["query"] == (
        'select * from fct_usage_daily where vendor = "cursor" and usage_date >= "2026-03-02"'
    )
    # What comes late ends it, when it was loaded.
    assert load(MONDAY + timedelta(days=2), BACK) == 1
    (incident,) = incidents(ledger, BACK + timedelta(minutes=1))
    assert incident.resolution_time == BACK
