"""What broke, in words: the title of an incident, and with it a mail's subject and a line of a list. Pure."""

from datetime import datetime

from incident_ledger.quality.rates import fraction_text, value_text
from incident_ledger.quality.result_types import RuleResult

# What is wrong with a record that breaks a rule of the type.
_RECORD = {
    "expect_column_values_to_not_be_null": "{column} is missing",
    "expect_column_values_to_be_unique": "{column} is there more than once",
    "expect_column_values_to_be_in_set": "{column} has no known value",
    "expect_column_values_to_match_regex": "{column} has not its form",
    "expect_column_values_to_be_between": "{column} is out of range",
}


def what_broke(rule: RuleResult) -> str:
    """One broken rule: what is wrong, and with how many records.

    By the rule's type, else by what its description wants, else by its name.
    """
    if rule.examined is None or rule.failed is None:
        return what_is_wrong(rule)
    return f"{what_is_wrong(rule)}: {fraction_text(rule.failed, rule.examined)}"


def what_is_wrong(rule: RuleResult) -> str:
    """The same without the number of records."""
    if rule.examined is None or rule.failed is None:
        return _about_the_table(rule)
    return _RECORD[rule.type].format(column=rule.column) if rule.type in _RECORD and rule.column else _wanted(rule)


def _about_the_table(rule: RuleResult) -> str:
    found = rule.observed
    if rule.type == "expect_table_row_count_to_be_between" and isinstance(found, int):
        return f"{found:,} rows, which is out of range"
    if rule.type == "expect_column_max_to_be_between" and isinstance(found, datetime):
        return f"the newest {rule.column} is {value_text(found)}, which is out of range"
    return _wanted(rule) + (f" (found {value_text(found)})" if found is not None else "")


def _wanted(rule: RuleResult) -> str:
    """The description up to its first stop, as what does not hold; a longer one explains itself after that."""
    if not rule.description:
        return f"{rule.name} does not hold"
    clause = rule.description.partition(". ")[0].partition(": ")[0].rstrip(".")
    return f"not so: {clause}"
