"""`ask`, `metrics` and `explain` as a person types them, over the ledger of cases."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from conftest import PROJECT_DIR
from incident_ledger.cli._app import app
from marts.conftest import AS_OF, Cases


@pytest.fixture
def typed(cases: Cases, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Result]:
    """A command against the ledger of cases, whose datasets have the default names."""
    settings = cases.ledger.warehouse.settings
    monkeypatch.setenv("INCIDENT_LEDGER_PROJECT_DIR", str(PROJECT_DIR))
    monkeypatch.setenv("INCIDENT_LEDGER_API_ENDPOINT", str(settings.api_endpoint))
    monkeypatch.setenv("INCIDENT_LEDGER_LOCAL_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")

    def invoke(*arguments: str) -> Result:
        return CliRunner().invoke(app, arguments)

    return invoke


def test_a_question_is_answered(typed: Callable[..., Result]) -> None:
    done = typed("ask", "longest_incidents", "--as-of", AS_OF.isoformat(), "--format", "json")
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)
    assert rows
    assert "incident_id" in rows[0]


def test_a_metric_is_that_of_the_mart(typed: Callable[..., Result], cases: Cases) -> None:
    done = typed("metrics", "query", "incidents", "--by", "severity_level", "--format", "csv")
    assert done.exit_code == 0, done.output
    found = {row[0]: int(row[1]) for row in list(csv.reader(done.stdout.splitlines()))[1:]}
    counted = [row["severity_level"] for row in cases.ledger.rows("operational_metrics")]
    assert found == {level: counted.count(level) for level in counted}
    assert "select" in typed("metrics", "query", "incidents", "--sql").stdout.lower()
    few = typed("metrics", "query", "incidents", "--by", "severity_level", "--max-rows", "1")
    assert f"{len(found) - 1} more rows; --max-rows shows them" in few.output


def test_a_figure_is_explained_and_one_that_differs_ends_with_3(typed: Callable[..., Result], cases: Cases) -> None:
    arguments = ("explain", "mttr", "--period", "2026-01", "--severity", "P1")
    done = typed(*arguments)
    assert done.exit_code == 0, done.output
    assert "= rpt_incident_durations.median_minutes" in done.output
    warehouse = cases.ledger.warehouse
    report = warehouse.mart("rpt_incident_durations")
    where = "period_grain = 'month' and period_start = date '2026-01-01' and severity_level = 'P1' and measure = 'mttr'"
    warehouse.execute(f"update {report} set incidents = incidents + 1 where {where}")
    try:
        done = typed(*arguments)
        assert done.exit_code == 3
        assert "rpt_incident_durations.incidents has 4, its rows give 3. incident-ledger run --full" in done.output
    finally:
        warehouse.execute(f"update {report} set incidents = incidents - 1 where {where}")


def test_one_rule_is_explained_by_its_records(typed: Callable[..., Result]) -> None:
    done = typed("explain", "quality", "--rule", "D7 first")
    assert done.exit_code == 0, done.output
    assert "100 x 3,316 / 15,179" in done.output
    assert "= fct_quality_rules.failed_record_percent" in done.output


def test_d4_a_rate_that_is_small_is_no_zero(typed: Callable[..., Result]) -> None:
    done = typed("explain", "quality", "--rule", "D4 one")
    assert done.exit_code == 0, done.output
    assert "0.0000536" in done.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("ask", "longest_incident"), "longest_incidents"),
        (("metrics", "query", "incident"), "incidents"),
        (("metrics", "query", "incidents", "--by", "severity"), "severity_level"),
        (("metrics", "query", "incidents", "--where", "severity_level"), "severity_level"),
        (("explain", "mttr", "--period", "soon"), "soon"),
        (("explain", "health", "--incident", "latest"), "leave out --incident"),
        (("explain", "mttr", "--rule", "x"), "explain quality --rule x"),
        (("explain", "quality", "--rule", "no such rule"), "No rule 'no such rule' was checked"),
    ],
)
def test_what_is_no_name_is_answered_in_a_line(
    typed: Callable[..., Result], arguments: tuple[str, ...], message: str
) -> None:
    done = typed(*arguments)
    assert done.exit_code != 0
    assert message in str(done.exception) + done.output
