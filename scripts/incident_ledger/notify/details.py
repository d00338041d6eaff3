"""What the ledger knows of an incident beyond the playbook's fields, each in words. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from incident_ledger.encoding import clean, one_line
from incident_ledger.ledger.events import Event, EventType
from incident_ledger.ledger.state import IncidentState
from incident_ledger.notify.flapping import Flapping
from incident_ledger.notify.formatting import COMMAND, QUERY, field, minutes, utc
from incident_ledger.policy import Policy
from incident_ledger.quality.rates import percent_text

_BEGINNINGS = (EventType.DETECTED, EventType.REOPENED, EventType.SEVERITY_CHANGED)
_SHOWN_BREACHES = 5
_SHOWN_ERRORS = 3
_QUERY_CHARACTERS = 4_000  # a longer one fills a screen; it stands in the ledger


def known(
    event: Event, state: IncidentState, policy: Policy, effective: Sequence[Event], flapping: Flapping | None
) -> tuple[tuple[str, str], ...]:
    """Labels and texts, of what is known alone. `effective` are the incident's events as the reducer orders them."""
    lines = [
        ("Flapping", _flapped(event, state, flapping)),
        ("Description", state.description),
        *findings(state.evidence),
        ("Read by", ", ".join(map(one_line, _strings(state.evidence.get("read_by"))))),
        ("Owner", owner_text(_string(state.evidence.get("owner")), policy)),
        _latest(effective, EventType.STATUS_CHANGED, "Last status", event),
        _latest(effective, EventType.NOTE, "Last note", event),
        _latest(effective, EventType.ROOT_CAUSE_IDENTIFIED, "Cause", event),
        _latest(effective, EventType.ACTION_TAKEN, "Last action", event),
    ]
    return tuple((label, field(text)) for label, text in lines if text and text.strip())


def first_steps(event: Event, state: IncidentState, policy: Policy) -> tuple[tuple[str, str], ...]:
    """Labels and texts: of a P0 whom to call, and of a beginning what to do first by the rule that found it.

    An escalation of a P0 says whom to call as well: nobody may have seen its beginning.
    """
    if event.event_type not in (*_BEGINNINGS, EventType.ESCALATED) or not state.is_open:
        return ()
    role = policy.severity(state.severity_level).incident_commander_role
    lines: list[tuple[str, str | None]] = [
        ("Call directly", f"{contact.role}, {contact.phone}")
        for contact in policy.contacts.values()
        if contact.role == role and contact.phone
    ]
    if event.event_type is EventType.ESCALATED:
        return tuple((label, field(text)) for label, text in lines if text)
    is_check = (state.component or "").startswith("check:")  # which could not run
    detector, rule_id = ("monitoring", None) if is_check else (state.source, state.rule_id)
    for step in policy.runbook(detector, state.detection_time, rule_id):
        lines += [(f"Step {step.position}", step.step), (COMMAND, step.command)]
    return tuple((label, field(text)) for label, text in lines if text)


def owner_text(owner: str | None, policy: Policy) -> str | None:
    """Whom to ask: a contact of the policy with his address, or the suite's own word."""
    contact = policy.contacts.get(owner or "")
    return f"{contact.role} <{contact.email_primary}>" if contact else owner


def _flapped(event: Event, state: IncidentState, flapping: Flapping | None) -> str | None:
    if flapping is None:
        return None
    times = "once" if flapping.times == 1 else f"{flapping.times} times"
    days = flapping.since.astimezone(UTC).date() == flapping.until.astimezone(UTC).date()
    until = f"{flapping.until.astimezone(UTC):%H:%M} UTC" if days else utc(flapping.until)
    text = f"resolved and reopened {times} from {utc(flapping.since)} to {until}, without a message of each."
    if event.event_type is not EventType.REOPENED:
        return text
    if state.is_open:
        return f"{text} It is open now."
    after = minutes(flapping.calm_after)
    return f"{text} It is resolved now; a message of its end follows when that has lasted for {after}."


