"""The health score over small tables: its arithmetic, what is not watched, and that no part hides behind the others."""

import csv
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from conftest import PROJECT_DIR, fresh_settings
from incident_ledger.asking.explanations import explain_score
from incident_ledger.dashboards.definition import FOLDER
from incident_ledger.dbt_runner import Dbt
from incident_ledger.warehouse import Warehouse, connect

AS_OF = datetime(2026, 3, 2, 9, tzinfo=UTC)
# The columns that the query reads, each with its type.
TABLES = {
    "incident_state": (
        "severity_level string, is_open bool, is_retracted bool, merged_into string, detection_time timestamp"
    ),
    "dim_severities": "severity_level string, severity_rank int64",
    "rpt_data_quality_by_data_day": "table_name string, is_bad bool, last_checked_at timestamp",
    "fct_usage_freshness": "last_usage_at timestamp, late_after_hours int64",
    "fct_run_steps": (
        "run_id string, holder string, command string, as_of timestamp, started_at timestamp, outcome string"
    ),
    "fct_notifications": "created_at timestamp, status string",
    "fct_api_health": (
        "probed_at timestamp, is_healthy bool, target_id string, kind string, failure_kind string, detail string, "
        "healthy_latency_ms float64"
    ),
    "fct_signals": "source string, started_at timestamp, observed_at timestamp",
}
Score = Callable[..., dict[str, float | None]]


def ago(hours: float) -> str:
    return f"timestamp '{AS_OF - timedelta(hours=hours):%Y-%m-%d %H:%M:%S}+00'"


def incident(level: str, *, is_open: bool = True) -> str:
    return f"('{level}', {str(is_open).lower()}, false, null, {ago(1)})"


def run(hours: float, outcome: str = "ok", command: str = "run") -> str:
    return f"('{command}-{hours}', 'holder', '{command}', {ago(hours)}, {ago(hours)}, '{outcome}')"


def table(name: str, is_bad: bool | None, hours: float = 1) -> str:
    return f"('{name}', {'null' if is_bad is None else str(is_bad).lower()}, {ago(hours)})"


def report(hours: float) -> str:
    return f"({ago(hours)}, 36)"


def message(status: str, hours: float = 1) -> str:
    return f"({ago(hours)}, '{status}')"


@pytest.fixture(scope="module")
def warehouse(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The tables that the card reads, empty, and the weights of the seed."""
    found = connect(fresh_settings(endpoint, tmp_path_factory.mktemp("score")))
    for dataset in (found.settings.dataset, found.settings.policy_dataset):
        found.execute(f"create schema `{found.settings.project}.{dataset}`")
    for name, columns in TABLES.items():
        found.execute(f"create table {found.mart(name)} ({columns})")
    parts = found.name(found.settings.policy_dataset, "health_score_parts")
    found.execute(f"create table {parts} (part string, weight numeric, cap_at_zero numeric, measured string)")
    with (PROJECT_DIR / "seeds" / "policy" / "health_score_parts.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            sql = f"insert into {parts} (part, weight, cap_at_zero, measured)"
            found.execute(
                f"{sql} select @part, cast(@weight as numeric), cast(@cap_at_zero as numeric), @measured", dict(row)
            )
    levels = ", ".join(f"('P{rank}', {rank})" for rank in range(4))
    found.execute(f"insert into {found.mart('dim_severities')} (severity_level, severity_rank) values {levels}")
    return found


@pytest.fixture(scope="module")
def queries(warehouse: Warehouse) -> Mapping[str, str]:
    """The cards' queries."""
    return Dbt(warehouse.settings, warehouse.endpoint).analyses(FOLDER.as_posix())


def fill(warehouse: Warehouse, **rows: list[str]) -> None:
    """These rows of the tables and no others."""
    for name in (name for name in TABLES if name != "dim_severities"):
        warehouse.execute(f"delete from {warehouse.mart(name)} where true")
        if values := rows.get(name):
            names = ", ".join(column.split()[0] for column in TABLES[name].split(", "))
            warehouse.execute(f"insert into {warehouse.mart(name)} ({names}) values {', '.join(values)}")


@pytest.fixture
def score(warehouse: Warehouse, queries: Mapping[str, str]) -> Score:
    """The score and its parts over these rows of the tables; `explain health` computes the same from the parts."""

    def compute(**rows: list[str]) -> dict[str, float | None]:
        fill(warehouse, **rows)
        found = warehouse.rows(queries["health_score"], {"as_of": AS_OF})
        assert all(figure.is_equal for figure in explain_score(found).figures)
        return {row["part"]: row["score"] for row in found}

    return compute


GOOD = {
    "rpt_data_quality_by_data_day": [table("a", False), table("b", False)],
    "fct_usage_freshness": [report(36), report(1)],
    "fct_run_steps": [run(1), run(23)],
    "fct_notifications": [message("sent")],
}


def probe(is_healthy: bool, hours: float = 0.5, target: str = "a") -> str:
    how = "null, null, 120.0" if is_healthy else "'error_page', 'is no JSON', null"
    return f"({ago(hours)}, {str(is_healthy).lower()}, '{target}', 'api', {how})"


def test_without_a_source_a_part_is_not_watched_and_has_no_weight(score: Score) -> None:
    found = score()
    assert found == {
        "Health score": 100,
        "open incidents": 100,
        "data quality": None,
        "source freshness": None,
        "ledger runs": None,
        "message delivery": None,
        "api health": None,
        "pipeline runs": None,
    }


def test_a_pipeline_counts_from_the_moment_at_which_its_run_is_missing(score: Score) -> None:
    """One of two is missing since this very time: half, which allows three quarters."""
    rows = [f"('pipeline', {ago(hours)}, {ago(20)})" for hours in (0, -1)]
    found = score(fct_signals=[*rows, f"('probe', {ago(1)}, {ago(2)})"])
    assert (found["pipeline runs"], found["Health score"]) == (50, 75)


def test_all_well_is_100(score: Score) -> None:
    closed = incident("P0", is_open=False)
    runs = [f"('pipeline', {ago(-1)}, {ago(20)})"]
    found = score(**GOOD, fct_api_health=[probe(True)], incident_state=[closed], fct_signals=runs)
    assert set(found.values()) == {100}


@pytest.mark.parametrize(("level", "expected"), [("P0", 0), ("P1", 25), ("P2", 50), ("P3", 75)])
def test_the_score_is_never_better_than_its_worst_incident_allows(level: str, expected: int, score: Score) -> None:
    """By weight a P0 alone would leave 60: (4 * 0 + 6 * 100) / 10."""
    found = score(**GOOD, incident_state=[incident("P3"), incident(level)])
    assert found["open incidents"] == expected
    assert found["Health score"] == expected


def test_a_part_at_half_allows_three_quarters_and_the_mean_decides_below_that(score: Score) -> None:
    """Half of the reports late: 50 + 50 * 50 / 100 allows 75, the mean of (8 * 100 + 2 * 50) / 10 is 90: 75.

    With a P3 open as well (75, allows 75): the mean (4 * 75 + 4 * 100 + 2 * 50) / 10 is 80: 75.
    """
    late = {**GOOD, "fct_usage_freshness": [report(36.01), report(1)]}
    assert score(**late)["source freshness"] == 50
    assert score(**late)["Health score"] == 75
    assert score(**late, incident_state=[incident("P3")])["Health score"] == 75


def test_the_mean_is_over_what_is_watched(score: Score) -> None:
    """Of three parts: all four days bad but one table good: quality 50 allows 75; the mean (400 + 100) / 6 is 83.3."""
    tables = [table("a", False), table("a", True), table("b", False), table("c", None)]
    found = score(rpt_data_quality_by_data_day=tables)
    assert found["data quality"] == 50
    assert found["Health score"] == 75


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([run(1), run(2, "failed")], 50),
        ([run(1), run(24, "failed")], 100),  # a day ago is over
        ([run(24)], 0),  # nobody ran since
        ([run(1, "warning")], 100),
        ([run(24 * 30 + 1)], None),
        ([run(1, "failed", "tick")], None),
    ],
)
def test_runs_that_fail_or_stay_away_count(steps: list[str], expected: float | None, score: Score) -> None:
    assert score(fct_run_steps=steps)["ledger runs"] == expected


