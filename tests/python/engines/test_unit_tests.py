"""Each dbt unit test gives the same rows on the local warehouse and by Google's reference implementation."""

from collections.abc import Sequence
from typing import Any

import pytest

from engines.built import Built
from engines.compare import differences
from engines.googlesql import Catalog, RefusedError, execute
from engines.recorder import expected_to_be_refused
from incident_ledger.errors import OutsideError

SIDE = "actual_or_expected"


@pytest.fixture(scope="session")
def told(built: Built) -> dict[str, list[str]]:
    """For each unit test, how the engines differ, and how Google's differs from what the test expects."""
    found = {}
    for name, sql in built.unit_test_queries().items():
        try:
            with expected_to_be_refused():  # read by the analyzer here, with the message below
                local = built.warehouse.rows(sql)
            google = execute(sql, Catalog(built.warehouse.settings.project)).rows
        except (OutsideError, RefusedError) as error:
            found[name] = [f"{name}: {'Google' if isinstance(error, RefusedError) else 'here'} refused: {error}"]
            continue
        actual, expected = _side(google, "actual"), _side(google, "expected")
        found[name] = [
            *differences(f"{name}, actual rows", _side(local, "actual"), actual),
            *differences(f"{name}, expected (here) and actual (by Google)", expected, actual),
        ]
    return found


def _side(rows: Sequence[dict[str, Any]], side: str) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name != SIDE} for row in rows if row[SIDE] == side]


def test_every_unit_test_of_the_project_passes_on_the_local_warehouse(built: Built) -> None:
    assert built.unit_tests
    assert [f"{test.name}: {test.message}" for test in built.unit_tests if test.status != "pass"] == []


def test_every_unit_test_was_computed_twice(built: Built, told: dict[str, list[str]]) -> None:
    assert len(told) == len(built.unit_tests)


def test_google_gives_the_rows_of_every_unit_test(told: dict[str, list[str]]) -> None:
    lines = [line for lines in told.values() for line in lines]
    assert not lines, "The engines differ:\n" + "\n".join(lines)
