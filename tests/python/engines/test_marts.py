"""The marts over real and generated data are the same, row by row, on the local warehouse and by Google."""

import json
from pathlib import Path
from typing import Any

import pytest

from engines.built import Built, Reference, compute
from engines.compare import differences
from engines.conftest import ALL
from engines.googlesql import execute
from engines.project import AS_OF
from engines.recorder import assert_accepted
from engines.story import FIRST_CHECK, SECOND_CHECK
from engines.values import simple
from marts.keys import KEYS_OF_USAGE

FIGURES = """
    select distinct
        count(*) over (partition by {group}) as incidents,
        count(mttr_minutes) over (partition by {group}) as resolved,
        count(identified_time) over (partition by {group}) as identified,
        avg(mttr_minutes) over (partition by {group}) as mttr_mean,
        percentile_cont(mttr_minutes, 0.5) over (partition by {group}) as mttr_median,
        percentile_cont(mttr_minutes, 0.9) over (partition by {group}) as mttr_p90,
        {group} as name
    from {table}
    where source = 'statuspage'
"""
GROUPS = {
    "all": "'all'",
    "by_severity": "severity_level",
    "by_month": "format_timestamp('%Y-%m', detection_time)",
}
# When a table was built is the clock's own, and each engine builds at its own time.
CLOCKS = {"fct_usage_daily": "built_at", "fct_usage_freshness": "built_at"}


@pytest.fixture(scope="session")
def reference(built: Built) -> Reference:
    """The same project by Google's reference implementation."""
    return compute(built)


@pytest.fixture(scope="session")
def expected(shared_data: Path) -> dict[str, Any]:
    """Figures of the archive, made by other means."""
    figures: dict[str, Any] = json.loads((shared_data / "statuspage" / "expected_2023_2025.json").read_text())
    return figures


def test_every_model_is_built_on_the_local_warehouse(built: Built) -> None:
    nodes = [*built.results, *built.again]
    assert [f"{node.name}: {node.message}" for node in nodes if node.status != "success"] == []


def test_google_accepts_the_statements_that_dbt_sends(built: Built) -> None:
    sent = [statement.sql.lower() for statement in built.by_dbt.statements.values()]
    assert any("merge into" in sql for sql in sent)
    assert_accepted(built.by_dbt)


def test_google_computes_every_model(reference: Reference) -> None:
    assert not reference.refused, "\n\n".join(reference.refused.values())


def test_google_gives_the_rows_of_every_seed_and_model(built: Built, reference: Reference) -> None:
    lines = []
    for name, relation in reference.relations.items():
        local, google = built.warehouse.rows(f"select * from {relation}"), reference.results[name].rows
        if clock := CLOCKS.get(name):
            assert all(row.pop(clock) for row in (*local, *google))
        lines += differences(name, local, google)
    assert not lines, "The engines differ:\n" + "\n".join(lines)


def test_google_gives_the_rows_of_every_card_and_question(built: Built, reference: Reference) -> None:
    lines, empty = [], []
    for name, sql in built.cards.items():
        local = built.warehouse.rows(sql, {"as_of": AS_OF})
        google = execute(sql, reference.catalog, {"as_of": (simple("TIMESTAMP"), AS_OF)}).rows
        lines += differences(name, local, google)
        empty += [name] if not local else []
    assert not lines, "The engines differ:\n" + "\n".join(lines)
    assert not empty, f"No row to compare: {', '.join(empty)}"


def test_no_model_is_compared_while_it_is_empty(reference: Reference) -> None:
    empty = [name for name, result in reference.results.items() if not result.rows]
    assert not empty, f"No row to compare: {', '.join(empty)}"


@pytest.mark.parametrize("model", KEYS_OF_USAGE)
def test_each_row_of_what_is_built_from_usage_has_a_key_of_its_own(model: str, reference: Reference) -> None:
    keys = [tuple(row[column] for column in KEYS_OF_USAGE[model]) for row in reference.results[model].rows]
    assert len(keys) == len(set(keys)) > 0
    assert not any(None in key for key in keys)


def test_a_breach_has_ended_another_holds_and_the_incidents_were_told(reference: Reference) -> None:
    def values(model: str, *columns: str) -> set[tuple[Any, ...]]:
        return {tuple(row[column] for column in columns) for row in reference.results[model].rows}

    ends = {ended_at for (ended_at,) in values("fct_signals", "ended_at")}
    assert ends == {None, SECOND_CHECK}
    assert values("fct_data_quality", "checked_at") == {(FIRST_CHECK,), (SECOND_CHECK,)}
    assert {("resolution", "sent")} < values("fct_notifications", "template", "status")


def test_both_engines_give_the_expected_figures(
    built: Built, reference: Reference, expected: dict[str, Any], archive_since: str
) -> None:
    """By month, of the months that are there; by severity and altogether where all are."""
    for group in GROUPS if archive_since == ALL else ["by_month"]:
        sql = FIGURES.format(group=GROUPS[group], table=reference.relations["operational_metrics"])
        wanted = {"all": expected["all"]} if group == "all" else expected[group]
        wanted = {name: each for name, each in wanted.items() if group != "by_month" or f"{name}-01" >= archive_since}
        for engine, rows in (("local", built.warehouse.rows(sql)), ("Google", execute(sql, reference.catalog).rows)):
            given = {row.pop("name"): {name: _rounded(value) for name, value in row.items()} for row in rows}
            assert given == wanted, (engine, group)


def _rounded(value: Any) -> Any:
    return round(value, 3) if isinstance(value, float) else value
