"""What must hold of rows that name messages, contacts and rules in one cell: routes and dependencies. Pure."""

from collections.abc import Collection, Iterable, Iterator

from incident_ledger.policy.cells import Problem, Row


def route_problems(rows: Iterable[Row], templates: Collection[str]) -> Iterator[Problem]:
    """Names of messages that are none."""
    for row in rows:
        for template in (row["templates"] or "").split():
            if template not in templates:
                text = f"{template!r} is no message; there are {', '.join(templates)}"
                yield Problem(row.where, "templates", text)


def audience_problems(rows: Iterable[Row], contacts: Collection[str]) -> Iterator[Problem]:
    """Names of contacts that are none."""
    for row in rows:
        for contact in (row["audience"] or "").split():
            if contact not in contacts:
                text = f"{contact!r} is no contact; contacts has {', '.join(contacts)}"
                yield Problem(row.where, "audience", text)


def dependency_problems(rows: Iterable[Row], rule_ids: Collection[str]) -> Iterator[Problem]:
    """Names of rules that are none."""
    for row in rows:
        for rule in (row["rule_ids"] or "").split():
            if rule not in rule_ids:
                yield Problem(row.where, "rule_ids", f"{rule!r} is no rule of classification_rules")
