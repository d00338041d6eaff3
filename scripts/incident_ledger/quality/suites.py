"""Suites from files of Great Expectations' own JSON, with every rule accounted for.

Great Expectations drops a rule that it does not understand, logs it and lets the suite pass. Here each rule of the file
comes back, as one that can be evaluated or as one with an error; a file without rules comes back with the error alone.

Of a suite's `meta` we read `table` (see `TableName`), `owner`, `day_column` and what `changes` describes. Of a rule's
`meta`: `rule_id`, `owner`, `dimension`, `description` and `scope` (`batch`, the default, or `window`: judged over the
last `lookback_days` together, as freshness is). A rule without `rule_id` gets one from what it says.
"""

import hashlib
import json
import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from incident_ledger.errors import UserError
from incident_ledger.settings import Settings

SEVERITIES = ("critical", "warning", "info")
SCOPES = ("batch", "window")
_RULE_KEYS = {
    "type", "kwargs", "meta", "severity", "notes", "description", "id", "expectation_context", "rendered_content",
    "success_on_last_run", "windows",
}  # fmt: skip

# What GX takes as optional and then passes without looking at a row.
_REQUIRED: Mapping[str, tuple[str, ...]] = {
    "expect_column_values_to_match_regex": ("regex",),
    "expect_column_values_to_not_match_regex": ("regex",),
    "expect_column_values_to_match_regex_list": ("regex_list",),
    "expect_column_values_to_not_match_regex_list": ("regex_list",),
    "expect_column_values_to_match_like_pattern": ("like_pattern",),
    "expect_column_values_to_not_match_like_pattern": ("like_pattern",),
    "expect_column_values_to_be_in_set": ("value_set",),
    "expect_column_values_to_not_be_in_set": ("value_set",),
    "expect_column_distinct_values_to_be_in_set": ("value_set",),
    "expect_column_distinct_values_to_contain_set": ("value_set",),
    "expect_column_distinct_values_to_equal_set": ("value_set",),
    "expect_column_value_lengths_to_equal": ("value",),
    "expect_compound_columns_to_be_unique": ("column_list",),
    "unexpected_rows_expectation": ("unexpected_rows_query",),
}


@dataclass(frozen=True)
class TableName:
    """A table in the words of a suite: `fct_x` (the marts' dataset), `staging.stg_x`, `raw.x`, `policy.x`, or
    `DATASET.TABLE` of any other dataset. The first four follow the settings."""

    dataset: str
    table: str

    @classmethod
    def parse(cls, text: str, settings: Settings) -> "TableName":
        """Raises `UserError` when it is no name of a table."""
        parts = text.replace("`", "").split(".")
        if len(parts) == 3 and parts[0] == settings.project:
            parts = parts[1:]
        if not all(parts) or len(parts) > 2 or not isinstance(text, str):
            raise UserError(f"{text!r} is no table: write DATASET.TABLE, of the project {settings.project}.")
        dataset, table = (settings.dataset, parts[0]) if len(parts) == 1 else parts
        known = {
            "staging": settings.staging_dataset,
            "raw": settings.raw_dataset,
            "policy": settings.policy_dataset,
        }
        return cls(known.get(dataset, dataset), table)

    def __str__(self) -> str:
        return f"{self.dataset}.{self.table}"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One expectation. With `error` it cannot be evaluated: it is then neither passed nor failed."""

    rule_id: str
    type: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    severity: str = "critical"
    owner: str | None = None
    dimension: str | None = None
    description: str | None = None
    scope: Literal["batch", "window"] = "batch"
    error: str | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it speaks of."""
        if "column_list" in self.kwargs:
            return tuple(self.kwargs["column_list"])
        names = ("column", "column_A", "column_B")
        return tuple(self.kwargs[name] for name in names if self.kwargs.get(name))

    @property
    def column(self) -> str | None:
        """The columns as shown."""
        return ", ".join(self.columns) or None

    @property
    def mostly(self) -> float:
        """The share of records that must meet it for the rule to succeed."""
        value = self.kwargs.get("mostly")
        return 1.0 if value is None else float(value)

    @cached_property
    def expectation(self) -> Any:
        """Great Expectations' object, checked by it. Raises what it raises."""
        return build(self.type, self.kwargs, self.severity)


@dataclass(frozen=True, kw_only=True)
class Suite:
    """A file of rules. `error` says why it is none; it then has no rules."""

    name: str
    file: str
    meta: Mapping[str, Any] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    error: str | None = None

    @property
    def owner(self) -> str | None:
        """Who answers for the table."""
        owner = self.meta.get("owner")
        return owner if isinstance(owner, str) else None


def load_suite(path: Path, shown: str | None = None) -> Suite:
    """The suite of a file. Never raises for what the file says: that is a finding of the suite or of a rule."""
    name, file = path.stem, shown or path.name
    try:
        content = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse_constant)
    except (OSError, ValueError) as error:
        return Suite(name=name, file=file, error=f"{file} is no suite: {_reason(error)}")
    if not isinstance(content, dict):
        return Suite(name=name, file=file, error=f"{file} is no suite: it holds {_json_type(content)}, not an object")
    meta = content.get("meta") or {}
    if not isinstance(meta, dict):
        return Suite(name=name, file=file, error=f"{file}: meta is {_json_type(meta)}, not an object")
    name = content["name"] if isinstance(content.get("name"), str) else name
    written = content.get("expectations")
    if not isinstance(written, list) or not written:
        return Suite(name=name, file=file, meta=meta, error=f"{file} has no expectations: a suite must hold a rule")
    rules = [_rule(item, position) for position, item in enumerate(written, start=1)]
    return Suite(name=name, file=file, meta=meta, rules=tuple(_distinct(rules)))


