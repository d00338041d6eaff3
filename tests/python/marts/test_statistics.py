"""Intervals, Kaplan-Meier medians and comparisons of periods are SciPy's: on the real archive and on random times."""

import json
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import numpy as np
import pytest
from scipy import stats

from incident_ledger.warehouse import Warehouse
from marts.ledger import Ledger

AS_OF = datetime(2026, 3, 2, 9, tzinfo=UTC)
VIEWS = (
    "int_incident_duration_intervals_estimated",
    "int_incident_duration_survival_estimated",
    "int_incident_durations_compared",
    "int_incident_counts_compared",
)
close = partial(pytest.approx, rel=1e-6, abs=1e-9)
ALPHA = 0.05


@dataclass(frozen=True, kw_only=True)
class Times:
    """The times of a period's incidents, in minutes: of those that are over, and the ages of the others."""

    incident_duration_id: str
    period_grain: str
    period_start: date | None
    previous_period_start: date | None
    next_period_start: date | None
    severity_level: str
    measure: str
    incidents: int
    counted_incidents: int
    counted_minutes: Sequence[float]
    pending_minutes: Sequence[float]
    as_of: datetime

    @property
    def censored(self) -> Any:
        """As SciPy takes them."""
        return stats.CensoredData(uncensored=list(self.counted_minutes), right=list(self.pending_minutes))


@dataclass(frozen=True)
class Given:
    """Times by period, and what each view computes from them."""

    times: Sequence[Times]
    views: Mapping[str, Sequence[Mapping[str, Any]]]

    def by_id(self, view: str) -> Mapping[str, Mapping[str, Any]]:
        """The rows of a view by what they are about."""
        return {row["incident_duration_id"]: row for row in self.views[view]}

    def pairs(self) -> Iterator[tuple[Times, Times]]:
        """Each period that has rows, with the one before it."""
        by_key = {
            (each.period_grain, each.period_start, each.severity_level, each.measure): each for each in self.times
        }
        for each in self.times:
            before = by_key.get((each.period_grain, each.previous_period_start, each.severity_level, each.measure))
            if before is not None and each.period_start is not None:
                yield each, before


@pytest.fixture(scope="module", params=["archive", "random"])
def given(request: pytest.FixtureRequest, archive: Ledger) -> Given:
    """The archive as it is built, and random times through the same SQL."""
    warehouse = archive.warehouse
    if request.param == "archive":
        names = ", ".join(Times.__dataclass_fields__)
        rows = warehouse.rows(f"select {names} from {_name(warehouse, 'int_incident_durations_aggregated')}")
        return Given(
            [Times(**row) for row in rows],
            {view: warehouse.rows(f"select * from {_name(warehouse, view)}") for view in VIEWS},
        )
    times = random_times(random.Random(20260302))
    return Given(times, computed(warehouse, times))


