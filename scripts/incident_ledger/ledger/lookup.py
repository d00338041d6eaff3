"""The one incident that a person means by a part of its id, and how long things took."""

from datetime import datetime, timedelta

from incident_ledger.encoding import screen_line
from incident_ledger.errors import UserError
from incident_ledger.ledger.state import IncidentState, read_state
from incident_ledger.warehouse import Warehouse

LATEST = "latest"  # in place of an id
_SHOWN = 10
_MINUTE = 60_000_000  # microseconds


def find_incident(warehouse: Warehouse, part: str) -> IncidentState:
    """The incident whose id begins so, with or without `INC-`, or whose eight digits at the end begin so.

    Raises `UserError` with the candidates when none or several do.
    """
    if not part.strip():
        raise UserError("Name an incident by its id or the beginning of it.")
    found = read_state(warehouse, id_part=part.strip())
    exact = [incident for incident in found if incident.incident_id.lower() == part.strip().lower()]
    if len(exact or found) == 1:
        return (exact or found)[0]
    if found:
        raise UserError(f"{part} may be {len(found)} incidents:\n{_listed(found)}\nGive more of the id.")
    some = read_state(warehouse, is_open=True)
    known = f"Open are:\n{_listed(some)}" if some else "None is open; incident-ledger incident list --all shows all."
    raise UserError(f"No incident's id begins with {part}. {known}")


def find_latest(warehouse: Warehouse) -> IncidentState:
    """The open incident that was detected last, else the last of all. Raises `UserError` where there is none."""
    found = read_state(warehouse, is_newest=True)
    if not found:
        raise UserError("There is no incident yet.")
    return found[0]


def minutes_of(incident: IncidentState, now: datetime) -> dict[str, float | None]:
    """Minutes as in `operational_metrics`, from microseconds; unknown is None. `age_minutes` only while open."""
    detected, age = incident.detection_time, incident.age(now)
    resolved = _minutes(detected, incident.resolution_time)
    if resolved is not None:
        resolved -= incident.reopened_gap_microseconds / _MINUTE
    return {
        "mttd_minutes": _minutes(incident.start_time, detected),
        "mtta_minutes": _minutes(detected, incident.our_acknowledged_time if incident.has_sla else None),
        "mttc_minutes": _minutes(detected, incident.contained_time),
        "mttr_minutes": resolved,
        "age_minutes": None if age is None else age / timedelta(minutes=1),
    }


def _minutes(start: datetime | None, end: datetime | None) -> float | None:
    if start is None or end is None:
        return None
    passed = end - start
    return ((passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds) / _MINUTE


def _listed(incidents: list[IncidentState]) -> str:
    newest = incidents[::-1][:_SHOWN]
    lines = [
        f"  {item.incident_id}  {item.severity_level} {item.status.value}  {screen_line(item.title)}" for item in newest
    ]
    if len(incidents) > _SHOWN:
        lines.append(f"  ... and {len(incidents) - _SHOWN} more")
    return "\n".join(lines)
