"""The benchmark's arithmetic, its reading of plans, and its rules on a small table. No time is asserted."""

from pathlib import Path

import pytest

from benchmark import rules
from benchmark.counting import Scan, scans, with_replaced_days
from benchmark.figures import Comparison, Part, Series, memory, page, section, sections_of
from benchmark.parts import PARTS, QUICK
from incident_ledger.warehouse import Warehouse


def test_a_ratio_is_of_medians_and_says_whether_its_aim_is_met() -> None:
    ours, beside = Series("ours", "s", (1.0, 9.0, 1.5)), Series("theirs", "s", (1.0, 1.0, 7.0))
    assert Comparison("a", ours, beside, 1.5).ratio == 1.5
    assert Comparison("a", ours, beside, 1.5).is_met
    assert not Comparison("a", ours, beside, 1.49).is_met
    assert Comparison("a", ours, beside).is_met


def test_a_section_holds_ratios_aims_and_every_value() -> None:
    comparison = Comparison("run, beside dbt", Series("run", "s", (3.0,)), Series("dbt", "s", (1.0, 2.0)), 1.5)
    text = section(Part("A run", (comparison,), memory("peak", [3 * 1024**2, None])), "Measured on a machine.")
    assert "| run, beside dbt | 3.00 s | 1.50 s | 2.00 | 1.5 (missed) |" in text
    assert "| dbt | 1.50 s | 1.00 s, 2.00 s |" in text
    assert "| peak | 3 MiB | | | |" in text
    assert "Measured on a machine." in text


def test_what_is_not_measured_stays_on_the_page() -> None:
    first, second = (Part(title, (), memory("peak", [size * 1024**2])) for title, size in (("A run", 1), ("A tick", 2)))
    sections = {part.title: section(part, "Then.") for part in (first, second)}
    assert sections_of(page(sections)) == sections
    again = sections_of(page(sections)) | {first.title: section(first, "Now.")}
    assert page(again) == page(sections).replace("Then.", "Now.", 1)


@pytest.mark.soak
@pytest.mark.parametrize("name", PARTS)
def test_each_part_runs_in_small_sizes(name: str, tmp_path: Path) -> None:
    parts = PARTS[name](tmp_path, QUICK)
    assert all(part.comparisons or part.table for part in parts)
    assert len(parts) == (3 if name == "usage" else 1) or name == "pages"


def test_memory_that_the_system_does_not_show_is_left_out() -> None:
    assert memory("peak", [None]) == ()


def test_scans_of_a_plan_are_found_with_the_conditions_that_were_pushed_down() -> None:
    table = {"extra_info": {"Table": 'b."p__d".t', "Filters": ["optional: day IN ('2026-03-01'::DATE)", "n>1"]}}
    single = {"extra_info": {"Table": "b.p__d.u", "Filters": "n=1"}}
    plan = {"children": [{"extra_info": {}, "children": [table, single]}, {"extra_info": {"Table": "b.p__d.v"}}]}
    assert list(scans(plan)) == [
        Scan('b."p__d".t', ("day IN ('2026-03-01'::DATE)", "n>1")),
        Scan("b.p__d.u", ("n=1",)),
        Scan("b.p__d.v", ()),
    ]


def test_days_that_a_merge_replaces_are_conditions_of_its_target_alone() -> None:
    sql = (
        'MERGE INTO "p__d"."t" AS DBT_INTERNAL_DEST USING (SELECT * FROM x) AS S ON FALSE WHEN NOT MATCHED BY SOURCE '
        "AND CAST(dbt_internal_dest.day AS DATE) IN (CAST('2026-03-07' AS DATE)) THEN delete WHEN NOT MATCHED THEN …"
    )
    target, other = Scan('b."p__d".t', ()), Scan('b."p__d".x', ())
    assert with_replaced_days(target, sql).conditions == ("day IN (CAST('2026-03-07' AS DATE))",)
    assert with_replaced_days(other, sql) == other
    assert with_replaced_days(target, "select 1 from t") == target


def test_the_check_counts_what_the_hand_written_statement_counts(warehouse: Warehouse, tmp_path: Path) -> None:
    """`measure` raises when they differ; each rule is broken by some record, so that equal counts mean something."""
    part = rules.measure(warehouse, tmp_path, rows=20_000, repetitions=1)
    sent = {single.name: single.values for single in part.singles}
    assert sent["statements: the check, ten column rules"] == (1.0,)
    assert sent["statements: the check, nine rules and a uniqueness"] == (2.0,)
    (row,) = warehouse.rows(rules.written(warehouse, (*rules.TEN, rules.UNIQUE)))
    assert row.pop(rules.UNIQUE.name) == 0
    assert all(count > 0 for count in row.values()), row
