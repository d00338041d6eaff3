"""The ids of a suite's rules: for ever the same for the same rule, wherever it stands in its file.

A rule's id is its `meta.rule_id`; else the `id` that Great Expectations gave it; else one made of its content (type,
columns, values, condition), so that two rules of one type on one column have two.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from incident_ledger.encoding import canonical
from incident_ledger.quality.suite_types import SEVERITIES, Rule

_COLUMNS = ("column", "column_list", "column_A", "column_B")


@dataclass(frozen=True)
class Draft:
    """A rule as read, with the ids that its file gives it."""

    rule: Rule
    rule_id: str | None = None
    gx_id: str | None = None


def short_name(kind: str, kwargs: Mapping[str, Any]) -> str:
    """`amount.not_be_null`: a rule in few words, for a person. Two rules may share it."""
    columns = kwargs.get("column") or kwargs.get("column_list") or [kwargs.get("column_A"), kwargs.get("column_B")]
    listed = columns if isinstance(columns, list) else [columns]  # a wrong type is a finding of the rule, named later
    names = [name for name in listed if isinstance(name, str)]
    short = kind.removeprefix("expect_").removeprefix("column_").removeprefix("values_to_")
    return f"{'_'.join(names)}.{short}" if names else short


def derived_id(rule: Rule) -> str:
    """The id of a rule's content: its short name, and a hash of its values and condition when it has any."""
    content = {name: value for name, value in rule.kwargs.items() if name not in _COLUMNS and value is not None}
    if rule.scope != "batch":
        content["scope"] = rule.scope
    name = short_name(rule.type, rule.kwargs)
    return f"{name}#{hashlib.sha256(canonical(content).encode()).hexdigest()[:8]}" if content else name


def with_ids(drafts: Sequence[Draft]) -> tuple[Rule, ...]:
    """The rules in their order, each with an id of its own. A true copy, and a `meta.rule_id` used again, is an error.

    Two rules that differ only by their severity are two, the more severe of which has the shorter id.
    """
    given = Counter(draft.rule_id for draft in drafts if draft.rule_id)
    of_gx = Counter(draft.gx_id for draft in drafts if not draft.rule_id)
    ids = [
        draft.rule_id or (draft.gx_id if draft.gx_id and of_gx[draft.gx_id] == 1 else None) or derived_id(draft.rule)
        for draft in drafts
    ]
    order = sorted(range(len(drafts)), key=lambda place: _precedence(drafts[place], place))
    taken: dict[str, set[str]] = {}  # by id, the severities of what has it by its content
    named: dict[int, Rule] = {}
    for place in order:
        draft, rule_id = drafts[place], ids[place]
        error, severity = None, draft.rule.severity
        if rule_id in taken and not draft.rule_id and severity not in taken[rule_id]:
            taken[rule_id].add(severity)
            rule_id = f"{rule_id}@{severity}"
        elif rule_id in taken:
            error = f"it is a copy of another rule, {rule_id!r}: leave one of them out"
            if draft.rule_id:
                error = f"rule_id {draft.rule_id!r} is used {given[draft.rule_id]} times: every rule needs its own"
            rule_id = f"{rule_id}@copy-{place + 1}"
        taken.setdefault(rule_id, set() if draft.rule_id else {severity})
        named[place] = replace(draft.rule, rule_id=rule_id, error=draft.rule.error or error)
    return tuple(named[place] for place in range(len(drafts)))


def _precedence(draft: Draft, place: int) -> tuple[bool, int, int]:
    """Who gets an id that several would have: given ones first, then the more severe."""
    return not draft.rule_id, 0 if draft.rule_id else SEVERITIES.index(draft.rule.severity), place
