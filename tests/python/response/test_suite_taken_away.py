"""A suite that is taken away while it says that something is bad: a person ends that, and it stays ended."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from conftest import PROJECT_DIR
from incident_ledger.doctor.diagnosis import check_suites
from incident_ledger.ledger import commands
from incident_ledger.ledger.state import IncidentState, read_state
from incident_ledger.ledger.writer import append
from incident_ledger.policy import Policy, load_files
from incident_ledger.quality.checker import check_all
from incident_ledger.response.rules.signal_rules import signal_events
from incident_ledger.runner.signal_rows import read_signals
from incident_ledger.warehouse import Warehouse
from reused import Reused

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
POLICY: Policy = load_files(PROJECT_DIR / "seeds" / "policy")
WINDOW = POLICY.reopening_window(START) / HOUR
LEVELS = {"P1": 50, "P2": 10, None: 0}  # broken records of a hundred


@dataclass(frozen=True)
class Desk:
    """A table, its suites in a folder, and what a run does of them between two builds."""

    warehouse: Warehouse

    @property
    def suites(self) -> Path:
        (folder,) = self.warehouse.settings.suite_dirs
        return folder

    def data(self, **levels: str | None) -> None:
        """A table whose columns break their rule as often as makes them P1, P2 or clean."""
        columns = ", ".join(f"if(i < {LEVELS[level]}, null, i) as {name}" for name, level in levels.items())
        self.warehouse.execute(
            f"create or replace table {self.warehouse.mart('facts')} as "
            f"select {columns} from unnest(generate_array(0, 99)) as i"
        )

    def put(self, name: str, column: str | None = None) -> None:
        """A suite about one column; broken without one."""
        rule = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": column}, "severity": "critical"}
        body = {"meta": {"table": "facts"}, "expectations": [rule | {"meta": {"rule_id": f"{column}_given"}}]}
        (self.suites / name).write_text(json.dumps(body) if column else "{")

    def run(self, hour: float) -> list[str]:
        """What a run writes, by its type."""
        now = START + hour * HOUR
        check_all(self.warehouse, POLICY, run_id=f"{hour}", now=now)
        events = signal_events(read_state(self.warehouse), read_signals(self.warehouse), POLICY, now)
        append(self.warehouse, events, now)
        return [event.event_type.value for event in events]

    def resolve(self, hour: float) -> None:
        """What a person does by `incident resolve`."""
        (incident,) = self.open()
        at = START + hour * HOUR
        append(self.warehouse, [commands.resolve(incident, commands.CommandContext(actor="ann", at=at, now=at))], at)

    def doctor(self) -> list[str]:
        """The suites of which `doctor` says that they are missed."""
        texts = [finding.text for finding in check_suites(self.warehouse.settings, self.warehouse)]
        return [text.partition(" is in breach by ")[2].partition(", which ")[0] for text in texts if "any more" in text]

    def open(self) -> list[IncidentState]:
        return read_state(self.warehouse, is_open=True)


@pytest.fixture
def desk(reused: Reused, tmp_path: Path) -> Desk:
    """An empty ledger and an empty folder of suites."""
    return Desk(reused.like_new(suites=str(tmp_path)))


@pytest.mark.parametrize("column", ["amount", None], ids=["healthy", "broken"])
def test_the_incident_stays_open_until_a_person_resolves_it_and_resolved_from_then_on(
    column: str | None, desk: Desk
) -> None:
    desk.data(amount="P1")
    desk.put("a.json", column)
    assert desk.run(0) == ["detected"]
    (desk.suites / "a.json").unlink()
    assert [desk.run(hour) for hour in (1, 2)] == [[], []]
    assert len(desk.open()) == 1
    assert desk.doctor() == ["a.json"]
    desk.resolve(3)
    assert desk.doctor() == []
    assert [desk.run(hour) for hour in (4, 5, 3 + WINDOW, 4 + WINDOW, 100 * WINDOW)] == [[]] * 5
    assert desk.open() == []


@pytest.mark.parametrize("column", ["amount", None], ids=["healthy", "broken"])
@pytest.mark.parametrize(("hour", "event"), [(3 + WINDOW, "reopened"), (3.1 + WINDOW, "detected")])
def test_when_it_comes_back_and_finds_the_same_the_policys_window_decides(
    column: str | None, hour: float, event: str, desk: Desk
) -> None:
    desk.data(amount="P1")
    desk.put("a.json", column)
    desk.run(0)
    (desk.suites / "a.json").unlink()
    desk.run(1)
    desk.resolve(3)
    desk.run(4)
    desk.put("a.json", column)
    assert [desk.run(hour), desk.run(hour + 1)] == [[event], []]
    assert len(desk.open()) == 1
    assert desk.doctor() == []


@pytest.mark.parametrize(("is_resolved", "events"), [(False, ["resolved"]), (True, [])])
def test_when_it_comes_back_and_finds_the_table_clean_that_is_the_end(
    is_resolved: bool, events: list[str], desk: Desk
) -> None:
    desk.data(amount="P1")
    desk.put("a.json", "amount")
    desk.run(0)
    (desk.suites / "a.json").unlink()
    if is_resolved:
        desk.resolve(3)
    desk.data(amount=None)
    desk.put("a.json", "amount")
    assert [desk.run(4), desk.run(5)] == [events, []]
    assert desk.open() == []


def test_what_was_resolved_by_a_person_does_not_speak_for_another_suites_breach(desk: Desk) -> None:
    """A P1 of one suite, taken away and resolved; then a P2 of another, which ends when it is gone."""
    desk.data(amount="P1", cost=None)
    desk.put("a.json", "amount")
    desk.put("b.json", "cost")
    assert desk.run(0) == ["detected"]
    (desk.suites / "a.json").unlink()
    desk.resolve(3)
    desk.data(amount="P1", cost="P2")
    assert desk.run(4) == ["reopened"]
    (signal,) = read_signals(desk.warehouse)
    assert (signal.severity_level, signal.rule_id) == ("P2", "cost_given")
    desk.data(amount="P1", cost=None)
    assert [desk.run(5), desk.run(6)] == [["resolved"], []]
    assert desk.open() == []


def test_a_suite_that_is_renamed_needs_a_person_once(desk: Desk) -> None:
    desk.data(amount="P1")
    desk.put("a.json", "amount")
    desk.run(0)
    (desk.suites / "a.json").rename(desk.suites / "b.json")
    assert desk.run(1) == []
    desk.data(amount=None)
    assert desk.run(2) == []  # `a.json` was not found clean
    desk.resolve(3)
    desk.data(amount="P2")
    assert desk.run(40) == ["detected"]
    desk.data(amount=None)
    assert desk.run(41) == ["resolved"]
    assert desk.open() == []
