"""Three builds for all tests here: the real archive, a ledger of cases, and the same ledger a month later.

A build of dbt takes many seconds, so the cases share one ledger. Each has a month and a severity of its own, so that
the rows of a summary are those of one case alone.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from conftest import fresh_settings
from incident_ledger.errors import UserError
from incident_ledger.importers.pipeline import take_in
from incident_ledger.importers.sources import read_documents
from incident_ledger.importers.statuspage import StatuspageImporter
from incident_ledger.ledger.commands import CommandContext, acknowledge
from incident_ledger.ledger.state import read_state
from incident_ledger.settings import Settings
from incident_ledger.warehouse import connect
from marts.ledger import Ledger, minutes, utc

AS_OF = utc("2026-03-02 09:00")
# The cards that read how late usage reports are, one of them through a view.
OF_FRESHNESS = {"source_freshness", "health_score", "rules_watched", "health_by_hour"}
ANSWERED_AFTER = minutes(12)
LATER = AS_OF + timedelta(days=30)


@dataclass(frozen=True)
class Cases:
    """The ledger of cases, and what its marts said at `AS_OF`, before the later build replaced it."""

    ledger: Ledger
    at_first: dict[str, list[dict[str, Any]]]

    def first(self, mart: str, **equal: Any) -> list[dict[str, Any]]:
        """Rows of the first build whose columns equal these."""
        return [row for row in self.at_first[mart] if all(row[name] == value for name, value in equal.items())]

    def first_one(self, mart: str, **equal: Any) -> dict[str, Any]:
        """The one row of the first build whose columns equal these."""
        (row,) = self.first(mart, **equal)
        return row


KEPT = (
    "operational_metrics",
    "rpt_mttr",
    "rpt_incident_durations",
    "fct_mttr",
    "fct_data_quality",
    "fct_quality_rules",
    "rpt_data_quality_daily",
    "rpt_data_quality_by_data_day",
    "bridge_incident_components",
    "dim_components",
    "dim_severities",
)


@pytest.fixture(scope="session")
def archive(endpoint: str, shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """The marts over a status page's real archive; a person here acknowledged what lasted for 12 minutes or more."""
    ledger = Ledger(connect(fresh_settings(endpoint, tmp_path_factory.mktemp("archive"))))
    file = shared_data / "statuspage" / "claude_incidents_2023_2025.jsonl"
    take_in(ledger.warehouse, StatuspageImporter(), read_documents([str(file)]), AS_OF)
    for incident in read_state(ledger.warehouse):
        with suppress(UserError):  # it was over by then
            ann = CommandContext(actor="ann", at=incident.detection_time + ANSWERED_AFTER, now=AS_OF)
            ledger.events.append(acknowledge(incident, ann))
    ledger.write(AS_OF)
    ledger.build(AS_OF)
    return ledger


@pytest.fixture(scope="session")
def cases(endpoint: str, tmp_path_factory: pytest.TempPathFactory) -> Cases:
    """A ledger of cases under the default names of datasets, which the playbook's queries name."""
    folder = tmp_path_factory.mktemp("cases")
    names = {name: Settings.model_fields[name].default for name in ("dataset", "raw_dataset")}
    settings = fresh_settings(endpoint, folder).model_copy(update=names)
    ledger = Ledger(connect(settings))
    tell_cases(ledger)
    tell_checks(ledger)
    ledger.write(AS_OF)
    ledger.build(AS_OF)
    return Cases(ledger, {mart: ledger.rows(mart) for mart in KEPT})


@pytest.fixture
def lost_cards(cases: Cases) -> Iterator[set[str]]:
    """The cards of a mart that somebody dropped."""
    warehouse = cases.ledger.warehouse
    warehouse.execute(f"drop table {warehouse.mart('fct_usage_freshness')}")
    yield OF_FRESHNESS
    cases.ledger.build(AS_OF, "fct_usage_freshness")


