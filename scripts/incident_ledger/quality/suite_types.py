"""What a suite is: its table, its rules. Only values; `suites` reads them from files."""

import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from incident_ledger.errors import UserError
from incident_ledger.settings import Settings

SEVERITIES = ("critical", "warning", "info")
"""The worst first."""
SCOPES = ("batch", "window")
_COLUMNS = ("column", "column_A", "column_B")
# BigQuery's own rule for tables, and `$` for a partition. A backslash would end the quotes that we put around it.
_NAME = re.compile(r"[\w\- $]+")


@dataclass(frozen=True)
class TableName:
    """A table in the words of a suite: `fct_x` (the marts' dataset), `staging.stg_x`, `raw.x`, `policy.x`, or
    `DATASET.TABLE` of any other dataset. The first four follow the settings."""

    dataset: str
    table: str

    @classmethod
    def parse(cls, text: str, settings: Settings) -> "TableName":
        """Raises `UserError` when it is not the name of a table."""
        parts = text.replace("`", "").split(".") if isinstance(text, str) else []
        if len(parts) == 3 and parts[0] == settings.project:
            parts = parts[1:]
        if len(parts) not in {1, 2} or not all(_NAME.fullmatch(part) for part in parts):
            raise UserError(f"{text!r} is not a table: write DATASET.TABLE, of the project {settings.project}.")
        dataset, table = (settings.dataset, parts[0]) if len(parts) == 1 else parts
        known = {
            "staging": settings.staging_dataset,
            "raw": settings.raw_dataset,
            "policy": settings.policy_dataset,
        }
        return cls(known.get(dataset, dataset), table)

    def __str__(self) -> str:
        return f"{self.dataset}.{self.table}"

    def short(self, settings: Settings) -> str:
        """As a suite's file names it, which follows the settings."""
        known = {
            settings.dataset: "",
            settings.staging_dataset: "staging.",
            settings.raw_dataset: "raw.",
            settings.policy_dataset: "policy.",
        }
        return f"{known.get(self.dataset, f'{self.dataset}.')}{self.table}"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One expectation. With `error` it cannot be evaluated: it is then neither passed nor failed."""

    rule_id: str = ""
    type: str
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    severity: str = "critical"
    owner: str | None = None
    dimension: str | None = None
    description: str | None = None
    scope: Literal["batch", "window"] = "batch"
    error: str | None = None
    label: str | None = None  # what a person calls it, where the id is not a name
    meta: Mapping[str, Any] = field(default_factory=dict)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it is about."""
        listed = self.kwargs.get("column_list")
        names = listed if isinstance(listed, list) else [self.kwargs.get(name) for name in _COLUMNS]
        return tuple(name for name in names if isinstance(name, str) and name)

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
    """A file of rules. `error` is why it is not one; it then has no rules."""

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


def build(kind: str, kwargs: Mapping[str, Any], severity: str) -> Any:
    """Great Expectations' object for a rule."""
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # deprecated forms of a condition are checked here, with the rule's name
        return ExpectationConfiguration(type=kind, kwargs=dict(kwargs), severity=severity).to_domain_obj()