def random_times(chance: random.Random) -> list[Times]:
    """Three severities over 20 months, some empty: few and many, equal times, open ones, nothing known."""
    months = [date(2024 + number // 12, 1 + number % 12, 1) for number in range(22)]
    found = []
    for severity, most in (("P0", 4), ("P1", 15), ("P2", 60)):
        for before, start, after in zip(months, months[1:], months[2:], strict=False):
            scale = chance.choice([20, 20, 60])
            ended = sorted(float(chance.randint(1, scale)) for _ in range(chance.randint(0, most)))
            pending = sorted(float(chance.randint(1, scale)) for _ in range(chance.choice([0, 0, 1, most // 2])))
            unknown = chance.choice([0, 0, 2])
            if not ended and not pending and not unknown:
                continue
            found.append(
                Times(
                    incident_duration_id=f"{severity} {start}",
                    period_grain="month",
                    period_start=start,
                    previous_period_start=before,
                    next_period_start=after,
                    severity_level=severity,
                    measure="mttr",
                    incidents=len(ended) + len(pending) + unknown,
                    counted_incidents=len(ended),
                    counted_minutes=ended,
                    pending_minutes=pending,
                    as_of=datetime(2025, 9, 10, 15, tzinfo=UTC),
                )
            )
    return found


def computed(warehouse: Warehouse, times: Sequence[Times]) -> dict[str, list[dict[str, Any]]]:
    """What the views give over a table of these times in the place of theirs."""
    theirs = _name(warehouse, "int_incident_durations_aggregated")
    table = _name(warehouse, "random_times")
    warehouse.execute(
        f"""
        create or replace table {table} as
        select
            json_value(given, '$.incident_duration_id') as incident_duration_id,
            json_value(given, '$.period_grain') as period_grain,
            {"".join(f"date(json_value(given, '$.{name}')) as {name}, " for name in DATES)}
            json_value(given, '$.severity_level') as severity_level,
            json_value(given, '$.measure') as measure,
            cast(json_value(given, '$.incidents') as int64) as incidents,
            cast(json_value(given, '$.counted_incidents') as int64) as counted_incidents,
            array(
                select cast(minutes as float64) from unnest(json_value_array(given, '$.counted_minutes')) as minutes
                with offset as place order by place
            ) as counted_minutes,
            array(
                select cast(minutes as float64) from unnest(json_value_array(given, '$.pending_minutes')) as minutes
                with offset as place order by place
            ) as pending_minutes,
            timestamp(json_value(given, '$.as_of')) as as_of
        from unnest(json_query_array(@times)) as given
        """,
        {"times": json.dumps([asdict(each) for each in times], default=lambda value: value.isoformat())},
    )
    found = {}
    for view in VIEWS:
        # The warehouse quotes each part of a name.
        sql = warehouse.client.get_table(_name(warehouse, view).strip("`")).view_query.replace("`.`", ".")
        assert theirs in sql
        found[view] = warehouse.rows(sql.replace(theirs, table))
    return found


DATES = ("period_start", "previous_period_start", "next_period_start")


def _name(warehouse: Warehouse, model: str) -> str:
    return warehouse.name(warehouse.settings.staging_dataset, model)


def test_intervals_are_those_of_the_quantile_test(given: Given) -> None:
    rows = given.by_id("int_incident_duration_intervals_estimated")
    assert rows.keys() == {each.incident_duration_id for each in given.times if each.counted_minutes}
    for each in given.times:
        if each.counted_minutes:
            row = rows[each.incident_duration_id]
            for name, quantile in (("median", 0.5), ("p90", 0.9)):
                interval = stats.quantile_test(each.counted_minutes, p=quantile).confidence_interval(1 - ALPHA)
                ends = (row[f"{name}_lower_minutes"], row[f"{name}_upper_minutes"])
                assert ends == tuple(None if math.isnan(end) else end for end in interval), each
    assert {row["median_lower_minutes"] is None for row in rows.values()} == {True, False}


def test_the_median_is_the_first_time_by_which_half_are_over(given: Given) -> None:
    rows = given.by_id("int_incident_duration_survival_estimated")
    for each in given.times:
        if not each.counted_minutes:
            assert rows.get(each.incident_duration_id, {}).get("survival_median_minutes") is None
            continue
        curve = stats.ecdf(each.censored).sf
        halves = [time for time, left in zip(curve.quantiles, curve.probabilities, strict=True) if left <= 0.5 + 1e-9]
        expected = min(halves, default=None)
        assert rows[each.incident_duration_id]["survival_median_minutes"] == expected, each


def test_durations_are_compared_as_the_log_rank_test_does(given: Given) -> None:
    rows, verdicts = given.by_id("int_incident_durations_compared"), set()
    for later, before in given.pairs():
        if later.counted_minutes and before.counted_minutes:
            with np.errstate(invalid="ignore"):
                expected = stats.logrank(later.censored, before.censored)
            row = rows[later.incident_duration_id]
            if row["p_value"] is None:  # all ended at once: nothing varies
                assert math.isnan(expected.statistic)
                continue
            assert row["p_value"] == pytest.approx(expected.pvalue, rel=1e-6), later
            if abs(expected.statistic) > 1e-9:
                assert row["is_longer"] == (expected.statistic < 0), later
            verdicts.add((row["is_longer"], row["p_value"] <= ALPHA))
    assert len(verdicts) >= 3


def test_numbers_are_compared_as_the_exact_test_of_two_counts_does(given: Given) -> None:
    rows = {
        (row["period_grain"], row["period_start"], row["severity_level"]): row
        for row in given.views["int_incident_counts_compared"]
    }
    starts = [(each.period_grain, each.period_start) for each in given.times if each.period_start]
    first = {grain: min(start for other, start in starts if other == grain) for grain, _, _ in rows}
    numbers = {
        (e.period_grain, e.period_start, e.severity_level): e.incidents for e in given.times if e.measure == "mttr"
    }
    seen = set()
    for each in given.times:
        if each.measure != "mttr" or each.period_grain == "all":
            continue
        assert each.period_start and each.previous_period_start and each.next_period_start
        row = rows.get((each.period_grain, each.period_start, each.severity_level))
        if each.previous_period_start < first[each.period_grain]:
            assert row is None
            continue
        assert row is not None
        before = numbers.get((each.period_grain, each.previous_period_start, each.severity_level), 0)
        end = min(each.as_of, _midnight(each.next_period_start))
        days = (end - _midnight(each.period_start)).total_seconds() / 86400
        days_before = (each.period_start - each.previous_period_start).days
        both, share = each.incidents + before, days / (days + days_before)
        expected = stats.binomtest(each.incidents, both, share).pvalue
        least = min(stats.binomtest(number, both, share).pvalue for number in (0, both))
        assert row["p_value"] == close(expected), each
        assert row["least_p_value"] == close(least), each
        assert row["is_more"] == (each.incidents * days_before > before * days), each
        seen.add((row["is_more"], row["p_value"] <= ALPHA))
    assert len(seen) >= 3


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
