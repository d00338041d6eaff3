"""The shape of every policy table, from the YAML beside its seed: dbt, SQL and Python read the same columns.

A column that is `not_null` there is required, and `accepted_values` are its choices. What is `unique`, or the
`unique_combination_of_columns`, is the key; `config.meta` has the order in which rows are shown, and the subject where
it is not the key.
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Any, Self

from pydantic import BaseModel, Field, model_validator

from incident_ledger.properties import read_properties

FOLDER = "seeds/policy"
# In the order in which they are checked and shown.
NAMES = (
    *("severities", "response_rules", "classification_rules", "quality_thresholds", "severity_caps"),
    *(
        "escalation_matrix",
        "escalation_contacts",
        "audiences",
        "contacts",
        "emergency_contacts",
        "runbooks",
        "notification_rules",
        "routes",
        "quiet_hours",
        "money_rates",
    ),
    *("post_incident_tasks", "review_cycles", "root_cause_categories", "pipeline_schedules", "probe_targets"),
    *("allowed_principals", "component_dependencies"),
    *("business_calendar", "business_holidays", "runtime_limits", "health_score_parts"),
)
_VALID_FROM = "valid_from"


class Kind(StrEnum):
    """What a cell holds; the value is BigQuery's name of the type."""

    TEXT = "string"
    INTEGER = "int64"
    NUMBER = "numeric"
    BOOLEAN = "bool"
    TIMESTAMP = "timestamp"
    DAY = "date"
    CLOCK = "time"


@dataclass(frozen=True)
class Column:
    """One column of a seed. `required` cells may not be empty; `choices` are the only texts that it takes."""

    name: str
    kind: Kind
    required: bool = True
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class PolicyTable:
    """One seed. Rows of one `subject` and `valid_from` are one version; the newest version that has begun holds.

    `key` distinguishes the rows of a version. Tables with the column `valid_from`, empty for always, are versioned.
    """

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    subject: tuple[str, ...]
    order: tuple[str, ...]

    @property
    def is_versioned(self) -> bool:
        """Whether its rows have a beginning."""
        return _VALID_FROM in self.column_names

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names in the order of the file."""
        return tuple(column.name for column in self.columns)

    def choices(self, name: str) -> tuple[str, ...]:
        """The only texts that a column takes."""
        return next(column.choices for column in self.columns if column.name == name)


class _Test(BaseModel):
    arguments: dict[str, Any] = {}


class _Tested(BaseModel):
    name: str
    data_tests: list[str | dict[str, _Test]] = []

    def arguments(self, test: str, argument: str) -> tuple[str, ...]:
        """What a generic test is given; nothing without the test."""
        tests = [item[test] for item in self.data_tests if isinstance(item, dict) and test in item]
        return tuple(tests[0].arguments.get(argument, ())) if tests else ()


class _Column(_Tested):
    data_type: Kind


class _Meta(BaseModel, extra="forbid"):
    order: tuple[str, ...]
    subject: tuple[str, ...] | None = None


class _Config(BaseModel):
    meta: _Meta


class _Seed(_Tested):
    config: _Config
    columns: tuple[_Column, ...] = Field(min_length=1)

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that distinguish rows, but for `valid_from`."""
        unique = [column.name for column in self.columns if "unique" in column.data_tests]
        found = unique or self.arguments("unique_combination_of_columns", "combination_of_columns")
        return tuple(name for name in found if name != _VALID_FROM)

    @model_validator(mode="after")
    def _names_columns(self) -> Self:
        named = {*self.key, *self.config.meta.order, *(self.config.meta.subject or ())}
        if unknown := named - {column.name for column in self.columns}:
            raise ValueError(f"{', '.join(sorted(unknown))}: is not a column of it; correct the key, order or subject")
        return self


class _Seeds(BaseModel):
    seeds: tuple[_Seed]


@cache
def policy_tables() -> dict[str, PolicyTable]:
    """Every policy table by its name. Raises `UserError` with file and field where the YAML cannot be used."""
    return {name: _table(read_properties(f"{FOLDER}/{name}.yml", _Seeds).seeds[0]) for name in NAMES}


def _table(seed: _Seed) -> PolicyTable:
    columns = tuple(
        Column(one.name, one.data_type, "not_null" in one.data_tests, one.arguments("accepted_values", "values"))
        for one in seed.columns
    )
    meta = seed.config.meta
    is_versioned = any(column.name == _VALID_FROM for column in columns)
    subject = (seed.key if meta.subject is None else meta.subject) if is_versioned else ()
    return PolicyTable(seed.name, columns, seed.key, subject, meta.order)
