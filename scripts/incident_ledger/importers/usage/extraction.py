"""From responses to what is landed: records with their day and key, the days' completeness, and what was refused."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from incident_ledger.encoding import canonical, find_fault, path_text, written_json
from incident_ledger.importers import Reject, Rejects
from incident_ledger.importers.usage.field_checks import check_fields, parse_time, show
from incident_ledger.importers.usage.pages import Page, incomplete
from incident_ledger.importers.usage.parsing import ApiResponse
from incident_ledger.importers.usage.schemas import REPORTS, Report


@dataclass(frozen=True, kw_only=True)
class UsageRecord:
    """One record to land. `body` is the record as it came, with the fields of its response that it needs."""

    key: str
    day: date
    body: dict[str, Any]
    exported_at: datetime
    file: str
    line: int


@dataclass
class Batch:
    """What one load brings: each record once, and the pages after which there is more.

    Of `loose_days` a record stood alone, without a response around it that could show that.
    """

    records: dict[str, UsageRecord] = field(default_factory=dict)
    rejects: list[Reject] = field(default_factory=Rejects)
    incomplete_days: set[date] = field(default_factory=set)
    loose_days: set[date] = field(default_factory=set)
    notes: list[str] = field(default_factory=list)


def collect(report: Report, responses: Sequence[ApiResponse], exported_at: datetime) -> Batch:
    """Every record of the responses; a page that was given twice counts once, and the newer of two exports wins."""
    batch, pages = Batch(), []
    parts: dict[str, dict[Any, Any]] = {}  # the results of a bucket, by its key
    timed = [(_exported_at(response, exported_at), response) for response in responses]
    for exported, response in sorted(timed, key=lambda pair: pair[0]):
        found = _members(report, response)
        if isinstance(found, Reject):
            batch.rejects.append(found)
            continue
        days: set[date] = set()
        here: dict[str, dict[str, int]] = {}
        for index, member in enumerate(found):
            place = _Place(response, f"{report.container}[{index}]", exported, batch.rejects)
            record = _record(report, place, member)
            if record is not None:
                record = record if report.has_results else _numbered(record, here)
                days.add(record.day)
                batch.records[record.key] = record
                if report.has_results:
                    # Two responses for a bucket, filtered otherwise, are parts of it, and are united.
                    parts.setdefault(record.key, {}).update(_by_dimensions(report, record.body["results"]))
        pages.append(Page.of(response, days))
        if report.container not in response.body:
            batch.loose_days |= days
    for key, results in parts.items():
        record = batch.records[key]
        batch.records[key] = replace(record, body=record.body | {"results": list(results.values())})
    for page in incomplete(pages):
        batch.incomplete_days |= page.days
        batch.notes.append(page.note())
    return batch


def _exported_at(response: ApiResponse, otherwise: datetime) -> datetime:
    refreshed_at = response.body.get("data_refreshed_at")
    try:
        return otherwise if refreshed_at is None else parse_time(refreshed_at)
    except ValueError:
        return otherwise


def _members(report: Report, response: ApiResponse) -> list[Any] | Reject:
    """The records of a response; a record that stands alone, as in the rejects, is a response of one."""
    body = response.body
    members = body.get(report.container)
    if members is None and all(mark in body for mark in report.marks):
        return [body]
    if found := find_fault(_without(body, report.container)):
        steps, fault = found
        return _reject(response, f"cannot be kept: {path_text(steps)}: {fault.reason}", body)
    if (other := _other(report, body)) is not None:
        return _reject(response, f"is not a response of {report.name}; it looks like --source {other}", body)
    if not isinstance(members, list):
        error = f", but an error of the API: {show(body['error'])}" if body.get("error") else ""
        return _reject(response, f"has no list {report.container!r}{error}", body)
    return members


def _without(body: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: part for key, part in body.items() if key != name}


def _other(report: Report, body: dict[str, Any]) -> str | None:
    """The report that a response is of instead: by what its records hold, else by a list that no other has."""
    if report.has_own(body):
        return None
    lists = [other for other in REPORTS.values() if isinstance(body.get(other.container), list)]
    found = [other for other in lists if other.has_own(body)] or [each for each in lists if each.container != "data"]
    return found[0].name if found and found[0] is not report else None


@dataclass(frozen=True)
class _Place:
    """Where a record stands, and the list of what is refused there."""

    response: ApiResponse
    path: str
    exported_at: datetime
    rejects: list[Reject]

    def refuse(self, record: Any, path: str, problem: str = "") -> None:
        """`path` is below the record's own; empty for the record itself."""
        where = f"{self.path}.{path}".rstrip(".").replace(".[", "[")
        self.rejects.append(_reject(self.response, problem, record, where))

    def refuses(self, value: Any, path: str, record: Any) -> bool:
        """Whether a value holds what cannot be kept; then it is refused, with `record` as what came."""
        found = find_fault(value)
        if found:
            self.refuse(record, f"{path}.{path_text(found[0])}".strip("."), found[1].reason)
        return found is not None


