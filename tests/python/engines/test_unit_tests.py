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
    """For each unit test, how Google's rows differ from those that it expects, and then from those given here.

    dbt has seen that the rows given here are the expected ones; the query is sent here again only to tell a difference.
    """
    found = {}
    for name, sql in built.unit_test_queries().items():
        try:
            google = execute(sql, Catalog(built.warehouse.settings.project)).rows
        except RefusedError as error:
            found[name] = [f"{name}: Google refuses it: {error}"]
            continue
        actual, expected = _side(google, "actual"), _side(google, "expected")
        found[name] = differences(f"{name}, expected (here) and actual (by Google)", expected, actual)
        if found[name]:
            found[name] += _unlike_here(built, name, sql, actual)
    return found


def _unlike_here(built: Built, name: str, sql: str, google: Sequence[dict[str, Any]]) -> list[str]:
    try:
        with expected_to_be_refused():  # its message is told by the test
            local = built.warehouse.rows(sql)
    except OutsideError as error:
        return [f"{name}: refused here: {error}"]
    return differences(f"{name}, actual rows", _side(local, "actual"), google)


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
