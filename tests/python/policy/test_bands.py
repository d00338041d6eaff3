"""Rates and severities as rules: exact for every count, monotonous, capped."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incident_ledger.errors import UserError
from incident_ledger.policy import Policy

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
def test_q10_rates_are_not_rounded_at_the_edge(
    policy: Policy, failed: int, examined: int, severity: str | None
) -> None:
    assert policy.band("failed_record_rate", failed, examined, NOW) == severity


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
