"""Groups of failures as rows of `signals`, and back: the row's evidence has what the next run compares with. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from incident_ledger.dbt_results.grouping import Failure, FailureGroup
from incident_ledger.dbt_results.node_results import name_of
from incident_ledger.encoding import one_line, parse_time, shortened, timestamp
from incident_ledger.policy import Policy

SOURCE = "dbt"
# A tick reads the evidence of all signals: of the failures beyond the first ones it has what the next run needs.
_DETAILED, _QUERIES = 20, 5
_MESSAGE_CHARACTERS, _QUERY_CHARACTERS = 500, 4_000
_WORDS = {"fail": "failed", "warn": "warned", "error": "could not be built", "partial success": "was built in part"}
_OF_TESTS = {**_WORDS, "error": "could not run"}
_OF_SOURCES = {"warn": "is late", "error": "is stale", "runtime error": "could not be asked"}


def to_row(group: FailureGroup, project: str, policy: Policy) -> dict[str, Any]:
    """The row of a group; of one that ended, of what failed last."""
    failures = list(group.failures.values()) or ([group.last] if group.last else [])
    worst = min(failures, key=lambda each: policy.rank(each.severity_level))
    owner = next((each.owner for each in failures if each.owner), None)
    return {
        "source": SOURCE,
        "source_key": group.component,
        "rule_id": worst.rule_id,
        "component": group.component,
        "severity_level": worst.severity_level,
        "title": title(failures, project),
        "started_at": group.started_at,
        "ended_at": group.ended_at,
        "observed_at": group.observed_at,
        "value": worst.failed / worst.examined if worst.failed is not None and worst.examined else None,
        "threshold": None,
        "owner": owner,
        "evidence": {
            "project": project,
            **({"owner": owner} if owner else {}),
            "failed_nodes": [_entry(each, place) for place, each in enumerate(failures)],
        },
    }


def to_group(row: Mapping[str, Any], evidence: Mapping[str, Any]) -> FailureGroup:
    """The open group of a row."""
    failures = [_failure(each) for each in evidence.get("failed_nodes") or ()]
    return FailureGroup(
        component=row["source_key"],
        started_at=row["started_at"],
        observed_at=row["observed_at"],
        failures={each.unique_id: each for each in failures},
    )


def title(failures: Iterable[Failure], project: str) -> str:
    """The first failure in words, and how many there are beside it."""
    first, *others = failures
    kind, name = first.unique_id.partition(".")[0], name_of(first.unique_id)
    words = _OF_SOURCES if kind == "source" else _OF_TESTS if kind in ("test", "unit_test") else _WORDS
    text = f"dbt {project}: {kind} {shortened(one_line(name), 120)} {words.get(first.status, 'failed')}"
    if not others:
        return text
    return f"{text}, and {len(others)} more {'node' if len(others) == 1 else 'nodes'} with it"


def _entry(failure: Failure, place: int) -> dict[str, Any]:
    return dict(_cells(failure, place))


def _cells(failure: Failure, place: int) -> Iterator[tuple[str, Any]]:
    yield "unique_id", failure.unique_id
    yield "name", name_of(failure.unique_id)
    yield "since", timestamp(failure.since)
    yield "seen_at", timestamp(failure.seen_at)
    yield "status", failure.status
    yield "rule_id", failure.rule_id
    yield "severity", failure.severity_level
    more: dict[str, Any] = {"failed": failure.failed, "examined": failure.examined, "owner": failure.owner}
    if place < _DETAILED and failure.message:
        more["message"] = shortened(failure.message, _MESSAGE_CHARACTERS)
    if place < _QUERIES and failure.query and len(failure.query.strip()) <= _QUERY_CHARACTERS:
        more["query"] = failure.query.strip()
    yield from ((name, value) for name, value in more.items() if value is not None)


def _failure(entry: Mapping[str, Any]) -> Failure:
    return Failure(
        unique_id=entry["unique_id"],
        since=_time(entry["since"]),
        seen_at=_time(entry["seen_at"]),
        status=entry["status"],
        rule_id=entry["rule_id"],
        severity_level=entry["severity"],
        message=entry.get("message"),
        query=entry.get("query"),
        failed=entry.get("failed"),
        examined=entry.get("examined"),
        owner=entry.get("owner"),
    )


def _time(text: str) -> datetime:
    return parse_time(text)
