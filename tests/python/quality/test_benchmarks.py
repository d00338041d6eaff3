"""Real dirty data: suites written from what the data means give counts that Python gives too."""

import csv
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from incident_ledger.policy import Policy
from incident_ledger.quality.suites import load_suite
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.loading.file_load import load_file
from quality.helpers import check

SUITES = Path(__file__).parent / "suites"
Rows = list[dict[str, str | None]]


def read(path: Path, columns: list[str] | None = None) -> Rows:
    """The records of a file, an empty cell as None; under `columns` when it has other headers."""
    with path.open(encoding="utf-8", newline="") as file:
        first, *records = csv.reader(file)
    names = columns or first
    return [dict(zip(names, (cell or None for cell in record), strict=True)) for record in records]


def broken(rows: Rows, wanted: dict[str, Any]) -> set[int]:
    """Positions of the records that break a rule: what GX's words mean, in Python."""
    kwargs, kind = wanted["kwargs"], wanted["type"].removeprefix("expect_column_values_to_")
    values = [row[kwargs["column"]] for row in rows]
    times = Counter(values)
    tests: dict[str, Callable[[str], bool]] = {
        "match_regex": lambda value: re.search(kwargs["regex"], value) is None,
        "not_match_regex": lambda value: re.search(kwargs["regex"], value) is not None,
        "be_in_set": lambda value: value not in kwargs["value_set"],
        "be_unique": lambda value: times[value] > 1,
        "not_be_null": lambda _: False,
    }
    is_broken = tests[kind]
    return {
        position
        for position, value in enumerate(values)
        if (kind == "not_be_null" if value is None else is_broken(value))
    }


@pytest.mark.parametrize(("name", "severity"), [("hospital", None), ("beers", "P1"), ("flights", "P1")])
def test_a_dirty_table_gives_its_severity_and_pythons_counts(
    bare: Warehouse, policy: Policy, shared_data: Path, name: str, severity: str | None
) -> None:
    folder = shared_data / "quality_benchmarks" / name
    dirty = read(folder / "dirty.csv")
    clean = read(folder / "clean.csv", list(dirty[0]))
    load_file(bare, folder / "dirty.csv", bare.settings.dataset, name, strings=True, replace=True)
    expectations = json.loads((SUITES / f"{name}.json").read_text(encoding="utf-8"))["expectations"]

    (batch,) = check(bare, policy, name, load_suite(SUITES / f"{name}.json"))

    found = {result.rule_id: (result.examined, result.failed) for result in batch.rules}
    counted = {wanted["meta"]["rule_id"]: broken(dirty, wanted) for wanted in expectations}
    assert found == {rule_id: (len(dirty), len(positions)) for rule_id, positions in counted.items()}
    assert batch.severity_level == severity
    assert batch.check_severity_level is None
    # What a rule finds is an error: the cell differs from its clean twin, or the twin breaks the rule as well.
    for wanted in expectations:
        column, in_clean = wanted["kwargs"]["column"], broken(clean, wanted)
        for position in counted[wanted["meta"]["rule_id"]] - in_clean:
            assert dirty[position][column] != clean[position][column]


@pytest.mark.parametrize("name", ["hospital", "beers", "flights"])
def test_the_clean_twin_is_no_incident(bare: Warehouse, policy: Policy, shared_data: Path, name: str) -> None:
    """Beers lack an alcohol content in 62 of 2,410 and a style in 5, which is under 5 %."""
    folder = shared_data / "quality_benchmarks" / name
    columns = list(read(folder / "dirty.csv")[0])
    twin = read(folder / "clean.csv", columns)
    path = Path(bare.settings.local_path) / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(json.dumps(row) for row in twin), encoding="utf-8")
    load_file(bare, path, bare.settings.dataset, f"{name}_clean", strings=True, replace=True)
    (batch,) = check(bare, policy, f"{name}_clean", load_suite(SUITES / f"{name}.json"))
    assert batch.severity_level is None
    expectations = json.loads((SUITES / f"{name}.json").read_text(encoding="utf-8"))["expectations"]
    counted = {wanted["meta"]["rule_id"]: len(broken(twin, wanted)) for wanted in expectations}
    assert {result.rule_id: result.failed for result in batch.rules} == counted
