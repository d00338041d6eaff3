"""Suites and tables made for one test."""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from incident_ledger.policy import Policy
from incident_ledger.quality.checker import check_table
from incident_ledger.quality.result_types import BatchResult, RuleResult
from incident_ledger.quality.suites import Suite, load_suite
from incident_ledger.warehouse import Warehouse
from incident_ledger.warehouse.client import Client

NOW = datetime(2026, 3, 10, 9, tzinfo=UTC)


def rule(kind: str, rule_id: str | None = None, severity: str = "critical", **kwargs: Any) -> dict[str, Any]:
    """One expectation as a suite's file holds it."""
    meta = {"rule_id": rule_id} if rule_id else {}
    return {"type": kind, "kwargs": kwargs, "severity": severity, "meta": meta}


def not_null(column: str, rule_id: str | None = None, severity: str = "critical", **kwargs: Any) -> dict[str, Any]:
    """The rule that most trials use."""
    return rule("expect_column_values_to_not_be_null", rule_id or f"{column}_given", severity, column=column, **kwargs)


def suite_of(*rules: Mapping[str, Any], **meta: Any) -> Suite:
    """A suite by way of a file, as every suite comes."""
    return suite_from({"name": "trial", "meta": meta, "expectations": list(rules)})


def suite_from(content: Any, file: str = "trial.json") -> Suite:
    """A suite by way of a file that holds `content`: JSON, or (bytes) anything."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / file
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return load_suite(path)


def check(
    warehouse: Warehouse, policy: Policy, table: str, suite: Suite, days: Sequence[date] | None = None
) -> list[BatchResult]:
    """A table of the test's own dataset."""
    return check_table(warehouse, policy, table, suite, days=days, now=NOW)


def check_one(warehouse: Warehouse, policy: Policy, table: str, *rules: Mapping[str, Any], **meta: Any) -> BatchResult:
    """The whole table as one batch."""
    (batch,) = check(warehouse, policy, table, suite_of(*rules, **meta))
    return batch


def only(batch: BatchResult) -> RuleResult:
    """The one rule of a batch, which could be evaluated."""
    (result,) = batch.rules
    assert result.error is None, result.error
    return result


def make_table(warehouse: Warehouse, name: str, select: str) -> str:
    """A table of the test's own dataset from a query; its name."""
    warehouse.execute(f"create or replace table {warehouse.mart(name)} as {select}")
    return name


def broken_of(warehouse: Warehouse, name: str, broken: int, total: int) -> str:
    """A table of `total` records of which `broken` have no value."""
    return make_table(
        warehouse,
        name,
        f"select i as id, if(i <= {broken}, null, i) as amount from unnest(generate_array(1, {total})) as i",
    )


@contextmanager
def statements(*, dry_runs: bool = False) -> Iterator[list[tuple[str, Any]]]:
    """Every statement that is sent, with the job's configuration; those that are run dry, which is free, if wanted."""
    sent: list[tuple[str, Any]] = []
    original = Client.query

    def query(self: Client, query: str, *args: Any, **options: Any) -> Any:
        config = options.get("job_config")
        if dry_runs or not getattr(config, "dry_run", None):
            sent.append((query, config))
        return original(self, query, *args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Client, "query", query)
        yield sent
