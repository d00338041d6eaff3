"""What fails in a dbt project, one group a cause, from what failed before and what a run found. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from incident_ledger.dbt_results.judging import GOOD, Judged, Verdict
from incident_ledger.dbt_results.node_lineage import Lineage
from incident_ledger.dbt_results.node_results import ArtifactResult


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A node that fails: since when, when that was last seen, and what dbt wrote about it."""

    unique_id: str
    since: datetime
    seen_at: datetime
    status: str
    rule_id: str
    severity_level: str
    message: str | None = None
    query: str | None = None
    failed: int | None = None
    examined: int | None = None
    owner: str | None = None


@dataclass(frozen=True, kw_only=True)
class FailureGroup:
    """What has one cause: `component` is where it was found first. None that fails any more is an end."""

    component: str
    started_at: datetime
    observed_at: datetime
    failures: Mapping[str, Failure] = field(default_factory=dict)
    last: Failure | None = None  # the one that ended it
    ended_at: datetime | None = None


def regroup(
    groups: Sequence[FailureGroup], judged: Iterable[Judged], lineage: Lineage, looked_at: datetime
) -> list[FailureGroup]:
    """The groups that changed, of the open ones and of new ones, each once.

    A node that failed before and is good now has recovered; so has one that the project has no more, by `looked_at`.
    What was skipped or not run was not looked at: it stays. A new failure joins the group of something upstream that
    fails too, the nearest, or begins one. A group ends when nothing of it fails any more.
    """
    work = _Work(groups, lineage)
    in_order = sorted(judged, key=lambda each: each.result.completed_at)
    for each in in_order:
        if each.result.unique_id in work.group_of:
            work.look_again(each.result, each.verdict)
    work.drop_removed(looked_at)
    last = {each.result.unique_id: each for each in in_order if each.result.status != "skipped"}
    new = [(each.result, each.verdict) for each in last.values() if each.verdict]
    # The causes first: what is upstream of something has less upstream of itself.
    for result, verdict in sorted(new, key=lambda one: (len(lineage.upstream(one[0].unique_id)), one[0].unique_id)):
        if work.is_new(result.unique_id):
            work.add(result, verdict)
    return work.changed()


class _Work:
    def __init__(self, groups: Sequence[FailureGroup], lineage: Lineage) -> None:
        self._groups = {group.component: group for group in groups}
        self._lineage = lineage
        self._changed: set[str] = set()
        self.group_of = {unique_id: group.component for group in groups for unique_id in group.failures}
        self._recovered: set[str] = set()

    def is_new(self, unique_id: str) -> bool:
        return unique_id not in self.group_of or unique_id in self._recovered

    def look_again(self, result: ArtifactResult, verdict: Verdict | None) -> None:
        group = self._groups[self.group_of[result.unique_id]]
        before = group.failures.get(result.unique_id)
        if before is None or result.completed_at < before.seen_at:
            return  # something newer is known
        if verdict and result.completed_at == before.seen_at:
            return  # the same once more
        if verdict:
            failure = replace(self._failure(result, verdict), since=before.since)
            self._put(replace(group, failures={**group.failures, result.unique_id: failure}), result.completed_at)
        elif result.status in GOOD:
            self._take(group, before, result.completed_at)

    def drop_removed(self, looked_at: datetime) -> None:
        for unique_id, component in list(self.group_of.items()):
            group = self._groups[component]
            failure = group.failures.get(unique_id)
            if failure and failure.seen_at < looked_at and not self._lineage.has(unique_id):
                self._take(group, failure, looked_at)

    def add(self, result: ArtifactResult, verdict: Verdict) -> None:
        failure, at = self._failure(result, verdict), result.completed_at
        component = self._cause(result.unique_id) or self._lineage.component(result.unique_id)
        group = self._groups.get(component) or FailureGroup(component=component, started_at=at, observed_at=at)
        if not group.failures:
            group = replace(group, started_at=at, ended_at=None, last=None)
        started_at = min(group.started_at, at)
        self._put(replace(group, started_at=started_at, failures={**group.failures, result.unique_id: failure}), at)
        self.group_of[result.unique_id] = component
        self._recovered.discard(result.unique_id)

    def changed(self) -> list[FailureGroup]:
        return [self._groups[component] for component in sorted(self._changed)]

    def _cause(self, unique_id: str) -> str | None:
        """The group of what fails upstream: the nearest, which has most upstream of itself."""
        upstream = self._lineage.upstream(unique_id)
        failing = [
            (len(self._lineage.upstream(other)), other, group.component)
            for group in self._groups.values()
            for other in group.failures
            if other != unique_id and self._lineage.place(other) in upstream
        ]
        return max(failing)[2] if failing else None

    def _take(self, group: FailureGroup, failure: Failure, at: datetime) -> None:
        left = {name: each for name, each in group.failures.items() if name != failure.unique_id}
        self._recovered.add(failure.unique_id)
        self._put(replace(group, failures=left, last=failure, ended_at=None if left else at), at)

    def _put(self, group: FailureGroup, at: datetime) -> None:
        self._groups[group.component] = replace(group, observed_at=max(group.observed_at, at))
        self._changed.add(group.component)

    def _failure(self, result: ArtifactResult, verdict: Verdict) -> Failure:
        return Failure(
            unique_id=result.unique_id,
            since=result.completed_at,
            seen_at=result.completed_at,
            status=result.status,
            rule_id=verdict.rule_id,
            severity_level=verdict.severity_level,
            message=result.message,
            query=result.query,
            failed=verdict.failed,
            examined=verdict.examined,
            owner=self._lineage.owner(result.unique_id),
        )
