"""One cause, one group: who joins whom, and when a group is over."""

from collections.abc import Sequence
from datetime import datetime

from hypothesis import given
from hypothesis import strategies as st

from conftest import PROJECT_DIR
from dbt_results.results import T0, at, judged, lineage, manifest, node, result
from incident_ledger.dbt_results.artifacts import Manifest
from incident_ledger.dbt_results.grouping import FailureGroup, regroup
from incident_ledger.dbt_results.node_lineage import Lineage
from incident_ledger.dbt_results.node_results import ArtifactResult
from incident_ledger.dbt_results.signal_state import to_group, to_row
from incident_ledger.policy import load_files

POLICY = load_files(PROJECT_DIR / "seeds" / "policy")
RAW, BRONZE, SILVER, GOLD = "source.shop.raw.orders", "model.shop.bronze", "model.shop.silver", "model.shop.gold"
TESTS = {model: f"test.shop.unique_{model.rpartition('.')[2]}.1" for model in (BRONZE, SILVER, GOLD)}
NODES = (
    node(RAW),
    node(BRONZE, RAW),
    node(SILVER, BRONZE),
    node(GOLD, SILVER),
    node("model.shop.other"),
    *(node(test, model, attached_node=model) for model, test in TESTS.items()),
)
LAYERS = lineage(*NODES)
DATES = (at(0), datetime.min.replace(tzinfo=T0.tzinfo))


def after(
    groups: Sequence[FailureGroup], *results: ArtifactResult, known: Lineage = LAYERS, looked_at: datetime = DATES[1]
) -> list[FailureGroup]:
    """All groups that are open or ended by these results, as they come back from their rows."""
    changed = {each.component: each for each in regroup(groups, judged(results, known, POLICY), known, looked_at)}
    return [changed.get(each.component, each) for each in groups if each.component not in changed] + list(
        changed.values()
    )


def is_open(groups: Sequence[FailureGroup]) -> dict[str, list[str]]:
    """The failing nodes of each open group."""
    return {each.component: sorted(each.failures) for each in groups if each.ended_at is None}


def fails(*models: str, minutes: float = 0) -> list[ArtifactResult]:
    return [result(TESTS[model], "fail", minutes, failures=1) for model in models]


def passes(*models: str, minutes: float = 0) -> list[ArtifactResult]:
    return [result(TESTS[model], "pass", minutes) for model in models]


def test_what_fails_below_a_failure_joins_it() -> None:
    groups = after([], *fails(GOLD, SILVER, BRONZE), result("model.shop.other", "error"))
    assert is_open(groups) == {
        "dbt:shop.bronze": sorted(TESTS.values()),
        "dbt:shop.other": ["model.shop.other"],
    }


def test_forty_tests_of_one_model_are_one_group() -> None:
    tests = [node(f"test.shop.t{number}.1", BRONZE, attached_node=BRONZE) for number in range(40)]
    known = lineage(node(BRONZE), *tests)
    groups = after([], *(result(each["unique_id"], "fail") for each in tests), known=known)
    assert [len(each.failures) for each in groups] == [40]


def test_a_model_that_failed_explains_the_tests_below_it_and_a_stale_source_the_models() -> None:
    groups = after([], result(RAW, "error"), result(BRONZE, "error"), *fails(GOLD))
    assert is_open(groups) == {"dbt:shop.raw.orders": sorted([RAW, BRONZE, TESTS[GOLD]])}


def test_a_group_ends_when_nothing_of_it_fails_any_more() -> None:
    groups = after([], *fails(BRONZE, GOLD))
    groups = after(groups, *passes(BRONZE, minutes=10), *fails(GOLD, minutes=10))
    assert is_open(groups) == {"dbt:shop.bronze": [TESTS[GOLD]]}
    (group,) = after(groups, *passes(BRONZE, GOLD, minutes=20))
    assert (group.started_at, group.ended_at, group.failures) == (at(0), at(20), {})


