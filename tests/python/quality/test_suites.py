"""Whatever is wrong in a suite's file is a finding that names it, and never a pass."""

import json
import threading
from pathlib import Path

import pytest

from incident_ledger.policy import Policy
from incident_ledger.quality.checker import check_all, note_changes
from incident_ledger.quality.suites import TableName, load_contents, load_folders
from incident_ledger.settings import Settings
from incident_ledger.warehouse import Warehouse, connect
from quality.helpers import NOW, broken_of, check, check_one, not_null, rule, suite_from, suite_of
from relay import Change, Relay, Request

REGEX = "expect_column_values_to_match_regex"
BETWEEN = "expect_column_values_to_be_between"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is not a suite"),
        (b"{not json", "is not a suite"),
        (b"\xff\xfe", "is not a suite"),
        ([], "it is a list"),
        ({}, "has no expectations"),
        ({"name": "x", "expectations": []}, "has no expectations"),
        ({"name": "x", "expectations": {}}, "has no expectations"),
        ({"name": "x", "meta": [], "expectations": [not_null("amount")]}, None),
        ({"name": "x", "meta": ["y"], "expectations": [not_null("amount")]}, "meta is a list"),
        (b'{"expectations": [{"type": "x", "kwargs": {"a": NaN}}]}', "NaN is not a number of JSON"),
        (b'{"expectations": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested more than"),
        (b"[" * 100_000, "is not a suite"),
        (b'{"expectations": [' + b"9" * 5_000 + b"]}", "5000 digits"),
        ({"name": ["x"], "meta": {"table": 5}, "expectations": "x"}, "has no expectations"),
    ],
)
def test_a_file_that_is_not_a_suite_is_a_finding(
    bare: Warehouse, policy: Policy, content: object, words: str | None
) -> None:
    table = broken_of(bare, "t", 0, 10)
    (batch,) = check(bare, policy, table, suite_from(content))
    if words is None:
        assert batch.check_severity_level is None
        return
    assert batch.check_severity_level == "P1"
    assert batch.severity_level is None
    assert batch.rules_ran == 0
    assert words in (batch.error or "")


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (rule("expect_nothing_at_all", "bad", column="amount"), "there is no expectation 'expect_nothing_at_all'"),
        (not_null("amount", "bad") | {"severity": "fatal"}, "severity 'fatal'"),
        (not_null("amount", "bad") | {"severity": None}, "severity None"),
        (not_null("amount", "bad") | {"sevirity": "info"}, "unknown key sevirity"),
        (rule(REGEX, "bad", column="id"), "needs regex"),
        (rule("expect_column_values_to_be_in_set", "bad", column="id", value_set=None), "needs value_set"),
        (rule(BETWEEN, "bad", column="id"), "min_value"),
        (rule(BETWEEN, "bad", column="id", min_value=1, mostly=1.5), "mostly"),
        (rule(BETWEEN, "bad", column="id", min_value="low"), "min_value"),
        (rule(BETWEEN, "bad", min_value=1), "column"),
        (rule(BETWEEN, "bad", column="id", min_valeu=1), "min_valeu"),
        (rule(BETWEEN, "bad", column="id", min_value={"$PARAMETER": "yesterday"}), "yesterday"),
        (not_null("amount", "bad") | {"kwargs": {"column": 5}}, "column is a number, not a text"),
        (not_null("amount", "bad") | {"kwargs": {"column": ["amount"]}}, "column is a list, not a text"),
        (not_null("amount", "bad", mostly=True), "mostly"),
        (not_null("amount", "bad", mostly={"$PARAMETER": "x"}), "mostly"),
        (rule("expect_compound_columns_to_be_unique", "bad", column_list="id"), "column_list is a text"),
        (rule("expect_column_values_to_be_in_set", "bad", column="id", value_set="1"), "value_set is a text"),
        (rule("expect_column_values_to_be_in_set", "bad", column="id", value_set=[[1]]), "[1] is not of type INT64"),
        (not_null("amount", "bad") | {"meta": {"rule_id": "bad", "owner": ["x"]}}, "meta.owner is a list"),
        (not_null("amount", "bad") | {"meta": {"rule_id": "bad", "scope": {}}}, "scope {} is none of"),
        (rule(BETWEEN, "bad", column="id", min_value={"$PARAMETER": "as_of - 99999999999 days"}), "no calendar has"),
        (not_null("amount", "bad", row_condition={"type": "and", "conditions": 5}), "row_condition"),
        ({"expectation_type": "expect_x", "kwargs": {}, "meta": {"rule_id": "bad"}}, "no expectation 'expect_x'"),
        ({"type": BETWEEN, "meta": {"rule_id": "bad"}}, "needs `type` and `kwargs`"),
        (rule(REGEX, "bad", column="id", regex="x"), "needs a column of type STRING"),
        (rule("expect_column_value_lengths_to_be_between", "bad", column="id", min_value=1), "needs a column of type"),
        (not_null("no_such_column", "bad"), "no column 'no_such_column'"),
        (rule("expect_column_values_to_be_in_set", "bad", column="id", value_set=["1"]), "'1' is not of type INT64"),
        (rule("expect_column_values_to_match_strftime_format", "bad", column="id", strftime_format="%Y"), ""),
        (rule("unexpected_rows_expectation", "bad", unexpected_rows_query="select 1 as x"), "{batch}"),
        (rule("unexpected_rows_expectation", "bad", unexpected_rows_query="select * from {batch} where x = 1"), "x"),
    ],
)
def test_a_rule_that_cannot_be_evaluated_is_its_own_finding_and_harms_no_other(
    bare: Warehouse, policy: Policy, bad: dict[str, object], words: str
) -> None:
    table = broken_of(bare, "t", 100, 1000)
    batch = check_one(bare, policy, table, bad, not_null("amount"), not_null("id"))
    failed, *good = batch.rules
    assert failed.rule_id == "bad"
    assert failed.error is not None
    assert words in failed.error
    assert (failed.success, failed.severity_level) == (None, "P1")
    assert [(result.failed, result.severity_level) for result in good] == [(100, "P2"), (0, None)]
    assert (batch.severity_level, batch.check_severity_level) == ("P2", "P1")
    assert (batch.rules_ran, batch.rules_errored) == (2, 1)


