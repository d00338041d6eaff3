"""What `explain` computes from rows and from events is what the marts have."""

import itertools

import pytest

from incident_ledger.asking.explanations import (
    ENDS,
    check_severity,
    explain_durations,
    explain_incident,
    explain_quality,
    explain_rule,
    explain_sla,
)
from incident_ledger.asking.periods import read_period
from incident_ledger.errors import UserError
from marts.conftest import Cases
from marts.ledger import Ledger

PERIODS = ("all", "2025", "2025-Q3", "2025-09", "2025-W36", "2019")


@pytest.mark.parametrize("measure", ENDS)
def test_times_are_those_of_the_report(measure: str, archive: Ledger) -> None:
    counted = 0
    for period, severity in itertools.product(PERIODS, ("all", "P1")):
        found = explain_durations(archive.warehouse, measure, read_period(period), severity)
        assert [figure for figure in found.figures if not figure.is_equal] == []
        assert found.figures[0].step.value == len(found.rows)
        counted += int(found.figures[2].step.value or 0)
    assert counted > 0


def test_a_time_that_cannot_be_is_shown_and_left_out(cases: Cases) -> None:
    found = explain_durations(cases.ledger.warehouse, "mttr", read_period("2026-01"), "P1")
    assert [row["minutes"] for row in found.rows] == [20, 10, -5]
    assert [figure.step.value for figure in found.figures] == [3, 0, 2, 15, pytest.approx(19), 15]
    assert all(figure.is_equal for figure in found.figures)


@pytest.mark.parametrize("title", ["reopened", "late", "in order", "N2 open", "N9"])
def test_a_time_of_an_incident_is_that_of_its_row(title: str, cases: Cases) -> None:
    row = cases.first_one("operational_metrics", title=title)
    for measure in ENDS:
        found = explain_incident(cases.ledger.warehouse, measure, row["incident_id"])
        assert [figure for figure in found.figures if not figure.is_equal] == [], measure
        assert found.figures[0].stored == row[f"{measure}_minutes"]
        assert found.rows[0]["event"] == "detected"


def test_a_reopened_incident_is_explained_with_its_gap(cases: Cases) -> None:
    """Resolved after 5 minutes, reopened after 7, resolved after 32: 32 - 2 = 30."""
    row = cases.first_one("operational_metrics", title="reopened")
    (figure,) = explain_incident(cases.ledger.warehouse, "mttr", row["incident_id"]).figures
    assert (figure.step.value, figure.stored) == (30, 30)
    assert "less 2.000 minutes" in figure.step.how


def test_kept_clocks_are_those_of_the_marts(archive: Ledger) -> None:
    found = explain_sla(archive.warehouse, read_period("all"), "all", None)
    rows = archive.rows("fct_response_sla")
    assert len(found.rows) == len(rows)
    kept = [row["is_met"] for row in rows if row["clock"] == "response" and row["is_met"] is not None]
    (response,) = (figure for figure in found.figures if figure.step.name.startswith("response "))
    assert response.step.value == pytest.approx(100 * sum(kept) / len(kept))
    assert all(figure.is_equal for figure in found.figures)


def test_failed_rules_are_those_of_the_checks(cases: Cases) -> None:
    for period in ("all", "2026-02", "2019"):
        found = explain_quality(cases.ledger.warehouse, read_period(period))
        assert [figure for figure in found.figures if not figure.is_equal] == []
        assert bool(found.rows) == (period != "2019")


def test_a_rules_rate_is_its_failed_records_of_those_examined(cases: Cases) -> None:
    """3,316 of 15,179 records: 21.85 %; a rule that examined nothing has no rate and is no 0."""
    warehouse = cases.ledger.warehouse
    rows = cases.first("fct_quality_rules")
    rules = {row["rule_id"] for row in rows}
    assert rules == {"D4 none", "D4 one", "D7 first", "D7 second"}
    for rule in rules:
        found = explain_rule(warehouse, rule, read_period("all"))
        assert [figure for figure in found.figures if not figure.is_equal] == [], rule
        assert len(found.rows) == sum(row["rule_id"] == rule for row in rows)
    first = next(row for row in rows if row["quality_rule_id"] == "D7 first")
    found = explain_rule(warehouse, first["rule_id"], read_period("all"))
    assert {(figure.step.how, round(figure.step.value or 0, 2)) for figure in found.figures} == {
        ("100 x 3,316 / 15,179", 21.85)
    }
    none = next(row for row in rows if row["quality_rule_id"] == "D4 none")
    (figure,) = explain_rule(warehouse, none["rule_id"], read_period("all")).figures
    assert (figure.step.value, figure.stored) == (None, None)


def test_a_rule_that_was_not_checked_is_refused_with_the_nearest(cases: Cases) -> None:
    rule = next(row for row in cases.first("fct_quality_rules") if row["quality_rule_id"] == "D7 first")["rule_id"]
    with pytest.raises(UserError, match=f"Is .*{rule}.* meant"):
        explain_rule(cases.ledger.warehouse, rule + "x", read_period("all"))
    with pytest.raises(UserError, match=r"No rule .* in that period"):
        explain_rule(cases.ledger.warehouse, rule, read_period("2019"))


def test_a_severity_that_is_none_is_refused(cases: Cases) -> None:
    check_severity(cases.ledger.warehouse, "P1")
    with pytest.raises(UserError, match="P0, P1, P2, P3 or all"):
        check_severity(cases.ledger.warehouse, "P9")
