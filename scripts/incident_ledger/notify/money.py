"""Money at stake, where nobody has assessed it: an estimate by the policy's rates, with its formula. Pure."""

from datetime import datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

from incident_ledger.ledger.state import IncidentState
from incident_ledger.notify.formatting import minutes
from incident_ledger.policy import Policy

_HOUR = 3_600_000_000  # microseconds
_CENT = Decimal("0.01")


def money_estimate(incident: IncidentState, policy: Policy, now: datetime) -> str | None:
    """What it costs by the rate of its severity and component at detection, marked as an estimate with its formula.

    Hours are those for which it was open since its detection, as `age_minutes` and MTTR count them. None where people
    assessed the money, no rate is given, or its times cannot be.
    """
    rate = policy.money_rate(incident.severity_level, incident.component, incident.detection_time)
    span = _open_for(incident, now)
    if incident.financial_impact or rate is None or span is None or span < timedelta():
        return None
    amount = Decimal(span // timedelta(microseconds=1)) * rate.amount_per_hour / _HOUR
    shown = f"{amount.quantize(_CENT, rounding=ROUND_HALF_EVEN):,f} {rate.currency}"
    so_far = " so far" if incident.is_open else ""
    per_hour = f"{rate.amount_per_hour.normalize():,f} {rate.currency} per hour of {rate.severity_level}"
    return f"estimate: {shown}{so_far} ({minutes(span)} x {per_hour})"


def _open_for(incident: IncidentState, now: datetime) -> timedelta | None:
    if incident.resolution_time is None:
        return incident.age(now)
    gaps = timedelta(microseconds=incident.reopened_gap_microseconds)
    return incident.resolution_time - incident.detection_time - gaps