def test_what_was_skipped_was_not_looked_at() -> None:
    groups = after([], *fails(BRONZE))
    assert is_open(after(groups, result(TESTS[BRONZE], "skipped", 10))) == is_open(groups)
    assert regroup(groups, judged([result(TESTS[BRONZE], "skipped", 10)], LAYERS, POLICY), LAYERS, DATES[1]) == []


def test_an_open_group_stays_when_something_above_it_fails_later() -> None:
    groups = after([], *fails(GOLD))
    groups = after(groups, *fails(BRONZE, SILVER, GOLD, minutes=10))
    assert is_open(groups) == {
        "dbt:shop.gold": [TESTS[GOLD]],
        "dbt:shop.bronze": sorted([TESTS[BRONZE], TESTS[SILVER]]),
    }


def test_a_test_that_the_project_has_no_more_is_over() -> None:
    groups = after([], *fails(BRONZE))
    without = lineage(*(each for each in NODES if each["unique_id"] != TESTS[BRONZE]))
    assert is_open(after(groups, known=without, looked_at=at(-1))) == is_open(groups)  # an older manifest
    (group,) = after(groups, known=without, looked_at=at(5))
    assert group.ended_at == at(5)


def test_a_retry_within_one_call_counts_as_it_ended() -> None:
    assert after([], *fails(BRONZE), *passes(BRONZE, minutes=3)) == []
    assert is_open(after([], *passes(BRONZE), *fails(BRONZE, minutes=3))) == {"dbt:shop.bronze": [TESTS[BRONZE]]}


def test_without_a_manifest_all_tests_are_one_group() -> None:
    groups = after([], *fails(BRONZE, GOLD), result(SILVER, "error"), known=Lineage("shop"))
    assert is_open(groups) == {"dbt:shop": sorted([TESTS[BRONZE], TESTS[GOLD]]), "dbt:shop.silver": [SILVER]}


def test_a_cycle_ends() -> None:
    known = lineage(node("model.shop.a", "model.shop.b"), node("model.shop.b", "model.shop.a"))
    groups = after([], result("model.shop.a", "error"), result("model.shop.b", "error"), known=known)
    assert sum(len(each.failures) for each in groups) == 2


@st.composite
def histories(draw: st.DrawFn) -> tuple[Lineage, list[list[ArtifactResult]]]:
    """A project of up to six models in any order of dependence, and up to five runs of parts of it."""
    names = [f"model.shop.m{number}" for number in range(draw(st.integers(1, 6)))]
    nodes = []
    for place, name in enumerate(names):
        parents = draw(st.lists(st.sampled_from(names[:place]), unique=True)) if place else []
        nodes.append(node(name, *parents))
    known = Lineage("shop", Manifest.model_validate(manifest(nodes)))
    status = st.sampled_from(["success", "error", "skipped"])
    runs = [
        [result(name, draw(status), 10 * run) for name in draw(st.lists(st.sampled_from(names), unique=True))]
        for run in range(draw(st.integers(1, 5)))
    ]
    return known, runs


@given(histories())
def test_each_node_that_fails_now_is_in_one_open_group(history: tuple[Lineage, list[list[ArtifactResult]]]) -> None:
    known, runs = history
    groups: list[FailureGroup] = []
    failing: set[str] = set()
    for results in runs:
        failing |= {each.unique_id for each in results if each.status == "error"}
        failing -= {each.unique_id for each in results if each.status == "success"}
        rows = [to_row(each, "shop", POLICY) for each in after(groups, *results, known=known)]
        groups = [to_group(row, row["evidence"]) for row in rows if row["ended_at"] is None]
        assert sorted(name for each in groups for name in each.failures) == sorted(failing)
        assert all(each.failures for each in groups)
        assert regroup(groups, judged(results, known, POLICY), known, DATES[1]) == []  # again says nothing new