def test_an_error_of_a_rule_is_capped_like_the_rule(bare: Warehouse, policy: Policy) -> None:
    table = broken_of(bare, "t", 0, 10)
    batch = check_one(bare, policy, table, not_null("nowhere", severity="info"))
    assert batch.check_severity_level == "P3"


def test_a_rule_id_used_twice_is_a_finding_and_the_first_still_counts(bare: Warehouse, policy: Policy) -> None:
    table = broken_of(bare, "t", 100, 1000)
    batch = check_one(bare, policy, table, not_null("amount", "same"), not_null("id", "same"))
    first, second = batch.rules
    assert (first.rule_id, first.failed) == ("same", 100)
    assert second.rule_id != "same"
    assert "'same' is used 2 times" in (second.error or "")


def test_rules_without_an_id_get_one_from_their_content() -> None:
    kinds = ("expect_column_values_to_not_be_null", "expect_column_values_to_be_unique")
    suite = suite_of(*({"type": kind, "kwargs": {"column": "amount"}} for kind in kinds))
    assert [found.rule_id for found in suite.rules] == ["amount.not_be_null", "amount.be_unique"]


def test_suites_of_one_file_name_in_several_folders_are_distinguished(
    warehouse: Warehouse, policy: Policy, tmp_path: Path
) -> None:
    """What is called alike has one key: one would take the other's results, and its record of what changed."""
    table = broken_of(warehouse, "t", 1, 10)
    for folder, column in (("a", "amount"), ("b", "id")):
        (tmp_path / folder).mkdir()
        document = {"name": "orders", "meta": {"table": table}, "expectations": [not_null(column, "filled")]}
        (tmp_path / folder / "orders.json").write_text(json.dumps(document))
    folders = warehouse.settings.model_copy(update={"suites": f"{tmp_path}/a:{tmp_path}/b:{tmp_path}/a"})
    suites = load_folders(folders)
    assert [suite.file for suite in suites] == ["orders.json", f"{tmp_path}/b/orders.json"]
    assert [*load_contents(folders)] == [suite.file for suite in suites]
    check_all(warehouse, policy, run_id="1", now=NOW, suites=suites)
    recorded = warehouse.rows(f"select suite, failed from {warehouse.raw('quality_results')} order by suite desc")
    assert [(row["suite"], row["failed"]) for row in recorded] == [(suites[0].file, 1), (suites[1].file, 0)]


