"""What may be the cause of an incident: another of what it depends on by the policy, open at the same time. Pure."""

from collections.abc import Iterable
from datetime import datetime

from incident_ledger.encoding import one_line, shortened
from incident_ledger.ledger.state import IncidentState
from incident_ledger.notify.formatting import utc
from incident_ledger.policy import Policy
from incident_ledger.policy.dependencies import Dependencies

_SHOWN = 3
_TITLE_CHARACTERS = 200


def possible_causes(incidents: Iterable[IncidentState], policy: Policy, now: datetime) -> list[IncidentState]:
    """Those of which something depends at all: the `others` of many messages, chosen once."""
    dependencies = policy.dependencies(now)
    return [each for each in incidents if dependencies.are_depended_on(each.components)]


def likely_causes(
    incident: IncidentState, others: Iterable[IncidentState], policy: Policy, now: datetime
) -> tuple[str, ...]:
    """Each with its id, severity, title and times, the oldest first; nothing where a person named the cause.

    A vendor's page is often later than the trouble: what overlaps counts, whichever began first.
    """
    if incident.root_cause_category:
        return ()
    dependencies = policy.dependencies(incident.detection_time)
    found = sorted(
        (each for each in others if _may_explain(each, incident, dependencies, now)),
        key=lambda each: (each.detection_time, each.incident_id),
    )
    return tuple(_text(each) for each in found[:_SHOWN])


def _may_explain(other: IncidentState, incident: IncidentState, dependencies: Dependencies, now: datetime) -> bool:
    if other.incident_id == incident.incident_id or other.is_retracted or other.merged_into is not None:
        return False
    if other.detection_time > (incident.resolution_time or now):
        return False
    if other.resolution_time is not None and other.resolution_time < incident.detection_time:
        return False
    return dependencies.explains(other.components, other.rule_id, incident.components)


def _text(cause: IncidentState) -> str:
    title = shortened(one_line(cause.title), _TITLE_CHARACTERS)
    until = f", over since {utc(cause.resolution_time)}" if cause.resolution_time else ""
    times = f"{cause.source}, detected {utc(cause.detection_time)}{until}"
    return f"{cause.incident_id}, {cause.severity_level}: {title} ({times})"
