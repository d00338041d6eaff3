"""A policy that another process is replacing, table by table."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from incident_ledger.errors import StatementError, UserError
from incident_ledger.policy import Policy, differing, load, load_current
from incident_ledger.policy.cells import Row
from incident_ledger.policy.seeds import policy_tables

loading = importlib.import_module("incident_ledger.policy.reader")


class Warehouse:
    """Answers `load` with one thing after another: an error, or a policy without the rows of some tables."""

    settings = SimpleNamespace(policy_dataset="d_policy")

    def __init__(self, *answers: Exception | Policy) -> None:
        self.answers = list(answers)

    def name(self, dataset: str, table: str) -> str:
        """A table's name."""
        return f"`p.{dataset}.{table}`"

    def rows(self, _sql: str) -> list[dict[str, str]]:
        """The next answer; the last one for ever."""
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return list(_records(answer))


def _records(policy: Policy) -> Iterator[dict[str, str]]:
    for table in policy_tables().values():
        for row in policy.tables[table.name]:
            yield {
                "table_name": table.name,
                "cells": loading.json.dumps([_cell(row[name]) for name in table.column_names]),
            }


def _cell(value: Any) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return None if value is None else str(value)


def _without(policy: Policy, table: str) -> Policy:
    rows: dict[str, tuple[Row, ...]] = {**policy.tables, policy_tables()[table].name: ()}
    return Policy(rows)


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long `load` waited, each time; it does not really."""
    clock, waited = [0.0], []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        clock[0] += seconds

    monkeypatch.setattr(loading, "time", SimpleNamespace(sleep=sleep, monotonic=lambda: clock[0]))
    return waited


def test_table_that_is_replaced_right_now_is_waited_for(policy: Policy, pauses: list[float]) -> None:
    missing = StatementError("Not found: Table d_policy.audiences", reason="notFound")
    warehouse = Warehouse(missing, _without(policy, "audiences"), _without(policy, "contacts"), policy)
    assert differing(policy, load(warehouse)) == []  # type: ignore[arg-type]
    assert len(pauses) == 3


def test_what_is_wrong_for_long_is_wrong(policy: Policy, pauses: list[float]) -> None:
    with pytest.raises(UserError, match="P0 has no recipient"):
        load(Warehouse(_without(policy, "audiences")), patience=2)  # type: ignore[arg-type]
    assert sum(pauses) == 2


def test_dataset_that_is_not_there_is_not_waited_for(pauses: list[float]) -> None:
    missing = StatementError("Not found: Dataset d_policy", reason="notFound")
    with pytest.raises(UserError, match="incident-ledger policy load"):
        load(Warehouse(missing))  # type: ignore[arg-type]
    assert pauses == []


def test_tables_of_another_version_are_to_be_loaded_again(policy: Policy, pauses: list[float], seeds: Path) -> None:
    older = StatementError("Unrecognized name: window_minutes at [3:9]", reason="invalidQuery")
    with pytest.raises(UserError, match=r"another version\. Load them again: incident-ledger policy load"):
        load(Warehouse(older), patience=1)  # type: ignore[arg-type]
    assert sum(pauses) == 1
    assert differing(policy, load(Warehouse(older, policy))) == []  # type: ignore[arg-type]
    assert load_current(Warehouse(older), seeds) is None  # type: ignore[arg-type]


def test_refused_statement_is_no_missing_policy(pauses: list[float]) -> None:
    with pytest.raises(StatementError):
        load(Warehouse(StatementError("no", reason="accessDenied")))  # type: ignore[arg-type]
    assert pauses == []