def test_suites_are_checked_side_by_side_and_given_in_their_order(warehouse: Warehouse, policy: Policy) -> None:
    """Neither suite's count is answered before the other's was asked for."""
    tables = [broken_of(warehouse, name, failed, 10) for name, failed in (("left", 3), ("right", 1))]
    suites = [suite_of(not_null("amount"), table=table) for table in tables]
    assert warehouse.endpoint is not None
    both_asked = threading.Barrier(2, timeout=60)

    def answered(_: Request, status: int, body: bytes) -> tuple[int, bytes]:
        both_asked.wait()
        return status, body

    with Relay(warehouse.endpoint) as relay:
        relayed = connect(warehouse.settings.model_copy(update={"api_endpoint": relay.endpoint}))
        noted = note_changes(relayed, NOW, {suite.file: suite.meta for suite in suites})
        relay.rule(lambda request: "countif" in request.query.lower(), Change(answered), times=2)
        batches = check_all(relayed, policy, run_id="1", now=NOW, suites=suites, is_recorded=False, noted=noted)
        labels = [
            request.json["configuration"]["labels"] for request in relay.requests if "countif" in request.query.lower()
        ]
    names = [batch.table.rsplit(".")[-1] for batch in batches]
    assert [(name, batch.rules[0].failed, batch.error) for name, batch in zip(names, batches, strict=True)] == [
        ("left", 3, None),
        ("right", 1, None),
    ]
    assert sorted(each["model"] for each in labels) == ["left", "right"]


def test_a_table_that_is_not_there_is_a_finding_about_the_check(bare: Warehouse, policy: Policy) -> None:
    (batch,) = check(bare, policy, "nowhere", suite_of(not_null("amount")))
    assert batch.check_severity_level == "P1"
    assert batch.severity_level is None
    assert batch.check_component == f"check:{bare.settings.dataset}.nowhere"
    assert "There is no table" in (batch.error or "")


def test_a_regex_that_the_warehouse_refuses_harms_no_other_rule(bare: Warehouse, policy: Policy) -> None:
    bare.execute(f"create or replace table {bare.mart('t')} as select 'a' as code")
    batch = check_one(
        bare,
        policy,
        "t",
        rule(REGEX, "bad", column="code", regex="x("),
        not_null("code"),
        rule(REGEX, column="code", regex="^a$"),
    )
    assert [bool(result.error) for result in batch.rules] == [True, False, False]


def test_table_names_follow_the_settings(settings: Settings) -> None:
    names = {
        "fct_usage_daily": f"{settings.dataset}.fct_usage_daily",
        "staging.stg_x": f"{settings.dataset}_staging.stg_x",
        "raw.usage_loads": f"{settings.raw_dataset}.usage_loads",
        "policy.severities": f"{settings.dataset}_policy.severities",
        "other.t": "other.t",
        f"`{settings.project}.other.t`": "other.t",
    }
    assert {text: str(TableName.parse(text, settings)) for text in names} == names
