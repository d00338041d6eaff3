"""A dbt project as a pipeline of the playbook: how much a run built, and when no run at all is a failure. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from incident_ledger.dbt_results.node_results import ArtifactResult
from incident_ledger.encoding import timestamp
from incident_ledger.policy import COMPLETE_FAILURE, Policy

SOURCE = "pipeline"
DATA = ("model", "seed", "snapshot")
_BUILT = ("success", "no-op")


@dataclass(frozen=True, kw_only=True)
class Invocation:
    """What one invocation built of models, seeds and snapshots, what it did not, and when it was done."""

    invocation_id: str
    done_at: datetime
    built: int
    not_built: int

    def not_built_percent(self, nodes: int | None) -> Fraction:
        """What failed or was skipped, of the `nodes` of the project; of what it was to build where that is None."""
        return Fraction(100 * self.not_built, max(self.built + self.not_built, nodes or 0))


def invocations(results: Iterable[ArtifactResult]) -> list[Invocation]:
    """Those that were to build something, the oldest first."""
    nodes: dict[str, list[ArtifactResult]] = defaultdict(list)
    for each in results:
        if each.resource_type in DATA:
            nodes[each.invocation_id].append(each)
    found = [
        Invocation(
            invocation_id=name,
            done_at=max(each.completed_at for each in of_it),
            built=sum(each.status in _BUILT for each in of_it),
            not_built=sum(each.status not in _BUILT for each in of_it),
        )
        for name, of_it in nodes.items()
    ]
    return sorted(found, key=lambda each: (each.done_at, each.invocation_id))


def absence(pipeline: str, found: Sequence[Invocation], policy: Policy) -> dict[str, Any] | None:
    """The row of `signals` that becomes true unless the pipeline runs again as it is scheduled.

    It begins as long after the next scheduled start as the policy allows. None where nothing was built, so that the row
    of the last run that built something stays, and where the pipeline has no schedule.
    """
    last = next((each for each in reversed(found) if each.built), None)
    due = policy.next_scheduled(pipeline, last.done_at) if last else None
    if last is None or due is None:
        return None
    rule = policy.classification_rule(COMPLETE_FAILURE, last.done_at)
    allowed = timedelta(minutes=float(rule.lower_value or 0))
    return {
        "source": SOURCE,
        "source_key": f"pipeline:{pipeline}",
        "rule_id": rule.rule_id,
        "component": f"pipeline:{pipeline}",
        "severity_level": rule.severity_level,
        "title": f"{pipeline}: no run has built anything since {_text(last.done_at)}; one was due at {_text(due)}",
        # The playbook says "over": a microsecond is.
        "started_at": due + allowed + timedelta(microseconds=0 if rule.is_lower_inclusive else 1),
        "ended_at": None,
        "observed_at": last.done_at,
        "value": None,
        "threshold": f"{allowed.total_seconds() / 60:g} minutes after its schedule",
        "owner": None,
        "evidence": {"pipeline": pipeline, "last_built_at": timestamp(last.done_at), "due_at": timestamp(due)},
    }


def _text(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M} UTC"
