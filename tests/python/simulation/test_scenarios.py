"""Each scenario is found by its rule, with its severity, within a minute; its near miss is not."""

from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

from conftest import PROJECT_DIR
from detecting import Detectors
from incident_ledger.dbt_runner import Dbt
from incident_ledger.errors import UserError
from incident_ledger.ledger.state import read_state
from incident_ledger.policy import Policy, load
from incident_ledger.quality.checker import check_all
from incident_ledger.quality.suites import load_suite
from incident_ledger.runner.build import Builds
from incident_ledger.runner.job import Job
from incident_ledger.runner.rejected_rows import take_in_rejected
from incident_ledger.simulation import SCENARIOS, Played, Stage, find_scenario
from incident_ledger.warehouse import Warehouse
from reused import Reused

DAY = date(2026, 3, 3)
# What a run finds in logs, and of which component: at first those without runs of the pipeline, dead after them.
OF_LOGS = {
    "exposure": ("P0", ("resource:run.googleapis.com/namespaces/shop/services/usage-api",)),
    "secret-read": ("P0", ("account:eve@example.com",)),
    "pipeline-slow": ("P2", ("pipeline:run_daily_job",)),
    "pipeline-dead": ("P0", ("pipeline:run_daily_job",)),
    "key-due": ("P3", ("key:projects/shop/secrets/warehouse",)),
}
# What a run finds in usage, and the model that does.
OF_USAGE = {
    "usage-missing": "int_signals__volumes",
    "cost-lost": "int_signals__costs",
    "day-shrunk": "int_signals__costs",
}
OF_QUALITY = ("quality-bad", "quality-poor")
MODELS = (
    "+int_signals__pipelines",
    "+int_signals__pipeline_durations",
    "+int_signals__exposures",
    "+int_signals__accesses",
    "+int_signals__rotations",
)
LOGS_MISSING, RECORDS_REFUSED = "logs-missing", "records-refused"


@pytest.fixture
def policy(ledger: Warehouse) -> Policy:
    return load(ledger)


def ticked(ledger: Warehouse, played: Played) -> list[tuple[str | None, str]]:
    """Rule and severity of what is open after the looks."""
    for look in played.looks:
        Job(ledger, look.at, command="tick").tick(wait=0)
    return [(each.rule_id, each.severity_level) for each in read_state(ledger, is_open=True)]


OF_TICKS = sorted(set(SCENARIOS) - {LOGS_MISSING, RECORDS_REFUSED} - set(OF_LOGS) - set(OF_USAGE) - set(OF_QUALITY))


@pytest.mark.parametrize("name", OF_TICKS)
def test_what_happens_is_found_within_a_minute(name: str, ledger: Warehouse, policy: Policy) -> None:
    played = SCENARIOS[name].play(Stage(ledger, policy, DAY, 1))
    (look,) = played.looks
    assert played.met_at <= look.at <= played.met_at + timedelta(minutes=1)
    rule = policy.classification_rule(SCENARIOS[name].rule_id, look.at)
    assert ticked(ledger, played) == [(rule.rule_id, rule.severity_level)]


@pytest.mark.parametrize("name", OF_TICKS)
def test_what_nearly_happens_is_not_found(name: str, ledger: Warehouse, policy: Policy) -> None:
    found = ticked(ledger, SCENARIOS[name].play(Stage(ledger, policy, DAY, 1), is_near_miss=True))
    # What is nearly stale is late.
    assert found == ([("dbt_source_late", "P3")] if name == "dbt-source-stale" else [])


@pytest.fixture
def logs(reused: Reused, tmp_path: Path) -> tuple[Warehouse, Callable[..., None]]:
    """A ledger that watches both sinks, and what a run does with new entries."""
    warehouse = reused.like_new(tmp_path, **reused.sinks())
    detectors = Detectors(warehouse, MODELS)

    def look(played: Played, *, views: bool = False) -> None:
        for each in played.looks:
            if each.command == "run":
                detectors.detect(each.at, views=views)
            Job(warehouse, each.at, command="tick").tick(wait=0)

    return warehouse, look


def test_what_happens_in_logs_is_found_and_what_nearly_does_is_not(
    logs: tuple[Warehouse, Callable[..., None]],
) -> None:
    warehouse, look = logs
    policy = load(warehouse)
    for number, name in enumerate(OF_LOGS):
        look(SCENARIOS[name].play(Stage(warehouse, policy, DAY + timedelta(days=2 * number), 1), is_near_miss=True))
        # A pipeline that ran days ago alone is missing by now: a near miss is judged by its own rule.
        assert [each for each in read_state(warehouse) if each.rule_id == SCENARIOS[name].rule_id] == [], name
    for number, (name, (severity, components)) in enumerate(OF_LOGS.items(), start=len(OF_LOGS)):
        played = SCENARIOS[name].play(Stage(warehouse, policy, DAY + timedelta(days=2 * number), 1))
        look(played, views=name == [*OF_LOGS][-1])
        found = {(each.rule_id, each.severity_level, each.components) for each in read_state(warehouse, is_open=True)}
        assert (SCENARIOS[name].rule_id, severity, components) in found, name


