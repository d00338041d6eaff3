"""Rates and severities as rules: exact for every count, monotonous, capped."""

import re
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_ledger.errors import UserError
from incident_ledger.policy import Policy
from incident_ledger.policy.cells import Row
from incident_ledger.policy.checks import Tables, check

from .conftest import NOW

SEVERITIES = st.sampled_from(["P0", "P1", "P2", "P3"])
COUNTS = st.integers(min_value=1, max_value=10**12).flatmap(
    lambda examined: st.tuples(st.integers(min_value=0, max_value=examined), st.just(examined))
)
EDGES = st.tuples(st.sampled_from([5, 20]), st.integers(min_value=1, max_value=10**10), st.integers(-1, 1)).map(
    lambda edge: (edge[0] * edge[1] + edge[2], 100 * edge[1])
)


def expected(failed: int, examined: int) -> str | None:
    """The playbook's bands, as fractions: below 5 % none, 5 to 20 % P2 with both ends, over 20 % P1."""
    rate = Fraction(failed, examined)
    if rate > Fraction(20, 100):
        return "P1"
    return "P2" if rate >= Fraction(5, 100) else None


@given(counts=st.one_of(COUNTS, EDGES))
def test_band_is_exact_for_every_count(policy: Policy, counts: tuple[int, int]) -> None:
    assert policy.band("failed_record_rate", *counts, NOW) == expected(*counts)


@given(counts=COUNTS)
def test_one_more_failure_is_never_better(policy: Policy, counts: tuple[int, int]) -> None:
    failed, examined = counts
    fewer = policy.band("failed_record_rate", max(failed - 1, 0), examined, NOW)
    more = policy.band("failed_record_rate", failed, examined, NOW)
    assert policy.worst([fewer, more]) == more


@given(counts=COUNTS)
def test_a_suite_has_a_rate_only_from_20_rules_on(policy: Policy, counts: tuple[int, int]) -> None:
    band = policy.band("failed_validation_rate", *counts, NOW)
    assert band == (expected(*counts) if counts[1] >= 20 else None)


@pytest.mark.parametrize(
    ("failed", "examined", "severity"),
    [
        (9_999, 200_000, None),
        (10_000, 200_000, "P2"),
        (10_001, 200_000, "P2"),
        (40_000, 200_003, "P2"),
        (40_001, 200_003, "P1"),
    ],
)
def test_rates_are_not_rounded_at_the_edge(policy: Policy, failed: int, examined: int, severity: str | None) -> None:
    assert policy.band("failed_record_rate", failed, examined, NOW) == severity


@st.composite
def band_rows(draw: st.DrawFn) -> list[Row]:
    """Up to three bands without gap or overlap that end at 100, with any edges and any owner of each edge."""
    count = draw(st.integers(1, 3))
    cuts = sorted(draw(st.lists(st.decimals(1, 99, places=3), min_size=count, max_size=count, unique=True)))
    owned = draw(st.lists(st.booleans(), min_size=count, max_size=count))  # whether a cut belongs to the band above it
    ends = [*cuts[1:], Decimal(100)]
    return [
        Row(
            "quality_thresholds",
            f"row {number}",
            {
                "measure": "failed_record_rate",
                "severity_level": f"P{count - number}",
                "lower_percent": cuts[number],
                "is_lower_inclusive": owned[number],
                "upper_percent": ends[number],
                "is_upper_inclusive": number == count - 1 or not owned[number + 1],
                "min_examined": 1,
                "rule_id": "data_quality_issues",
                "valid_from": None,
            },
        )
        for number in range(count)
    ]


def with_bands(policy: Policy, rows: list[Row]) -> Policy:
    """The policy with other bands of the failed record rate."""
    others = [row for row in policy.tables["quality_thresholds"] if row["measure"] != "failed_record_rate"]
    return Policy({**policy.tables, "quality_thresholds": (*others, *rows)})


def faults(policy: Policy) -> list[str]:
    """What the checks say."""
    names = {name: name for name in policy.tables}
    return [str(problem) for problem in check(Tables(policy.tables, names))]


@given(rows=band_rows(), failed=st.integers(0, 100_000))
def test_bands_that_pass_the_checks_hold_every_rate_once(policy: Policy, rows: list[Row], failed: int) -> None:
    changed = with_bands(policy, rows)
    assert faults(changed) == []
    rate = Fraction(failed, 1_000)
    holding = [band for band in changed.bands("failed_record_rate", NOW) if band.holds(rate)]
    first = rows[0]
    is_below = rate < Fraction(first["lower_percent"]) or (
        rate == Fraction(first["lower_percent"]) and not first["is_lower_inclusive"]
    )
    assert len(holding) == (0 if is_below else 1)


@given(rows=band_rows(), number=st.integers(0, 2), shift=st.sampled_from([Decimal("-0.001"), Decimal("0.001")]))
def test_bands_moved_by_a_thousandth_are_refused(policy: Policy, rows: list[Row], number: int, shift: Decimal) -> None:
    row = rows[number % len(rows)]
    moved = Row(row.table, row.where, {**row.values, "upper_percent": row["upper_percent"] + shift})
    found = faults(with_bands(policy, [moved if each is row else each for each in rows]))
    assert [fault for fault in found if re.search("overlaps|gap|is empty|must end at 100", fault)]


def test_nothing_examined_has_no_rate(policy: Policy) -> None:
    assert policy.band("failed_record_rate", 0, 0, NOW) is None


@pytest.mark.parametrize(("failed", "examined"), [(2, 1), (-1, 1), (0, -1)])
def test_impossible_counts_are_refused(policy: Policy, failed: int, examined: int) -> None:
    with pytest.raises(ValueError, match="is no rate"):
        policy.band("failed_record_rate", failed, examined, NOW)


def test_unknown_measure_is_refused(policy: Policy) -> None:
    with pytest.raises(UserError, match="'failed_rate'"):
        policy.band("failed_rate", 1, 2, NOW)


@given(severity=st.one_of(st.none(), SEVERITIES), gx_severity=st.sampled_from(["critical", "warning", "info"]))
def test_a_capped_severity_is_the_milder_of_the_two(policy: Policy, severity: str | None, gx_severity: str) -> None:
    capped = policy.capped(severity, gx_severity, NOW)
    if severity is None:
        assert capped is None
    else:
        assert policy.rank(capped or "") == max(policy.rank(severity), policy.rank(policy.cap(gx_severity, NOW)))


@given(severities=st.lists(st.one_of(st.none(), SEVERITIES)))
def test_worst_is_the_lowest_number_and_passes_over_none(policy: Policy, severities: list[str | None]) -> None:
    assert policy.worst(severities) == min((level for level in severities if level), default=None)


def test_unknown_severity_is_refused_by_name(policy: Policy) -> None:
    with pytest.raises(UserError, match=r"'P9' is no severity of the policy; it has P0, P1, P2, P3"):
        policy.rank("P9")


def test_unknown_limit_names_those_there_are(policy: Policy) -> None:
    with pytest.raises(UserError, match=r"'leese'.*lease_seconds"):
        policy.limit("leese", NOW)