def load_folders(settings: Settings) -> list[Suite]:
    """The suites of all folders of the settings, by file name. Raises `UserError` for a folder that is not there."""
    suites = []
    for folder in settings.suite_dirs:
        if not folder.is_dir():
            raise UserError(f"There is no folder of suites {folder}: mend INCIDENT_LEDGER_SUITES.")
        for path in sorted(folder.glob("*.json")):
            inside = path.is_relative_to(settings.project_dir)
            suites.append(load_suite(path, str(path.relative_to(settings.project_dir)) if inside else path.name))
    return suites


def build(kind: str, kwargs: Mapping[str, Any], severity: str) -> Any:
    """Great Expectations' object for a rule."""
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated forms of a condition are judged by us, with the rule's name
        return ExpectationConfiguration(type=kind, kwargs=dict(kwargs), severity=severity).to_domain_obj()


def _rule(item: Any, position: int) -> Rule:
    """One rule of a file, checked as far as can be without its table."""
    if not isinstance(item, dict):
        return Rule(rule_id=f"rule_{position}", type="", error=f"rule {position} is {_json_type(item)}, not an object")
    meta = item.get("meta") or {}
    kind, kwargs = item.get("type"), item.get("kwargs")
    if not isinstance(meta, dict) or not isinstance(kwargs, dict | None):
        return Rule(rule_id=f"rule_{position}", type=str(kind), error="meta and kwargs must be objects")
    severity = item.get("severity", "critical")
    rule = Rule(
        rule_id=_rule_id(meta.get("rule_id"), kind, kwargs or {}),
        type=kind if isinstance(kind, str) else "",
        kwargs=kwargs or {},
        severity=severity if severity in SEVERITIES else "critical",
        owner=meta.get("owner"),
        dimension=meta.get("dimension"),
        description=meta.get("description") or item.get("description"),
        scope=meta.get("scope", "batch"),
    )
    error = _form_error(item, severity, rule) or _great_expectations_error(rule)
    return replace(rule, error=error) if error else rule


def _form_error(item: Mapping[str, Any], severity: Any, rule: Rule) -> str | None:
    if "expectation_type" in item:
        return "the old form: write `type` for `expectation_type`"
    if not rule.type or item.get("kwargs") is None:
        return "a rule needs `type` and `kwargs`"
    if unknown := sorted(set(item) - _RULE_KEYS):
        return f"unknown key {', '.join(unknown)}"
    for name, value, known in (("severity", severity, SEVERITIES), ("scope", rule.scope, SCOPES)):
        if value not in known:
            return f"{name} {value!r} is none of {', '.join(known)}"
    for name in _REQUIRED.get(rule.type, ()):
        if rule.kwargs.get(name) in (None, "", []):
            return f"{rule.type} needs {name}"
    return None


def _great_expectations_error(rule: Rule) -> str | None:
    from great_expectations.exceptions import ExpectationNotFoundError

    try:
        _ = rule.expectation
    except ExpectationNotFoundError:
        return f"there is no expectation {rule.type!r}"
    except Exception as error:  # whatever the library raises at a rule is that rule's finding
        return f"{rule.type}: {_reason(error)}"
    return None


def _rule_id(given: Any, kind: Any, kwargs: Mapping[str, Any]) -> str:
    """The id that the file gives, else one that says the same as long as the rule does."""
    if given:
        return str(given)
    columns = kwargs.get("column") or kwargs.get("column_list") or [kwargs.get("column_A"), kwargs.get("column_B")]
    names = [columns] if isinstance(columns, str) else [str(name) for name in columns if name]
    short = str(kind).removeprefix("expect_").removeprefix("column_").removeprefix("values_to_")
    return f"{'_'.join(names)}.{short}" if names else short


def _distinct(rules: list[Rule]) -> list[Rule]:
    """Rules whose ids differ: derived ids are told apart by what the rule says, a repeated given one is an error."""
    seen: Counter[str] = Counter()
    kept = []
    for rule in rules:
        seen[rule.rule_id] += 1
        if seen[rule.rule_id] > 1:
            said = json.dumps([rule.type, rule.kwargs], sort_keys=True, default=str)
            new_id = f"{rule.rule_id}#{hashlib.sha256(said.encode()).hexdigest()[:6]}-{seen[rule.rule_id]}"
            repeated = f"rule_id {rule.rule_id!r} is used {seen[rule.rule_id]} times: every rule needs its own"
            rule = replace(rule, rule_id=new_id, error=rule.error or repeated)  # noqa: PLW2901
        kept.append(rule)
    return kept


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


def _json_type(value: Any) -> str:
    names = {list: "a list", str: "a text", bool: "a boolean", int: "a number", float: "a number", type(None): "null"}
    return names.get(type(value), "an object")


def _reason(error: Exception) -> str:
    """The library's words on one line, without the address of its documentation."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and "errors.pydantic" not in line]
    return "; ".join(lines)[:500] or type(error).__name__
