"""What a rule of a file must look like before Great Expectations and the table are read: keys, types, texts."""

from collections.abc import Callable, Mapping
from typing import Any

from incident_ledger.quality.catalogue import REFUSED
from incident_ledger.quality.compiler.custom_sql import OwnQuery
from incident_ledger.quality.compiler.typing import RuleError
from incident_ledger.quality.suite_types import SCOPES, SEVERITIES, Rule

_RULE_KEYS = {
    "type", "kwargs", "meta", "severity", "notes", "description", "id", "expectation_context", "rendered_content",
    "success_on_last_run", "windows",
}  # fmt: skip
_META_TEXTS = ("rule_id", "owner", "dimension", "description")

# What GX takes as optional and then passes without looking at a row.
_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "expect_column_values_to_match_regex": ("regex",),
    "expect_column_values_to_not_match_regex": ("regex",),
    "expect_column_values_to_match_regex_list": ("regex_list",),
    "expect_column_values_to_not_match_regex_list": ("regex_list",),
    "expect_column_values_to_match_like_pattern": ("like_pattern",),
    "expect_column_values_to_not_match_like_pattern": ("like_pattern",),
    "expect_column_values_to_match_like_pattern_list": ("like_pattern_list",),
    "expect_column_values_to_not_match_like_pattern_list": ("like_pattern_list",),
    "expect_column_values_to_be_in_set": ("value_set",),
    "expect_column_values_to_not_be_in_set": ("value_set",),
    "expect_column_distinct_values_to_be_in_set": ("value_set",),
    "expect_column_distinct_values_to_contain_set": ("value_set",),
    "expect_column_distinct_values_to_equal_set": ("value_set",),
    "expect_column_most_common_value_to_be_in_set": ("value_set",),
    "expect_column_pair_values_to_be_in_set": ("value_pairs_set",),
    "expect_column_value_lengths_to_equal": ("value",),
    "expect_column_value_z_scores_to_be_less_than": ("threshold", "double_sided"),
    "expect_column_values_to_be_of_type": ("type_",),
    "expect_column_values_to_be_in_type_list": ("type_list",),
    "expect_column_quantile_values_to_be_between": ("quantile_ranges",),
    "expect_compound_columns_to_be_unique": ("column_list",),
    "expect_multicolumn_sum_to_equal": ("column_list", "sum_total"),
    "expect_multicolumn_values_to_be_equal": ("column_list",),
    "expect_select_column_values_to_be_unique_within_record": ("column_list",),
    "unexpected_rows_expectation": ("unexpected_rows_query",),
}


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) and item for item in value)


def _is_share(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


# Great Expectations makes a text of a number without a word, and the column of that name is another one.
_FORMS: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    **dict.fromkeys(
        ("column", "column_A", "column_B", "regex", "like_pattern", "unexpected_rows_query", "type_", "method"),
        (lambda value: isinstance(value, str), "a text"),
    ),
    **dict.fromkeys(
        ("column_list", "column_set", "regex_list", "like_pattern_list", "type_list"), (_is_texts, "a list of texts")
    ),
    **dict.fromkeys(("value_set", "value_pairs_set"), (lambda value: isinstance(value, list), "a list")),
    **dict.fromkeys(
        ("strict_min", "strict_max", "or_equal", "double_sided", "strictly", "ties_okay"),
        (lambda value: isinstance(value, bool), "true or false"),
    ),
    "mostly": (_is_share, "a number from 0 to 1"),
}


def form_error(item: Mapping[str, Any], meta: Mapping[str, Any], rule: Rule) -> str | None:
    """The first thing that is wrong in the form of a rule; None when nothing is."""
    if not rule.type or item.get("kwargs") is None:
        return "a rule needs `type` and `kwargs`"
    if unknown := sorted(set(item) - _RULE_KEYS):
        return f"unknown key {', '.join(unknown)}"
    severity, scope = item.get("severity", "critical"), meta.get("scope", "batch")
    for name, value, known in (("severity", severity, SEVERITIES), ("scope", scope, SCOPES)):
        if value not in known:
            return f"{name} {value!r} is none of {', '.join(known)}"
    for name in _META_TEXTS:
        if not isinstance(meta.get(name), str | None):
            return f"meta.{name} is {json_type(meta[name])}, not a text"
    for name in _REQUIRED.get(rule.type, ()):
        if rule.kwargs.get(name) in (None, "", []):
            return f"{rule.type} needs {name}"
    return _kwargs_error(rule)


def _kwargs_error(rule: Rule) -> str | None:
    if rule.type in REFUSED:
        return f"{rule.type} cannot be evaluated here: {REFUSED[rule.type]}"
    for name, value in rule.kwargs.items():
        is_right, wanted = _FORMS.get(name, (None, ""))
        if is_right and value is not None and not is_right(value):
            return f"{name} is {json_type(value)}, not {wanted}" if name != "mostly" else f"mostly is not {wanted}"
    try:
        if query := rule.kwargs.get("unexpected_rows_query"):
            OwnQuery.read(query)
    except RuleError as error:
        return str(error)
    return None


def text_or_none(value: Any) -> str | None:
    """The value if it is a text and not empty."""
    return value if isinstance(value, str) and value else None


def json_type(value: Any) -> str:
    """What a value is, in words."""
    names = {list: "a list", str: "a text", bool: "a boolean", int: "a number", float: "a number", type(None): "null"}
    return names.get(type(value), "an object")


def reason_of(error: BaseException) -> str:
    """The library's words on one line, without the address of its documentation."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and "errors.pydantic" not in line]
    return "; ".join(lines)[:500] or type(error).__name__
