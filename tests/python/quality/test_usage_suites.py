"""The suites that every run checks: complete, and about columns that their models have."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import PROJECT_DIR
from incident_ledger.policy import Policy
from incident_ledger.quality.suites import Suite, load_suite

SUITES = sorted((PROJECT_DIR / "tests" / "gx").glob("*.json"))
WORDS = {"select", "from", "batch", "where", "coalesce", "null", "hour", "timestamp_diff"}
DIMENSIONS = {"completeness", "validity", "uniqueness", "timeliness", "consistency", "volume"}


def model(name: str) -> dict[str, str]:
    """Columns of a model and their types, from its YAML."""
    (path,) = (PROJECT_DIR / "models").rglob(f"{name}.yml")
    (found,) = yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
    return {column["name"]: column["data_type"] for column in found["columns"]}


@pytest.fixture(params=SUITES, ids=lambda path: path.stem)
def suite(request: pytest.FixtureRequest) -> Suite:
    path: Path = request.param
    return load_suite(path)


def test_every_rule_can_be_read_and_names_who_answers_for_it(suite: Suite) -> None:
    assert suite.error is None
    assert [rule.error for rule in suite.rules if rule.error] == []
    for rule in suite.rules:
        assert rule.owner
        assert rule.description
        assert rule.dimension in DIMENSIONS


def test_rules_are_about_columns_that_their_table_has(suite: Suite) -> None:
    columns = model(str(suite.meta["table"]).split(".")[-1])
    assert columns[str(suite.meta["day_column"])] == "date"
    for rule in suite.rules:
        assert set(rule.columns) <= set(columns), rule.rule_id
        written = str(rule.kwargs.get("unexpected_rows_query", ""))
        words = set(re.findall(r"[a-z_]{4,}", written)) - WORDS
        assert words <= set(columns), rule.rule_id


def test_owners_are_contacts_of_the_policy(suite: Suite, policy: Policy) -> None:
    owners: set[Any] = {suite.meta["owner"], *(rule.owner for rule in suite.rules)}
    assert owners <= set(policy.contacts)


def test_all_suites_cover_every_dimension_of_quality() -> None:
    suites = [load_suite(path) for path in SUITES]
    assert {rule.dimension for suite in suites for rule in suite.rules} == DIMENSIONS
    assert {str(suite.meta["table"]) for suite in suites} >= {"fct_usage_daily"}