@pytest.fixture(scope="session")
def later(cases: Cases) -> Iterator[Ledger]:
    """The same ledger a month later: P1 must be answered within 10 minutes from 9 March on; everything is doubled."""
    ledger, warehouse = cases.ledger, cases.ledger.warehouse
    rules = warehouse.name(warehouse.settings.policy_dataset, "response_rules")
    warehouse.execute(
        f"insert into {rules} (severity_level, response_minutes, response_basis, response_time, escalation_minutes, "
        "escalation_basis, escalation, valid_from) select severity_level, 10, response_basis, '10 minutes', "
        "escalation_minutes, escalation_basis, escalation, timestamp '2026-03-09 00:00:00+00:00' "
        f"from {rules} where severity_level = 'P1'"
    )
    ledger.incident("N13 new", "P1", utc("2026-03-10 10:00"), ("acknowledged", minutes(12)), ("resolved", minutes(30)))
    ledger.checks(batch("late.batch", "2026-03-20 10:00", "shop.orders"))
    ledger.write(LATER)
    for table in ("incident_events", "quality_batches", "quality_results"):
        warehouse.execute(f"insert into {warehouse.raw(table)} select * from {warehouse.raw(table)}")
    for seed in ("response_rules", "severities", "business_calendar", "business_holidays"):
        name = warehouse.name(warehouse.settings.policy_dataset, seed)
        warehouse.execute(f"insert into {name} select * from {name}")
    ledger.build(LATER)
    yield ledger


def tell_cases(ledger: Ledger) -> None:
    """Incidents of the cases: month and severity of each are named in its test."""
    told = ledger.incident
    for number, length in enumerate((1774, 43, 4, 5, 6, 7, 5)):
        told(f"N2 {number}", "P0", utc("2026-03-01 00:00") + minutes(number), ("resolved", minutes(length)))
    told(
        "N2 open", "P0", AS_OF - minutes(600),
        ("escalated", minutes(15), {"step_id": "management_notification", "text": "Management notification (P0/P1)"}),
        ("update_due", minutes(30), {"number": 1}),
    )  # fmt: skip

    told("N7 ten", "P1", utc("2026-01-05 10:00"), ("resolved", minutes(10)))
    told("N7 twenty", "P1", utc("2026-01-06 10:00"), ("resolved", minutes(20)))
    told("N7 reversed", "P1", utc("2026-01-07 10:00"), ("resolved", minutes(-5)))

    contained = {"status": "resolving", "contained": True}
    told(
        "late", "P0", utc("2025-09-05 10:00"), ("acknowledged", minutes(11)),
        ("status_changed", minutes(12), contained), ("resolved", minutes(10)),
    )  # fmt: skip
    told(
        "in order", "P0", utc("2025-09-06 10:00"), ("acknowledged", minutes(4)),
        ("status_changed", minutes(6), contained), ("resolved", minutes(20)),
        ("review_completed", minutes(90), {"contributing_factors": ["A", "B"], "lessons": ["C"]}),
    )  # fmt: skip
    told(
        "reopened", "P0", utc("2025-09-07 10:00"), ("resolved", minutes(5)), ("acknowledged", minutes(6)),
        ("reopened", minutes(7)), ("status_changed", minutes(8), contained), ("resolved", minutes(32)),
    )  # fmt: skip

    told("N9", "P3", utc("2025-12-10 10:00"), ("resolved", minutes(1)))
    told("N10", "P2", AS_OF - timedelta(hours=26))

    for number, seconds in enumerate((20.0, 20.0, 20.9)):
        detected = utc("2026-01-10 10:00") + timedelta(minutes=number, milliseconds=123)
        told(f"N11 {number}", "P3", detected, ("resolved", timedelta(seconds=seconds)))

    told("N13", "P1", utc("2025-11-05 10:00"), ("acknowledged", minutes(12)), ("resolved", minutes(40)))

    for detected in ("2026-02-23 00:00", "2026-03-01 23:59:59", "2026-03-02 00:00"):
        told(f"D6 {detected}", "P1", utc(detected), ("resolved", minutes(5)))

    for number in range(3):
        told(f"D8 first {number}", "P2", utc(f"2025-06-1{number} 10:00"), ("resolved", minutes(0)))
    for number in range(3):
        told(f"D8 second {number}", "P2", utc(f"2025-07-1{number} 10:00"), ("resolved", minutes(60)))
    told("D8 third", "P2", utc("2025-08-10 10:00"), ("resolved", minutes(30)))
    for month, length in ((4, 0), (5, 60)):
        for number in range(5):
            told(
                f"D8 P1 {month} {number}", "P1", utc(f"2025-{month:02}-1{number} 10:00"), ("resolved", minutes(length))
            )
            told(
                f"D8 P3 {month} {number}",
                "P3",
                utc(f"2025-{month:02}-1{number} 11:00"),
                ("resolved", minutes(10 + length)),
            )

    told("twice", "P2", utc("2025-10-05 10:00"), ("resolved", minutes(9)), components=["api", "api", "console", "api"])
    told("gone", "P2", utc("2025-10-06 10:00"), ("retracted", minutes(9), {"reason": "test"}))
    told("double", "P2", utc("2025-10-07 10:00"), ("merged", minutes(9), {"into": "another"}))
    told(
        "now",
        "P2",
        datetime.now(UTC).replace(microsecond=0),
        ("root_cause_identified", minutes(1), {"category": "network"}),
    )
    for number, detected in enumerate(BUSINESS_DAY_CASES):
        told(f"business day {number}", "P3", utc(detected))


