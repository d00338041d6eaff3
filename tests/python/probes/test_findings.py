"""What the rules about probes find, minute by minute, and their near misses: below the number, too short, too few."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from incident_ledger.probes.probe_baselines import Baseline
from incident_ledger.probes.probe_findings import Observed, by_target, error_limit, findings, latency_limit
from incident_ledger.probes.probe_results import ProbeResult
from incident_ledger.probes.probe_signals import absence, advance, removed
from incident_ledger.probes.probe_targets import ProbeTarget
from incident_ledger.response.rules.signal_rules import begins_at, signal_events
from incident_ledger.response.signals import Signal
from ledger.fold import states
from probes.targets import POLICY, target

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
NORMAL = Baseline(probes=5_000, healthy=5_000, median_ms=100.0, mad_ms=5.0, error_percent=0.0)
APIS = [target(name="anthropic"), target(name="cursor")]
DASHBOARDS = [target(name=name, kind="dashboard") for name in ("health", "review")]
TARGETS = [*APIS, *DASHBOARDS]

# Of each target what it answers at a minute: a kind of failure, a latency, or nothing for a good answer of 100 ms.
Script = Callable[[int], str | float | None]


def minute(number: float) -> datetime:
    return START + timedelta(minutes=number)


def result(each: ProbeTarget, number: int, answer: str | float | None) -> ProbeResult:
    failure = answer if isinstance(answer, str) else None
    return ProbeResult(
        target_id=each.target_id,
        probed_at=minute(number),
        kind=each.kind,
        component=each.component,
        failure_kind=failure,
        status_code=None,
        latency_ms=answer if isinstance(answer, int | float) else 100.0,
        attempts=1,
        detail=None,
    )


def play(
    scripts: Mapping[str, Script],
    minutes: int,
    *,
    targets: Sequence[ProbeTarget] = TARGETS,
    baseline: Baseline | None = NORMAL,
    at: Iterable[int] | None = None,
) -> list[str]:
    """A probe each minute and a tick after it: the events of the incidents, as `minute type severity source_key`."""
    results: list[ProbeResult] = []
    rows: dict[str, Any] = {}
    written: list[Any] = []
    times = set(range(minutes) if at is None else at)
    for number in range(minutes):
        now = minute(number)
        if number in times:
            results += [result(each, number, scripts.get(each.target_id, _well)(number)) for each in targets]
            baselines = {each.target_id: baseline for each in targets} if baseline else {}
            for found in findings(Observed(targets, by_target(results), baselines), POLICY, now):
                row = advance(rows.get(found.key), found, POLICY, now)
                rows |= {found.key: row} if row else {}
        signals = [to_signal(row) for row in rows.values()]
        written += signal_events(states(written), signals, POLICY, now)
    return [
        f"{(each.occurred_at - START).total_seconds() / 60:g} {each.event_type.value} "
        f"{each.severity_level or ''} {each.source_key}".replace("  ", " ")
        for each in written
    ]


def to_signal(row: Mapping[str, Any]) -> Signal:
    return Signal(**{name: value for name, value in row.items() if name != "owner"})


def _well(_: int) -> None:
    return None


def fails(kind: str, first: int, last: int = 10_000) -> Script:
    return lambda number: kind if first <= number <= last else None


def test_normal_life_opens_nothing() -> None:
    """One blip an hour, a slow answer now and then: no incident in a day."""
    scripts: dict[str, Script] = {
        each.target_id: lambda number, place=place: (  # type: ignore[misc]
            "timeout" if number % 60 == place else 900.0 if number % 17 == place else 95.0 + number % 11
        )
        for place, each in enumerate(TARGETS)
    }
    assert play(scripts, 24 * 60) == []


def test_all_dashboards_unreachable_is_p0_after_three_minutes_and_over_after_five_good_ones() -> None:
    down: dict[str, Script] = {"health": fails("server", 5, 20), "review": fails("timeout", 5, 20)}
    assert play(down, 40) == ["8 detected P0 all:dashboards", "21 resolved all:dashboards"]


@pytest.mark.parametrize(
    "down",
    [
        {"health": fails("server", 5)},  # one of two
        {"health": fails("server", 5), "review": fails("server", 8, 9)},  # both, for too short
        {"health": fails("authentication", 5), "review": fails("authentication", 5)},  # they answer
    ],
)
def test_fewer_dashboards_or_shorter_is_no_p0(down: dict[str, Script]) -> None:
    assert [line for line in play(down, 30) if "P0" in line] == []


def test_one_dashboard_alone_is_a_p2_and_none_beside_the_p0() -> None:
    assert play({"health": fails("server", 5, 30)}, 60) == [
        "15 detected P2 target:health",
        "31 resolved target:health",
    ]
    both: dict[str, Script] = {"health": fails("server", 5), "review": fails("server", 8)}
    assert play(both, 30) == ["11 detected P0 all:dashboards"]


def test_refused_keys_at_two_services_are_one_p1() -> None:
    refused: dict[str, Script] = {"anthropic": fails("authentication", 5), "cursor": fails("authentication", 6)}
    assert play(refused, 40) == ["9 detected P1 all:authentication"]


def test_a_refused_key_at_one_service_is_a_degraded_api() -> None:
    lines = play({"anthropic": fails("authentication", 5)}, 40)
    assert lines == ["15 detected P2 target:anthropic"]


def test_a_refused_key_and_a_throttled_one_are_no_p1() -> None:
    scripts: dict[str, Script] = {"anthropic": fails("authentication", 5), "cursor": fails("throttled", 5)}
    assert sorted(play(scripts, 40)) == ["15 detected P2 target:anthropic", "15 detected P2 target:cursor"]


@pytest.mark.parametrize("kind", ["server", "throttled", "timeout", "certificate", "error_page"])
def test_an_api_that_fails_is_a_p2_once_it_has_lasted(kind: str) -> None:
    lines = play({"cursor": fails(kind, 20, 40)}, 70)
    assert lines[0] == "30 detected P2 target:cursor"
    assert lines[1].endswith("resolved target:cursor")
    assert len(lines) == 2


@pytest.mark.parametrize(
    "script",
    [
        fails("server", 20, 28),  # nine minutes: less than it must hold
        lambda number: "server" if number % 8 == 0 else None,  # 12.5 %: below a fifth
    ],
)
def test_shorter_or_fewer_failures_of_an_api_are_none(script: Script) -> None:
    assert play({"cursor": script}, 120) == []


def test_an_api_at_the_edge_does_not_flap() -> None:
    """Failing 7 of 15, 0 of 8, and so on for two hours: one incident, which stays open."""
    lines = play({"cursor": lambda number: "server" if number % 10 < 7 else None}, 120)
    assert [line.split()[1] for line in lines] == ["detected"]


def test_an_api_that_always_fails_half_is_judged_by_its_own_baseline() -> None:
    usual = Baseline(probes=5_000, healthy=2_500, median_ms=100.0, mad_ms=5.0, error_percent=50.0)
    half: Script = lambda number: "throttled" if number % 2 else None  # noqa: E731 - a script as the others
    assert play({"cursor": half}, 60, baseline=usual, targets=APIS) == []
    assert play({"cursor": half}, 60, baseline=NORMAL, targets=APIS) != []
    assert float(error_limit(APIS[1], usual)) == 60.0
    always = Baseline(probes=5_000, error_percent=100.0)
    assert error_limit(APIS[1], always) == 100, "what always fails is degraded whatever is usual"


def test_an_api_that_is_slower_than_its_own_normal_is_a_p2() -> None:
    # 100 ms and 6 deviations of 1.4826 * 5 ms are 144 ms; twice the median, 200 ms, is more.
    assert latency_limit(APIS[1], NORMAL) == 200.0
    lines = play({"cursor": lambda number: 201.0 if number >= 20 else 100.0}, 60)
    assert lines == ["30 detected P2 target:cursor"]


@pytest.mark.parametrize(
    ("script", "baseline"),
    [
        (lambda _: 199.0, NORMAL),  # below twice its median
        (lambda number: 5_000.0 if number % 3 == 0 else 100.0, NORMAL),  # a mean would be 1,733 ms
        (lambda _: 5_000.0, None),  # nobody knows what is normal
        (lambda _: 5_000.0, Baseline(probes=99, healthy=99, median_ms=100.0, mad_ms=5.0)),  # too few to know
    ],
)
def test_less_slow_or_unknown_is_none(script: Script, baseline: Baseline | None) -> None:
    assert play({"cursor": script}, 60, baseline=baseline) == []


def test_too_few_probes_judge_nothing() -> None:
    assert play({"cursor": fails("server", 0)}, 120, at=range(0, 120, 5)) == []


def test_probes_that_stay_away_end_nothing() -> None:
    lines = play({"health": fails("server", 5), "review": fails("server", 5)}, 200, at=[*range(20)])
    assert lines == ["8 detected P0 all:dashboards"]


def test_where_nothing_is_reached_it_is_the_network_of_the_probe() -> None:
    cut: dict[str, Script] = {each.target_id: fails("network", 5, 30) for each in TARGETS}
    assert play(cut, 60) == ["8 detected P1 all:network", "31 resolved all:network"]


def test_no_probe_is_a_p1_by_itself_once_the_policy_allows_no_more() -> None:
    signal = to_signal(absence(POLICY, START, {}))
    assert (signal.severity_level, signal.component) == ("P1", "probe:targets")
    assert signal_events([], [signal], POLICY, minute(15)) == []
    (event,) = signal_events([], [signal], POLICY, minute(15.01))
    assert event.severity_level == "P1"
    assert begins_at(signal, POLICY) == minute(15) + timedelta(microseconds=1)
    later = to_signal(absence(POLICY, minute(20), {}))
    (end,) = signal_events(states([event]), [later], POLICY, minute(20))
    assert (end.event_type, end.occurred_at) == ("resolved", minute(20))


def test_a_target_that_the_policy_has_no_more_is_over() -> None:
    rows: dict[str, Any] = {}
    results = [result(APIS[0], number, "server") for number in range(20)]
    for found in findings(Observed(APIS, by_target(results), {}), POLICY, minute(19)):
        row = advance(rows.get(found.key), found, POLICY, minute(19))
        rows |= {found.key: row} if row else {}
    (row,) = removed(rows.values(), ["target:cursor"], minute(25))
    assert (row["source_key"], row["ended_at"]) == ("target:anthropic", minute(25))


def test_what_another_probe_has_seen_later_is_left_alone() -> None:
    results = [result(APIS[0], number, "server") for number in range(20)]
    found = next(
        each
        for each in findings(Observed(APIS, by_target(results), {}), POLICY, minute(19))
        if each.key == "target:anthropic"
    )
    row = advance(None, found, POLICY, minute(30))
    assert row is not None
    assert advance(row, found, POLICY, minute(19)) is None


def test_evidence_has_counts_samples_and_the_query() -> None:
    results = [result(APIS[0], number, "server" if number % 2 else "timeout") for number in range(11)]
    found = findings(Observed(APIS, by_target(results), {}), POLICY, minute(10))
    (one,) = [each for each in found if each.is_bad]
    assert one.title == "anthropic: 11 of the last 11 probes failed (timeout 6, server 5)"
    assert (one.evidence["probes"], one.evidence["failed"]) == (11, 11)
    assert one.evidence["failure_kinds"] == {"server": 5, "timeout": 6}
    assert [each["at"] for each in one.evidence["samples"]][-1] == "2026-03-02T09:10:00.000000Z"
    assert one.evidence["query"] == (
        "select * from fct_api_health where probed_at > timestamp '2026-03-02 08:55:00+00' "
        "and target_id in ('anthropic')"
    )