def _record(report: Report, place: _Place, member: Any) -> UsageRecord | None:
    """The record, or None when it was refused. Of a bucket only the bad results are refused."""
    response = place.response
    is_bucket = report.has_results and isinstance(member, dict) and isinstance(member.get("results"), list)
    # Each result of a bucket is refused for itself.
    if place.refuses(_without(member, "results") if is_bucket else member, "", member):
        return None
    if not isinstance(member, dict):
        place.refuse(member, "", f"is {show(member)}, not an object")
        return None
    body = {name: response.body.get(name) for name in report.context} | member
    # Fields before the key, which reads some of them; a bucket's own are its times alone.
    if not report.has_results and (problem := _problem(report, body)) is not None:
        place.refuse(member, *problem)
        return None
    try:
        day, key = report.day(body), report.key(body)
    except ValueError as error:
        place.refuse(member, *str(error).split(" ", 1))
        return None
    if report.has_results:
        good = _good_results(report, place, member)
        if good is None:
            return None
        body["results"] = good
    digest = hashlib.sha256(canonical([report.name, *key]).encode()).hexdigest()[:32]
    return UsageRecord(
        key=digest, day=day, body=body, exported_at=place.exported_at, file=response.file, line=response.line
    )


def _problem(report: Report, record: dict[str, Any]) -> tuple[str, str] | None:
    if not report.is_own(record):
        return "", f"is not a record of {report.name}: it has none of {', '.join(report.measured_by)}"
    return check_fields(record, report.checks)


def _good_results(report: Report, place: _Place, bucket: dict[str, Any]) -> list[Any] | None:
    results = bucket.get("results")
    if not isinstance(results, list):
        place.refuse(bucket, "results", f"is {show(results)}, not a list")
        return None
    good = []
    for index, result in enumerate(results):
        where = f"results[{index}]"
        if place.refuses(result, where, bucket | {"results": [result]}):
            continue
        if not isinstance(result, dict):
            place.refuse(result, where, f"is {show(result)}, not an object")
        elif (problem := _problem(report, result)) is not None:
            # With its bucket, which has its day.
            place.refuse(bucket | {"results": [result]}, f"{where}.{problem[0]}".rstrip("."), problem[1])
        else:
            good.append(result)
    return good if good or not results else None


def _numbered(record: UsageRecord, here: dict[str, dict[str, int]]) -> UsageRecord:
    """The record with a key of its own, when its response has others of the same key and other content.

    Two people whose names are missing are two people; what a response has twice is one.
    """
    others = here.setdefault(record.key, {})
    number = others.setdefault(canonical(record.body), len(others))
    return record if number == 0 else replace(record, key=f"{record.key}-{number}")


def _by_dimensions(report: Report, results: Sequence[dict[str, Any]]) -> Iterator[tuple[tuple[str, int], Any]]:
    """Each result by its dimensions and, where a bucket has several of the same, by their order."""
    seen: Counter[str] = Counter()
    for result in results:
        dimensions = canonical({k: v for k, v in result.items() if k not in report.measures and v is not None})
        yield (dimensions, seen[dimensions]), result
        seen[dimensions] += 1


def _reject(response: ApiResponse, error: str, record: Any, path: str | None = None) -> Reject:
    return Reject(response.file, response.line, error, written_json(record), path)