# A Tuesday, a Friday, a Sunday before midnight in the office and after it in UTC, the days around both changes of the
# clock, Christmas, and New Year's Eve.
BUSINESS_DAY_CASES = (
    "2024-02-06 12:00",
    "2024-02-09 20:00",
    "2024-02-12 07:30",
    "2024-03-08 18:00",
    "2024-11-01 18:00",
    "2024-12-24 18:00",
    "2024-12-31 18:00",
)


def batch(key: str, checked_at: str, table: str, **more: Any) -> dict[str, Any]:
    """A check that ran and found nothing, unless `more` says otherwise."""
    return {
        "batch_id": key,
        "run_id": f"run {checked_at}",
        "checked_at": f"{checked_at}:00+00",
        "table_name": table,
        "component": f"table:{table}",
        **more,
    }


def tell_checks(ledger: Ledger) -> None:
    """Hourly clean checks of one table without the hours from three to six, and the tables of D4 and D7."""
    hourly = [
        batch(f"hourly.{day}.{hour}", f"{day} {hour:02}:10", "shop.orders")
        for day, hours in (("2026-02-27", range(24)), ("2026-02-28", (0, 1, 2, *range(6, 24))))
        for hour in hours
    ]
    bad = {"severity_level": "P1", "rules_total": 3, "rules_ran": 3, "rules_failed": 1}
    failed = {"rules_total": 0, "rules_ran": 0, "error": "no such table"}
    ledger.checks(
        *hourly,
        batch("third", "2026-03-01 10:00", "shop.thirds", **bad),
        batch("broken", "2026-03-01 10:00", "shop.broken", **failed),
        *(
            batch(
                f"days.{number}",
                "2026-03-01 10:00",
                "shop.days",
                day=str(date(2026, 1, 1) + timedelta(days=number)),
                **(bad if number < 10 else {}),
            )
            for number in range(90)
        ),
        batch("days.again", "2026-03-01 11:00", "shop.days", day="2026-01-01"),
    )
    ledger.results(
        *(
            {
                "result_id": key,
                "run_id": "run",
                "checked_at": "2026-03-01 10:00:00+00",
                "table_name": table,
                "component": f"table:{table}",
                "rule_id": key,
                "success": False,
                "examined": examined,
                "failed": failed,
                "severity_level": severity,
            }
            for key, table, examined, failed, severity in (
                ("D7 first", "shop.claims", 15179, 3316, "P1"),
                ("D7 second", "shop.visits", 100, 10, "P2"),
                ("D4 one", "shop.rides", 1864458, 1, None),
                ("D4 none", "shop.empty", 0, 0, None),
            )
        )
    )
