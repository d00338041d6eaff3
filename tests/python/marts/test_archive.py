"""The real archive of a status page gives the figures that were computed from it by other means."""

import json
from pathlib import Path
from typing import Any

import pytest

from marts.ledger import Ledger

THOUSANDTH = 0.0005  # expected figures are rounded to three places
FIGURES = {
    "incidents": "incidents",
    "resolved": "resolved_incidents",
    "identified": "identified_incidents",
    "mttr_mean": "mean_minutes",
    "mttr_median": "median_minutes",
    "mttr_p90": "p90_minutes",
}


@pytest.fixture(scope="module")
def expected(shared_data: Path) -> Any:
    """Counts, mean, median and p90 of the archive."""
    return json.loads((shared_data / "statuspage" / "expected_2023_2025.json").read_text())


def differences(row: dict[str, Any], figures: dict[str, float]) -> dict[str, tuple[float, float]]:
    """Figures that are not equal to the thousandth of a minute."""
    return {
        name: (figures[name], row[column])
        for name, column in FIGURES.items()
        if row[column] is None or abs(row[column] - figures[name]) > THOUSANDTH + 1e-9
    }


def test_mttr_of_all_incidents(archive: Ledger, expected: Any) -> None:
    row = archive.row("rpt_mttr", "period_grain = 'all' and severity_level = 'all'")
    assert differences(row, expected["all"]) == {}


def test_mttr_by_severity(archive: Ledger, expected: Any) -> None:
    rows = archive.rows("rpt_mttr", "period_grain = 'all' and severity_level != 'all'")
    by_severity = {row["severity_level"]: row for row in rows}
    assert by_severity.keys() == expected["by_severity"].keys()
    assert {name: differences(by_severity[name], figures) for name, figures in expected["by_severity"].items()} == {
        name: {} for name in by_severity
    }


def test_mttr_by_month(archive: Ledger, expected: Any) -> None:
    rows = archive.rows("rpt_mttr", "period_grain = 'month' and severity_level = 'all'")
    by_month = {f"{row['period_start']:%Y-%m}": row for row in rows}
    assert by_month.keys() == expected["by_month"].keys()
    assert {name: differences(by_month[name], figures) for name, figures in expected["by_month"].items()} == {
        name: {} for name in by_month
    }


def test_operational_metrics_has_one_row_an_incident(archive: Ledger, expected: Any) -> None:
    rows = archive.rows("operational_metrics")
    assert len({row["incident_id"] for row in rows}) == len(rows) == expected["all"]["incidents"]
    assert all(row["mttr_minutes"] is not None and not row["is_open"] for row in rows)


@pytest.mark.parametrize("severity", ["P0", "P1", "P2", "P3"])
def test_daily_rows_add_up_to_the_mean_and_the_median(archive: Ledger, expected: Any, severity: str) -> None:
    """Sums over sums and the arrays of `fct_mttr` give what the incidents give: no average is averaged."""
    (row,) = archive.warehouse.rows(
        "with days as (select * from {table} where severity_level = @severity), "
        "each as (select minutes from days cross join unnest(mttr_minutes) as minutes), "
        "ranked as (select percentile_cont(minutes, 0.5) over () as median from each) "
        "select sum(mttr_total_minutes) / sum(mttr_counted_incidents) as mean, sum(incidents) as incidents, "
        "(select max(median) from ranked) as median from days".format(table=archive.warehouse.mart("fct_mttr")),
        {"severity": severity},
    )
    figures = expected["by_severity"][severity]
    assert row["incidents"] == figures["incidents"]
    assert row["mean"] == pytest.approx(figures["mttr_mean"], abs=THOUSANDTH)
    assert row["median"] == pytest.approx(figures["mttr_median"], abs=THOUSANDTH)


def test_an_incident_of_several_components_counts_once(archive: Ledger, expected: Any) -> None:
    assert sum(row["incidents"] for row in archive.rows("fct_mttr")) == expected["all"]["incidents"]
    named = sum(row["incidents"] for row in archive.rows("dim_components"))
    assert named == len(archive.rows("bridge_incident_components")) > expected["all"]["incidents"]