def findings(evidence: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    """The broken rules with their counts, the worst first, each with the query that shows the records."""
    breaches = [each for each in evidence.get("breaches") or () if isinstance(each, Mapping)]
    lines: list[tuple[str, str | None]] = []
    for each in breaches[:_SHOWN_BREACHES]:
        lines += [("Found", _breach(each)), (QUERY, _query(each.get("query")))]
    if len(breaches) > _SHOWN_BREACHES:
        lines.append(("Found", f"{len(breaches) - _SHOWN_BREACHES} more broken rules"))
    errors = [_string(each) for each in evidence.get("errors") or ()]
    lines += [("Could not be checked", each) for each in errors[:_SHOWN_ERRORS]]
    lines += failed_nodes(evidence)
    lines += failed_probes(evidence)
    lines.append((QUERY, _query(evidence.get("query"))))
    suite, day = _string(evidence.get("suite")), _string(evidence.get("day"))
    if suite and (breaches or errors):
        lines.append(("Checked by", f"suite {suite}{f', data of {day}' if day else ''}"))
    return lines


def failed_nodes(evidence: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    """Of a dbt project what failed, the cause first, each with the query that shows what a test found."""
    nodes = [each for each in evidence.get("failed_nodes") or () if isinstance(each, Mapping)]
    lines: list[tuple[str, str | None]] = []
    for each in nodes[:_SHOWN_BREACHES]:
        kind = str(each.get("unique_id")).partition(".")[0]
        name = one_line(str(each.get("name") or each.get("unique_id")))
        message = _string(each.get("message"))
        rate = _rate(each.get("failed"), each.get("examined"))
        text = f"{kind} {name}: {each.get('status')} ({each.get('severity')})"
        lines.append(("Failed", ": ".join(part for part in (text, rate, message and one_line(message)) if part)))
        lines.append((QUERY, _query(each.get("query"))))
    if len(nodes) > _SHOWN_BREACHES:
        lines.append(("Failed", f"{len(nodes) - _SHOWN_BREACHES} more nodes"))
    return lines


def failed_probes(evidence: Mapping[str, Any]) -> list[tuple[str, str | None]]:
    """How many probes failed and in which ways, and the newest failures."""
    probes, failed, kinds = evidence.get("probes"), evidence.get("failed"), evidence.get("failure_kinds")
    if not isinstance(probes, int) or not isinstance(failed, int) or not isinstance(kinds, Mapping):
        return []
    ways = ", ".join(f"{one_line(str(kind)).replace('_', ' ')} {number}" for kind, number in kinds.items())
    lines: list[tuple[str, str | None]] = [
        ("Found", f"{failed:,} of {probes:,} probes failed: {ways}" if ways else None)
    ]
    for each in [each for each in evidence.get("samples") or () if isinstance(each, Mapping)][-_SHOWN_ERRORS:]:
        words = (each.get("at"), each.get("target"), each.get("failure_kind"), each.get("detail"))
        lines.append(("Probe", ": ".join(one_line(word) for word in words if isinstance(word, str) and word)))
    return lines


def _rate(failed: Any, examined: Any) -> str | None:
    if not isinstance(failed, int) or not isinstance(examined, int) or not examined:
        return None
    return f"{failed:,} of {examined:,} records ({percent_text(Fraction(100 * failed, examined))})"


def _breach(breach: Mapping[str, Any]) -> str:
    rule = one_line(str(breach.get("rule_id") or "a rule"))
    failed, examined = breach.get("failed"), breach.get("examined")
    severity = f" ({breach['severity']})" if breach.get("severity") else ""
    meaning = _string(breach.get("rule"))
    about = f": {one_line(meaning)}" if meaning else ""
    rate = _rate(failed, examined)
    return f"{rate} break {rule}{severity}{about}" if rate else f"{rule} is not met{severity}{about}"


def _query(query: Any) -> str | None:
    """The query that shows the records: whole, to be copied as it is, or not at all."""
    text = clean(query).strip() if isinstance(query, str) else ""
    return text if len(text) <= _QUERY_CHARACTERS else None


def _latest(effective: Sequence[Event], event_type: EventType, label: str, event: Event) -> tuple[str, str | None]:
    """The newest text of a type of event: when, by whom, what. What the message is about stands there already."""
    texts = [each for each in effective if each.event_type is event_type and _string(each.payload.get("text"))]
    if not texts or texts[-1].event_id == event.event_id:
        return label, None
    last = texts[-1]
    status = last.payload.get("status") if event_type is EventType.STATUS_CHANGED else last.payload.get("category")
    word = f"{status}: " if isinstance(status, str) and status else ""
    return label, f"{word}{last.payload['text']} ({_when(last.occurred_at)}, {one_line(last.actor)})"


def _when(time: datetime) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _strings(value: Any) -> list[str]:
    return [text for item in value if (text := _string(item))] if isinstance(value, list | tuple) else []


def _string(value: Any) -> str | None:
    return value if isinstance(value, str) and value.strip() else None
