"""Suites written before Great Expectations 1.0, read as they are: what changed since then are names."""

from collections.abc import Mapping
from typing import Any

_OF_SUITE = {"expectation_suite_name": "name", "ge_cloud_id": "id", "evaluation_parameters": "suite_parameters"}
_OF_RULE = {"expectation_type": "type", "ge_cloud_id": "id"}
_TYPES = {
    "expect_multicolumn_values_to_be_unique": "expect_select_column_values_to_be_unique_within_record",
}
# How a result was to be shown, or how the rule was once made: nothing about data.
_LEFT_OUT = {"auto", "batch_id", "catch_exceptions", "include_config", "meta", "profiler_config", "result_format"}
# Read by their types now, as the types require; a rule in which they are true keeps them, and is refused for them.
_OFF_UNLESS_TRUE = {"parse_strings_as_datetimes", "allow_cross_type_comparisons"}


def suite_of_today(content: Mapping[str, Any]) -> dict[str, Any]:
    """A suite's file with the names of today. What it has under both names stays as it is."""
    return _renamed(content, _OF_SUITE)


def rule_of_today(item: Mapping[str, Any]) -> dict[str, Any]:
    """One expectation with the names of today, without what only set how its result was to be shown."""
    item = _renamed(item, _OF_RULE)
    kind, kwargs = item.get("type"), item.get("kwargs")
    if isinstance(kind, str):
        item["type"] = _TYPES.get(kind, kind)
    if isinstance(kwargs, Mapping):
        item["kwargs"] = {
            name: value
            for name, value in kwargs.items()
            if name not in _LEFT_OUT and (value or name not in _OFF_UNLESS_TRUE)
        }
    return item


def _renamed(content: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {new if (new := names.get(key, key)) == key or new not in content else key: content[key] for key in content}
