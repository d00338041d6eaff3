"""A rule's id is its own for ever: wherever it stands in its file, and beside rules of its type and column."""

import json
import random
from pathlib import Path
from typing import Any

from incident_ledger.policy import Policy
from incident_ledger.quality.suites import load_suite
from incident_ledger.warehouse import Warehouse
from quality.helpers import broken_of, check, check_one, not_null, rule, suite_from, suite_of

BETWEEN = "expect_column_values_to_be_between"
REGEX = "expect_column_values_to_match_regex"
GX_IDS = ("00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002")


def condition(value: int) -> dict[str, Any]:
    return {"type": "comparison", "column": {"name": "id"}, "operator": ">", "parameter": value}


PAIRS = [
    [rule(BETWEEN, column="id", min_value=0), rule(BETWEEN, column="id", max_value=1000)],
    [rule(REGEX, column="code", regex="^a"), rule(REGEX, column="code", regex="b$")],
    [not_null("id") | {"meta": {}}, not_null("id", row_condition=condition(5)) | {"meta": {}}],
    [
        not_null("id", row_condition=condition(4)) | {"meta": {}},
        not_null("id", row_condition=condition(5)) | {"meta": {}},
    ],
    [not_null("id", mostly=0.9) | {"meta": {}}, not_null("id", mostly=0.5) | {"meta": {}}],
    [not_null("id", severity="warning") | {"meta": {}}, not_null("id") | {"meta": {}}],
    [not_null("id") | {"meta": {"scope": "window"}}, not_null("id") | {"meta": {}}],
]


def test_two_rules_of_one_type_on_one_column_are_two_whatever_their_order() -> None:
    for pair in PAIRS:
        found = suite_of(*pair).rules
        swapped = suite_of(*reversed(pair)).rules
        assert [one.error for one in found] == [None, None]
        assert found[0].rule_id != found[1].rule_id
        assert [one.rule_id for one in found] == [one.rule_id for one in reversed(swapped)]


def test_a_rule_keeps_its_id_when_another_is_added() -> None:
    for first, second in PAIRS[:5]:
        (only_rule,) = suite_of(first).rules
        assert only_rule.rule_id in {one.rule_id for one in suite_of(second, first).rules}


def test_the_id_that_great_expectations_gave_is_the_rules_unless_the_file_uses_it_twice() -> None:
    first, second = ({**one, "id": gx_id} for one, gx_id in zip(PAIRS[0], GX_IDS, strict=True))
    assert [one.rule_id for one in suite_of(first, second).rules] == list(GX_IDS)
    assert [one.label for one in suite_of(first, second).rules] == ["id.be_between"] * 2
    copied = suite_of(first, {**second, "id": GX_IDS[0]}).rules
    assert [one.rule_id for one in copied] == [one.rule_id for one in suite_of(*PAIRS[0]).rules]
    named = {**first, "meta": {"rule_id": "mine"}}
    assert suite_of(named).rules[0].rule_id == "mine"


def test_only_a_true_copy_is_refused_and_the_first_still_counts(bare: Warehouse, policy: Policy) -> None:
    table = broken_of(bare, "t", 100, 1000)
    rules = [not_null("amount") | {"meta": {}}, not_null("amount") | {"meta": {}}, not_null("id")]
    batch = check_one(bare, policy, table, *rules)
    assert [(one.failed, bool(one.error)) for one in batch.rules] == [(100, False), (None, True), (0, False)]
    assert "copy of another rule" in (batch.rules[1].error or "")
    assert len({one.rule_id for one in batch.rules}) == 3


def test_a_clean_table_by_two_rules_of_one_type_is_clean(bare: Warehouse, policy: Policy, shared_data: Path) -> None:
    suite = load_suite(shared_data / "field" / "two_rules_one_column_clean_table.json")
    (batch,) = check(bare, policy, broken_of(bare, "t", 0, 10), suite)
    assert (batch.rules_ran, batch.severity_level, batch.check_severity_level) == (2, None, None)


def test_a_message_names_a_rule_in_words_and_not_by_a_uuid(bare: Warehouse, policy: Policy) -> None:
    broken = {**rule("expect_column_values_to_not_be_null", column="amount"), "id": GX_IDS[0]}
    batch = check_one(bare, policy, broken_of(bare, "t", 5, 10), broken)
    assert batch.title.startswith("amount is missing: 50 % (5 of 10 records) in ")
    assert batch.worst_rule_id == GX_IDS[0]


def test_shipped_rules_keep_the_ids_of_their_files() -> None:
    for file in sorted(Path("tests/gx").glob("*.json")):
        written = [item["meta"]["rule_id"] for item in json.loads(file.read_text())["expectations"]]
        assert [one.rule_id for one in load_suite(file).rules] == written


def test_a_suite_from_before_version_1_is_read_as_it_is(bare: Warehouse, policy: Policy) -> None:
    """Keys of then, and what set only how a result was shown."""
    content = {
        "expectation_suite_name": "old",
        "ge_cloud_id": None,
        "data_asset_type": "Dataset",
        "evaluation_parameters": {},
        "meta": {"great_expectations_version": "0.15.50"},
        "expectations": [
            {
                "expectation_type": "expect_column_values_to_not_be_null",
                "kwargs": {"column": "amount", "result_format": "SUMMARY", "auto": False, "mostly": 0.5},
                "meta": {},
                "ge_cloud_id": None,
            },
            {
                "expectation_type": BETWEEN,
                "kwargs": {"column": "id", "min_value": 1, "max_value": 1000, "parse_strings_as_datetimes": None},
            },
            {"expectation_type": "expect_table_row_count_to_be_between", "kwargs": {"min_value": 1, "max_value": None}},
            {
                "expectation_type": "expect_multicolumn_values_to_be_unique",
                "kwargs": {"column_list": ["id", "amount"], "include_config": True},
            },
        ],
    }
    suite = suite_from(content)
    assert (suite.name, [one.error for one in suite.rules]) == ("old", [None] * 4)
    (batch,) = check(bare, policy, broken_of(bare, "t", 100, 1000), suite)
    assert [(one.failed, one.success, one.error) for one in batch.rules[:3]] == [
        (100, True, None), (0, True, None), (None, True, None),
    ]  # fmt: skip


def test_ids_do_not_depend_on_how_json_was_written() -> None:
    wanted = rule(BETWEEN, column="id", min_value=0, max_value=5)
    names = list(wanted["kwargs"])
    random.Random(1).shuffle(names)
    other = {**wanted, "kwargs": {name: wanted["kwargs"][name] for name in names} | {"mostly": None}}
    assert suite_of(wanted).rules[0].rule_id == suite_of(other).rules[0].rule_id