def test_entries_that_stop_are_found_by_a_tick_and_one_that_comes_in_time_is_not(
    reused: Reused, tmp_path: Path
) -> None:
    # Of date-sharded tables, as a sink writes them by itself.
    warehouse = reused.like_new(tmp_path, **reused.sinks(pipeline_logs="stdout_*"))
    policy, detectors = load(warehouse), Detectors(warehouse, ["+int_signals__arrivals"])
    for number, is_near_miss in enumerate((True, False)):
        stage = Stage(warehouse, policy, DAY + timedelta(days=2 * number), 1)
        played = SCENARIOS[LOGS_MISSING].play(stage, is_near_miss=is_near_miss)
        run, tick = played.looks
        detectors.detect(run.at, views=True)  # of new tables
        for look in (run, tick):
            Job(warehouse, look.at, command="tick").tick(wait=0)
        found = [(each.rule_id, each.severity_level, each.components) for each in read_state(warehouse)]
        assert found == ([] if is_near_miss else [("logs_missing", "P1", ("log:pipeline_logs",))])


@pytest.mark.parametrize("is_near_miss", [False, True])
def test_records_that_are_refused_are_found_and_those_with_an_unknown_field_are_taken(
    is_near_miss: bool, ledger: Warehouse, policy: Policy
) -> None:
    played = SCENARIOS[RECORDS_REFUSED].play(Stage(ledger, policy, DAY, 1), is_near_miss=is_near_miss)
    (look,) = played.looks
    builds = Builds(ledger, Dbt(ledger.settings, ledger.endpoint), look.at, is_full=False)
    take_in_rejected(ledger, builds, policy, look.at)
    Job(ledger, look.at, command="tick").tick(wait=0)
    found = [(each.rule_id, each.severity_level, each.components) for each in read_state(ledger)]
    assert found == ([] if is_near_miss else [("rows_rejected", "P2", ("import:anthropic_usage",))])


@pytest.mark.parametrize("is_near_miss", [False, True])
@pytest.mark.parametrize("name", OF_USAGE)
def test_what_happens_to_usage_is_found_and_what_nearly_does_is_not(
    name: str, is_near_miss: bool, reused: Reused, tmp_path: Path
) -> None:
    ledger = reused.emptied(tmp_path)
    policy = load(ledger)
    played = SCENARIOS[name].play(Stage(ledger, policy, DAY, 1), is_near_miss=is_near_miss)
    detectors = Detectors(ledger, [f"+{OF_USAGE[name]}"])
    for look in played.looks:
        if look.command == "run":
            detectors.detect(look.at)
        Job(ledger, look.at, command="tick").tick(wait=0)
    rule = policy.classification_rule(SCENARIOS[name].rule_id, played.met_at)
    found = read_state(ledger)
    assert SCENARIOS[name].is_found(found, rule) is not is_near_miss
    assert len(found) == int(not is_near_miss)


@pytest.mark.parametrize(
    ("name", "is_near_miss", "severities"),
    [
        ("quality-bad", False, ["P1"]),
        ("quality-bad", True, ["P2"]),
        ("quality-poor", False, ["P2"]),
        ("quality-poor", True, []),
    ],
)
def test_records_that_are_bad_are_found_from_5_percent_on(
    name: str, is_near_miss: bool, severities: list[str], ledger: Warehouse, policy: Policy
) -> None:
    scenario = SCENARIOS[name]
    played = scenario.play(Stage(ledger, policy, DAY, 1), is_near_miss=is_near_miss)
    (look,) = played.looks
    Dbt(ledger.settings, ledger.endpoint).invoke(["run", "--select", "+stg_anthropic__usage"], as_of=look.at)
    file = PROJECT_DIR / "tests" / "gx" / "stg_anthropic__usage.json"
    check_all(ledger, policy, run_id="check", now=look.at, suites=[load_suite(file, file.name)])
    Job(ledger, look.at, command="tick").tick(wait=0)
    found = read_state(ledger)
    assert [each.severity_level for each in found] == severities
    assert scenario.is_found(found, policy.classification_rule(scenario.rule_id, look.at)) is not is_near_miss


def test_the_same_seed_gives_the_same_rows(ledger: Warehouse, policy: Policy) -> None:
    def rows(seed: int) -> list[dict[str, object]]:
        ledger.execute(f"delete from {ledger.raw('probe_results')} where true")
        SCENARIOS["probes-missing"].play(Stage(ledger, policy, DAY, seed))
        return ledger.rows(f"select * from {ledger.raw('probe_results')} order by target_id, probed_at")

    assert rows(1) == rows(1)
    assert rows(1) != rows(2)


def test_no_rows_are_invented_among_real_ones(ledger: Warehouse, policy: Policy) -> None:
    elsewhere = Warehouse(ledger.client, ledger.settings.model_copy(update={"target": "prod"}))
    with pytest.raises(UserError, match="local warehouse"):
        Stage(elsewhere, policy, DAY, 1)


def test_an_unknown_scenario_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(UserError, match=r"'fire' is not a scenario\. Known are: pipeline-dead, "):
        find_scenario("fire")
