"""What is unknown in a suite's `meta`: a key, an owner or a dimension, each with the nearest known one."""

from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from incident_ledger.quality.suite_types import Suite

DIMENSIONS = ("completeness", "validity", "uniqueness", "timeliness", "consistency", "volume")
SUITE_KEYS = ("table", "owner", "description", "day_column", "lookback_days", "changes", "changed_at_column")
RULE_KEYS = ("rule_id", "owner", "dimension", "description", "scope")
CHANGES_KEYS = ("table", "day_column", "changed_at_column", "partition_column", "equals")
# What Great Expectations and its profilers write there themselves.
_OF_GX = {
    "great_expectations_version", "great_expectations.__version__", "citations", "columns", "notes", "profiler_details",
    "profiler_name", "BasicSuiteBuilderProfiler", "BasicDatasetProfiler", "content", "tags", "bundle",
}  # fmt: skip


def remarks(suite: Suite, owners: Collection[str] = ()) -> list[str]:
    """One line each, with file and rule. Owners are compared with `owners`, unless there are none."""
    return [f"{suite.file}: {text}" for text in _of_suite(suite, owners)]


def _of_suite(suite: Suite, owners: Collection[str]) -> Iterator[str]:
    yield from _keys("meta", suite.meta, SUITE_KEYS)
    if isinstance(changes := suite.meta.get("changes"), Mapping):
        yield from _keys("meta.changes", changes, CHANGES_KEYS)
    yield from _value("owner", suite.owner, owners)
    for rule in suite.rules:
        found = [
            *_keys("meta", rule.meta, RULE_KEYS),
            *_value("owner", rule.owner, owners),
            *_value("dimension", rule.dimension, DIMENSIONS),
        ]
        yield from (f"{rule.label or rule.rule_id}: {text}" for text in found)


def _keys(where: str, meta: Mapping[str, Any], known: Collection[str]) -> Iterator[str]:
    for key in meta:
        if key not in known and key not in _OF_GX:
            yield f"{where} has the key {key!r}, which nobody reads{nearest(key, known)}"


def _value(name: str, value: str | None, known: Collection[str]) -> Iterator[str]:
    if value is not None and known and value not in known:
        yield f"{name} {value!r} is not known{nearest(value, known)}"


def nearest(word: str, known: Collection[str]) -> str:
    """The end of a message on a word that is not known: the one that was meant, or all that there are."""
    near = get_close_matches(word.lower(), known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]!r}?" if near else f": {', '.join(sorted(known))} are"