def test_probes_of_the_last_hour_count_and_hours_without_any_are_neither_good_nor_bad(score: Score) -> None:
    """One of four failed: 75, which allows 50 + 50 * 75 / 100; the mean, (10 * 100 + 2 * 75) / 12, is more."""
    probes = [probe(True), probe(True), probe(True), probe(False), probe(False, 1.1)]
    assert score(fct_api_health=probes)["api health"] == 75
    assert score(**GOOD, fct_api_health=probes)["Health score"] == 87.5
    assert score(fct_api_health=[probe(False, 1.1)])["api health"] is None


def test_the_card_of_targets_has_their_last_probe_and_their_day(
    warehouse: Warehouse, queries: Mapping[str, str]
) -> None:
    """Of `a` the newest is good and one of four failed, of `b` the newest failed, `c` was not called for an hour."""
    times = [probe(True, hours) for hours in (0.1, 2, 3)] + [probe(False, 1), probe(False, 25)]
    others = [probe(False, 0.2, "b"), probe(True, 0.3, "b"), probe(True, 1, "c")]
    fill(warehouse, fct_api_health=[*times, *others])
    rows = {row["target_id"]: row for row in warehouse.rows(queries["probed_targets"], {"as_of": AS_OF})}
    assert {name: row["probe_state"] for name, row in rows.items()} == {"a": "ok", "b": "failed", "c": "not watched"}
    assert [rows["a"][name] for name in ("probes", "healthy_percent", "healthy_latency_ms")] == [4, 75.0, 120.0]
    assert (rows["b"]["failure"], rows["b"]["detail"]) == ("error page", "is no JSON")


def test_a_message_that_was_not_sent_counts_for_seven_days(score: Score) -> None:
    messages = [message("sent"), message("failed", 167), message("failed", 169)]
    assert score(fct_notifications=messages)["message delivery"] == 50


def test_a_check_of_long_ago_says_nothing_of_now(score: Score) -> None:
    assert score(rpt_data_quality_by_data_day=[table("a", True, 169)])["data quality"] is None


def test_the_seed_has_a_row_for_each_part_that_the_query_measures() -> None:
    text = (PROJECT_DIR / FOLDER / "system-health" / "health_score.sql").read_text()
    with Path(PROJECT_DIR / "seeds" / "policy" / "health_score_parts.csv").open(newline="") as file:
        parts = [row["part"] for row in csv.DictReader(file)]
    assert [part for part in parts if f"'{part}' as part" not in text] == []
